/* Resolving beneath a directory without openat2, for kernels before 5.6 (SEC-32). */
#ifndef FERRY_STORE_WALK_H
#define FERRY_STORE_WALK_H

#include <stdbool.h>

/* Opens `relative` beneath the directory `root_fd`, component by component, with the outcome that
 * openat2 has under RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS (and RESOLVE_NO_SYMLINKS without
 * `follow_links`): a link is followed by hand, and no step ever follows one by itself, so nothing
 * that changes meanwhile leads out. `flags` as open, never O_CREAT or O_NOFOLLOW; O_CLOEXEC is
 * added. Returns a descriptor of the caller's, or -1 with errno: EXDEV where the way leads out,
 * ELOOP at a link that is not followed or after 40 of them. */
int walk_open(int root_fd, const char *relative, int flags, bool follow_links);

#endif
