/* Reading the names of an open directory. */
#include "store/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "base/compiler.h"
#include "base/fd.h"

DIR *scan_open(int fd)
{
    CLEANUP(fd_close) int owned = fd;
    DIR *stream = fdopendir(owned);
    if (stream)
        (void)fd_take(&owned);
    return stream;
}

DIR *scan_open_at(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? NULL : scan_open(fd);
}

const struct dirent *scan_next(DIR *stream)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry || (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0))
            return entry;
    }
}

void scan_close(DIR **stream)
{
    int kept = errno;
    if (*stream)
        closedir(*stream);
    *stream = NULL;
    errno = kept;
}
