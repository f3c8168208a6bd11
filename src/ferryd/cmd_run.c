/* `ferryd run`: becomes the supervisor, a program of its own that links no TLS library. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "ferryd/command.h"

/* Where it may be: where all are installed in one folder, where they are built, where they are
 * installed, first as seen from this program: the installed tree may have been moved. */
static const char *const places[] = {"ferryd-supervisor", "supervisor/ferryd-supervisor",
                                     FERRYD_PROGRAMS_NEAR "/ferryd-supervisor",
                                     FERRYD_PROGRAMS "/ferryd-supervisor"};

/* As seen from the folder of this program. Returns whether it is there. */
static bool find_supervisor(const char *place, char path[static PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (len <= 0)
        return false;
    own[len] = '\0';
    *strrchr(own, '/') = '\0';
    int written = place[0] == '/' ? snprintf(path, PATH_MAX, "%s", place)
                                  : snprintf(path, PATH_MAX, "%s/%s", own, place);
    return written < PATH_MAX && access(path, X_OK) == 0;
}

int run_run(int argc, char **argv)
{
    (void)argc;
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (!find_supervisor(places[i], path))
            continue;
        (void)execv(path, argv);
        fprintf(stderr, "ferryd run: %s cannot be run: %s\n", path, strerror(errno));
        return EXIT_FAILED;
    }
    fputs("ferryd run: there is no program ferryd-supervisor; is ferryd installed whole?\n",
          stderr);
    return EXIT_FAILED;
}
