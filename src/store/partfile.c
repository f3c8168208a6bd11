/* Names and locks of the files that uploads arrive in. */
#include "store/partfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "store/move.h"

#define PREFIX ".ferry-"
#define SUFFIX ".part"

enum { NAME_TRIES = 8 };

bool partfile_is(struct bytes name)
{
    struct bytes prefix = BYTES_LIT(PREFIX), suffix = BYTES_LIT(SUFFIX);
    return name.len > prefix.len + suffix.len && bytes_starts(name, prefix) &&
           bytes_equal(bytes_skip(name, name.len - suffix.len), suffix);
}

enum ferry_error partfile_kept_name(struct bytes owner, const char *target,
                                    char out[static PARTFILE_NAME_BYTES])
{
    out[0] = '\0';
    if (owner.len == 0)
        return FERRY_OK;

    /* "=" is always percent-encoded, so the first one ends the owner. */
    CLEANUP(buf_fini) struct buf name;
    buf_init(&name, NAME_MAX);
    enum ferry_error error = buf_append(&name, BYTES_LIT(PREFIX));
    if (error == FERRY_OK)
        error = text_percent_encode(&name, owner, "");
    if (error == FERRY_OK)
        error = buf_printf(&name, "=%s" SUFFIX, target);
    if (error == FERRY_OK) {
        struct bytes made = buf_view(&name);
        memcpy(out, made.ptr, made.len);
        out[made.len] = '\0';
    }
    return error == FERRY_E_LIMIT ? FERRY_OK : error;
}

static int random_name(char name[static PARTFILE_NAME_BYTES])
{
    uint64_t random;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -1;
    snprintf(name, PARTFILE_NAME_BYTES, PREFIX "%016" PRIx64 SUFFIX, random);
    return 0;
}

static struct flock whole_file(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static bool lock(int fd)
{
    struct flock whole = whole_file(F_WRLCK);
    return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

void partfile_release(int fd)
{
    struct flock whole = whole_file(F_UNLCK);
    (void)fcntl(fd, F_OFD_SETLK, &whole);
}

/* A directory that others may write to can hold their files and links under our names. */
static bool is_own_file(const struct stat *status)
{
    return S_ISREG(status->st_mode) && status->st_uid == geteuid() && status->st_nlink == 1;
}

/* Opens the part `name` and locks it. The name must still be that of the locked file: it may have
 * been taken over and let go of between our open and our lock. Returns a descriptor or -1. */
static int open_locked(int dir_fd, const char *name, struct stat *status)
{
    CLEANUP(fd_close)
    int fd = openat(dir_fd, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, status) < 0)
        return -1;
    struct stat named;
    if (is_own_file(status) && lock(fd) &&
        fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == status->st_dev &&
        named.st_ino == status->st_ino)
        return fd_take(&fd);
    errno = ENOENT;
    return -1;
}

int partfile_create(int dir_fd, char name[static PARTFILE_NAME_BYTES])
{
    for (int tries = 0; tries < NAME_TRIES; tries++) {
        if (random_name(name) < 0)
            return -1;
        int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) {
            /* Without a lock (a file system that has none) the part only looks abandoned; it cannot
             * be resumed or swept there, as both ask for a lock, too. */
            (void)lock(fd);
            return fd;
        }
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

int partfile_claim(int dir_fd, const char *kept_name, char name[static PARTFILE_NAME_BYTES])
{
    struct stat status;
    CLEANUP(fd_close) int fd = open_locked(dir_fd, kept_name, &status);
    if (fd < 0 || random_name(name) < 0 || move_at(dir_fd, kept_name, dir_fd, name, false) < 0)
        return -1;
    return fd_take(&fd);
}

bool partfile_find(int dir_fd, const char *name, uint64_t *size_bytes)
{
    CLEANUP(fd_close)
    int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0 || !is_own_file(&status))
        return false;
    /* Asked, not taken: a look must not keep anyone from taking the part over. */
    struct flock whole = whole_file(F_WRLCK);
    if (fcntl(fd, F_OFD_GETLK, &whole) < 0 || whole.l_type != F_UNLCK)
        return false;
    *size_bytes = (uint64_t)status.st_size;
    return true;
}

static bool is_earlier(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

bool partfile_remove(int dir_fd, const char *name, const struct timespec *before)
{
    struct stat status;
    CLEANUP(fd_close) int fd = open_locked(dir_fd, name, &status);
    if (fd < 0)
        return false;
    if (before && !is_earlier(&status.st_mtim, before))
        return false;
    return unlinkat(dir_fd, name, 0) == 0;
}
