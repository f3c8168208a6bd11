/* Processes that were left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/strays.h"

static bool is_nobody(const void *ctx, pid_t pid)
{
    return ctx && *(const pid_t *)ctx == pid;
}

/* Waits for all it starts but the last one, which starts another: returns the number of that. */
static pid_t leave_behind(bool sleeps)
{
    int ends[2];
    pid_t stray = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        stray = fork();
        if (stray == 0) {
            setsid();
            while (sleeps)
                pause();
            _exit(0);
        }
        _exit(write(ends[1], &stray, sizeof(stray)) == sizeof(stray) ? 0 : 1);
    }
    assert_int_equal(read(ends[0], &stray, sizeof(stray)), sizeof(stray));
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    close(ends[1]);
    return stray;
}

static void one_that_has_ended_is_collected(void **state)
{
    (void)state;
    pid_t stray = leave_behind(false);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)stray, &info, WEXITED | WNOWAIT), 0);
    strays_collect(false, is_nobody, NULL);
    assert_int_equal(waitpid(stray, NULL, 0), -1);
    assert_int_equal(errno, ECHILD);
}

static void one_that_runs_is_left_alone_or_killed(void **state)
{
    (void)state;
    pid_t stray = leave_behind(true);
    strays_collect(false, is_nobody, NULL);
    assert_int_equal(kill(stray, 0), 0);
    strays_collect(true, is_nobody, &stray); /* one's own is no stray */
    assert_int_equal(kill(stray, 0), 0);
    strays_collect(true, is_nobody, NULL);
    assert_int_equal(kill(stray, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static int adopt(void **state)
{
    (void)state;
    strays_adopt();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_has_ended_is_collected),
        cmocka_unit_test(one_that_runs_is_left_alone_or_killed),
    };
    return cmocka_run_group_tests(tests, adopt, NULL);
}
