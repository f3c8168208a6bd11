/* store/part: what is uploaded is seen whole or not at all (SEC-38, FTP-64). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "store/tree.h"
#include "support/alloc_fail.h"
#include "support/part_kit.h"

static void sec_38_readers_see_the_old_file_until_the_commit(void **state)
{
    (void)state;
    tempdir_write(&part_kit.top, "file", "old");
    int reader = openat(part_kit.top.fd, "file", O_RDONLY | O_CLOEXEC);
    struct part part = part_kit_begin_new("/file");
    assert_int_equal(part.offset_bytes, 0);
    part_kit_put(&part, "new content");
    tempdir_assert_text(&part_kit.top, "file", "old");
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "file", "new content");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);

    char text[16];
    assert_int_equal(read(reader, text, sizeof(text)), 3);
    assert_memory_equal(text, "old", 3);
    close(reader);
}

static void sec_38_new_name_appears_with_the_commit(void **state)
{
    static const enum part_sync syncs[] = {PART_SYNC_NONE, PART_SYNC_DATA, PART_SYNC_NAME};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(syncs); i++) {
        struct part part = part_kit_begin_new("/file");
        part_kit_put(&part, "text");
        assert_false(tempdir_has(&part_kit.top, "file"));
        assert_int_equal(part_commit(&part, syncs[i], NULL), FERRY_OK);
        part_fini(&part);
        tempdir_assert_text(&part_kit.top, "file", "text");
        assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
        assert_int_equal(unlinkat(part_kit.top.fd, "file", 0), 0);
    }
}

static void empty_file_is_a_file(void **state)
{
    (void)state;
    struct part part = part_kit_begin_new("/file");
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "file", "");
}

static void abandoned_part_leaves_nothing(void **state)
{
    (void)state;
    tempdir_write(&part_kit.top, "file", "old");
    struct part part = part_kit_begin_new("/file");
    part_kit_put(&part, "new");
    part_abandon(&part);
    part_fini(&part);
    {
        CLEANUP(part_fini) struct part forgotten = part_kit_begin_new("/file");
        part_kit_put(&forgotten, "new");
    }
    struct part never_begun = PART_NONE;
    part_fini(&never_begun);
    tempdir_assert_text(&part_kit.top, "file", "old");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void sec_37_modes(void **state)
{
    static const struct {
        mode_t before, after; /* before 0: the file is new */
    } cases[] = {{0, 0640}, {0600, 0600}, {0755, 0755}, {04755, 0755}, {0666, 0666}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].before != 0) {
            tempdir_write(&part_kit.top, "file", "old");
            assert_int_equal(fchmodat(part_kit.top.fd, "file", cases[i].before, 0), 0);
        }
        struct part part = part_kit_begin_new("/file");
        struct stat status;
        assert_int_equal(fstat(part.fd, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        part_kit_commit(&part);
        assert_int_equal(fstatat(part_kit.top.fd, "file", &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, cases[i].after);
        assert_int_equal(unlinkat(part_kit.top.fd, "file", 0), 0);
    }
}

static void name_of_255_bytes_can_be_uploaded(void **state)
{
    (void)state;
    char path[1 + NAME_MAX + 1] = "/";
    memset(path + 1, 'n', NAME_MAX);
    struct part part = part_kit_begin_new(path);
    part_kit_put(&part, "text");
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, path + 1, "text");
}

static void two_who_append_do_not_undo_each_other(void **state)
{
    (void)state;
    tempdir_write(&part_kit.top, "log", "0");
    struct part_want append = {.start = PART_APPEND};
    struct part one = part_kit_begin("/log", &append), two = part_kit_begin("/log", &append);
    part_kit_put(&one, "1");
    part_kit_put(&two, "2");
    part_kit_commit(&one);
    struct fault fault = {0};
    assert_int_equal(part_commit(&two, PART_SYNC_NONE, &fault), FERRY_E_STATE);
    assert_string_equal(fault.what, "finish log: the file changed meanwhile");
    part_abandon(&two);
    tempdir_assert_text(&part_kit.top, "log", "01");

    one = part_kit_begin("/new", &append);
    two = part_kit_begin("/new", &append);
    part_kit_put(&one, "1");
    part_kit_commit(&one);
    assert_int_equal(part_commit(&two, PART_SYNC_NONE, NULL), FERRY_E_EXISTS);
    part_abandon(&two);
    tempdir_assert_text(&part_kit.top, "new", "1");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 2);
}

