/* Reading directories in pieces. */
#include "store/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "store/fail.h"
#include "store/partfile.h"
#include "store/scan.h"

/* How much is sorted (LST-85). */
enum { SORTED_MAX_NAMES = 100000, SORTED_MAX_BYTES = 8 * 1024 * 1024 };

static enum ferry_error open_stream(struct dir *dir, struct bytes path, struct fault *fault)
{
    CLEANUP(fd_close) int fd = -1;
    enum ferry_error error = root_open(dir->root, path, O_RDONLY | O_DIRECTORY, "list", &fd, fault);
    if (error != FERRY_OK)
        return error;
    /* Names without the right to their facts would pass for an empty directory. */
    if (faccessat(fd, ".", X_OK, AT_EACCESS) < 0)
        return fail_errno(fault, "list", path);

    dir->path = alloc_bytes(path);
    if (!dir->path)
        errno = ENOMEM;
    dir->stream = dir->path ? scan_open(fd_take(&fd)) : NULL;
    return dir->stream ? FERRY_OK : fail_errno(fault, "list", path);
}

/* The next name of the stream to be shown. NULL at the end, with errno 0, or on failure. */
static const char *next_stored(struct dir *dir)
{
    const struct dirent *next;
    do
        next = scan_next(dir->stream);
    while (next && partfile_is(bytes_str(next->d_name)));
    return next ? next->d_name : NULL;
}

/* As next_stored, in the order asked for. */
static const char *next_name(struct dir *dir)
{
    if (!dir->is_sorted)
        return next_stored(dir);
    errno = 0;
    return namelist_next(&dir->names);
}

/* Counts the names against the budget. false: there is no room for them. */
static bool take_budget(struct dir *dir)
{
    struct dir_budget *budget = dir->budget;
    size_t size = namelist_bytes(&dir->names);
    if (!budget || budget->max_bytes == 0)
        return true;
    size_t before = atomic_fetch_add(&budget->taken_bytes, size);
    if (size <= budget->max_bytes && before <= budget->max_bytes - size) {
        dir->taken_bytes = size;
        return true;
    }
    atomic_fetch_sub(&budget->taken_bytes, size);
    return false;
}

/* Reads and sorts all names, unless they are too many. */
static enum ferry_error sort_names(struct dir *dir, struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    const char *name;
    while (error == FERRY_OK && (name = next_stored(dir)))
        error = namelist_add(&dir->names, name);
    if (error == FERRY_E_LIMIT || (error == FERRY_OK && errno == 0 && !take_budget(dir))) {
        namelist_fini(&dir->names);
        rewinddir(dir->stream);
        return FERRY_OK;
    }
    if (error == FERRY_OK && errno != 0)
        return fail_errno(fault, "list", bytes_str(dir->path));
    if (error == FERRY_OK)
        error = namelist_sort(&dir->names);
    if (error != FERRY_OK)
        return fault_set(fault, error, "list %s: no memory for its names", dir->path);
    dir->is_sorted = true;
    return FERRY_OK;
}

enum ferry_error dir_open(const struct root *root, struct bytes path, enum dir_order order,
                          struct dir_budget *budget, struct dir *dir, struct fault *fault)
{
    *dir = (struct dir){.root = root, .budget = budget};
    namelist_init(&dir->names, SORTED_MAX_NAMES, SORTED_MAX_BYTES);
    enum ferry_error error = open_stream(dir, path, fault);
    if (error == FERRY_OK && order == DIR_BY_NAME)
        error = sort_names(dir, fault);
    if (error != FERRY_OK)
        dir_close(dir);
    return error;
}

/* The next entry to be shown. `*got` is false at the end. */
static enum ferry_error next_entry(struct dir *dir, struct entry *entry, bool *got,
                                   struct fault *fault)
{
    *got = false;
    const char *name;
    while ((name = next_name(dir))) {
        *got = entry_read(dir->root, dirfd(dir->stream), dir->path + 1, name, entry) == 0;
        if (*got)
            return FERRY_OK;
        if (errno == ENOMEM)
            break;
    }
    return errno == 0 ? FERRY_OK : fail_errno(fault, "list", bytes_str(dir->path));
}

enum ferry_error dir_read(struct dir *dir, struct entry *entries, size_t max, size_t *count,
                          struct fault *fault)
{
    *count = 0;
    size_t filled = 0;
    bool got = true;
    while (filled < max && got) {
        enum ferry_error error = next_entry(dir, &entries[filled], &got, fault);
        if (error != FERRY_OK) {
            dir_free_entries(entries, filled);
            return error;
        }
        filled += got;
    }
    *count = filled;
    return FERRY_OK;
}

void dir_free_entries(struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        entry_fini(&entries[i]);
}

void dir_close(struct dir *dir)
{
    scan_close(&dir->stream);
    alloc_free_str(&dir->path);
    namelist_fini(&dir->names);
    if (dir->taken_bytes > 0)
        atomic_fetch_sub(&dir->budget->taken_bytes, dir->taken_bytes);
    dir->taken_bytes = 0;
}
