/* What is done to names beneath a root. */
#include "store/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/fail.h"
#include "store/move.h"
#include "store/partfile.h"
#include "store/procfd.h"
#include "store/scan.h"

enum ferry_error tree_open_file(const struct root *root, struct bytes path, int *fd,
                                struct stat *status, struct fault *fault)
{
    *fd = -1;
    CLEANUP(fd_close) int opened = -1;
    enum ferry_error error =
        root_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, "open", &opened, fault);
    if (error != FERRY_OK)
        return error;
    if (fstat(opened, status) < 0)
        return fail_errno(fault, "open", path);
    if (!S_ISREG(status->st_mode)) {
        errno = S_ISDIR(status->st_mode) ? EISDIR : ENXIO;
        return fail_errno(fault, "open", path);
    }
    *fd = fd_take(&opened);
    return FERRY_OK;
}

static int stat_root(const struct root *root, struct entry *entry)
{
    CLEANUP(fd_close) int fd = root_open_relative(root, "", O_PATH | O_DIRECTORY);
    return fd < 0 ? -1 : entry_read_self(fd, entry);
}

static int stat_below(const struct root *root, char *relative, struct entry *entry)
{
    char *slash = strrchr(relative, '/');
    const char *name = slash ? slash + 1 : relative;
    const char *dir = slash ? relative : "";
    if (slash)
        *slash = '\0';
    CLEANUP(fd_close) int dir_fd = root_open_relative(root, dir, O_PATH | O_DIRECTORY);
    return dir_fd < 0 ? -1 : entry_read(root, dir_fd, dir, name, entry);
}

enum ferry_error tree_stat(const struct root *root, struct bytes path, struct entry *entry,
                           struct fault *fault)
{
    char relative[PATH_MAX];
    enum ferry_error error = root_relative(path, "look at", relative, fault);
    if (error != FERRY_OK)
        return error;
    if ((relative[0] == '\0' ? stat_root(root, entry) : stat_below(root, relative, entry)) < 0)
        return fail_errno(fault, "look at", path);
    return FERRY_OK;
}

enum ferry_error tree_check_dir(const struct root *root, struct bytes path, struct fault *fault)
{
    CLEANUP(fd_close) int fd = -1;
    enum ferry_error error = root_open(root, path, O_PATH | O_DIRECTORY, "change into", &fd, fault);
    if (error != FERRY_OK)
        return error;
    if (faccessat(fd, ".", X_OK, AT_EACCESS) < 0)
        return fail_errno(fault, "change into", path);
    return FERRY_OK;
}

enum ferry_error tree_make_dir(const struct root *root, struct bytes path, struct fault *fault)
{
    CLEANUP(root_place_fini) struct root_place place;
    enum ferry_error error =
        root_open_place(root, path, ROOT_LAST_AS_IS, "make directory", &place, fault);
    if (error != FERRY_OK)
        return error;
    if (mkdirat(place.dir_fd, place.name, 0777 & ~root->mask) < 0)
        return fail_errno(fault, "make directory", path);
    return FERRY_OK;
}

/* Removes the abandoned parts in a directory that holds nothing else but parts. */
static void remove_parts(const struct root_place *place)
{
    CLEANUP(scan_close) DIR *stream = scan_open_at(place->dir_fd, place->name);
    if (!stream)
        return;
    const struct dirent *each;
    while ((each = scan_next(stream))) {
        if (!partfile_is(bytes_str(each->d_name)))
            return;
    }
    rewinddir(stream);
    while ((each = scan_next(stream)))
        (void)partfile_remove(dirfd(stream), each->d_name, NULL);
}

enum ferry_error tree_remove_dir(const struct root *root, struct bytes path, struct fault *fault)
{
    CLEANUP(root_place_fini) struct root_place place;
    enum ferry_error error =
        root_open_place(root, path, ROOT_LAST_AS_IS, "remove directory", &place, fault);
    if (error != FERRY_OK)
        return error;
    if (unlinkat(place.dir_fd, place.name, AT_REMOVEDIR) == 0)
        return FERRY_OK;
    if (errno == ENOTEMPTY) {
        remove_parts(&place);
        if (unlinkat(place.dir_fd, place.name, AT_REMOVEDIR) == 0)
            return FERRY_OK;
    }
    return fail_errno(fault, "remove directory", path);
}

enum ferry_error tree_remove(const struct root *root, struct bytes path, struct fault *fault)
{
    CLEANUP(root_place_fini) struct root_place place;
    enum ferry_error error = root_open_place(root, path, ROOT_LAST_AS_IS, "remove", &place, fault);
    if (error != FERRY_OK)
        return error;
    if (unlinkat(place.dir_fd, place.name, 0) < 0)
        return fail_errno(fault, "remove", path);
    return FERRY_OK;
}

