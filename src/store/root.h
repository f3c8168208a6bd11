/* A directory as the root of a world: every path is resolved beneath it by descriptors, never by
 * comparing strings (SEC-30 to SEC-33).
 *
 * A path is what a client sees: absolute, normalised ("/a/b", "/"), any bytes but NUL. That it is
 * so is checked again here: a component that is empty, "." or ".." is FERRY_E_ARGUMENT, a reserved
 * name (partfile_is) FERRY_E_DENIED. The errors of all functions are those of store/fail.h.
 *
 * Everything in this room is synchronous, keeps no state of its own and may run on any thread; a
 * `struct root` does not change between root_init and root_fini and may be shared. */
#ifndef FERRY_STORE_ROOT_H
#define FERRY_STORE_ROOT_H

#include <limits.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/fault.h"

/* What becomes of a symbolic link on the way or at its end (SEC-31). */
enum root_links {
    ROOT_LINKS_DENY,    /* it is never followed */
    ROOT_LINKS_BENEATH, /* it is followed if that stays beneath the root; never if absolute */
};

/* How paths are resolved (SEC-32). */
enum root_resolver {
    ROOT_BY_OPENAT2,
    ROOT_BY_WALK, /* where the kernel has no openat2 */
};

struct root {
    int fd; /* O_PATH */
    enum root_links links;
    enum root_resolver resolver; /* found by root_init; a caller may log it, a test may set it */
    mode_t mask; /* taken from 0666 of new files and 0777 of new directories (SEC-37) */
};

/* The last name of a path, and its directory. */
struct root_place {
    int dir_fd; /* O_PATH; owned */
    char name[NAME_MAX + 1];
};

enum root_last {
    ROOT_LAST_AS_IS,    /* the last name is left alone, link or not: remove, rename, make */
    ROOT_LAST_FOLLOWED, /* a link there is gone after, as the policy permits: write */
};

/* Opens `directory`, a path of the host's, which is followed wherever it leads.
 * `mask` has the meaning of umask (SEC-37), whose own value is taken from new directories, too.
 * On failure `root` is closed: root_fini does nothing. */
NODISCARD enum ferry_error root_init(struct root *root, const char *directory,
                                     enum root_links links, mode_t mask, struct fault *fault);

/* Closes it; for CLEANUP. */
void root_fini(struct root *root);

/* Opens what `path` stands for; `flags` as open, never O_CREAT or O_NOFOLLOW; O_CLOEXEC is added.
 * `deed` is for the fault. On success `*fd` is the caller's, else -1. */
NODISCARD enum ferry_error root_open(const struct root *root, struct bytes path, int flags,
                                     const char *deed, int *fd, struct fault *fault);

/* Opens the directory that the last name of `path` is in. The root itself has no last name:
 * FERRY_E_DENIED. With ROOT_LAST_FOLLOWED the place is that of the link's target, which need not
 * exist. On success end `*place` with root_place_fini; on failure it is closed. */
NODISCARD enum ferry_error root_open_place(const struct root *root, struct bytes path,
                                           enum root_last last, const char *deed,
                                           struct root_place *place, struct fault *fault);
void root_place_fini(struct root_place *place);

/* As root_open, for those who have a relative path without NUL, "" for the root itself, and make
 * the fault themselves. May hold "..", which ends at the root with EXDEV. Returns -1 with errno. */
NODISCARD int root_open_relative(const struct root *root, const char *relative, int flags);

/* Checks `path` and writes it as a relative path, "" for the root itself. */
NODISCARD enum ferry_error root_relative(struct bytes path, const char *deed,
                                         char relative[static PATH_MAX], struct fault *fault);

#endif
