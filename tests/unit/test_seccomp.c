/* proc/seccomp (SEC-68): a call that a role does not have is refused in the way that was asked for,
 * on every thread; what it has goes on. tests/sandbox tries the roles themselves. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/seccomp.h"
#include "support/in_child.h"

static void enter(enum role role, enum seccomp_refusal refusal)
{
    struct fault fault = {0};
    enum ferry_error error = seccomp_enter(role, refusal, &fault);
    in_child_check(error == FERRY_OK, __FILE__, __LINE__, fault.what);
}

/* Memory and a descriptor, which every role may use, in builds with sanitizers, too. */
static void work(void)
{
    for (size_t size = 1; size < 1 << 24; size *= 4) {
        char *memory = malloc(size);
        CHILD_CHECK(memory);
        memset(memory, 1, size);
        memory = realloc(memory, size * 2);
        CHILD_CHECK(memory);
        free(memory);
    }
    CHILD_CHECK(write(STDERR_FILENO, "", 0) == 0);
}

static void enter_and_work(void *ctx)
{
    enter(*(enum role *)ctx, SECCOMP_KILLS);
    work();
}

static void sec_68_every_role_has_a_filter_that_lets_it_live(void **state)
{
    (void)state;
    for (enum role role = 0; (int)role < ROLE_COUNT; role++)
        assert_int_equal(in_child(enter_and_work, &role), 0);
}

static void kills(void *ctx)
{
    (void)ctx;
    enter(ROLE_KEYS, SECCOMP_KILLS);
    fork();
}

static void fails(void *ctx)
{
    (void)ctx;
    pid_t parent = getppid();
    enter(ROLE_KEYS, SECCOMP_EPERM);
    CHILD_CHECK(tgkill(parent, parent, 0) < 0 && errno == EPERM);
    CHILD_CHECK(tgkill(getpid(), gettid(), 0) == 0);
    CHILD_CHECK(fork() < 0 && errno == EPERM);
    CHILD_CHECK(open("/dev/null", O_RDONLY) < 0 && errno == EPERM);
    work();
}

static void is_logged(void *ctx)
{
    (void)ctx;
    enter(ROLE_KEYS, SECCOMP_LOGGED);
    CHILD_CHECK(open("/dev/null", O_RDONLY) >= 0);
}

static void sec_68_a_refusal_is_what_was_asked_for(void **state)
{
    (void)state;
    assert_int_equal(in_child(kills, NULL), -SIGSYS);
    assert_int_equal(in_child(fails, NULL), 0);
    assert_int_equal(in_child(is_logged, NULL), 0);
}

static void abort_stays(void *ctx)
{
    (void)ctx;
    enter(ROLE_WORKER, SECCOMP_KILLS);
    raise(SIGABRT);
}

static void an_assertion_still_ends_as_one(void **state)
{
    (void)state;
    assert_int_equal(in_child(abort_stays, NULL), -SIGABRT);
}

struct other_thread {
    int go[2], answer[2];
};

static void *open_when_told(void *ctx)
{
    struct other_thread *thread = ctx;
    char byte = 'r';
    CHILD_CHECK(write(thread->answer[1], &byte, 1) == 1);
    CHILD_CHECK(read(thread->go[0], &byte, 1) == 1);
    byte = open("/dev/null", O_RDONLY) < 0 && errno == EPERM ? 'n' : 'y';
    CHILD_CHECK(write(thread->answer[1], &byte, 1) == 1);
    return NULL;
}

static void other_threads(void *ctx)
{
    (void)ctx;
    struct other_thread thread;
    pthread_t id;
    char byte = 0;
    CHILD_CHECK(pipe(thread.go) == 0 && pipe(thread.answer) == 0);
    CHILD_CHECK(pthread_create(&id, NULL, open_when_told, &thread) == 0);
    /* A thread's first steps are calls that no role has. */
    CHILD_CHECK(read(thread.answer[0], &byte, 1) == 1 && byte == 'r');
    enter(ROLE_WORKER, SECCOMP_EPERM);
    CHILD_CHECK(write(thread.go[1], "", 1) == 1);
    CHILD_CHECK(read(thread.answer[0], &byte, 1) == 1 && byte == 'n');
}

static void sec_68_threads_that_run_already_are_confined_too(void **state)
{
    (void)state;
    assert_int_equal(in_child(other_threads, NULL), 0);
}

static void may_start_programs(void *ctx)
{
    enter(*(enum role *)ctx, SECCOMP_KILLS);
    CHILD_CHECK(mount("none", "/", "tmpfs", 0, NULL) < 0 && errno == EPERM);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    int status = 1;
    CHILD_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void sec_68_supervisor_and_hooks_start_programs_and_mount_nothing(void **state)
{
    (void)state;
    enum role roles[] = {ROLE_SUPERVISOR, ROLE_HOOKS, ROLE_PAM};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        assert_int_equal(in_child(may_start_programs, &roles[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_68_every_role_has_a_filter_that_lets_it_live),
        cmocka_unit_test(sec_68_a_refusal_is_what_was_asked_for),
        cmocka_unit_test(an_assertion_still_ends_as_one),
        cmocka_unit_test(sec_68_threads_that_run_already_are_confined_too),
        cmocka_unit_test(sec_68_supervisor_and_hooks_start_programs_and_mount_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
