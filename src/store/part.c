/* Uploads not yet committed. */
#include "store/part.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/copy.h"
#include "store/fail.h"
#include "store/move.h"

/* Learns by which name a part of the place is kept for `owner`; "" if it cannot be. */
static enum ferry_error find_kept_name(struct bytes owner, struct bytes path,
                                       const struct root_place *place,
                                       char name[static PARTFILE_NAME_BYTES], struct fault *fault)
{
    enum ferry_error error = partfile_kept_name(owner, place->name, name);
    if (error != FERRY_OK)
        return fault_set(fault, error, "write %.*s: memory is short", BYTES_FMT(path));
    return FERRY_OK;
}

/* Learns of the file that the part is to replace. `*exists` is false if there is none. */
static enum ferry_error look_at_target(struct part *part, struct bytes path, bool *exists,
                                       struct fault *fault)
{
    int dir_fd = part->place.dir_fd;
    const char *name = part->place.name;
    *exists = fstatat(dir_fd, name, &part->base, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*exists)
        return errno == ENOENT ? FERRY_OK : fail_errno(fault, "write", path);

    if (!S_ISREG(part->base.st_mode)) {
        errno = S_ISDIR(part->base.st_mode) ? EISDIR : ENXIO;
        return fail_errno(fault, "write", path);
    }
    if (part->no_replace) {
        errno = EEXIST;
        return fail_errno(fault, "write", path);
    }
    if (faccessat(dir_fd, name, W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno(fault, "write", path);
    part->mode = part->base.st_mode & 0777;
    return FERRY_OK;
}

static int begin_empty(struct part *part)
{
    part->fd = partfile_create(part->place.dir_fd, part->temp_name);
    return part->fd < 0 ? -1 : 0;
}

/* Begins with the first part->offset_bytes of the target, which are still to be copied. */
static int begin_with_target(struct part *part)
{
    part->base_fd = openat(part->place.dir_fd, part->place.name,
                           O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    part->has_base = true;
    return part->base_fd < 0 ? -1 : begin_empty(part);
}

/* Takes over the part that was kept, if it has at least `least_bytes`. */
static bool begin_with_kept(struct part *part, uint64_t least_bytes, uint64_t *size_bytes)
{
    int dir_fd = part->place.dir_fd;
    if (part->kept_name[0] == '\0' || !partfile_find(dir_fd, part->kept_name, size_bytes) ||
        *size_bytes < least_bytes)
        return false;
    part->fd = partfile_claim(dir_fd, part->kept_name, part->temp_name);
    return part->fd >= 0;
}

/* The target changed after the part was kept: to go on with the part would undo that. The time of
 * last change tells, which nobody can set back: neither MFMT nor a rename into the name. */
static bool kept_is_stale(const struct part *part)
{
    struct stat kept;
    if (part->kept_name[0] == '\0' ||
        fstatat(part->place.dir_fd, part->kept_name, &kept, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    const struct timespec *target = &part->base.st_ctim;
    return target->tv_sec > kept.st_ctim.tv_sec ||
           (target->tv_sec == kept.st_ctim.tv_sec && target->tv_nsec > kept.st_ctim.tv_nsec);
}

static void remove_kept(const struct part *part)
{
    if (part->kept_name[0] != '\0')
        (void)partfile_remove(part->place.dir_fd, part->kept_name, NULL);
}

static int begin_new(struct part *part)
{
    if (begin_empty(part) < 0)
        return -1;
    remove_kept(part);
    return 0;
}

/* ENODATA: there are fewer bytes than that. */
static int begin_at_offset(struct part *part, bool exists, uint64_t offset_bytes)
{
    if (offset_bytes == 0)
        return begin_new(part);
    part->offset_bytes = offset_bytes;
    uint64_t kept_bytes;
    bool stale = exists && kept_is_stale(part);
    if (!stale && begin_with_kept(part, offset_bytes, &kept_bytes))
        return ftruncate(part->fd, (off_t)offset_bytes);
    if (!exists || (uint64_t)part->base.st_size < offset_bytes) {
        errno = ENODATA;
        return -1;
    }
    if (begin_with_target(part) < 0)
        return -1;
    remove_kept(part);
    return 0;
}

static int begin_append(struct part *part, bool exists)
{
    if (exists) {
        part->kept_name[0] = '\0';
        part->offset_bytes = (uint64_t)part->base.st_size;
        return begin_with_target(part);
    }
    part->no_replace = true; /* who makes the file meanwhile must not lose it */
    return begin_with_kept(part, 0, &part->offset_bytes) ? 0 : begin_empty(part);
}

static int begin(struct part *part, const struct part_want *want, bool exists)
{
    switch (want->start) {
    case PART_NEW:
        return begin_new(part);
    case PART_AT_OFFSET:
        return begin_at_offset(part, exists, want->offset_bytes);
    case PART_APPEND:
        return begin_append(part, exists);
    }
    errno = EINVAL;
    return -1;
}

/* Opens the target itself; an old content is cut off where the new one begins. ENODATA: there are
 * fewer bytes than that. */
static int begin_in_place(struct part *part, const struct part_want *want)
{
    uint64_t offset_bytes = want->start == PART_AT_OFFSET ? want->offset_bytes : 0;
    int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;
    if (offset_bytes == 0)
        flags |= O_CREAT | (want->no_replace ? O_EXCL : 0);
    part->in_place = true;
    part->fd = openat(part->place.dir_fd, part->place.name, flags, part->mode);
    struct stat status;
    if (part->fd < 0 || fstat(part->fd, &status) < 0) {
        errno = offset_bytes > 0 && errno == ENOENT ? ENODATA : errno;
        return -1;
    }
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size < offset_bytes) {
        errno = S_ISREG(status.st_mode) ? ENODATA : ENXIO;
        return -1;
    }
    part->offset_bytes = want->start == PART_APPEND ? (uint64_t)status.st_size : offset_bytes;
    return ftruncate(part->fd, (off_t)part->offset_bytes);
}

/* Gives the part the name by which its owner finds it. false: it has none, or somebody else is
 * writing the part of that name. */
static bool take_kept_name(struct part *part)
{
    if (part->kept_name[0] == '\0')
        return false;
    if (strcmp(part->temp_name, part->kept_name) == 0)
        return true;
    int dir_fd = part->place.dir_fd;
    if (move_at(dir_fd, part->temp_name, dir_fd, part->kept_name, false) < 0) {
        remove_kept(part);
        if (move_at(dir_fd, part->temp_name, dir_fd, part->kept_name, false) < 0)
            return false;
    }
    strcpy(part->temp_name, part->kept_name);
    return true;
}

enum ferry_error part_begin(const struct root *root, struct bytes path,
                            const struct part_want *want, struct part *part, struct fault *fault)
{
    *part = (struct part)PART_NONE;
    CLEANUP(part_fini) struct part made = PART_NONE;
    enum ferry_error error =
        root_open_place(root, path, ROOT_LAST_FOLLOWED, "write", &made.place, fault);
    if (error != FERRY_OK)
        return error;
    made.no_replace = want->no_replace;
    made.mode = 0666 & ~root->mask;

    bool exists;
    error = find_kept_name(want->owner, path, &made.place, made.kept_name, fault);
    if (error == FERRY_OK)
        error = look_at_target(&made, path, &exists, fault);
    if (error != FERRY_OK)
        return error;
    if ((want->in_place ? begin_in_place(&made, want) : begin(&made, want, exists)) < 0)
        return errno == ENODATA ? fault_set(fault, FERRY_E_STATE,
                                            "write %.*s: the offset is past the end of the file",
                                            BYTES_FMT(path))
                                : fail_errno(fault, "write", path);
    if (want->named_at_once && !want->in_place)
        (void)take_kept_name(&made);
    for (bool done = want->copy_in_steps; !done && error == FERRY_OK;)
        error = part_copy(&made, &done, fault);
    if (error != FERRY_OK)
        return error;
    *part = made;
    made = (struct part)PART_NONE;
    return FERRY_OK;
}

enum ferry_error part_copy(struct part *part, bool *done, struct fault *fault)
{
    if (part->base_fd >= 0) {
        uint64_t left = part->offset_bytes - part->copied_bytes;
        uint64_t now = left < PART_COPY_BYTES ? left : PART_COPY_BYTES;
        struct bytes name = bytes_str(part->place.name);
        if (copy_range(part->base_fd, part->copied_bytes, part->fd, part->copied_bytes, now) < 0)
            return errno == ENODATA
                       ? fault_set(fault, FERRY_E_STATE,
                                   "write %.*s: the file became shorter meanwhile", BYTES_FMT(name))
                       : fail_errno(fault, "copy the beginning of", name);
        part->copied_bytes += now;
        if (now == left)
            fd_close(&part->base_fd);
    }
    *done = part->base_fd < 0;
    return FERRY_OK;
}

enum ferry_error part_set_mtime(struct part *part, struct timespec mtime, struct fault *fault)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
    if (futimens(part->fd, times) < 0)
        return fail_errno(fault, "set the time of", bytes_str(part->place.name));
    return FERRY_OK;
}

/* true if the target is still the file that the beginning was copied from. */
static bool base_is_unchanged(const struct part *part)
{
    const struct stat *base = &part->base;
    struct stat now;
    return fstatat(part->place.dir_fd, part->place.name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           now.st_dev == base->st_dev && now.st_ino == base->st_ino &&
           now.st_size == base->st_size && now.st_mtim.tv_sec == base->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == base->st_mtim.tv_nsec;
}

/* Makes the system tell what it still has to say about our writes (SEC-40). */
static int settle(const struct part *part, enum part_sync sync)
{
    if (sync != PART_SYNC_NONE && fdatasync(part->fd) < 0)
        return -1;
    /* NFS tells of a full disk at any close; the part's own descriptor holds the lock until it has
     * its name. */
    int copy = fcntl(part->fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? -1 : close(copy);
}

/* Puts the new name on disk. */
static int sync_dir(const struct part *part)
{
    CLEANUP(fd_close)
    int dir_fd = openat(part->place.dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* A directory that may be written but not read: the file's journal entry is the next best. */
    return fsync(dir_fd < 0 ? part->fd : dir_fd);
}

static void end(struct part *part)
{
    partfile_release(part->fd);
    fd_close(&part->fd);
    fd_close(&part->base_fd);
    root_place_fini(&part->place);
}

enum ferry_error part_commit(struct part *part, enum part_sync sync, struct fault *fault)
{
    int dir_fd = part->place.dir_fd;
    struct bytes name = bytes_str(part->place.name);
    if (part->in_place) {
        if (settle(part, sync) < 0)
            return fail_errno(fault, "finish", name);
        end(part);
        return FERRY_OK;
    }
    if (part->has_base && !base_is_unchanged(part))
        return fault_set(fault, FERRY_E_STATE, "finish %.*s: the file changed meanwhile",
                         BYTES_FMT(name));
    /* vfat, which has no permission bits, refuses. Nothing is opened by that: the part has 0600. */
    (void)fchmod(part->fd, part->mode);
    if (settle(part, sync) < 0 ||
        move_at(dir_fd, part->temp_name, dir_fd, part->place.name, !part->no_replace) < 0)
        return fail_errno(fault, "finish", name);

    enum ferry_error error = FERRY_OK;
    if (sync == PART_SYNC_NAME && sync_dir(part) < 0)
        error = fail_errno(fault, "put on disk the name of", name);
    end(part);
    return error;
}

bool part_keep(struct part *part)
{
    struct stat status;
    if (part->in_place) {
        end(part);
        return true;
    }
    bool kept = part->kept_name[0] != '\0' && fstat(part->fd, &status) == 0 && status.st_size > 1 &&
                ftruncate(part->fd, status.st_size - 1) == 0 && fdatasync(part->fd) == 0 &&
                take_kept_name(part);
    if (kept)
        end(part);
    else
        part_abandon(part);
    return kept;
}

void part_abandon(struct part *part)
{
    if (!part->in_place)
        (void)unlinkat(part->place.dir_fd, part->temp_name, 0);
    end(part);
}

void part_fini(struct part *part)
{
    if (part->fd >= 0)
        part_abandon(part);
    fd_close(&part->base_fd);
    root_place_fini(&part->place);
}

/* The place of `path`, and the name that a part kept there for `owner` has. */
static enum ferry_error find_kept(const struct root *root, struct bytes path, struct bytes owner,
                                  struct root_place *place, char name[static PARTFILE_NAME_BYTES],
                                  struct fault *fault)
{
    enum ferry_error error =
        root_open_place(root, path, ROOT_LAST_FOLLOWED, "look for a part of", place, fault);
    return error == FERRY_OK ? find_kept_name(owner, path, place, name, fault) : error;
}

enum ferry_error part_find_kept(const struct root *root, struct bytes path, struct bytes owner,
                                uint64_t *size_bytes, struct fault *fault)
{
    CLEANUP(root_place_fini) struct root_place place = {.dir_fd = -1};
    char name[PARTFILE_NAME_BYTES];
    enum ferry_error error = find_kept(root, path, owner, &place, name, fault);
    if (error != FERRY_OK)
        return error;
    if (name[0] != '\0' && partfile_find(place.dir_fd, name, size_bytes))
        return FERRY_OK;
    return fault_set(fault, FERRY_E_NOT_FOUND, "look for a part of %.*s: there is none",
                     BYTES_FMT(path));
}

bool part_drop_kept(const struct root *root, struct bytes path, struct bytes owner)
{
    CLEANUP(root_place_fini) struct root_place place = {.dir_fd = -1};
    char name[PARTFILE_NAME_BYTES];
    struct fault ignored = {0};
    return find_kept(root, path, owner, &place, name, &ignored) == FERRY_OK && name[0] != '\0' &&
           partfile_remove(place.dir_fd, name, NULL);
}
