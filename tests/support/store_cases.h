/* What every kind of store must do, whatever lies between it and its files: the same cases for
 * each. cmocka. */
#ifndef FERRY_TESTS_STORE_CASES_H
#define FERRY_TESTS_STORE_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include "server/backend.h"
#include "support/net_kit.h"
#include "support/tempdir.h"

struct store_rig;

/* Sets `store` and `ops` to a store over `dir`, of the owner anna. */
typedef void store_open_fn(struct store_rig *rig, bool read_only);

/* Waits until what was released is gone. */
typedef void store_settle_fn(struct store_rig *rig);

struct store_rig {
    struct net_kit net;
    struct tempdir dir; /* "file" and "dir" with "a" and "b" in it */
    store_open_fn *open;
    store_settle_fn *settle; /* or NULL */
    struct backend_store *store;
    const struct store_ops *ops;
    /* What the last call answered. */
    unsigned answers;
    enum ferry_error kind;
    uint64_t number;
    int fd;
    uint32_t part;
    char path[256];
    enum listing_type type;
    char perms[16];
    size_t count;
};

/* Returns 0, for cmocka. */
int store_rig_setup(struct store_rig *rig, store_open_fn *open, store_settle_fn *settle);
int store_rig_teardown(void **state); /* `*state` is a struct store_rig */

/* Takers of answers, with the rig as ctx. */
store_fn store_rig_plain;
store_size_fn store_rig_size;
store_entry_fn store_rig_entry;
store_read_fn store_rig_read;
store_part_fn store_rig_part;
store_batch_fn store_rig_batch;

/* Waits for the one answer that is due, which never comes from inside the call. */
enum ferry_error store_rig_answer(struct store_rig *rig);

/* Writes to the part that was opened, where it begins. */
void store_rig_write(const struct store_rig *rig, const char *text);

void store_case_names(void **state);
void store_case_read_only_rights(void **state);
void store_case_parts(void **state);
void store_case_unique_names(void **state);
void store_case_listings(void **state);
void store_case_a_directory_of_hidden_things(void **state);
void store_case_ftp_180_181_directories_with_all_beneath(void **state);
void store_case_ftp_184_a_large_copy_is_given_up_in_the_middle(void **state);
void store_case_cancelled_calls_do_not_answer(void **state);
void store_case_waiting_calls_can_be_cancelled_too(void **state);
void store_case_released_in_the_middle(void **state);
void store_case_short_memory_is_an_answer(void **state);

#define STORE_TEST(name, setup, teardown) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* All of them, as members of an array of struct CMUnitTest. */
#define STORE_CASES(setup, teardown)                                                               \
    STORE_TEST(store_case_names, setup, teardown),                                                 \
        STORE_TEST(store_case_read_only_rights, setup, teardown),                                  \
        STORE_TEST(store_case_parts, setup, teardown),                                             \
        STORE_TEST(store_case_unique_names, setup, teardown),                                      \
        STORE_TEST(store_case_listings, setup, teardown),                                          \
        STORE_TEST(store_case_a_directory_of_hidden_things, setup, teardown),                      \
        STORE_TEST(store_case_ftp_180_181_directories_with_all_beneath, setup, teardown),          \
        STORE_TEST(store_case_ftp_184_a_large_copy_is_given_up_in_the_middle, setup, teardown),    \
        STORE_TEST(store_case_cancelled_calls_do_not_answer, setup, teardown),                     \
        STORE_TEST(store_case_waiting_calls_can_be_cancelled_too, setup, teardown),                \
        STORE_TEST(store_case_released_in_the_middle, setup, teardown),                            \
        STORE_TEST(store_case_short_memory_is_an_answer, setup, teardown)

#endif
