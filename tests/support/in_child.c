/* A test's code in a child process. */
#include "support/in_child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void in_child_check(bool holds, const char *file, int line, const char *what)
{
    if (holds)
        return;
    dprintf(STDERR_FILENO, "%s:%d: not so: %s (errno %d)\n", file, line, what, errno);
    _exit(1);
}

int in_child(in_child_fn *body, void *ctx)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return 1;
    if (pid == 0) {
        body(ctx);
        _exit(0); /* not exit: what the process may still do is not enough for it */
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
