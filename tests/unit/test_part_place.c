/* store/part in place: what is uploaded is seen as it comes (FTP-64). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/part_kit.h"

static struct part begin(const char *path, enum part_start start, uint64_t offset_bytes)
{
    return part_kit_begin(path, &(struct part_want){.start = start,
                                                    .offset_bytes = offset_bytes,
                                                    .owner = part_kit_owner,
                                                    .in_place = true});
}

/* A program that reads along has the file open before and after. */
static void ftp_64_what_comes_is_seen_at_once(void **state)
{
    (void)state;
    tempdir_write(&part_kit.top, "file", "old content");
    struct stat before, after;
    assert_int_equal(fstatat(part_kit.top.fd, "file", &before, 0), 0);
    struct part part = begin("/file", PART_NEW, 0);
    part_kit_put(&part, "new");
    tempdir_assert_text(&part_kit.top, "file", "new");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "file", "new");
    assert_int_equal(fstatat(part_kit.top.fd, "file", &after, 0), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void ftp_64_what_a_cut_upload_wrote_stays(void **state)
{
    (void)state;
    struct part part = begin("/kept", PART_NEW, 0);
    part_kit_put(&part, "all of it");
    assert_true(part_keep(&part));
    tempdir_assert_text(&part_kit.top, "kept", "all of it");
    part = begin("/left", PART_NEW, 0);
    part_kit_put(&part, "all of it");
    part_abandon(&part);
    tempdir_assert_text(&part_kit.top, "left", "all of it");
    assert_int_equal(part_kit_kept_size("/kept", part_kit_owner), -1);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 2);
}

static void ftp_92_rest_and_appe_go_on_in_the_file(void **state)
{
    (void)state;
    tempdir_write(&part_kit.top, "file", "0123456789");
    struct part part = begin("/file", PART_AT_OFFSET, 4);
    assert_int_equal(part.offset_bytes, 4);
    part_kit_put(&part, "x");
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "file", "0123x");
    part = begin("/file", PART_APPEND, 0);
    assert_int_equal(part.offset_bytes, 5);
    part_kit_put(&part, "y");
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "file", "0123xy");
    part = begin("/new", PART_APPEND, 0);
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "new", "");
}

static void what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *path;
        struct part_want want;
        enum ferry_error error;
    } cases[] = {
        {"/file", {.start = PART_AT_OFFSET, .offset_bytes = 4, .in_place = true}, FERRY_E_STATE},
        {"/none", {.start = PART_AT_OFFSET, .offset_bytes = 1, .in_place = true}, FERRY_E_STATE},
        {"/file", {.no_replace = true, .in_place = true}, FERRY_E_EXISTS},
        {"/dir", {.in_place = true}, FERRY_E_DENIED},
        {"/fifo", {.in_place = true}, FERRY_E_DENIED},
        {"/out", {.in_place = true}, FERRY_E_DENIED},
        {"/.ferry-x.part", {.in_place = true}, FERRY_E_DENIED},
    };
    (void)state;
    tempdir_write(&part_kit.top, "file", "old");
    tempdir_mkdir(&part_kit.top, "dir");
    assert_int_equal(mkfifoat(part_kit.top.fd, "fifo", 0600), 0);
    tempdir_symlink(&part_kit.top, "/tmp/ferry-outside", "out");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct part part;
        assert_int_equal(
            part_begin(&part_kit.root, bytes_str(cases[i].path), &cases[i].want, &part, NULL),
            cases[i].error);
        part_fini(&part);
    }
    tempdir_assert_text(&part_kit.top, "file", "old");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 4);
}

static void sec_37_modes(void **state)
{
    (void)state;
    struct part part = begin("/file", PART_NEW, 0);
    part_kit_commit(&part);
    struct stat status;
    assert_int_equal(fstatat(part_kit.top.fd, "file", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777 & ~0640U, 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, part_kit_open, part_kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(ftp_64_what_comes_is_seen_at_once),
        CASE(ftp_64_what_a_cut_upload_wrote_stays),
        CASE(ftp_92_rest_and_appe_go_on_in_the_file),
        CASE(what_cannot_be_is_refused),
        CASE(sec_37_modes),
    };
    return cmocka_run_group_tests_name("store/part in place", tests, NULL, NULL);
}
