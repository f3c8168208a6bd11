/* store/home within a quota (SEC-39): each deed counts what it makes and what it removes, several
 * uploads at once never keep more than there is, and a file made of others counts as one. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/home.h"
#include "store/home_combine.h"
#include "support/tempdir.h"

enum { LIMIT = 100 };

static struct tempdir top;
static struct quota *quota;
static struct home homes[2]; /* two sessions of the account */
static struct fault told;

static void open_homes(bool in_place, uint64_t files_max)
{
    quota = quota_new();
    quota_set(quota, LIMIT, files_max);
    for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
        const struct home_rules rules = {.quota = quota, .upload_in_place = in_place};
        struct root root;
        assert_int_equal(root_init(&root, top.path, ROOT_LINKS_BENEATH, 027, NULL), FERRY_OK);
        assert_int_equal(home_init(&homes[i], &root, BYTES_LIT("anna"), &rules), FERRY_OK);
        assert_int_equal(home_count(&homes[i], &told), FERRY_OK);
    }
}

static int setup(void **state)
{
    (void)state;
    told = (struct fault){0};
    tempdir_make(&top);
    tempdir_write(&top, "ten", "0123456789");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(homes); i++)
        home_fini(&homes[i]);
    quota_unref(quota);
    tempdir_remove(&top);
    return 0;
}

static struct home_upload begin(struct home *home, const char *path, enum home_start start)
{
    struct home_upload upload;
    assert_int_equal(home_open_part(home, bytes_str(path), start, 0, &upload, &told), FERRY_OK);
    bool done = !upload.copying;
    while (!done)
        assert_int_equal(home_copy(home, &done, &told), FERRY_OK);
    return upload;
}

/* As a worker that knows no better: it writes without asking. */
static void write_bytes(const struct home_upload *upload, size_t count)
{
    char text[2 * LIMIT] = {0};
    assert_int_equal(pwrite(upload->fd, text, count, (off_t)upload->offset_bytes), count);
}

static enum ferry_error upload(const char *path, enum home_start start, size_t count)
{
    struct home_upload made = begin(&homes[0], path, start);
    bool fits = home_reserve(&homes[0], made.part, made.offset_bytes + count);
    if (fits)
        write_bytes(&made, count);
    home_upload_fini(&made);
    if (fits)
        return home_commit(&homes[0], made.part, &told);
    home_abandon(&homes[0], made.part, false);
    return FERRY_E_SPACE;
}

static void sec_39_what_each_deed_counts(void **state)
{
    (void)state;
    open_homes(false, 0);
    assert_int_equal(quota_bytes_left(quota), 90);
    assert_int_equal(upload("/a", HOME_REPLACE, 40), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 50);
    assert_int_equal(upload("/a", HOME_REPLACE, 20), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 70);
    assert_int_equal(upload("/a", HOME_APPEND, 10), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 60);
    assert_int_equal(upload("/b", HOME_REPLACE, 61), FERRY_E_SPACE);
    assert_int_equal(quota_bytes_left(quota), 60);
    assert_int_equal(home_rename(&homes[0], BYTES_LIT("/a"), BYTES_LIT("/c"), &told), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 60);
    assert_int_equal(home_remove_file(&homes[1], BYTES_LIT("/c"), &told), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 90);
}

static void sec_39_names_count(void **state)
{
    (void)state;
    open_homes(false, 3);
    assert_int_equal(home_make_dir(&homes[0], BYTES_LIT("/dir"), &told), FERRY_OK);
    assert_int_equal(home_make_link(&homes[0], BYTES_LIT("/ten"), BYTES_LIT("/link"), &told),
                     FERRY_OK);
    assert_int_equal(home_make_dir(&homes[1], BYTES_LIT("/more"), &told), FERRY_E_SPACE);
    struct home_upload none;
    assert_int_equal(home_open_part(&homes[1], BYTES_LIT("/x"), HOME_REPLACE, 0, &none, &told),
                     FERRY_E_SPACE);
    assert_int_equal(home_remove_dir(&homes[1], BYTES_LIT("/dir"), &told), FERRY_OK);
    assert_int_equal(home_remove_file(&homes[1], BYTES_LIT("/link"), &told), FERRY_OK);
    assert_int_equal(home_make_dir(&homes[1], BYTES_LIT("/more"), &told), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 90);
}

