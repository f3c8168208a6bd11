/* One file made of others. */
#include "store/combine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "store/copy.h"
#include "store/fail.h"
#include "store/part.h"
#include "store/tree.h"

struct combine {
    const struct root *root;
    struct part part;
    char *sources;
    struct bytes all, left; /* views of `sources`: all of them, and those not begun */
    struct bytes path;      /* of the one that is being copied */
    int from;               /* or -1 */
    uint64_t at, end;       /* in `from` */
    uint64_t written;
    bool remove_sources;
};

void combine_free(struct combine *combine)
{
    if (!combine)
        return;
    fd_close(&combine->from);
    part_fini(&combine->part);
    alloc_free(combine->sources);
    alloc_free(combine);
}

/* A source is a file that can be read and, if it is to go, removed. */
static enum ferry_error check_source(const struct combine *combine, struct bytes path,
                                     struct fault *fault)
{
    CLEANUP(fd_close) int fd = -1;
    CLEANUP(root_place_fini) struct root_place place = {.dir_fd = -1};
    struct stat status;
    enum ferry_error error = tree_open_file(combine->root, path, &fd, &status, fault);
    if (error != FERRY_OK || !combine->remove_sources)
        return error;
    error = root_open_place(combine->root, path, ROOT_LAST_AS_IS, "remove", &place, fault);
    if (error == FERRY_OK && faccessat(place.dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        error = fail_errno(fault, "remove", path);
    return error;
}

static enum ferry_error check_sources(const struct combine *combine, struct fault *fault)
{
    struct bytes left = combine->all;
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && left.len > 0)
        error = check_source(combine, bytes_cut(&left, '\0'), fault);
    return error;
}

enum ferry_error combine_new(const struct root *root, const struct combine_want *want,
                             struct combine **out, struct fault *fault)
{
    *out = NULL;
    struct combine *made = alloc_zero(sizeof(*made));
    char *sources = alloc_bytes(want->sources);
    if (!made || !sources) {
        alloc_free(made);
        alloc_free(sources);
        return fault_set(fault, FERRY_E_MEMORY, "write %.*s: memory is short",
                         BYTES_FMT(want->target));
    }
    *made = (struct combine){
        .root = root,
        .part = PART_NONE,
        .sources = sources,
        .all = bytes_of(sources, want->sources.len),
        .left = bytes_of(sources, want->sources.len),
        .from = -1,
        .remove_sources = want->remove_sources,
    };
    enum ferry_error error = check_sources(made, fault);
    struct part_want part = {.start = PART_NEW, .no_replace = want->no_replace};
    if (error == FERRY_OK)
        error = part_begin(root, want->target, &part, &made->part, fault);
    if (error != FERRY_OK) {
        combine_free(made);
        return error;
    }
    *out = made;
    return FERRY_OK;
}

static enum ferry_error open_next(struct combine *combine, struct fault *fault)
{
    struct stat status;
    combine->path = bytes_cut(&combine->left, '\0');
    enum ferry_error error =
        tree_open_file(combine->root, combine->path, &combine->from, &status, fault);
    if (error == FERRY_OK) {
        combine->at = 0;
        combine->end = (uint64_t)status.st_size;
    }
    return error;
}

static enum ferry_error copy_some(struct combine *combine, struct fault *fault)
{
    uint64_t left = combine->end - combine->at;
    uint64_t count = left < COMBINE_STEP_BYTES ? left : COMBINE_STEP_BYTES;
    if (copy_range(combine->from, combine->at, combine->part.fd, combine->written, count) < 0)
        return fail_errno(fault, "copy", combine->path);
    combine->at += count;
    combine->written += count;
    if (combine->at == combine->end)
        fd_close(&combine->from);
    return FERRY_OK;
}

/* A source that leads to what is the target now stays. */
static enum ferry_error remove_sources(const struct combine *combine, const struct stat *target,
                                       struct fault *fault)
{
    struct bytes left = combine->all;
    while (left.len > 0) {
        struct bytes path = bytes_cut(&left, '\0');
        CLEANUP(entry_fini) struct entry entry = {0};
        enum ferry_error error = tree_stat(combine->root, path, &entry, fault);
        if (error == FERRY_OK &&
            (entry.what.st_ino != target->st_ino || entry.what.st_dev != target->st_dev))
            error = tree_remove(combine->root, path, fault);
        if (error == FERRY_E_NOT_FOUND) /* it was named twice */
            fault_clear(fault);
        else if (error != FERRY_OK)
            return error;
    }
    return FERRY_OK;
}

static enum ferry_error finish(struct combine *combine, struct fault *fault)
{
    struct stat target;
    if (fstat(combine->part.fd, &target) < 0)
        return fail_errno(fault, "finish", bytes_str(combine->part.place.name));
    enum ferry_error error = part_commit(&combine->part, PART_SYNC_DATA, fault);
    if (error == FERRY_OK && combine->remove_sources)
        error = remove_sources(combine, &target, fault);
    return error;
}

enum ferry_error combine_step(struct combine *combine, bool *done, struct fault *fault)
{
    *done = false;
    if (combine->from >= 0)
        return copy_some(combine, fault);
    if (combine->left.len > 0)
        return open_next(combine, fault);
    *done = true;
    return finish(combine, fault);
}
