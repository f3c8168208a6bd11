/* A directory with all that is beneath it. */
#include "store/subtree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "store/fail.h"
#include "store/partfile.h"
#include "store/scan.h"

enum { WAITING_MAX_BYTES = 8 * 1024 * 1024 };

const struct subtree_limits subtree_limits_default = {
    .entries_max = 100000, .time_ns = 10 * CLOCK_NS_PER_S, .clock = &clock_system};

struct subtree {
    enum ferry_error (*step)(struct subtree *subtree, bool *done, struct fault *fault);
    struct subtree_limits limits;
    uint64_t deadline_ns;
    struct root root;        /* the directory itself; no link beneath it is followed */
    struct root_place place; /* removing: where it stands */
    char *path;              /* for words */
    uint64_t bytes;          /* that were added up, or are gone */
    uint64_t names;          /* that are gone */
    unsigned entries;

    struct buf waiting;  /* adding up: directories to be read, each with a NUL, relative to root */
    char here[PATH_MAX]; /* removing: the one that is being emptied */
};

void subtree_free(struct subtree *subtree)
{
    if (!subtree)
        return;
    buf_fini(&subtree->waiting);
    root_fini(&subtree->root);
    root_place_fini(&subtree->place);
    alloc_free(subtree->path);
    alloc_free(subtree);
}

uint64_t subtree_bytes(const struct subtree *subtree)
{
    return subtree->bytes;
}

uint64_t subtree_names(const struct subtree *subtree)
{
    return subtree->names;
}

static struct subtree *subtree_new(const struct root *root, struct bytes path,
                                   const struct subtree_limits *limits)
{
    struct subtree *made = alloc_zero(sizeof(*made));
    if (!made)
        return NULL;
    made->root = (struct root){.fd = -1, .links = ROOT_LINKS_DENY, .resolver = root->resolver};
    made->place.dir_fd = -1;
    made->limits = *limits;
    made->deadline_ns = clock_monotonic_ns(limits->clock) + limits->time_ns;
    buf_init(&made->waiting, WAITING_MAX_BYTES);
    made->path = alloc_bytes(path);
    if (!made->path) {
        subtree_free(made);
        return NULL;
    }
    return made;
}

static enum ferry_error too_much(const struct subtree *subtree, struct fault *fault)
{
    return fault_set(fault, FERRY_E_TEMPORARY, "%s: more than %u entries, or more than %llu s",
                     subtree->path, subtree->limits.entries_max,
                     (unsigned long long)(subtree->limits.time_ns / CLOCK_NS_PER_S));
}

/* Counts one entry. false: that is one too many. */
static bool count_one(struct subtree *subtree)
{
    return ++subtree->entries <= subtree->limits.entries_max;
}

static bool is_late(const struct subtree *subtree)
{
    return clock_monotonic_ns(subtree->limits.clock) >= subtree->deadline_ns;
}

enum ferry_error subtree_step(struct subtree *subtree, bool *done, struct fault *fault)
{
    *done = false;
    return is_late(subtree) ? too_much(subtree, fault) : subtree->step(subtree, done, fault);
}

/* ---- adding up ---- */

/* Puts "dir/name" among the directories to be read. */
static enum ferry_error wait_for(struct subtree *subtree, const char *dir, const char *name,
                                 struct fault *fault)
{
    enum ferry_error error = buf_printf(&subtree->waiting, "%s%s%s", dir, dir[0] ? "/" : "", name);
    if (error == FERRY_OK)
        error = buf_append(&subtree->waiting, bytes_of("", 1));
    return error == FERRY_E_LIMIT ? too_much(subtree, fault)
           : error == FERRY_OK    ? FERRY_OK
                                  : fault_set(fault, error, "%s: memory is short", subtree->path);
}

static enum ferry_error sum_directory(struct subtree *subtree, const char *relative,
                                      struct fault *fault)
{
    int fd = root_open_relative(&subtree->root, relative, O_RDONLY | O_DIRECTORY);
    CLEANUP(scan_close) DIR *stream = fd < 0 ? NULL : scan_open(fd);
    if (!stream) /* no right to it, or it has gone */
        return errno == ENOMEM ? fail_errno(fault, "add up", bytes_str(subtree->path)) : FERRY_OK;
    enum ferry_error error = FERRY_OK;
    const struct dirent *each;
    while (error == FERRY_OK && (each = scan_next(stream))) {
        struct stat status;
        if (!count_one(subtree))
            return too_much(subtree, fault);
        if (partfile_is(bytes_str(each->d_name)) ||
            fstatat(dirfd(stream), each->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISREG(status.st_mode))
            subtree->bytes += (uint64_t)status.st_size;
        else if (S_ISDIR(status.st_mode))
            error = wait_for(subtree, relative, each->d_name, fault);
    }
    return error;
}

static enum ferry_error step_sum(struct subtree *subtree, bool *done, struct fault *fault)
{
    unsigned until = subtree->entries + SUBTREE_STEP_ENTRIES;
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && subtree->entries < until && buf_len(&subtree->waiting) > 0) {
        struct bytes waiting = buf_view(&subtree->waiting);
        size_t len = bytes_find(waiting, '\0');
        char next[PATH_MAX];
        if (len < sizeof(next)) {
            memcpy(next, waiting.ptr, len + 1);
            error = sum_directory(subtree, next, fault);
        }
        buf_consume(&subtree->waiting, len + 1);
        subtree->entries++;
    }
    *done = buf_len(&subtree->waiting) == 0;
    return error;
}

