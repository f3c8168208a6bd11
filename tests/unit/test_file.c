/* File contents in blocks: at once or by a job, and what happens when the disk says no. */
#include "net/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/net_kit.h"
#include "support/tempdir.h"

enum { BIG_BYTES = 3 * FILE_BLOCK_BYTES + 1234 };

struct setup {
    struct net_kit kit;
    struct tempdir dir;
    char *noise; /* BIG_BYTES */
};

static int setup(void **state)
{
    static struct setup it;
    net_kit_open(&it.kit);
    tempdir_make(&it.dir);
    it.noise = malloc(BIG_BYTES);
    assert_non_null(it.noise);
    net_noise(it.noise, BIG_BYTES, 1);
    *state = &it;
    return 0;
}

static int teardown(void **state)
{
    struct setup *it = *state;
    free(it->noise);
    tempdir_remove(&it->dir);
    net_kit_close(&it->kit);
    return 0;
}

static int open_file(struct setup *it, const char *name, int flags)
{
    int fd = openat(it->dir.fd, name, flags | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static int noise_file(struct setup *it)
{
    int fd = open_file(it, "noise", O_RDWR | O_CREAT | O_TRUNC);
    assert_int_equal(write(fd, it->noise, BIG_BYTES), BIG_BYTES);
    return fd;
}

/* ---- one operation at a time, waited for ---- */

struct result {
    unsigned calls, freed;
    size_t got;
    int os_error;
};

static void read_done(void *ctx, size_t got, int os_error)
{
    struct result *result = ctx;
    result->calls++;
    result->got = got;
    result->os_error = os_error;
}

static void done(void *ctx, int os_error)
{
    struct result *result = ctx;
    result->calls++;
    result->os_error = os_error;
}

static void freed(void *ctx)
{
    struct result *result = ctx;
    result->freed++;
}

static struct result read_block(struct setup *it, struct file *file, char *out, size_t size)
{
    struct result result = {0};
    if (file_read(file, out, size, &result.got, &result.os_error, read_done, &result))
        return result;
    NET_UNTIL(&it->kit, result.calls == 1);
    return result;
}

static int write_block(struct setup *it, struct file *file, const char *in, size_t len)
{
    struct result result = {0};
    assert_int_equal(file_write(file, in, len, done, &result), FERRY_OK);
    assert_int_equal(result.calls, 0);
    NET_UNTIL(&it->kit, result.calls == 1);
    return result.os_error;
}

static struct file *new_file(struct setup *it, int fd, int64_t offset_bytes)
{
    struct file *file = file_new(it->kit.loop, fd, offset_bytes);
    assert_non_null(file);
    return file;
}

/* Reads from `offset_bytes` to the end and compares with the noise. */
static void assert_reads_noise(struct setup *it, int fd, int64_t offset_bytes)
{
    size_t at = offset_bytes == FILE_SEQUENTIAL ? 0 : (size_t)offset_bytes;
    struct file *file = new_file(it, fd, offset_bytes);
    static char block[FILE_BLOCK_BYTES];
    for (;;) {
        struct result result = read_block(it, file, block, sizeof(block));
        assert_int_equal(result.os_error, 0);
        if (result.got == 0)
            break;
        assert_true(at + result.got <= BIG_BYTES);
        assert_memory_equal(block, it->noise + at, result.got);
        at += result.got;
    }
    assert_int_equal(at, BIG_BYTES);
    assert_int_equal(read_block(it, file, block, sizeof(block)).got, 0); /* the end stays */
    file_free(file, NULL, NULL);
}

/* ---- reading ---- */

static void a_file_is_read_from_anywhere(void **state)
{
    struct setup *it = *state;
    int fd = noise_file(it);
    static const int64_t offsets[] = {0, 1, FILE_BLOCK_BYTES, BIG_BYTES - 1, BIG_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++)
        assert_reads_noise(it, fd, offsets[i]);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_reads_noise(it, fd, FILE_SEQUENTIAL);
    close(fd);
}

static void a_file_that_is_not_in_the_cache_is_read_too(void **state)
{
    struct setup *it = *state;
    int fd = noise_file(it);
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    assert_reads_noise(it, fd, 0);
    close(fd);
}

static void a_file_in_memory_is_read_too(void **state)
{
    struct setup *it = *state;
    int fd = memfd_create("noise", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, it->noise, BIG_BYTES), BIG_BYTES);
    assert_reads_noise(it, fd, 0);
    close(fd);
}

static void reading_fails_with_the_reason(void **state)
{
    struct setup *it = *state;
    int directory = open_file(it, ".", O_RDONLY | O_DIRECTORY);
    int write_only = open_file(it, "x", O_WRONLY | O_CREAT);
    static const int64_t offsets[] = {0, FILE_SEQUENTIAL};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        char byte;
        struct file *file = new_file(it, directory, offsets[i]);
        assert_int_equal(read_block(it, file, &byte, 1).os_error, EISDIR);
        file_free(file, NULL, NULL);
        file = new_file(it, write_only, offsets[i]);
        assert_int_equal(read_block(it, file, &byte, 1).os_error, EBADF);
        file_free(file, NULL, NULL);
    }
    close(directory);
    close(write_only);
}

