/* The way to the very thing behind an O_PATH descriptor, for calls that refuse such descriptors.
 * Header only. */
#ifndef FERRY_STORE_PROCFD_H
#define FERRY_STORE_PROCFD_H

#include <stdio.h>

enum { PROCFD_PATH_BYTES = sizeof("/proc/self/fd/2147483647") };

/* Writes the path of `fd` in /proc to `path` and returns it. It serves as long as `fd` is open. */
static inline const char *procfd_path(int fd, char path[static PROCFD_PATH_BYTES])
{
    snprintf(path, PROCFD_PATH_BYTES, "/proc/self/fd/%d", fd);
    return path;
}

#endif
