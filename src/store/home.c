/* The files of one login: what is done by name. */
#include "store/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "store/fail.h"
#include "store/tree.h"

enum ferry_error home_init(struct home *home, struct root *root, struct bytes owner,
                           const struct home_rules *rules)
{
    *home = (struct home){.root = *root, .rules = *rules};
    *root = (struct root){.fd = -1};
    if (rules->quota)
        quota_ref(rules->quota);
    home->rules.denied_names = NULL;
    if (rules->denied_names && !(home->denied_names = alloc_str(rules->denied_names))) {
        home_fini(home);
        return FERRY_E_MEMORY;
    }
    snprintf(home->owner, sizeof(home->owner), "%.*s", BYTES_FMT(owner));
    return FERRY_OK;
}

void home_fini(struct home *home)
{
    home_drop_part(home);
    home_list_close(home);
    root_fini(&home->root);
    alloc_free_str(&home->denied_names);
    quota_unref(home->rules.quota);
    home->rules.quota = NULL;
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
    if (error == FERRY_OK && !S_ISREG(entry.what.st_mode)) {
        errno = S_ISDIR(entry.what.st_mode) ? EISDIR : ENXIO;
        error = fail_errno(fault, "size of", path);
    }
    if (error == FERRY_OK)
        *size_bytes = (uint64_t)entry.what.st_size;
    return error;
}

enum ferry_error home_free_bytes(const struct home *home, struct bytes path, uint64_t *free_bytes,
                                 struct fault *fault)
{
    enum ferry_error error = tree_free_bytes(&home->root, path, free_bytes, fault);
    uint64_t left_bytes = home->rules.quota ? quota_bytes_left(home->rules.quota) : UINT64_MAX;
    if (left_bytes < *free_bytes)
        *free_bytes = left_bytes;
    if (home->rules.read_only)
        *free_bytes = 0;
    return error;
}

enum ferry_error home_make_dir(const struct home *home, struct bytes path, struct fault *fault)
{
    enum ferry_error error = home_check_name(home, path, fault);
    if (error == FERRY_OK)
        error = home_take(home, 0, 1, fault);
    if (error != FERRY_OK)
        return error;
    error = tree_make_dir(&home->root, path, fault);
    if (error != FERRY_OK)
        home_give(home, 0, 1);
    return error;
}

enum ferry_error home_rename(const struct home *home, struct bytes from, struct bytes to,
                             struct fault *fault)
{
    enum ferry_error error = home_check_name(home, to, fault);
    return error == FERRY_OK ? tree_rename(&home->root, from, to, false, fault) : error;
}

enum ferry_error home_remove_dir(const struct home *home, struct bytes path, struct fault *fault)
{
    enum ferry_error error = tree_remove_dir(&home->root, path, fault);
    if (error == FERRY_OK)
        home_give(home, 0, 1);
    return error;
}

static enum ferry_error remove_file(const struct home *home, struct bytes path, struct fault *fault)
{
    enum ferry_error error = tree_remove(&home->root, path, fault);
    if (error != FERRY_OK && error != FERRY_E_NOT_FOUND)
        return error;
    if (!part_drop_kept(&home->root, path, bytes_str(home->owner)))
        return error;
    fault_clear(fault);
    return FERRY_OK;
}

enum ferry_error home_remove_file(const struct home *home, struct bytes path, struct fault *fault)
{
    struct home_usage before = home_begin_change(home, path);
    enum ferry_error error = remove_file(home, path, fault);
    if (error == FERRY_OK)
        home_end_removal(home, path, &before);
    else
        home_end_change(home, path, &before);
    return error;
}

/* The time last, so that only the mode may have to be taken back. */
static enum ferry_error set(const struct root *root, struct bytes path,
                            const struct home_facts *facts, mode_t old_mode, struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    if (facts->has_mode)
        error = tree_set_mode(root, path, facts->mode, fault);
    if (error != FERRY_OK || !facts->has_time)
        return error;
    error = tree_set_mtime(root, path, facts->time, fault);
    struct fault ignored = {0};
    if (error != FERRY_OK && facts->has_mode)
        (void)!tree_set_mode(root, path, old_mode, &ignored);
    return error;
}

enum ferry_error home_set_facts(const struct home *home, struct bytes path,
                                struct home_facts *facts, struct fault *fault)
{
    CLEANUP(entry_fini) struct entry before = {0};
    CLEANUP(entry_fini) struct entry after = {0};
    enum ferry_error error = tree_stat(&home->root, path, &before, fault);
    if (error == FERRY_OK)
        error = set(&home->root, path, facts, before.what.st_mode & 0777, fault);
    if (error == FERRY_OK)
        error = tree_stat(&home->root, path, &after, fault);
    facts->mode = after.what.st_mode & 0777;
    facts->time = after.what.st_mtim;
    return error;
}
