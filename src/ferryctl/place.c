/* Where the accounts are kept. */
#include "ferryctl/place.h"

#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/fd.h"

void place_prepare(const char *path)
{
    struct stat folder;
    CLEANUP(alloc_free_str) char *copy = alloc_str(path);
    CLEANUP(fd_close)
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0 || !copy || geteuid() != 0 || stat(dirname(copy), &folder) != 0)
        return;
    if (fchown(fd, folder.st_uid, folder.st_gid) != 0)
        return; /* ferryd-auth says that it cannot open it */
}