enum ferry_error subtree_sum(const struct root *root, struct bytes path,
                             const struct subtree_limits *limits, struct subtree **out,
                             struct fault *fault)
{
    *out = NULL;
    struct subtree *made = subtree_new(root, path, limits);
    if (!made || buf_append(&made->waiting, bytes_of("", 1)) != FERRY_OK) {
        subtree_free(made);
        return fault_set(fault, FERRY_E_MEMORY, "add up %.*s: memory is short", BYTES_FMT(path));
    }
    made->step = step_sum;
    int fd = -1;
    enum ferry_error error = root_open(root, path, O_PATH | O_DIRECTORY, "add up", &fd, fault);
    if (error != FERRY_OK) {
        subtree_free(made);
        return error;
    }
    made->root.fd = fd;
    *out = made;
    return FERRY_OK;
}

/* ---- removing ---- */

static enum ferry_error fail_remove(const struct subtree *subtree, struct fault *fault)
{
    return fail_errno(fault, "remove", bytes_str(subtree->path));
}

/* What became of one name. */
enum removal { REMOVAL_DONE, REMOVAL_DESCEND, REMOVAL_FAILED };

static enum removal remove_one(struct subtree *subtree, int dir_fd, const char *name,
                               struct fault *fault)
{
    if (partfile_is(bytes_str(name))) {
        if (partfile_remove(dir_fd, name, NULL))
            return REMOVAL_DONE;
        fault_set(fault, FERRY_E_TEMPORARY, "remove %s: an upload into it is under way",
                  subtree->path);
        return REMOVAL_FAILED;
    }
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return REMOVAL_DONE;
    if (errno == EISDIR && (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT))
        return REMOVAL_DONE;
    if (errno == ENOTEMPTY || errno == EEXIST)
        return REMOVAL_DESCEND;
    (void)fail_remove(subtree, fault);
    return REMOVAL_FAILED;
}

static enum ferry_error descend(struct subtree *subtree, const char *name, struct fault *fault)
{
    size_t len = strlen(subtree->here), more = strlen(name);
    if (len + more + 2 > sizeof(subtree->here))
        return fault_set(fault, FERRY_E_LIMIT, "remove %s: it is too deep", subtree->path);
    if (len > 0)
        subtree->here[len++] = '/';
    memcpy(subtree->here + len, name, more + 1);
    return FERRY_OK;
}

static void ascend(struct subtree *subtree)
{
    char *slash = strrchr(subtree->here, '/');
    *(slash ? slash : subtree->here) = '\0';
}

/* Empties the directory where we are, up to the first of its own that is not empty: there we are
 * then. `*emptied`: there was none. */
static enum ferry_error empty_here(struct subtree *subtree, bool *emptied, struct fault *fault)
{
    *emptied = false;
    int fd = root_open_relative(&subtree->root, subtree->here, O_RDONLY | O_DIRECTORY);
    CLEANUP(scan_close) DIR *stream = fd < 0 ? NULL : scan_open(fd);
    if (!stream)
        return fail_remove(subtree, fault);
    const struct dirent *each;
    while ((each = scan_next(stream))) {
        if (!count_one(subtree))
            return too_much(subtree, fault);
        struct stat status = {0};
        bool seen = fstatat(dirfd(stream), each->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0;
        switch (remove_one(subtree, dirfd(stream), each->d_name, fault)) {
        case REMOVAL_DONE:
            subtree->names += seen;
            subtree->bytes += S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
            break;
        case REMOVAL_DESCEND:
            return descend(subtree, each->d_name, fault);
        case REMOVAL_FAILED:
            return fault->kind;
        }
    }
    if (errno != 0)
        return fail_remove(subtree, fault);
    *emptied = true;
    return FERRY_OK;
}

static enum ferry_error step_remove(struct subtree *subtree, bool *done, struct fault *fault)
{
    unsigned until = subtree->entries + SUBTREE_STEP_ENTRIES;
    while (subtree->entries < until) {
        bool emptied;
        subtree->entries++;
        enum ferry_error error = empty_here(subtree, &emptied, fault);
        if (error != FERRY_OK)
            return error;
        if (!emptied)
            continue;
        if (subtree->here[0] == '\0') {
            *done = unlinkat(subtree->place.dir_fd, subtree->place.name, AT_REMOVEDIR) == 0;
            subtree->names += *done;
            return *done ? FERRY_OK : fail_remove(subtree, fault);
        }
        ascend(subtree);
    }
    return FERRY_OK;
}

enum ferry_error subtree_remove(const struct root *root, struct bytes path,
                                const struct subtree_limits *limits, struct subtree **out,
                                struct fault *fault)
{
    *out = NULL;
    struct subtree *made = subtree_new(root, path, limits);
    if (!made)
        return fault_set(fault, FERRY_E_MEMORY, "remove %.*s: memory is short", BYTES_FMT(path));
    made->step = step_remove;
    enum ferry_error error =
        root_open_place(root, path, ROOT_LAST_AS_IS, "remove", &made->place, fault);
    if (error == FERRY_OK) {
        made->root.fd = openat(made->place.dir_fd, made->place.name,
                               O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (made->root.fd < 0)
            error = fail_remove(made, fault);
    }
    if (error != FERRY_OK) {
        subtree_free(made);
        return error;
    }
    *out = made;
    return FERRY_OK;
}