/* ---- writing ---- */

static void what_is_written_is_there(void **state)
{
    struct setup *it = *state;
    static const int64_t offsets[] = {0, 100, FILE_SEQUENTIAL};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        int fd = open_file(it, "out", O_RDWR | O_CREAT | O_TRUNC);
        struct file *file = new_file(it, fd, offsets[i]);
        size_t first = FILE_BLOCK_BYTES;
        assert_int_equal(write_block(it, file, it->noise, first), 0);
        assert_int_equal(write_block(it, file, it->noise + first, BIG_BYTES - first), 0);
        struct result result = {0};
        assert_int_equal(file_sync(file, done, &result), FERRY_OK);
        NET_UNTIL(&it->kit, result.calls == 1);
        assert_int_equal(result.os_error, 0);
        file_free(file, NULL, NULL);

        off_t at = offsets[i] == FILE_SEQUENTIAL ? 0 : offsets[i];
        struct stat facts;
        assert_int_equal(fstat(fd, &facts), 0);
        assert_int_equal(facts.st_size, at + BIG_BYTES);
        char *back = malloc(BIG_BYTES);
        assert_non_null(back);
        assert_int_equal(pread(fd, back, BIG_BYTES, at), BIG_BYTES);
        assert_memory_equal(back, it->noise, BIG_BYTES);
        free(back);
        close(fd);
    }
}

/* 5 GiB and more: no offset is cut to 32 bits. */
static void a_file_larger_than_memory_is_written_and_read(void **state)
{
    struct setup *it = *state;
    const int64_t far = INT64_C(5) * 1024 * 1024 * 1024 + 7;
    int fd = open_file(it, "sparse", O_RDWR | O_CREAT | O_TRUNC);
    struct file *file = new_file(it, fd, far);
    assert_int_equal(write_block(it, file, "end", 3), 0);
    file_free(file, NULL, NULL);
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    assert_true(facts.st_size == far + 3);
    char back[8];
    file = new_file(it, fd, far + 1);
    struct result result = read_block(it, file, back, sizeof(back));
    assert_int_equal(result.got, 2);
    assert_memory_equal(back, "nd", 2);
    file_free(file, NULL, NULL);
    close(fd);
}

/* SEC-40. */
static void sec_40_a_full_disk_is_told(void **state)
{
    struct setup *it = *state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    static const int64_t offsets[] = {0, FILE_SEQUENTIAL};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        struct file *file = new_file(it, fd, offsets[i]);
        assert_int_equal(write_block(it, file, "x", 1), ENOSPC);
        file_free(file, NULL, NULL);
    }
    close(fd);
}

/* SEC-40: past the limit of the process there is an error, and no signal that ends it. The part
 * that fits is written. */
static void sec_40_a_file_grown_too_large_is_told(void **state)
{
    struct setup *it = *state;
    int fd = open_file(it, "out", O_RDWR | O_CREAT | O_TRUNC);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct file *file = new_file(it, fd, 0);
    int os_error = write_block(it, file, it->noise, BIG_BYTES);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(os_error, EFBIG);
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    assert_int_equal(facts.st_size, 100000);
    file_free(file, NULL, NULL);
    close(fd);
}

static void a_pipe_without_a_reader_is_told(void **state)
{
    struct setup *it = *state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    struct file *file = new_file(it, fds[1], FILE_SEQUENTIAL);
    assert_int_equal(write_block(it, file, "x", 1), EPIPE);
    file_free(file, NULL, NULL);
    close(fds[1]);
}

static void writing_fails_with_the_reason(void **state)
{
    struct setup *it = *state;
    int fd = noise_file(it);
    int read_only = open_file(it, "noise", O_RDONLY);
    struct file *file = new_file(it, read_only, 0);
    assert_int_equal(write_block(it, file, "x", 1), EBADF);
    file_free(file, NULL, NULL);
    close(read_only);

    int fds[2];
    assert_int_equal(pipe(fds), 0);
    file = new_file(it, fds[1], FILE_SEQUENTIAL);
    struct result result = {0};
    assert_int_equal(file_sync(file, done, &result), FERRY_OK);
    NET_UNTIL(&it->kit, result.calls == 1);
    assert_int_equal(result.os_error, EINVAL); /* a pipe has no disk */
    file_free(file, NULL, NULL);
    close(fds[0]);
    close(fds[1]);
    close(fd);
}

/* ---- giving up ---- */