/* Both began when there was room for either. */
static void sec_39_two_at_once_in_place(void **state)
{
    (void)state;
    open_homes(true, 0);
    struct home_upload first = begin(&homes[0], "/first", HOME_REPLACE);
    struct home_upload second = begin(&homes[1], "/second", HOME_REPLACE);
    write_bytes(&first, 60);
    write_bytes(&second, 60);
    home_upload_fini(&first);
    home_upload_fini(&second);
    assert_int_equal(home_commit(&homes[0], first.part, &told), FERRY_OK);
    home_abandon(&homes[1], second.part, true);
    assert_int_equal(quota_bytes_left(quota), 0);
    struct stat status;
    assert_int_equal(fstatat(top.fd, "first", &status, 0), 0);
    assert_int_equal(status.st_size, 60);
    assert_int_equal(fstatat(top.fd, "second", &status, 0), 0);
    assert_int_equal(status.st_size, 30); /* cut to what was left */
    assert_int_equal(home_remove_file(&homes[0], BYTES_LIT("/first"), &told), FERRY_OK);
    assert_int_equal(home_remove_file(&homes[0], BYTES_LIT("/second"), &told), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 90);
}

/* A session that ends in the middle, as when its worker was killed. */
static void sec_39_a_session_that_dies(void **state)
{
    (void)state;
    open_homes(true, 0);
    struct home_upload upload = begin(&homes[0], "/ten", HOME_APPEND);
    write_bytes(&upload, 150);
    home_upload_fini(&upload);
    home_drop_part(&homes[0]);
    struct stat status;
    assert_int_equal(fstatat(top.fd, "ten", &status, 0), 0);
    assert_int_equal(status.st_size, LIMIT);
    assert_int_equal(quota_bytes_left(quota), 0);
}

static enum ferry_error combine(const char *target, struct bytes sources, bool remove)
{
    const struct combine_want want = {
        .target = bytes_str(target), .sources = sources, .remove_sources = remove};
    struct home_combine *made = NULL;
    bool done = false;
    enum ferry_error error = home_combine_new(&homes[0], &want, &made, &told);
    while (error == FERRY_OK && !done)
        error = home_combine_step(made, &done, &told);
    home_combine_free(made);
    return error;
}

static void sec_39_files_made_of_others(void **state)
{
    (void)state;
    open_homes(false, 0);
    assert_int_equal(upload("/twenty", HOME_REPLACE, 20), FERRY_OK);
    assert_int_equal(combine("/all", BYTES_LIT("/ten\0/twenty\0"), false), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 40);
    assert_int_equal(combine("/too-much", BYTES_LIT("/all\0/twenty\0"), false), FERRY_E_SPACE);
    assert_int_equal(quota_bytes_left(quota), 40);
    assert_int_equal(combine("/all", BYTES_LIT("/ten\0/twenty\0"), true), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 70); /* the one is left */
    assert_int_equal(combine("/none", BYTES_LIT("/nothing\0"), false), FERRY_E_NOT_FOUND);
    assert_int_equal(combine("/.ssh", BYTES_LIT("/all\0"), false), FERRY_E_ARGUMENT);
    assert_int_equal(quota_bytes_left(quota), 70);
}

static void a_file_of_others_that_is_given_up(void **state)
{
    (void)state;
    open_homes(false, 0);
    const struct combine_want want = {.target = BYTES_LIT("/copy"), .sources = BYTES_LIT("/ten\0")};
    struct home_combine *made = NULL;
    bool done = false;
    assert_int_equal(home_combine_new(&homes[0], &want, &made, &told), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 80);
    assert_int_equal(home_combine_step(made, &done, &told), FERRY_OK);
    home_combine_free(made);
    assert_int_equal(quota_bytes_left(quota), 90);
    assert_int_equal(tempdir_count(&top, "."), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sec_39_what_each_deed_counts), TEST(sec_39_names_count),
        TEST(sec_39_two_at_once_in_place),  TEST(sec_39_a_session_that_dies),
        TEST(sec_39_files_made_of_others),  TEST(a_file_of_others_that_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
