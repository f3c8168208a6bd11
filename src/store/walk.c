/* Resolving beneath a directory, component by component. */
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/fd.h"

enum { LINKS_MAX = 40 }; /* the kernel's MAXSYMLINKS */

/* A walk under way. */
struct walk {
    int root_fd;
    int dir_fd;          /* where we stand */
    char done[PATH_MAX]; /* the way from the root to dir_fd, without links; "" for the root */
    char rest[PATH_MAX]; /* what is still to go */
    int links_left;
};

static int open_self(const struct walk *walk, int flags)
{
    return openat(walk->dir_fd, ".", flags | O_CLOEXEC);
}

static int enter_at(int dir_fd, const char *name)
{
    return openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Takes the first component off `rest` (the one in `rest` is overwritten). `*last` is set if no
 * slash follows it. An empty one, as behind a final slash, is ".". */
static int next_name(char rest[static PATH_MAX], char name[static NAME_MAX + 1], bool *last)
{
    size_t len = strcspn(rest, "/");
    if (len > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    *last = rest[len] == '\0';
    memcpy(name, len == 0 ? "." : rest, len == 0 ? 1 : len);
    name[len == 0 ? 1 : len] = '\0';
    char *behind = rest + len + (*last ? 0 : 1);
    memmove(rest, behind, strlen(behind) + 1);
    return 0;
}

/* Goes to the parent. Walked again from the root, because ".." of a directory that was moved while
 * we stood in it may be anywhere. */
static int leave(struct walk *walk)
{
    if (walk->done[0] == '\0') {
        errno = EXDEV;
        return -1;
    }
    char *slash = strrchr(walk->done, '/');
    *(slash ? slash : walk->done) = '\0';

    CLEANUP(fd_close) int at = enter_at(walk->root_fd, ".");
    char way[PATH_MAX];
    memcpy(way, walk->done, sizeof(way));
    char *state = NULL;
    for (char *name = strtok_r(way, "/", &state); at >= 0 && name;
         name = strtok_r(NULL, "/", &state)) {
        int below = enter_at(at, name);
        fd_close(&at);
        at = below;
    }
    if (at < 0)
        return -1;
    fd_close(&walk->dir_fd);
    walk->dir_fd = fd_take(&at);
    return 0;
}

/* Puts the target of the link `link_fd` in front of what is still to go. */
static int expand(struct walk *walk, int link_fd, bool last)
{
    if (walk->links_left-- <= 0) {
        errno = ELOOP;
        return -1;
    }
    char target[PATH_MAX];
    ssize_t len = readlinkat(link_fd, "", target, sizeof(target));
    if (len < 0)
        return -1;
    if (len > 0 && target[0] == '/') {
        errno = EXDEV;
        return -1;
    }
    char rest[PATH_MAX];
    int made = snprintf(rest, sizeof(rest), "%.*s%s%s", (int)len, target, last ? "" : "/",
                        last ? "" : walk->rest);
    if (made >= (int)sizeof(rest)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(walk->rest, rest, (size_t)made + 1);
    return 0;
}

/* Goes into the directory `fd`, called `name`; takes `fd`. */
static int enter(struct walk *walk, const char *name, int fd)
{
    size_t used = strlen(walk->done);
    int made =
        snprintf(walk->done + used, sizeof(walk->done) - used, "%s%s", used ? "/" : "", name);
    fd_close(&walk->dir_fd);
    walk->dir_fd = fd;
    if (made >= (int)(sizeof(walk->done) - used)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

/* One component of a real name. Returns 0 to go on, -1 with errno; with `last`, a descriptor is in
 * `*found` unless the name was a link, which is then still to go. */
static int step(struct walk *walk, const char *name, bool last, int flags, int *found)
{
    CLEANUP(fd_close) int fd = openat(walk->dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return -1;
    if (S_ISLNK(status.st_mode))
        return expand(walk, fd, last);
    if ((!last || (flags & O_DIRECTORY)) && !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    if (!last)
        return enter(walk, name, fd_take(&fd));
    *found =
        flags & O_PATH ? fd_take(&fd) : openat(walk->dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);
    return *found < 0 ? -1 : 0;
}

static int run(struct walk *walk, int flags)
{
    int found = -1;
    while (found < 0) {
        char name[NAME_MAX + 1];
        bool last;
        if (next_name(walk->rest, name, &last) < 0)
            return -1;
        bool up = strcmp(name, "..") == 0;
        if (up && leave(walk) < 0)
            return -1;
        if (up || strcmp(name, ".") == 0) {
            if (last)
                return open_self(walk, flags);
        } else if (step(walk, name, last, flags, &found) < 0) {
            return -1;
        }
    }
    return found;
}

int walk_open(int root_fd, const char *relative, int flags, bool follow_links)
{
    struct walk walk = {
        .root_fd = root_fd, .dir_fd = -1, .links_left = follow_links ? LINKS_MAX : 0};
    size_t len = strlen(relative);
    if (len >= sizeof(walk.rest)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(walk.rest, relative, len + 1);
    walk.dir_fd = enter_at(root_fd, ".");
    if (walk.dir_fd < 0)
        return -1;
    int fd = run(&walk, flags);
    fd_close(&walk.dir_fd);
    return fd;
}