static void freeing_at_rest_frees_at_once(void **state)
{
    struct setup *it = *state;
    int fd = noise_file(it);
    struct result result = {0};
    file_free(new_file(it, fd, 0), freed, &result);
    assert_int_equal(result.freed, 1);
    file_free(NULL, freed, &result);
    assert_int_equal(result.freed, 2);
    close(fd);
}

static void a_job_under_way_finishes_by_itself(void **state)
{
    struct setup *it = *state;
    int fd = open_file(it, "out", O_RDWR | O_CREAT | O_TRUNC);
    struct file *file = new_file(it, fd, 0);
    struct result result = {0};
    assert_int_equal(file_write(file, it->noise, BIG_BYTES, done, &result), FERRY_OK);
    file_free(file, freed, &result);
    assert_int_equal(result.freed, 0);
    NET_UNTIL(&it->kit, result.freed == 1);
    assert_int_equal(result.calls, 0);
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    assert_int_equal(facts.st_size, BIG_BYTES);
    close(fd);
}

/* A pipe that nobody writes to or reads from holds no thread of the pool for good. */
static void a_pipe_that_is_silent_is_given_up(void **state)
{
    struct setup *it = *state;
    enum { PIPES = 6 }; /* more than the pool has threads */
    int fds[PIPES][2];
    struct file *readers[PIPES], *writers[PIPES];
    struct result results[2 * PIPES] = {0};
    char byte;
    for (int i = 0; i < PIPES; i++) {
        size_t got;
        int os_error;
        assert_int_equal(pipe(fds[i]), 0);
        readers[i] = new_file(it, fds[i][0], FILE_SEQUENTIAL);
        assert_false(file_read(readers[i], &byte, 1, &got, &os_error, read_done, &results[i]));
    }
    for (int i = 0; i < PIPES; i++)
        file_free(readers[i], freed, &results[i]);
    for (int i = 0; i < PIPES; i++)
        NET_UNTIL(&it->kit, results[i].freed == 1);

    for (int i = 0; i < PIPES; i++) {
        writers[i] = new_file(it, fds[i][1], FILE_SEQUENTIAL);
        assert_int_equal(file_write(writers[i], it->noise, BIG_BYTES, done, &results[PIPES + i]),
                         FERRY_OK);
    }
    net_kit_idle(&it->kit);
    for (int i = 0; i < PIPES; i++)
        file_free(writers[i], freed, &results[PIPES + i]);
    for (int i = 0; i < 2 * PIPES; i++) {
        NET_UNTIL(&it->kit, results[i].freed == 1);
        assert_int_equal(results[i].calls, 0);
    }
    for (int i = 0; i < PIPES; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

static void a_slow_pipe_gets_it_all(void **state)
{
    struct setup *it = *state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    struct file *file = new_file(it, fds[1], FILE_SEQUENTIAL);
    struct result result = {0};
    assert_int_equal(file_write(file, it->noise, BIG_BYTES, done, &result), FERRY_OK);
    static char piece[9999];
    size_t at = 0;
    net_kit_begin(&it->kit);
    while (at < BIG_BYTES) {
        ssize_t got = read(fds[0], piece, sizeof(piece));
        if (got > 0) {
            assert_memory_equal(piece, it->noise + at, (size_t)got);
            at += (size_t)got;
        }
        loop_turn(it->kit.loop, false);
    }
    NET_UNTIL(&it->kit, result.calls == 1);
    assert_int_equal(result.os_error, 0);
    file_free(file, NULL, NULL);
    close(fds[0]);
    close(fds[1]);
}

/* ---- no memory ---- */

static void memory_may_be_short(void **state)
{
    struct setup *it = *state;
    int fd = noise_file(it);
    struct file *file = new_file(it, fd, FILE_SEQUENTIAL);
    char byte;
    size_t got;
    int os_error;
    struct result result = {0};
    alloc_fail_from(1);
    struct file *none = file_new(it->kit.loop, fd, 0);
    enum ferry_error wrote = file_write(file, "x", 1, done, &result);
    enum ferry_error synced = file_sync(file, done, &result);
    bool at_once = file_read(file, &byte, 1, &got, &os_error, read_done, &result);
    alloc_fail_from(0);
    assert_null(none);
    assert_int_equal(wrote, FERRY_E_MEMORY);
    assert_int_equal(synced, FERRY_E_MEMORY);
    assert_true(at_once);
    assert_int_equal(os_error, ENOMEM);
    assert_int_equal(result.calls, 0);
    file_free(file, NULL, NULL);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_read_from_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_in_the_cache_is_read_too, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_in_memory_is_read_too, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_fails_with_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_written_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_larger_than_memory_is_written_and_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sec_40_a_full_disk_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_40_a_file_grown_too_large_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pipe_without_a_reader_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(writing_fails_with_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_at_rest_frees_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_under_way_finishes_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pipe_that_is_silent_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_pipe_gets_it_all, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_be_short, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
