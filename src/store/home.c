/* The files of one login: what is done by name. */
#include "store/home.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/tree.h"

void home_init(struct home *home, const struct root *root, struct bytes owner,
               const struct home_rules *rules)
{
    *home = (struct home){.root = *root, .rules = *rules};
    snprintf(home->owner, sizeof(home->owner), "%.*s", BYTES_FMT(owner));
}

void home_fini(struct home *home)
{
    home_drop_part(home);
    home_list_close(home);
    root_fini(&home->root);
}

bool home_may_change_in(const struct home *home, struct bytes path)
{
    struct fault ignored = {0};
    CLEANUP(fd_close) int fd = -1;
    enum ferry_error error =
        root_open(&home->root, path, O_PATH | O_DIRECTORY, "look at", &fd, &ignored);
    return error == FERRY_OK && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

/* "/a" for "/a/b", "/" for "/a". */
static struct bytes parent_of(struct bytes path)
{
    size_t len = path.len;
    while (len > 0 && path.ptr[len - 1] != '/')
        len--;
    return bytes_first(path, len > 1 ? len - 1 : len);
}

enum ferry_error home_stat(const struct home *home, struct bytes path, struct entry *entry,
                           bool *may_change, struct fault *fault)
{
    enum ferry_error error = tree_stat(&home->root, path, entry, fault);
    *may_change = error == FERRY_OK && path.len > 1 && home_may_change_in(home, parent_of(path));
    return error;
}

enum ferry_error home_size(const struct home *home, struct bytes path, uint64_t *size_bytes,
                           struct fault *fault)
{
    CLEANUP(entry_fini) struct entry entry = {0};
    enum ferry_error error = tree_stat(&home->root, path, &entry, fault);
    if (error == FERRY_E_NOT_FOUND) {
        struct fault none = {0};
        enum ferry_error kept =
            part_find_kept(&home->root, path, bytes_str(home->owner), size_bytes, &none);
        if (kept == FERRY_OK)
            fault_clear(fault);
        return kept == FERRY_OK ? FERRY_OK : error;
    }
    if (error == FERRY_OK && !S_ISREG(entry.what.st_mode))
        error =
            fault_set(fault, FERRY_E_DENIED, "size of %.*s: not a regular file", BYTES_FMT(path));
    if (error == FERRY_OK)
        *size_bytes = (uint64_t)entry.what.st_size;
    return error;
}

enum ferry_error home_free_bytes(const struct home *home, struct bytes path, uint64_t *free_bytes,
                                 struct fault *fault)
{
    enum ferry_error error = tree_free_bytes(&home->root, path, free_bytes, fault);
    if (home->rules.read_only)
        *free_bytes = 0;
    return error;
}

/* The time last, so that only the mode may have to be taken back. */
enum ferry_error home_set_facts(const struct home *home, struct bytes path,
                                const struct home_facts *facts, struct fault *fault)
{
    const struct root *root = &home->root;
    CLEANUP(entry_fini) struct entry before = {0};
    enum ferry_error error = FERRY_OK;
    if (facts->has_mode)
        error = tree_stat(root, path, &before, fault);
    if (error == FERRY_OK && facts->has_mode)
        error = tree_set_mode(root, path, facts->mode, fault);
    if (error != FERRY_OK || !facts->has_time)
        return error;
    error = tree_set_mtime(root, path, facts->time, fault);
    struct fault ignored = {0};
    if (error != FERRY_OK && facts->has_mode)
        (void)!tree_set_mode(root, path, before.what.st_mode & 0777, &ignored);
    return error;
}
