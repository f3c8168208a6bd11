/* Descriptors closed by scope. */
#ifndef FERRY_BASE_FD_H
#define FERRY_BASE_FD_H

/* Closes `*fd` if it is not negative and sets it to -1; errno is kept. For CLEANUP. */
void fd_close(int *fd);

/* Returns `*fd` and leaves -1 there: ownership goes to whoever takes the result. */
static inline int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#endif
