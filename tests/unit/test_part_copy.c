/* store/part: the beginning of a large file is copied in steps, so that no upload holds up others.
 */
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

enum { BIG_BYTES = 2 * PART_COPY_BYTES + 4096, MARKS = 3 };

static const off_t marks[MARKS] = {7, PART_COPY_BYTES + 1, BIG_BYTES - 9};

/* A sparse file with a few bytes in each step's share. */
static void make_big(const char *name)
{
    int fd = openat(part_kit.top.fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, BIG_BYTES), 0);
    for (size_t i = 0; i < MARKS; i++)
        assert_int_equal(pwrite(fd, "mark", 4, marks[i]), 4);
    close(fd);
}

static struct part begin(void)
{
    make_big("big");
    const struct part_want want = {
        .start = PART_APPEND, .owner = part_kit_owner, .copy_in_steps = true};
    struct part part = part_kit_begin("/big", &want);
    assert_int_equal(part.offset_bytes, BIG_BYTES);
    return part;
}

static void it_takes_several_steps(void **state)
{
    (void)state;
    struct part part = begin();
    for (int step = 1; step <= MARKS; step++) {
        bool done = false;
        struct stat status;
        assert_int_equal(part_copy(&part, &done, NULL), FERRY_OK);
        assert_int_equal(done, step == MARKS);
        assert_int_equal(fstat(part.fd, &status), 0);
        assert_int_equal(status.st_size, step == MARKS ? BIG_BYTES : step * PART_COPY_BYTES);
    }
    part_kit_put(&part, "end");
    part_kit_commit(&part);

    int fd = openat(part_kit.top.fd, "big", O_RDONLY | O_CLOEXEC);
    char text[4];
    for (size_t i = 0; i < MARKS; i++) {
        assert_int_equal(pread(fd, text, 4, marks[i]), 4);
        assert_memory_equal(text, "mark", 4);
    }
    assert_int_equal(pread(fd, text, 4, BIG_BYTES), 3);
    assert_memory_equal(text, "end", 3);
    close(fd);
}

static void given_up_between_two_steps(void **state)
{
    (void)state;
    struct part part = begin();
    bool done = true;
    assert_int_equal(part_copy(&part, &done, NULL), FERRY_OK);
    assert_false(done);
    part_fini(&part);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

static void a_file_that_shrinks_meanwhile(void **state)
{
    (void)state;
    struct part part = begin();
    struct fault fault = {0};
    bool done = true;
    assert_int_equal(part_copy(&part, &done, &fault), FERRY_OK);
    int fd = openat(part_kit.top.fd, "big", O_WRONLY | O_TRUNC | O_CLOEXEC);
    close(fd);
    assert_int_equal(part_copy(&part, &done, &fault), FERRY_E_STATE);
    assert_non_null(strstr(fault.what, "shorter"));
    part_fini(&part);
}

static void nothing_is_to_be_copied(void **state)
{
    (void)state;
    const struct part_want want = {
        .start = PART_NEW, .owner = part_kit_owner, .copy_in_steps = true};
    struct part part = part_kit_begin("/file", &want);
    bool done = false;
    assert_int_equal(part_copy(&part, &done, NULL), FERRY_OK);
    assert_true(done);
    part_fini(&part);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, part_kit_open, part_kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_takes_several_steps),
        CASE(given_up_between_two_steps),
        CASE(a_file_that_shrinks_meanwhile),
        CASE(nothing_is_to_be_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
