/* fork, exec, and how it ended. */
#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "base/fd.h"

/* What a child does before it is the program. */
enum step { STEP_PARENT, STEP_FOLDER, STEP_FDS, STEP_CLOSE, STEP_EXEC };

static const char *const step_words[] = {
    [STEP_PARENT] = "die with its parent", [STEP_FOLDER] = "change to the folder /",
    [STEP_FDS] = "pass descriptors on",    [STEP_CLOSE] = "close descriptors",
    [STEP_EXEC] = "run the program",
};

/* What a child writes when a step fails, into a pipe that a successful exec closes. */
struct report {
    enum step step;
    int os_error;
};

/* What a child needs, made before the fork. */
struct plan {
    const struct spawn_program *program;
    pid_t parent;
    int null_fd, report_fd;
};

/* Everything from here to `child` runs between fork and exec, so only what is async-signal-safe. */

static void reset_signals(void)
{
    /* The kernel's own form, all zero: the usual deed, no flags, no mask. The C library's sigaction
     * will not touch its two internal signals, which posix_spawn of a parent may have had ignored.
     */
    enum { SET_BYTES = 8 };
    static const unsigned long usual[8];
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, usual, NULL, SET_BYTES); /* fails for KILL and STOP */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts the descriptors at their numbers. First all are copied above these, so that none is
 * overwritten before its turn. Returns the copy of the pipe, or -1. */
static int place_fds(const struct plan *plan)
{
    const struct spawn_program *program = plan->program;
    int count = SPAWN_FIRST_FD + (int)program->fd_count;
    int error_fd = program->error_fd >= 0 ? program->error_fd : plan->null_fd;
    int input_fd = program->input_fd > 0 ? program->input_fd : plan->null_fd;
    int output_fd = program->output_fd > 0 ? program->output_fd : plan->null_fd;
    int copies[SPAWN_FIRST_FD + SPAWN_FDS] = {input_fd, output_fd, error_fd};
    for (int i = SPAWN_FIRST_FD; i < count; i++)
        copies[i] = program->fds[i - SPAWN_FIRST_FD];

    for (int i = 0; i < count; i++) {
        copies[i] = fcntl(copies[i], F_DUPFD_CLOEXEC, count);
        if (copies[i] < 0)
            return -1;
    }
    int report_fd = fcntl(plan->report_fd, F_DUPFD_CLOEXEC, count);
    if (report_fd < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        if (dup2(copies[i], i) < 0)
            return -1;
    }
    return report_fd;
}

static _Noreturn void give_up(int report_fd, enum step step)
{
    struct report report = {.step = step, .os_error = errno};
    ssize_t written = write(report_fd, &report, sizeof(report));
    _exit(written == sizeof(report) ? 126 : 127);
}

static _Noreturn void child(const struct plan *plan)
{
    static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    const struct spawn_program *program = plan->program;
    reset_signals();
    setsid();
    umask(077);
    /* A parent that died before the prctl sends no signal any more. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != plan->parent)
        give_up(plan->report_fd, STEP_PARENT);
    if (chdir("/") < 0)
        give_up(plan->report_fd, STEP_FOLDER);
    int report_fd = place_fds(plan);
    if (report_fd < 0)
        give_up(plan->report_fd, STEP_FDS);
    unsigned first = SPAWN_FIRST_FD + (unsigned)program->fd_count;
    if (close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        give_up(report_fd, STEP_CLOSE);
    execve(program->path, (char *const *)(uintptr_t)program->argv,
           (char *const *)(uintptr_t)(program->environment ? program->environment : environment));
    give_up(report_fd, STEP_EXEC);
}

/* Waits for the exec or for what went wrong instead; true: it runs. */
static bool runs(int report_fd, struct report *report)
{
    ssize_t len;
    do {
        len = read(report_fd, report, sizeof(*report));
    } while (len < 0 && errno == EINTR);
    return len != sizeof(*report);
}

static enum ferry_error fail(struct fault *fault, enum ferry_error kind, const char *words,
                             const struct spawn_program *program)
{
    return fault_errno(fault, kind, "start %s: %s", program->path, words);
}

/* fork, with all signals blocked meanwhile: no handler of ours runs in the child. */
static pid_t fork_quietly(const struct plan *plan)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        child(plan);
    int saved = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return pid;
}

/* Ends a child that is not wanted. */
static void discard(pid_t pid)
{
    int saved = errno;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    errno = saved;
}

enum ferry_error spawn_start(const struct spawn_program *program, struct spawn_child *out,
                             struct fault *fault)
{
    if (program->fd_count > SPAWN_FDS)
        return fault_set(fault, FERRY_E_ARGUMENT, "start %s with %zu descriptors", program->path,
                         program->fd_count);
    CLEANUP(fd_close) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return fail(fault, FERRY_E_FILE, "open /dev/null", program);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(fault, FERRY_E_LIMIT, "make a pipe", program);
    CLEANUP(fd_close) int report_fd = ends[0];
    CLEANUP(fd_close) int child_end = ends[1];

    struct plan plan = {program, getpid(), null_fd, child_end};
    pid_t pid = fork_quietly(&plan);
    if (pid < 0)
        return fail(fault, FERRY_E_LIMIT, "fork", program);
    fd_close(&child_end);

    struct report report;
    if (!runs(report_fd, &report)) {
        discard(pid);
        errno = report.os_error;
        return fail(fault, FERRY_E_FILE, step_words[report.step], program);
    }
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        discard(pid);
        return fail(fault, FERRY_E_LIMIT, "watch it", program);
    }
    *out = (struct spawn_child){.pid = pid, .pidfd = pidfd};
    return FERRY_OK;
}

bool spawn_reap(struct spawn_child *child, struct spawn_exit *out)
{
    siginfo_t info = {0};
    int waited;
    do {
        waited = waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG);
    } while (waited < 0 && errno == EINTR);
    if (waited < 0 || info.si_pid == 0)
        return false;
    *out = (struct spawn_exit){.by_signal = info.si_code != CLD_EXITED, .code = info.si_status};
    fd_close(&child->pidfd);
    return true;
}

void spawn_signal(const struct spawn_child *child, int number)
{
    if (child->pidfd >= 0)
        pidfd_send_signal(child->pidfd, number, NULL, 0);
}

void spawn_describe(const struct spawn_exit *exit, char words[static SPAWN_WORDS_BYTES])
{
    const char *name = exit->by_signal ? sigabbrev_np(exit->code) : NULL;
    if (!exit->by_signal)
        snprintf(words, SPAWN_WORDS_BYTES, "ended with status %d", exit->code);
    else if (exit->code == SIGSYS)
        snprintf(words, SPAWN_WORDS_BYTES, "was killed by SIGSYS (a system call it may not make)");
    else if (name)
        snprintf(words, SPAWN_WORDS_BYTES, "was killed by SIG%s (%s)", name,
                 sigdescr_np(exit->code));
    else
        snprintf(words, SPAWN_WORDS_BYTES, "was killed by signal %d", exit->code);
}
