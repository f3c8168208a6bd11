/* base/fd: closed once, errno kept, handed over. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/fd.h"

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void scope_closes(void **state)
{
    (void)state;
    int seen;
    {
        CLEANUP(fd_close) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        seen = fd;
        assert_true(is_open(seen));
    }
    assert_false(is_open(seen));
}

static void errno_is_kept_and_minus_one_ignored(void **state)
{
    (void)state;
    int none = -1;
    errno = ENOENT;
    fd_close(&none);
    assert_int_equal(errno, ENOENT);

    int never_opened = 1 << 20;
    fd_close(&never_opened);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(never_opened, -1);
}

static void taken_is_not_closed(void **state)
{
    (void)state;
    int taken;
    {
        CLEANUP(fd_close) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        taken = fd_take(&fd);
        assert_int_equal(fd, -1);
    }
    assert_true(is_open(taken));
    fd_close(&taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scope_closes),
        cmocka_unit_test(errno_is_kept_and_minus_one_ignored),
        cmocka_unit_test(taken_is_not_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
