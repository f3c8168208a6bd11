/* store/part, store/partfile: a cut upload is kept for its owner to go on with (FTP-92, SEC-38). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "store/tree.h"
#include "support/alloc_fail.h"
#include "support/part_kit.h"

static void cut_upload_is_kept_for_its_owner_and_seen_by_nobody(void **state)
{
    (void)state;
    struct part part = part_kit_begin_new("/file");
    part_kit_put(&part, "0123456789");
    assert_true(part_keep(&part));
    part_fini(&part);

    assert_false(tempdir_has(&part_kit.top, "file"));
    struct entry entry;
    assert_int_equal(tree_stat(&part_kit.root, BYTES_LIT("/file"), &entry, NULL),
                     FERRY_E_NOT_FOUND);
    assert_int_equal(part_kit_kept_size("/file", part_kit_owner), 9);
    assert_int_equal(part_kit_kept_size("/file", part_kit_stranger), -1);
    assert_int_equal(part_kit_kept_size("/file", bytes_str("")), -1);
    assert_int_equal(part_kit_kept_size("/other", part_kit_owner), -1);

    part = part_kit_begin(
        "/file",
        &(struct part_want){.start = PART_AT_OFFSET, .offset_bytes = 9, .owner = part_kit_owner});
    assert_int_equal(part_kit_kept_size("/file", part_kit_owner), -1); /* it is being written */
    assert_int_equal(part.offset_bytes, 9);
    part_kit_put(&part, "9abc");
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "file", "0123456789abc");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void part_is_kept_only_if_something_can_be_gone_on_with(void **state)
{
    char long_name[1 + NAME_MAX + 1] = "/";
    memset(long_name + 1, 'n', NAME_MAX);
    const struct {
        const char *path;
        struct bytes whose;
        const char *text;
        bool kept;
    } cases[] = {
        {"/file", part_kit_owner, "", false},
        {"/file", part_kit_owner, "1", false},
        {"/file", part_kit_owner, "12", true},
        {"/file", bytes_str(""), "12345", false},
        {long_name, part_kit_owner, "12345", false},
        {"/file", bytes_of(long_name, 200), "12345", true},
        {"/file", bytes_of(long_name, 250), "12345", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct part part =
            part_kit_begin(cases[i].path, &(struct part_want){.owner = cases[i].whose});
        part_kit_put(&part, cases[i].text);
        assert_int_equal(part_keep(&part), cases[i].kept);
        assert_int_equal(part_kit_kept_size(cases[i].path, cases[i].whose) > 0, cases[i].kept);
        part = part_kit_begin(cases[i].path, &(struct part_want){.owner = cases[i].whose});
        part_abandon(&part);
        /* A new one removes what was kept. */
        assert_int_equal(tempdir_count(&part_kit.top, "."), 0);
    }
}

static void kept_parts_of_different_owners_and_names_are_different(void **state)
{
    static const struct {
        const char *owner, *name;
    } pairs[] = {
        {"a", "b"},    {"a", "B"},   {"A", "b"},    {"a=b", "c"},  {"a", "b=c"},
        {"a%3D", "b"}, {"a.", "b"},  {"a", ".b"},   {"../x", "b"}, {"a/b", "c"},
        {"%", "b"},    {"%25", "b"}, {"a\nb", "c"}, {"\xff", "b"}, {"a ", "b"},
    };
    (void)state;
    char names[ARRAY_LEN(pairs)][PARTFILE_NAME_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_int_equal(partfile_kept_name(bytes_str(pairs[i].owner), pairs[i].name, names[i]),
                         FERRY_OK);
        assert_true(partfile_is(bytes_str(names[i])));
        assert_null(strchr(names[i], '/'));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
}

static void names_of_parts(void **state)
{
    static const struct {
        const char *name;
        bool is_part;
    } cases[] = {
        {".ferry-0123456789abcdef.part", true},
        {".ferry-x.part", true},
        {".ferry-.part", false},
        {".ferry-x", false},
        {"x.part", false},
        {"", false},
        {"ferry-x.part", false},
        {".ferry-x.part.", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(partfile_is(bytes_str(cases[i].name)), cases[i].is_part);
}

/* What a part begins with, for what there is. NULL: there is none. */
static void ftp_92_where_a_part_goes_on(void **state)
{
    static const struct {
        const char *target, *kept;
        enum part_start start;
        uint64_t offset;
        enum ferry_error expected;
        const char *begins_with;
    } cases[] = {
        {NULL, NULL, PART_AT_OFFSET, 0, FERRY_OK, ""},
        {NULL, NULL, PART_AT_OFFSET, 1, FERRY_E_STATE, NULL},
        {"target", NULL, PART_AT_OFFSET, 0, FERRY_OK, ""},
        {"target", NULL, PART_AT_OFFSET, 3, FERRY_OK, "tar"},
        {"target", NULL, PART_AT_OFFSET, 6, FERRY_OK, "target"},
        {"target", NULL, PART_AT_OFFSET, 7, FERRY_E_STATE, NULL},
        {"target", NULL, PART_AT_OFFSET, UINT64_MAX, FERRY_E_STATE, NULL},
        {NULL, "kept", PART_AT_OFFSET, 3, FERRY_OK, "kep"},
        {NULL, "kept", PART_AT_OFFSET, 4, FERRY_OK, "kept"},
        {NULL, "kept", PART_AT_OFFSET, 5, FERRY_E_STATE, NULL},
        {NULL, "kept", PART_NEW, 0, FERRY_OK, ""},
        {"target", "kept", PART_AT_OFFSET, 4, FERRY_OK, "kept"},
        {"target", "kept", PART_AT_OFFSET, 5, FERRY_OK, "targe"},
        {"target", "kept", PART_AT_OFFSET, 9, FERRY_E_STATE, NULL},
        {"target", "kept", PART_NEW, 5, FERRY_OK, ""},
        {NULL, NULL, PART_APPEND, 0, FERRY_OK, ""},
        {"", NULL, PART_APPEND, 0, FERRY_OK, ""},
        {"target", NULL, PART_APPEND, 0, FERRY_OK, "target"},
        {NULL, "kept", PART_APPEND, 0, FERRY_OK, "kept"},
        {"target", "kept", PART_APPEND, 0, FERRY_OK, "target"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].target)
            tempdir_write(&part_kit.top, "file", cases[i].target);
        if (cases[i].kept)
            part_kit_leave_kept("/file", cases[i].kept);
        size_t before = tempdir_count(&part_kit.top, ".");

        struct part part;
        struct part_want want = {
            .start = cases[i].start, .offset_bytes = cases[i].offset, .owner = part_kit_owner};
        enum ferry_error error = part_begin(&part_kit.root, BYTES_LIT("/file"), &want, &part, NULL);
        if (error != cases[i].expected)
            print_error("case %zu: %s\n", i, fault_kind_name(error));
        assert_int_equal(error, cases[i].expected);
        if (error == FERRY_OK) {
            if (cases[i].target)
                tempdir_assert_text(&part_kit.top, "file", cases[i].target);
            assert_int_equal(part.offset_bytes, strlen(cases[i].begins_with));
            char expected[32];
            snprintf(expected, sizeof(expected), "%s+more", cases[i].begins_with);
            part_kit_put(&part, "+more");
            part_kit_commit(&part);
            tempdir_assert_text(&part_kit.top, "file", expected);
        } else {
            assert_int_equal(part.fd, -1);
            assert_int_equal(tempdir_count(&part_kit.top, "."), before);
        }
        (void)unlinkat(part_kit.top.fd, "file", 0);
        part = part_kit_begin_new("/file");
        part_abandon(&part);
        assert_int_equal(tempdir_count(&part_kit.top, "."), 0);
    }
}

static struct timespec changed_at(const char *name)
{
    struct stat status;
    assert_int_equal(fstatat(part_kit.top.fd, name, &status, 0), 0);
    return status.st_ctim;
}

/* Whatever gave the name another content after the cut (APPE, a rename, another upload) is what
 * REST goes on with, be its time of modification set back or not. */
static void ftp_92_part_older_than_its_target_is_not_gone_on_with(void **state)
{
    (void)state;
    part_kit_leave_kept("/file", "quarrel");
    struct timespec kept = changed_at(".ferry-anna=file.part"), now = kept;
    while (now.tv_sec == kept.tv_sec && now.tv_nsec == kept.tv_nsec) {
        tempdir_write(&part_kit.top, "file", "target");
        struct timespec long_ago[2] = {{0}, {0}};
        assert_int_equal(utimensat(part_kit.top.fd, "file", long_ago, 0), 0);
        now = changed_at("file");
    }
    struct part part = part_kit_begin(
        "/file",
        &(struct part_want){.start = PART_AT_OFFSET, .offset_bytes = 6, .owner = part_kit_owner});
    part_kit_put(&part, "+more");
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "file", "target+more");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void part_that_was_continued_is_kept_again(void **state)
{
    (void)state;
    part_kit_leave_kept("/file", "0123456789");
    struct part part = part_kit_begin(
        "/file",
        &(struct part_want){.start = PART_AT_OFFSET, .offset_bytes = 5, .owner = part_kit_owner});
    part_kit_put(&part, "xyz");
    assert_true(part_keep(&part));
    assert_int_equal(part_kit_kept_size("/file", part_kit_owner), 7);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void part_kept_later_takes_the_place_of_an_earlier_one(void **state)
{
    (void)state;
    struct part slow = part_kit_begin_new("/file");
    part_kit_put(&slow, "slow!");
    part_kit_leave_kept("/file", "quick one");
    assert_true(part_keep(&slow));
    assert_int_equal(part_kit_kept_size("/file", part_kit_owner), 4);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void appended_part_is_not_kept(void **state)
{
    (void)state;
    tempdir_write(&part_kit.top, "file", "old");
    struct part part =
        part_kit_begin("/file", &(struct part_want){.start = PART_APPEND, .owner = part_kit_owner});
    part_kit_put(&part, "more");
    assert_false(part_keep(&part));
    tempdir_assert_text(&part_kit.top, "file", "old");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void part_being_written_cannot_be_taken_over(void **state)
{
    (void)state;
    struct part_want want = {.owner = part_kit_owner, .named_at_once = true};
    struct part first = part_kit_begin("/file", &want);
    part_kit_put(&first, "0123456789");
    assert_int_equal(part_kit_kept_size("/file", part_kit_owner), -1);

    struct part part;
    struct part_want resume = {.start = PART_AT_OFFSET, .offset_bytes = 5, .owner = part_kit_owner};
    assert_int_equal(part_begin(&part_kit.root, BYTES_LIT("/file"), &resume, &part, NULL),
                     FERRY_E_STATE);

    struct part second = part_kit_begin("/file", &want);
    part_kit_put(&second, "second");
    assert_false(part_keep(&second)); /* the first has the name */
    part_kit_commit(&first);
    tempdir_assert_text(&part_kit.top, "file", "0123456789");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void part_named_at_once_outlives_its_writer(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct part part;
        struct part_want want = {.owner = part_kit_owner, .named_at_once = true};
        bool ready =
            part_begin(&part_kit.root, BYTES_LIT("/file"), &want, &part, NULL) == FERRY_OK &&
            pwrite(part.fd, "01234", 5, 0) == 5;
        _exit(ready ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(part_kit_kept_size("/file", part_kit_owner), 5);
    struct part part = part_kit_begin("/file", &(struct part_want){.start = PART_AT_OFFSET,
                                                                   .offset_bytes = 5,
                                                                   .owner = part_kit_owner,
                                                                   .named_at_once = true});
    part_kit_put(&part, "56789");
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "file", "0123456789");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void copies_of_the_descriptor_do_not_keep_the_lock(void **state)
{
    (void)state;
    struct part part = part_kit_begin_new("/file");
    part_kit_put(&part, "0123456789");
    int copy = dup(part.fd);
    assert_true(part_keep(&part));
    assert_int_equal(part_kit_kept_size("/file", part_kit_owner), 9);
    close(copy);
}

static void foreign_things_by_the_name_of_a_part_are_not_used(void **state)
{
    (void)state;
    char name[PARTFILE_NAME_BYTES];
    assert_int_equal(partfile_kept_name(part_kit_owner, "file", name), FERRY_OK);
    tempdir_write(&part_kit.top, "victim", "0123456789");
    for (int kind = 0; kind < 4; kind++) {
        if (kind == 0)
            tempdir_symlink(&part_kit.top, "victim", name);
        else if (kind == 1)
            assert_int_equal(linkat(part_kit.top.fd, "victim", part_kit.top.fd, name, 0), 0);
        else if (kind == 2)
            assert_int_equal(mkfifoat(part_kit.top.fd, name, 0666), 0);
        else
            tempdir_mkdir(&part_kit.top, name);
        assert_int_equal(part_kit_kept_size("/file", part_kit_owner), -1);
        struct part part;
        struct part_want resume = {
            .start = PART_AT_OFFSET, .offset_bytes = 5, .owner = part_kit_owner};
        assert_int_equal(part_begin(&part_kit.root, BYTES_LIT("/file"), &resume, &part, NULL),
                         FERRY_E_STATE);
        part = part_kit_begin_new("/file");
        part_kit_put(&part, "text");
        assert_false(part_keep(&part));
        assert_int_equal(unlinkat(part_kit.top.fd, name, kind == 3 ? AT_REMOVEDIR : 0), 0);
    }
    tempdir_assert_text(&part_kit.top, "victim", "0123456789");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

enum { CLAIMS = 200 };

struct claimer {
    pthread_barrier_t *start;
    int won;
};

static void *claim(void *ctx)
{
    struct claimer *claimer = ctx;
    pthread_barrier_wait(claimer->start);
    char name[PARTFILE_NAME_BYTES];
    int fd = partfile_claim(part_kit.top.fd, ".ferry-anna=file.part", name);
    claimer->won = fd >= 0;
    pthread_barrier_wait(claimer->start);
    if (fd >= 0)
        unlinkat(part_kit.top.fd, name, 0);
    fd_close(&fd);
    return NULL;
}

static void only_one_takes_over_a_kept_part(void **state)
{
    (void)state;
    for (int i = 0; i < CLAIMS; i++) {
        part_kit_leave_kept("/file", "text");
        pthread_barrier_t start;
        pthread_barrier_init(&start, NULL, 2);
        struct claimer claimers[2] = {{.start = &start}, {.start = &start}};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, claim, &claimers[0]), 0);
        claim(&claimers[1]);
        pthread_join(thread, NULL);
        pthread_barrier_destroy(&start);
        assert_int_equal(claimers[0].won + claimers[1].won, 1);
        assert_int_equal(tempdir_count(&part_kit.top, "."), 0);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, part_kit_open, part_kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(cut_upload_is_kept_for_its_owner_and_seen_by_nobody),
        CASE(part_is_kept_only_if_something_can_be_gone_on_with),
        CASE(kept_parts_of_different_owners_and_names_are_different),
        CASE(names_of_parts),
        CASE(ftp_92_where_a_part_goes_on),
        CASE(part_that_was_continued_is_kept_again),
        CASE(ftp_92_part_older_than_its_target_is_not_gone_on_with),
        CASE(part_kept_later_takes_the_place_of_an_earlier_one),
        CASE(appended_part_is_not_kept),
        CASE(part_being_written_cannot_be_taken_over),
        CASE(part_named_at_once_outlives_its_writer),
        CASE(copies_of_the_descriptor_do_not_keep_the_lock),
        CASE(foreign_things_by_the_name_of_a_part_are_not_used),
        CASE(only_one_takes_over_a_kept_part),
    };
    return cmocka_run_group_tests_name("store/part_kept", tests, NULL, NULL);
}
