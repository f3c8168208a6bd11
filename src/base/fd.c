/* Descriptors closed by scope. */
#include "base/fd.h"

#include <errno.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd < 0)
        return;
    /* Linux frees the descriptor even when close reports an error: never try twice. */
    int saved = errno;
    close(*fd);
    errno = saved;
    *fd = -1;
}