static void of_two_new_ones_the_last_commit_wins(void **state)
{
    (void)state;
    struct part one = part_kit_begin_new("/file"), two = part_kit_begin_new("/file");
    part_kit_put(&one, "one");
    part_kit_put(&two, "two");
    part_kit_commit(&two);
    tempdir_assert_text(&part_kit.top, "file", "two");
    part_kit_commit(&one);
    tempdir_assert_text(&part_kit.top, "file", "one");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void ftp_66_no_replace(void **state)
{
    (void)state;
    struct part_want want = {.no_replace = true, .owner = part_kit_owner};
    struct part part;
    tempdir_write(&part_kit.top, "taken", "theirs");
    assert_int_equal(part_begin(&part_kit.root, BYTES_LIT("/taken"), &want, &part, NULL),
                     FERRY_E_EXISTS);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);

    part = part_kit_begin("/file", &want);
    part_kit_put(&part, "ours");
    tempdir_write(&part_kit.top, "file", "theirs");
    assert_int_equal(part_commit(&part, PART_SYNC_NAME, NULL), FERRY_E_EXISTS);
    tempdir_assert_text(&part_kit.top, "file", "theirs");
    assert_int_equal(unlinkat(part_kit.top.fd, "file", 0), 0);
    part_kit_commit(&part); /* a commit that failed may be tried again */
    tempdir_assert_text(&part_kit.top, "file", "ours");
}

static void target_that_became_a_directory_is_not_replaced(void **state)
{
    (void)state;
    struct part part = part_kit_begin_new("/file");
    tempdir_mkdir(&part_kit.top, "file");
    assert_int_equal(part_commit(&part, PART_SYNC_NONE, NULL), FERRY_E_DENIED);
    part_abandon(&part);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void part_moves_with_its_directory(void **state)
{
    (void)state;
    tempdir_mkdir(&part_kit.top, "here");
    struct part part = part_kit_begin_new("/here/file");
    part_kit_put(&part, "text");
    assert_int_equal(renameat(part_kit.top.fd, "here", part_kit.top.fd, "there"), 0);
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "there/file", "text");
}

static void sec_31_link_is_written_through_only_beneath_the_root(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error expected;
        const char *written; /* the file that then has the text */
    } cases[] = {
        {"/d/in", FERRY_OK, "d/file"},
        {"/d/dangling", FERRY_OK, "d/nothing"},
        {"/d/up", FERRY_OK, "other"},
        {"/d/out", FERRY_E_DENIED, NULL},
        {"/d/absolute", FERRY_E_DENIED, NULL},
        {"/d/loop", FERRY_E_DENIED, NULL},
        {"/none/file", FERRY_E_NOT_FOUND, NULL},
        {"/d", FERRY_E_DENIED, NULL},
    };
    (void)state;
    tempdir_mkdir(&part_kit.top, "d");
    tempdir_write(&part_kit.top, "d/file", "old");
    tempdir_symlink(&part_kit.top, "file", "d/in");
    tempdir_symlink(&part_kit.top, "nothing", "d/dangling");
    tempdir_symlink(&part_kit.top, "../other", "d/up");
    tempdir_symlink(&part_kit.top, "../../ferry-test-escaped", "d/out");
    tempdir_symlink(&part_kit.top, "/tmp/ferry-test-escaped", "d/absolute");
    tempdir_symlink(&part_kit.top, "loop", "d/loop");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes path = bytes_str(cases[i].path);
        struct part part;
        struct part_want want = {0};
        assert_int_equal(part_begin(&part_kit.root, path, &want, &part, NULL), cases[i].expected);
        if (cases[i].expected != FERRY_OK)
            continue;
        part_kit_put(&part, "new");
        part_kit_commit(&part);
        tempdir_assert_text(&part_kit.top, cases[i].written, "new");
        struct root denying = part_kit.root;
        denying.links = ROOT_LINKS_DENY;
        assert_int_equal(part_begin(&denying, path, &want, &part, NULL), FERRY_E_DENIED);
    }
    struct stat status;
    assert_int_equal(fstatat(part_kit.top.fd, "d/in", &status, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(access("/tmp/ferry-test-escaped", F_OK), -1);
}

static void mtime_of_the_part_is_that_of_the_file(void **state)
{
    (void)state;
    struct part part = part_kit_begin_new("/file");
    part_kit_put(&part, "text");
    assert_int_equal(part_set_mtime(&part, (struct timespec){1234567890, 987654321}, NULL),
                     FERRY_OK);
    part_kit_commit(&part);
    struct stat status;
    assert_int_equal(fstatat(part_kit.top.fd, "file", &status, 0), 0);
    assert_int_equal(status.st_mtim.tv_sec, 1234567890);
    assert_int_equal(status.st_mtim.tv_nsec, 987654321);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, part_kit_open, part_kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sec_38_readers_see_the_old_file_until_the_commit),
        CASE(sec_38_new_name_appears_with_the_commit),
        CASE(empty_file_is_a_file),
        CASE(abandoned_part_leaves_nothing),
        CASE(sec_37_modes),
        CASE(name_of_255_bytes_can_be_uploaded),
        CASE(two_who_append_do_not_undo_each_other),
        CASE(of_two_new_ones_the_last_commit_wins),
        CASE(ftp_66_no_replace),
        CASE(target_that_became_a_directory_is_not_replaced),
        CASE(part_moves_with_its_directory),
        CASE(sec_31_link_is_written_through_only_beneath_the_root),
        CASE(mtime_of_the_part_is_that_of_the_file),
    };
    return cmocka_run_group_tests_name("store/part", tests, NULL, NULL);
}
