/* The first process of a container. */
#include "ferryd/supervisor/first.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "base/compiler.h"
#include "ferryd/command.h"

static const int watched[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

/* Collects all that have ended. Ends with the supervisor. */
static void reap(pid_t supervisor)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == supervisor)
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static _Noreturn void look_after(pid_t supervisor, const sigset_t *signals)
{
    for (;;) {
        int number = sigwaitinfo(signals, NULL);
        if (number == SIGCHLD)
            reap(supervisor);
        else if (number > 0)
            kill(supervisor, number);
    }
}

/* Sockets that were made for process 1 are the supervisor's (sd_listen_fds). */
static void take_over_sockets(void)
{
    char pid[24];
    const char *was = getenv("LISTEN_PID");
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    if (was && strcmp(was, "1") == 0)
        setenv("LISTEN_PID", pid, 1);
}

void first_begin(void)
{
    sigset_t signals, before;
    if (getpid() != 1)
        return;
    sigemptyset(&signals);
    for (size_t i = 0; i < ARRAY_LEN(watched); i++)
        sigaddset(&signals, watched[i]);
    sigprocmask(SIG_BLOCK, &signals, &before);
    pid_t supervisor = fork();
    if (supervisor < 0) {
        fprintf(stderr, "ferryd run: no process can be started: %s\n", strerror(errno));
        _exit(EXIT_FAILED);
    }
    if (supervisor > 0) {
        close_range(3, ~0U, 0); /* --ready-fd and sockets are the supervisor's alone */
        look_after(supervisor, &signals);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    take_over_sockets();
}
