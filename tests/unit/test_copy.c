/* store/copy: the first bytes of a file, inside the kernel and by hand. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "store/copy.h"
#include "support/alloc_fail.h"
#include "support/tempdir.h"

enum { SOURCE_BYTES = 700001 };

static char source[SOURCE_BYTES];

static int open_new(const struct tempdir *top, const char *name)
{
    int fd = openat(top->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void fill(int fd)
{
    for (size_t i = 0; i < sizeof(source); i++)
        source[i] = (char)(i * 31 + i / 251);
    assert_int_equal(pwrite(fd, source, sizeof(source), 0), sizeof(source));
}

/* Copies `count_bytes` to a new file and compares. */
static void assert_copies(const struct tempdir *top, int from, size_t count_bytes)
{
    int to = open_new(top, "copy");
    assert_int_equal(copy_range(from, 0, to, 0, count_bytes), 0);
    struct stat status;
    assert_int_equal(fstat(to, &status), 0);
    assert_int_equal(status.st_size, count_bytes);
    static char found[SOURCE_BYTES];
    assert_int_equal(pread(to, found, sizeof(found), 0), count_bytes);
    assert_memory_equal(found, source, count_bytes);
    assert_int_equal(lseek(from, 0, SEEK_CUR), 0);
    assert_int_equal(lseek(to, 0, SEEK_CUR), 0);
    close(to);
    assert_int_equal(unlinkat(top->fd, "copy", 0), 0);
}

static const size_t counts[] = {0, 1, 4096, 262143, 262144, 262145, SOURCE_BYTES - 1, SOURCE_BYTES};

static void copies_on_one_file_system(void **state)
{
    (void)state;
    struct tempdir top;
    tempdir_make(&top);
    int from = open_new(&top, "from");
    fill(from);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        assert_copies(&top, from, counts[i]);
    close(from);
    tempdir_remove(&top);
}

/* A memory file is on a file system of its own, so the kernel refuses to copy from it to another.
 */
static int memory_file(const struct tempdir *top)
{
    int fd = memfd_create("from", MFD_CLOEXEC);
    assert_true(fd >= 0);
    fill(fd);

    int to = open_new(top, "probe");
    off_t in = 0, out = 0;
    assert_int_equal(copy_file_range(fd, &in, to, &out, 1, 0), -1);
    assert_int_equal(errno, EXDEV);
    close(to);
    return fd;
}

static void copies_by_hand_between_file_systems(void **state)
{
    (void)state;
    struct tempdir top;
    tempdir_make(&top);
    int from = memory_file(&top);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        assert_copies(&top, from, counts[i]);
    close(from);
    tempdir_remove(&top);
}

static void source_that_is_too_short_is_told(void **state)
{
    (void)state;
    struct tempdir top;
    tempdir_make(&top);
    int from = open_new(&top, "from"), to = open_new(&top, "to");
    fill(from);
    assert_int_equal(copy_range(from, 0, to, 0, SOURCE_BYTES + 1), -1);
    assert_int_equal(errno, ENODATA);
    close(from);
    close(to);
    tempdir_remove(&top);
}

struct descriptors {
    int from, to;
};

static enum ferry_error copy_all(void *ctx)
{
    const struct descriptors *fds = ctx;
    if (copy_range(fds->from, 0, fds->to, 0, SOURCE_BYTES) == 0)
        return FERRY_OK;
    return errno == ENOMEM ? FERRY_E_MEMORY : FERRY_E_FILE;
}

static void failing_allocation_is_told(void **state)
{
    (void)state;
    struct tempdir top;
    tempdir_make(&top);
    struct descriptors fds = {memory_file(&top), open_new(&top, "to")};
    assert_int_equal(alloc_fail_each(copy_all, &fds, 10), 1);
    close(fds.from);
    close(fds.to);
    tempdir_remove(&top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_on_one_file_system),
        cmocka_unit_test(copies_by_hand_between_file_systems),
        cmocka_unit_test(source_that_is_too_short_is_told),
        cmocka_unit_test(failing_allocation_is_told),
    };
    return cmocka_run_group_tests_name("store/copy", tests, NULL, NULL);
}