/* What errno means when it is renaming itself that failed, not the way there. */
static enum ferry_error fail_rename(struct fault *fault, struct bytes from, struct bytes to)
{
    static const struct {
        int os_error;
        enum ferry_error kind;
        const char *words;
    } reasons[] = {
        {EINVAL, FERRY_E_ARGUMENT, "a directory cannot move into itself"},
        {EXDEV, FERRY_E_DENIED, "it is on another file system"},
        {ENOTDIR, FERRY_E_DENIED, "a directory cannot replace a file"},
        {EISDIR, FERRY_E_DENIED, "a file cannot replace a directory"},
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].os_error == errno)
            return fault_set(fault, reasons[i].kind, "rename %.*s: %s", BYTES_FMT(from),
                             reasons[i].words);
    }
    return fail_errno(fault, "rename", errno == EEXIST || errno == ENOTEMPTY ? to : from);
}

enum ferry_error tree_rename(const struct root *root, struct bytes from, struct bytes to,
                             bool replace, struct fault *fault)
{
    return tree_move(root, from, root, to, replace, fault);
}

enum ferry_error tree_move(const struct root *from_root, struct bytes from,
                           const struct root *to_root, struct bytes to, bool replace,
                           struct fault *fault)
{
    CLEANUP(root_place_fini) struct root_place old;
    CLEANUP(root_place_fini) struct root_place new = {.dir_fd = -1};
    enum ferry_error error =
        root_open_place(from_root, from, ROOT_LAST_AS_IS, "rename", &old, fault);
    if (error == FERRY_OK)
        error = root_open_place(to_root, to, ROOT_LAST_AS_IS, "rename to", &new, fault);
    if (error != FERRY_OK)
        return error;
    if (move_at(old.dir_fd, old.name, new.dir_fd, new.name, replace) < 0)
        return fail_rename(fault, from, to);
    return FERRY_OK;
}

/* Opens a file or directory to change what is written about it. */
static enum ferry_error open_to_change(const struct root *root, struct bytes path, const char *deed,
                                       int *fd, struct fault *fault)
{
    enum ferry_error error = root_open(root, path, O_PATH, deed, fd, fault);
    if (error != FERRY_OK)
        return error;
    struct stat status;
    if (fstat(*fd, &status) < 0)
        return fail_errno(fault, deed, path);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return fault_set(fault, FERRY_E_DENIED, "%s %.*s: it is no file and no directory", deed,
                         BYTES_FMT(path));
    return FERRY_OK;
}

enum ferry_error tree_set_mode(const struct root *root, struct bytes path, mode_t mode,
                               struct fault *fault)
{
    if (mode & ~(mode_t)0777)
        return fault_set(fault, FERRY_E_ARGUMENT, "set the mode of %.*s: %04o is more than 0777",
                         BYTES_FMT(path), mode);
    CLEANUP(fd_close) int fd = -1;
    enum ferry_error error = open_to_change(root, path, "set the mode of", &fd, fault);
    if (error != FERRY_OK)
        return error;
    char through[PROCFD_PATH_BYTES];
    if (fchmodat(AT_FDCWD, procfd_path(fd, through), mode, 0) < 0)
        return fail_errno(fault, "set the mode of", path);
    return FERRY_OK;
}

enum ferry_error tree_set_group(const struct root *root, struct bytes path, gid_t group,
                                struct fault *fault)
{
    CLEANUP(fd_close) int fd = -1;
    enum ferry_error error = open_to_change(root, path, "set the group of", &fd, fault);
    if (error != FERRY_OK)
        return error;
    if (fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH) < 0)
        return fail_errno(fault, "set the group of", path);
    return FERRY_OK;
}

enum ferry_error tree_set_mtime(const struct root *root, struct bytes path, struct timespec mtime,
                                struct fault *fault)
{
    CLEANUP(fd_close) int fd = -1;
    enum ferry_error error = open_to_change(root, path, "set the time of", &fd, fault);
    if (error != FERRY_OK)
        return error;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
    char through[PROCFD_PATH_BYTES];
    if (utimensat(AT_FDCWD, procfd_path(fd, through), times, 0) < 0)
        return fail_errno(fault, "set the time of", path);
    return FERRY_OK;
}

enum ferry_error tree_free_bytes(const struct root *root, struct bytes path, uint64_t *free_bytes,
                                 struct fault *fault)
{
    CLEANUP(fd_close) int fd = -1;
    enum ferry_error error = root_open(root, path, O_PATH, "look for space at", &fd, fault);
    if (error != FERRY_OK)
        return error;
    struct statvfs space;
    if (fstatvfs(fd, &space) < 0)
        return fail_errno(fault, "look for space at", path);
    *free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    return FERRY_OK;
}
