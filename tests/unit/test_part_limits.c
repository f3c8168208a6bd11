/* store/part where memory, space or rights are short (SEC-40). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "store/tree.h"
#include "support/alloc_fail.h"
#include "support/part_kit.h"

static enum ferry_error begin_and_abandon(void *ctx)
{
    struct part part;
    enum ferry_error error = part_begin(&part_kit.root, BYTES_LIT("/file"), ctx, &part, NULL);
    part_fini(&part);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 0);
    return error;
}

static enum ferry_error look_for_kept(void *ctx)
{
    (void)ctx;
    uint64_t size;
    enum ferry_error error =
        part_find_kept(&part_kit.root, BYTES_LIT("/file"), part_kit_owner, &size, NULL);
    return error == FERRY_E_NOT_FOUND ? FERRY_OK : error;
}

static void failing_allocations_are_reported_and_leave_nothing(void **state)
{
    (void)state;
    struct part_want want = {.owner = part_kit_owner};
    assert_true(alloc_fail_each(begin_and_abandon, &want, 10) > 0);
    assert_true(alloc_fail_each(look_for_kept, NULL, 10) > 0);
}

/* The copy of an old beginning meets a limit. */
static void sec_40_no_space_for_the_copy_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    tempdir_write(&part_kit.top, "file", "");
    int fd = openat(part_kit.top.fd, "file", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, 200000), 0);
    close(fd);

    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = (struct rlimit){.rlim_cur = 100000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct part part;
    struct part_want want = {
        .start = PART_AT_OFFSET, .offset_bytes = 150000, .owner = part_kit_owner};
    enum ferry_error error = part_begin(&part_kit.root, BYTES_LIT("/file"), &want, &part, NULL);
    signal(SIGXFSZ, handler);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(error, FERRY_E_SPACE);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 1);
}

/* Fills a file system of 1 MiB. Returns what appending to a file of 700 KiB there ends with, and
 * how many names there are then. */
static enum ferry_error append_on_full_disk(const char *path, struct fault *fault, size_t *names)
{
    struct tempdir disk = {.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    CLEANUP(root_fini) struct root small;
    assert_int_equal(root_init(&small, path, ROOT_LINKS_DENY, 0, NULL), FERRY_OK);

    static const char block[700 << 10];
    struct part part;
    assert_int_equal(part_begin(&small, BYTES_LIT("/file"), &(struct part_want){0}, &part, NULL),
                     FERRY_OK);
    assert_int_equal(pwrite(part.fd, block, sizeof(block), 0), sizeof(block));
    part_kit_commit(&part);

    struct part_want append = {.start = PART_APPEND};
    enum ferry_error error = part_begin(&small, BYTES_LIT("/file"), &append, &part, fault);
    part_fini(&part);
    *names = tempdir_count(&disk, ".");
    close(disk.fd);
    return error;
}

static void sec_40_full_disk(void **state)
{
    (void)state;
    tempdir_mkdir(&part_kit.top, "small");
    char path[PATH_MAX];
    tempdir_path(&part_kit.top, "small", path);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", path, "tmpfs", 0, "size=1m") < 0) {
        print_message("# no right to mount a file system: not tested\n");
        skip();
    }
    struct fault fault = {0};
    size_t names;
    enum ferry_error error = append_on_full_disk(path, &fault, &names);
    assert_int_equal(umount(path), 0);
    assert_int_equal(error, FERRY_E_SPACE);
    assert_int_equal(fault.os_error, ENOSPC);
    assert_int_equal(names, 1);
}

/* The rights of the file decide, not only those of its directory. */
static void read_only_file_is_not_replaced(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    tempdir_write(&part_kit.top, "file", "old");
    tempdir_write(&part_kit.top, "secret", "old");
    assert_int_equal(fchmodat(part_kit.top.fd, "secret", 0222, 0), 0);
    assert_int_equal(fchmod(part_kit.top.fd, 0777), 0);
    assert_int_equal(seteuid(65534), 0);
    struct part part;
    struct part_want want = {0}, append = {.start = PART_APPEND};
    assert_int_equal(part_begin(&part_kit.root, BYTES_LIT("/file"), &want, &part, NULL),
                     FERRY_E_DENIED);
    assert_int_equal(part_begin(&part_kit.root, BYTES_LIT("/secret"), &append, &part, NULL),
                     FERRY_E_DENIED);
    assert_int_equal(part_begin(&part_kit.root, BYTES_LIT("/secret"), &want, &part, NULL),
                     FERRY_OK);
    part_abandon(&part);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 2);
}

static void directory_that_may_only_be_written_takes_uploads(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    tempdir_mkdir(&part_kit.top, "incoming");
    assert_int_equal(fchmodat(part_kit.top.fd, "incoming", 0333, 0), 0);
    assert_int_equal(fchmod(part_kit.top.fd, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    struct part part = part_kit_begin_new("/incoming/file");
    part_kit_put(&part, "text");
    enum ferry_error error = part_commit(&part, PART_SYNC_NAME, NULL);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(error, FERRY_OK);
    tempdir_assert_text(&part_kit.top, "incoming/file", "text");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, part_kit_open, part_kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(failing_allocations_are_reported_and_leave_nothing),
        CASE(sec_40_no_space_for_the_copy_is_told_and_leaves_nothing),
        CASE(sec_40_full_disk),
        CASE(read_only_file_is_not_replaced),
        CASE(directory_that_may_only_be_written_takes_uploads),
    };
    return cmocka_run_group_tests_name("store/part_limits", tests, NULL, NULL);
}
