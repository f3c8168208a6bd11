/* Starts a program as a child with nothing but the descriptors it is given, and tells how it ended.
 * SEC-71: an environment of its own, standard descriptors on /dev/null unless they are given,
 * everything else closed. */
#ifndef FERRY_PROC_SPAWN_H
#define FERRY_PROC_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "ferry/error.h"

/* The number that the first descriptor given to a child has there; the others follow. */
enum { SPAWN_FIRST_FD = 3, SPAWN_FDS = 64 };

struct spawn_program {
    const char *path;        /* absolute */
    const char *const *argv; /* ends with NULL */
    const int *fds;          /* stay the caller's; fds[i] is SPAWN_FIRST_FD + i in the child */
    size_t fd_count;         /* at most SPAWN_FDS */
    int error_fd;            /* the child's standard error; -1: /dev/null */
    int input_fd, output_fd; /* its standard input and output; 0: /dev/null */
    const char *const *environment; /* ends with NULL; NULL: PATH alone */
};

struct spawn_child {
    pid_t pid;
    int pidfd; /* readable when the child has ended: then spawn_reap */
};

/* How a child ended. */
struct spawn_exit {
    bool by_signal;
    int code; /* its exit status, or the signal's number */
};

/* Starts the program and returns when it runs. In the child: a session of its own, no signal
 * blocked, ignored or handled, working directory /, umask 077; it is killed when the calling thread
 * dies. Needs Linux 5.11.
 * FERRY_E_ARGUMENT: too many descriptors. Else what the system said: FERRY_E_NOT_FOUND or
 * FERRY_E_DENIED of the program, FERRY_E_LIMIT of processes or descriptors, FERRY_E_FILE. */
NODISCARD enum ferry_error spawn_start(const struct spawn_program *program, struct spawn_child *out,
                                       struct fault *fault);

/* true: the child has ended, `*out` says how, and its pidfd is closed. Does not wait. */
bool spawn_reap(struct spawn_child *child, struct spawn_exit *out);

/* Sends a signal; nothing happens if the child has ended. */
void spawn_signal(const struct spawn_child *child, int number);

enum { SPAWN_WORDS_BYTES = 96 };

/* "ended with status 3", "was killed by SIGSEGV (Segmentation fault)", … */
void spawn_describe(const struct spawn_exit *exit, char words[static SPAWN_WORDS_BYTES]);

#endif
