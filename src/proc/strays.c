/* Processes that were left behind. */
#include "proc/strays.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
}

void strays_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* Returns whether one was killed, whose children are strays now. */
static bool collect_once(bool kill_them, strays_own_fn *is_own, const void *ctx)
{
    bool any = false;
    char path[64];
    int pid;
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    CLEANUP(file_close) FILE *children = fopen(path, "re");
    while (children && fscanf(children, "%d", &pid) == 1) {
        if (is_own(ctx, pid))
            continue;
        if (kill_them)
            kill(pid, SIGKILL);
        any |= waitpid(pid, NULL, kill_them ? 0 : WNOHANG) == pid;
    }
    return any && kill_them;
}

void strays_collect(bool kill_them, strays_own_fn *is_own, const void *ctx)
{
    while (collect_once(kill_them, is_own, ctx))
        ;
}
