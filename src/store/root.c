/* Paths beneath one directory. */
#include "store/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/fail.h"
#include "store/partfile.h"
#include "store/walk.h"

enum {
    LINKS_MAX = 40,   /* the kernel's MAXSYMLINKS */
    RACE_TRIES = 128, /* openat2 says EAGAIN when a rename elsewhere crosses a ".." of ours */
};

static int open_by_openat2(const struct root *root, const char *relative, int flags)
{
    uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    if (root->links == ROOT_LINKS_DENY)
        resolve |= RESOLVE_NO_SYMLINKS;
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC), .resolve = resolve};

    long fd = -1;
    for (int tries = 0; tries < RACE_TRIES; tries++) {
        fd = syscall(SYS_openat2, root->fd, relative, &how, sizeof(how));
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return (int)fd;
}

int root_open_relative(const struct root *root, const char *relative, int flags)
{
    const char *from_here = relative[0] == '\0' ? "." : relative;
    return root->resolver == ROOT_BY_WALK
               ? walk_open(root->fd, from_here, flags, root->links == ROOT_LINKS_BENEATH)
               : open_by_openat2(root, from_here, flags);
}

enum ferry_error root_init(struct root *root, const char *directory, enum root_links links,
                           mode_t mask, struct fault *fault)
{
    *root = (struct root){
        .fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), .links = links, .mask = mask};
    if (root->fd < 0)
        return fault_errno(fault, FERRY_E_FILE, "open directory %s", directory);

    /* ENOSYS from a kernel before 5.6; EPERM from a seccomp filter that does not know the call. */
    int probe = open_by_openat2(root, ".", O_PATH);
    if (probe < 0 && (errno == ENOSYS || errno == EPERM))
        root->resolver = ROOT_BY_WALK;
    fd_close(&probe);
    return FERRY_OK;
}

void root_fini(struct root *root)
{
    fd_close(&root->fd);
}

void root_place_fini(struct root_place *place)
{
    fd_close(&place->dir_fd);
}

static enum ferry_error check_name(struct bytes name, const char *deed, struct bytes path,
                                   struct fault *fault)
{
    if (name.len == 0 || bytes_equal(name, BYTES_LIT(".")) || bytes_equal(name, BYTES_LIT("..")))
        return fault_set(fault, FERRY_E_ARGUMENT, "%s %.*s: the path is not normalised", deed,
                         BYTES_FMT(path));
    if (name.len > NAME_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "%s %.*s: a name is longer than %d bytes", deed,
                         BYTES_FMT(path), NAME_MAX);
    if (partfile_is(name))
        return fault_set(fault, FERRY_E_DENIED, "%s %.*s: the name is reserved", deed,
                         BYTES_FMT(path));
    return FERRY_OK;
}

enum ferry_error root_relative(struct bytes path, const char *deed, char relative[static PATH_MAX],
                               struct fault *fault)
{
    if (path.len > PATH_MAX - 1)
        return fault_set(fault, FERRY_E_LIMIT, "%s: the path is longer than %d bytes", deed,
                         PATH_MAX - 1);
    if (!bytes_starts(path, BYTES_LIT("/")) || bytes_find(path, '\0') != path.len)
        return fault_set(fault, FERRY_E_ARGUMENT, "%s %.*s: not an absolute path", deed,
                         BYTES_FMT(path));

    struct bytes inside = bytes_skip(path, 1);
    memcpy(relative, inside.ptr, inside.len);
    relative[inside.len] = '\0';
    if (inside.len == 0)
        return FERRY_OK;
    if (inside.ptr[inside.len - 1] == '/')
        return check_name((struct bytes){0}, deed, path, fault);
    while (inside.len > 0) {
        enum ferry_error error = check_name(bytes_cut(&inside, '/'), deed, path, fault);
        if (error != FERRY_OK)
            return error;
    }
    return FERRY_OK;
}

enum ferry_error root_open(const struct root *root, struct bytes path, int flags, const char *deed,
                           int *fd, struct fault *fault)
{
    *fd = -1;
    char relative[PATH_MAX];
    enum ferry_error error = root_relative(path, deed, relative, fault);
    if (error != FERRY_OK)
        return error;
    *fd = root_open_relative(root, relative, flags);
    return *fd < 0 ? fail_errno(fault, deed, path) : FERRY_OK;
}

/* Opens the directory part of `relative`. */
static int open_parent(const struct root *root, const char *relative, struct root_place *place)
{
    const char *slash = strrchr(relative, '/');
    const char *name = slash ? slash + 1 : relative;
    size_t len = strlen(name);
    if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        errno = EISDIR; /* so a link's target can end */
        return -1;
    }
    if (len > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(place->name, name, len + 1);

    char parent[PATH_MAX];
    snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - relative) : 0, relative);
    place->dir_fd = root_open_relative(root, parent, O_PATH | O_DIRECTORY);
    return place->dir_fd < 0 ? -1 : 0;
}

/* If the place is a link, makes `relative` the path it points to and returns 1. 0: it is none. -1:
 * it must not be followed. */
static int follow(const struct root *root, const struct root_place *place,
                  char relative[static PATH_MAX])
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(place->dir_fd, place->name, target, sizeof(target));
    if (len < 0)
        return 0; /* no link, or nothing there; any other failure meets the caller again */
    if (root->links == ROOT_LINKS_DENY) {
        errno = ELOOP;
        return -1;
    }
    if (len > 0 && target[0] == '/') {
        errno = EXDEV;
        return -1;
    }
    size_t parent = strlen(relative) - strlen(place->name); /* with its slash */
    if (parent + (size_t)len >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(relative + parent, target, (size_t)len);
    relative[parent + (size_t)len] = '\0';
    return 1;
}

static int open_place(const struct root *root, char relative[static PATH_MAX], enum root_last last,
                      struct root_place *place)
{
    for (int links = 0; links <= LINKS_MAX; links++) {
        if (open_parent(root, relative, place) < 0)
            return -1;
        int followed = last == ROOT_LAST_FOLLOWED ? follow(root, place, relative) : 0;
        if (followed == 0)
            return 0;
        root_place_fini(place);
        if (followed < 0)
            return -1;
    }
    errno = ELOOP;
    return -1;
}

enum ferry_error root_open_place(const struct root *root, struct bytes path, enum root_last last,
                                 const char *deed, struct root_place *place, struct fault *fault)
{
    place->dir_fd = -1;
    char relative[PATH_MAX];
    enum ferry_error error = root_relative(path, deed, relative, fault);
    if (error != FERRY_OK)
        return error;
    if (relative[0] == '\0')
        return fault_set(fault, FERRY_E_DENIED, "%s %.*s: this is the root", deed, BYTES_FMT(path));
    return open_place(root, relative, last, place) < 0 ? fail_errno(fault, deed, path) : FERRY_OK;
}
