/* Reading the names of an open directory. */
#ifndef FERRY_STORE_SCAN_H
#define FERRY_STORE_SCAN_H

#include <dirent.h>

/* Makes a stream of the directory `fd`, which it takes, on failure too. NULL with errno. */
DIR *scan_open(int fd);

/* Opens the directory `name` in `dir_fd`, not through a link. NULL with errno. */
DIR *scan_open_at(int dir_fd, const char *name);

/* The next entry but "." and "..", valid until the next call. NULL at the end, with errno 0, or on
 * failure, with errno. */
const struct dirent *scan_next(DIR *stream);

/* Closes it; NULL is fine, errno is kept. For CLEANUP. */
void scan_close(DIR **stream);

#endif
