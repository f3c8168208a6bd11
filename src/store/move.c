/* Renaming with or without replacing. */
#include "store/move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int move_by_link(int from_dir, const char *from, int to_dir, const char *to)
{
    if (linkat(from_dir, from, to_dir, to, 0) == 0)
        return unlinkat(from_dir, from, 0);
    if (errno != EPERM) /* what a directory gets */
        return -1;

    struct stat there;
    if (fstatat(to_dir, to, &there, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return errno == ENOENT ? renameat(from_dir, from, to_dir, to) : -1;
}

int move_at(int from_dir, const char *from, int to_dir, const char *to, bool replace)
{
    if (replace)
        return renameat(from_dir, from, to_dir, to);
    if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    /* EINVAL is said of a flag that the file system lacks, and of a directory moved into itself,
     * which the second way says of it again. */
    return errno == EINVAL ? move_by_link(from_dir, from, to_dir, to) : -1;
}
