/* store/combine: one file made of others, whole or not at all (FTP-182, FTP-184). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/combine.h"
#include "support/alloc_fail.h"
#include "support/part_kit.h"

/* The literal's own NUL is the last one. */
#define SOURCES(text)                                                                              \
    {                                                                                              \
        (text), sizeof(text)                                                                       \
    }

static enum ferry_error run(const struct combine_want *want, unsigned *steps)
{
    struct combine *combine;
    struct fault fault = {0};
    enum ferry_error error = combine_new(&part_kit.root, want, &combine, &fault);
    bool done = false;
    for (*steps = 0; error == FERRY_OK && !done; ++*steps)
        error = combine_step(combine, &done, &fault);
    assert_int_equal(error != FERRY_OK, fault_is_set(&fault));
    combine_free(combine);
    return error;
}

static void fill(void)
{
    tempdir_write(&part_kit.top, "a", "one ");
    tempdir_write(&part_kit.top, "b", "");
    tempdir_write(&part_kit.top, "c", "two");
    tempdir_mkdir(&part_kit.top, "d");
    tempdir_symlink(&part_kit.top, "a", "to-a");
    tempdir_symlink(&part_kit.top, "/etc/passwd", "out");
}

static void ftp_182_parts_become_one_file(void **state)
{
    unsigned steps;
    (void)state;
    fill();
    struct combine_want want = {
        .target = BYTES_LIT("/d/all"), .sources = SOURCES("/a\0/b\0/c"), .remove_sources = true};
    assert_int_equal(run(&want, &steps), FERRY_OK);
    tempdir_assert_text(&part_kit.top, "d/all", "one two");
    assert_false(tempdir_has(&part_kit.top, "a"));
    assert_false(tempdir_has(&part_kit.top, "b"));
    assert_false(tempdir_has(&part_kit.top, "c"));
    assert_int_equal(tempdir_count(&part_kit.top, "d"), 1);
}

/* The target may be the first of the parts, by whatever name; then it stays. */
static void ftp_182_target_among_the_parts(void **state)
{
    unsigned steps;
    (void)state;
    fill();
    struct combine_want want = {
        .target = BYTES_LIT("/a"), .sources = SOURCES("/a\0/c\0/to-a\0/c"), .remove_sources = true};
    assert_int_equal(run(&want, &steps), FERRY_OK);
    tempdir_assert_text(&part_kit.top, "a", "one twoone two");
    assert_false(tempdir_has(&part_kit.top, "c"));
}

static void ftp_184_a_copy_replaces_nothing(void **state)
{
    unsigned steps;
    (void)state;
    fill();
    struct combine_want want = {
        .target = BYTES_LIT("/d/copy"), .sources = SOURCES("/a"), .no_replace = true};
    assert_int_equal(run(&want, &steps), FERRY_OK);
    tempdir_assert_text(&part_kit.top, "d/copy", "one ");
    tempdir_assert_text(&part_kit.top, "a", "one ");
    want.sources = bytes_of("/c", sizeof("/c"));
    assert_int_equal(run(&want, &steps), FERRY_E_EXISTS);
    tempdir_assert_text(&part_kit.top, "d/copy", "one ");
}

static void what_cannot_be_is_refused_before_anything_is_done(void **state)
{
    static const struct {
        const char *target;
        struct bytes sources;
        enum ferry_error error;
    } cases[] = {
        {"/all", SOURCES("/a\0/none"), FERRY_E_NOT_FOUND},
        {"/all", SOURCES("/a\0/d"), FERRY_E_DENIED},
        {"/all", SOURCES("/a\0/out"), FERRY_E_DENIED},
        {"/d", SOURCES("/a"), FERRY_E_DENIED},
        {"/out", SOURCES("/a"), FERRY_E_DENIED},
        {"/none/all", SOURCES("/a"), FERRY_E_NOT_FOUND},
        {"/", SOURCES("/a"), FERRY_E_DENIED},
    };
    unsigned steps;
    (void)state;
    fill();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct combine_want want = {.target = bytes_str(cases[i].target),
                                    .sources = cases[i].sources,
                                    .remove_sources = true};
        assert_int_equal(run(&want, &steps), cases[i].error);
    }
    tempdir_assert_text(&part_kit.top, "a", "one ");
    assert_int_equal(tempdir_count(&part_kit.top, "."), 6);
}

static void a_large_file_is_copied_in_steps_that_can_be_the_last(void **state)
{
    enum { STEPS = 5 };
    unsigned steps;
    (void)state;
    int fd = openat(part_kit.top.fd, "large", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, (off_t)STEPS * COMBINE_STEP_BYTES - 1), 0);
    assert_int_equal(pwrite(fd, "end", 3, (off_t)(STEPS - 1) * COMBINE_STEP_BYTES), 3);
    close(fd);
    struct combine_want want = {.target = BYTES_LIT("/copy"), .sources = SOURCES("/large")};
    assert_int_equal(run(&want, &steps), FERRY_OK);
    assert_int_equal(steps, STEPS + 2); /* it is opened, copied, named */
    struct stat status;
    char text[3];
    fd = openat(part_kit.top.fd, "copy", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, (off_t)STEPS * COMBINE_STEP_BYTES - 1);
    assert_int_equal(pread(fd, text, 3, (off_t)(STEPS - 1) * COMBINE_STEP_BYTES), 3);
    assert_memory_equal(text, "end", 3);
    close(fd);

    struct combine *combine;
    struct fault fault = {0};
    bool done;
    want.target = BYTES_LIT("/given-up");
    assert_int_equal(combine_new(&part_kit.root, &want, &combine, &fault), FERRY_OK);
    assert_int_equal(combine_step(combine, &done, &fault), FERRY_OK);
    assert_int_equal(combine_step(combine, &done, &fault), FERRY_OK);
    assert_false(done);
    combine_free(combine);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 2);
}

static enum ferry_error combine_all(void *ctx)
{
    unsigned steps;
    enum ferry_error error = run(ctx, &steps);
    assert_int_equal(tempdir_count(&part_kit.top, "."), error == FERRY_OK ? 7 : 6);
    if (error == FERRY_OK)
        assert_int_equal(unlinkat(part_kit.top.fd, "all", 0), 0);
    return error;
}

static void short_memory_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    fill();
    struct combine_want want = {.target = BYTES_LIT("/all"), .sources = SOURCES("/a\0/c")};
    assert_true(alloc_fail_each(combine_all, &want, 20) > 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, part_kit_open, part_kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(ftp_182_parts_become_one_file),
        CASE(ftp_182_target_among_the_parts),
        CASE(ftp_184_a_copy_replaces_nothing),
        CASE(what_cannot_be_is_refused_before_anything_is_done),
        CASE(a_large_file_is_copied_in_steps_that_can_be_the_last),
        CASE(short_memory_is_told_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name("store/combine", tests, NULL, NULL);
}
