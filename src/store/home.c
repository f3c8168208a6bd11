/* The files of one login: what is done by name. */
#include "store/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "store/fail.h"
#include "store/home_place.h"
#include "store/tree.h"

enum ferry_error home_init(struct home *home, struct root *root, struct bytes owner,
                           const struct home_rules *rules)
{
    static char at_top[] = "";
    *home = (struct home){.root = *root, .rules = *rules};
    *root = (struct root){.fd = -1};
    home->own = (struct home_root){.at = at_top, .root = home->root, .exact = home->root};
    home->own.exact.links = ROOT_LINKS_DENY;
    rights_init(&home->rights);
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

static enum ferry_error add_root(struct home *home, struct bytes at, struct root *root,
                                 struct fault *fault)
{
    for (size_t i = 0; i < home->more_count; i++)
        if (bytes_equal(bytes_str(home->more[i].at), at))
            return fault_set(fault, FERRY_E_EXISTS, "there are two roots at %.*s", BYTES_FMT(at));
    struct home_root *grown = alloc_resize(home->more, home->more_count + 1, sizeof(*grown));
    if (grown)
        home->more = grown;
    char *copy = grown ? alloc_bytes(at) : NULL;
    if (!copy)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a root");
    struct home_root *added = &home->more[home->more_count++];
    *added = (struct home_root){.at = copy, .root = *root, .exact = *root};
    added->exact.links = ROOT_LINKS_DENY;
    *root = (struct root){.fd = -1};
    return FERRY_OK;
}

enum ferry_error home_add_root(struct home *home, struct bytes at, struct root *root,
                               struct fault *fault)
{
    enum ferry_error error = add_root(home, at, root, fault);
    root_fini(root);
    return error;
}

void home_set_rights(struct home *home, struct rights *rights)
{
    rights_fini(&home->rights);
    home->rights = *rights;
    rights_init(rights);
}

void home_fini(struct home *home)
{
    home_drop_part(home);
    home_list_close(home);
    for (size_t i = 0; i < home->more_count; i++) {
        root_fini(&home->more[i].root);
        alloc_free(home->more[i].at);
    }
    alloc_free(home->more);
    home->more = NULL;
    home->more_count = 0;
    root_fini(&home->root);
    rights_fini(&home->rights);
    alloc_free_str(&home->denied_names);
    quota_unref(home->rules.quota);
    home->rules.quota = NULL;
}

/* ---- looking ---- */

bool home_may_change_in(const struct root *root, struct bytes path)
{
    struct fault ignored = {0};
    CLEANUP(fd_close) int fd = -1;
    enum ferry_error error = root_open(root, path, O_PATH | O_DIRECTORY, "look at", &fd, &ignored);
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
    struct home_place place;
    enum ferry_error error = home_find(home, path, ROOT_LAST_AS_IS, "look at", &place, fault);
    if (error == FERRY_OK)
        error = home_need_any(&place, RIGHT_READ | RIGHT_LIST | RIGHT_RENAME, "look at", fault);
    if (error == FERRY_OK)
        error = tree_stat(place.root, home_place_path(&place), entry, fault);
    *may_change = error == FERRY_OK && !place.is_top &&
                  home_may_change_in(place.root, parent_of(home_place_path(&place)));
    if (error == FERRY_OK)
        home_judge(home, place.full, entry);
    return error;
}

enum ferry_error home_size(const struct home *home, struct bytes path, uint64_t *size_bytes,
                           struct fault *fault)
{
    CLEANUP(entry_fini) struct entry entry = {0};
    struct home_place place;
    enum ferry_error error = home_find(home, path, ROOT_LAST_FOLLOWED, "size of", &place, fault);
    if (error == FERRY_OK)
        error = home_need_any(&place, RIGHT_READ | RIGHT_LIST | RIGHT_APPEND, "size of", fault);
    if (error != FERRY_OK)
        return error;
    struct bytes found = home_place_path(&place);
    error = tree_stat(place.root, found, &entry, fault);
    if (error == FERRY_E_NOT_FOUND && (place.allowed & RIGHT_APPEND)) {
        struct fault none = {0};
        enum ferry_error kept =
            part_find_kept(place.root, found, bytes_str(home->owner), size_bytes, &none);
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

enum ferry_error home_enter(const struct home *home, struct bytes path, struct fault *fault)
{
    struct home_place place;
    enum ferry_error error =
        home_find(home, path, ROOT_LAST_FOLLOWED, "change into", &place, fault);
    if (error == FERRY_OK && !home_may_enter(home, &place))
        error = home_need(&place, RIGHTS_ALL, "change into", fault);
    return error == FERRY_OK ? tree_check_dir(place.root, home_place_path(&place), fault) : error;
}

enum ferry_error home_open_read(const struct home *home, struct bytes path, int *fd,
                                uint64_t *size_bytes, struct fault *fault)
{
    struct home_place place;
    struct stat status;
    *fd = -1;
    enum ferry_error error = home_find(home, path, ROOT_LAST_FOLLOWED, "open", &place, fault);
    if (error == FERRY_OK)
        error = home_need(&place, RIGHT_READ, "open", fault);
    if (error == FERRY_OK)
        error = tree_open_file(place.root, home_place_path(&place), fd, &status, fault);
    if (error == FERRY_OK)
        *size_bytes = (uint64_t)status.st_size;
    return error;
}

enum ferry_error home_free_bytes(const struct home *home, struct bytes path, uint64_t *free_bytes,
                                 struct fault *fault)
{
    struct home_place place;
    enum ferry_error error =
        home_find(home, path, ROOT_LAST_FOLLOWED, "look for space at", &place, fault);
    if (error == FERRY_OK && !home_may_enter(home, &place))
        error = home_need(&place, RIGHTS_ALL, "look for space at", fault);
    if (error == FERRY_OK)
        error = tree_free_bytes(place.root, home_place_path(&place), free_bytes, fault);
    uint64_t left_bytes = home->rules.quota ? quota_bytes_left(home->rules.quota) : UINT64_MAX;
    if (error == FERRY_OK && left_bytes < *free_bytes)
        *free_bytes = left_bytes;
    if (error == FERRY_OK && !(place.allowed & RIGHTS_WRITE))
        *free_bytes = 0;
    return error;
}

enum ferry_error home_tree_size(const struct home *home, struct bytes path, struct subtree **out,
                                struct fault *fault)
{
    struct home_place place;
    enum ferry_error error = home_find(home, path, ROOT_LAST_FOLLOWED, "add up", &place, fault);
    if (error == FERRY_OK)
        place.allowed &= rights_throughout(&home->rights, place.full);
    if (error == FERRY_OK)
        error = home_need(&place, RIGHT_LIST, "add up", fault);
    return error == FERRY_OK ? subtree_sum(place.root, home_place_path(&place),
                                           &subtree_limits_default, out, fault)
                             : error;
}

/* ---- changing ---- */

enum ferry_error home_make_dir(const struct home *home, struct bytes path, struct fault *fault)
{
    struct home_place place;
    enum ferry_error error = home_check_name(home, path, fault);
    if (error == FERRY_OK)
        error = home_find(home, path, ROOT_LAST_AS_IS, "make directory", &place, fault);
    if (error == FERRY_OK)
        error = home_need_name(&place, RIGHT_MAKE_DIRECTORY, "make directory", fault);
    if (error == FERRY_OK)
        error = home_take(home, 0, 1, fault);
    if (error != FERRY_OK)
        return error;
    error = tree_make_dir(place.root, home_place_path(&place), fault);
    if (error != FERRY_OK)
        home_give(home, 0, 1);
    return error;
}

static enum ferry_error may_rename(const struct home *home, const struct home_place *from,
                                   const struct home_place *to, struct fault *fault)
{
    CLEANUP(entry_fini) struct entry entry = {0};
    enum ferry_error error = home_need_name(from, RIGHT_RENAME, "rename", fault);
    if (error == FERRY_OK)
        error = tree_stat(from->root, home_place_path(from), &entry, fault);
    if (error != FERRY_OK)
        return error;
    bool directory = S_ISDIR(entry.self.st_mode);
    bool moves = !bytes_equal(parent_of(bytes_str(from->full)), parent_of(bytes_str(to->full)));
    unsigned needed = directory ? RIGHT_MAKE_DIRECTORY : RIGHT_CREATE;
    if (!moves)
        needed = RIGHT_RENAME;
    if (directory)
        error = home_need_whole(home, from, RIGHT_RENAME, "rename", fault);
    if (error == FERRY_OK)
        error = directory ? home_need_whole(home, to, needed, "rename to", fault)
                          : home_need_name(to, needed, "rename to", fault);
    unsigned gained = to->allowed & ~from->allowed & (RIGHT_READ | RIGHT_LIST);
    if (error == FERRY_OK && gained)
        error = fault_set(fault, FERRY_E_DENIED,
                          "rename %s: it may not be read there, and may not become readable",
                          from->full);
    return error;
}

enum ferry_error home_rename(const struct home *home, struct bytes from, struct bytes to,
                             struct fault *fault)
{
    struct home_place old, new;
    enum ferry_error error = home_check_name(home, to, fault);
    if (error == FERRY_OK)
        error = home_find(home, from, ROOT_LAST_AS_IS, "rename", &old, fault);
    if (error == FERRY_OK)
        error = home_find(home, to, ROOT_LAST_AS_IS, "rename to", &new, fault);
    if (error == FERRY_OK)
        error = may_rename(home, &old, &new, fault);
    return error == FERRY_OK ? tree_move(old.root, home_place_path(&old), new.root,
                                         home_place_path(&new), false, fault)
                             : error;
}

enum ferry_error home_remove_dir(const struct home *home, struct bytes path, struct fault *fault)
{
    struct home_place place;
    enum ferry_error error =
        home_find(home, path, ROOT_LAST_AS_IS, "remove directory", &place, fault);
    if (error == FERRY_OK)
        error = home_need_whole(home, &place, RIGHT_REMOVE_DIRECTORY, "remove directory", fault);
    if (error == FERRY_OK)
        error = tree_remove_dir(place.root, home_place_path(&place), fault);
    if (error == FERRY_OK)
        home_give(home, 0, 1);
    return error;
}

enum ferry_error home_remove_tree(const struct home *home, struct bytes path, struct subtree **out,
                                  struct fault *fault)
{
    struct home_place place;
    enum ferry_error error =
        home_find(home, path, ROOT_LAST_AS_IS, "remove directory", &place, fault);
    if (error == FERRY_OK)
        error = home_need_whole(home, &place, RIGHT_REMOVE_DIRECTORY | RIGHT_DELETE,
                                "remove directory", fault);
    return error == FERRY_OK ? subtree_remove(place.root, home_place_path(&place),
                                              &subtree_limits_default, out, fault)
                             : error;
}

static enum ferry_error remove_file(const struct home *home, const struct home_place *place,
                                    struct fault *fault)
{
    struct bytes path = home_place_path(place);
    enum ferry_error error = tree_remove(place->root, path, fault);
    if (error != FERRY_OK && error != FERRY_E_NOT_FOUND)
        return error;
    if (!part_drop_kept(place->root, path, bytes_str(home->owner)))
        return error;
    fault_clear(fault);
    return FERRY_OK;
}

enum ferry_error home_remove_file(const struct home *home, struct bytes path, struct fault *fault)
{
    struct home_place place;
    enum ferry_error error = home_find(home, path, ROOT_LAST_AS_IS, "remove", &place, fault);
    if (error == FERRY_OK)
        error = home_need_name(&place, RIGHT_DELETE, "remove", fault);
    if (error != FERRY_OK)
        return error;
    struct bytes found = home_place_path(&place);
    struct home_usage before = home_begin_change(home, place.root, found);
    error = remove_file(home, &place, fault);
    if (error == FERRY_OK)
        home_end_removal(home, place.root, found, &before);
    else
        home_end_change(home, place.root, found, &before);
    return error;
}

/* The group first, since it may take bits of the mode with it; what was set before a failure is
 * taken back. */
static enum ferry_error set(const struct root *root, struct bytes path,
                            const struct home_facts *facts, const struct stat *old,
                            struct fault *fault)
{
    struct fault ignored = {0};
    bool mode_set = false;
    enum ferry_error error = FERRY_OK;
    if (facts->has_group)
        error = tree_set_group(root, path, facts->group, fault);
    if (error != FERRY_OK)
        return error;
    if (facts->has_mode)
        error = tree_set_mode(root, path, facts->mode, fault);
    mode_set = facts->has_mode && error == FERRY_OK;
    if (error == FERRY_OK && facts->has_time)
        error = tree_set_mtime(root, path, facts->time, fault);
    if (error != FERRY_OK && facts->has_group)
        (void)!tree_set_group(root, path, old->st_gid, &ignored);
    if (error != FERRY_OK && (mode_set || facts->has_group))
        (void)!tree_set_mode(root, path, old->st_mode & 0777, &ignored);
    return error;
}

enum ferry_error home_set_facts(const struct home *home, struct bytes path,
                                struct home_facts *facts, struct fault *fault)
{
    CLEANUP(entry_fini) struct entry before = {0};
    CLEANUP(entry_fini) struct entry after = {0};
    struct home_place place;
    unsigned needed = (facts->has_mode || facts->has_group ? (unsigned)RIGHT_MODE : 0) |
                      (facts->has_time ? (unsigned)RIGHT_TIMES : 0);
    enum ferry_error error = home_find(home, path, ROOT_LAST_FOLLOWED, "change", &place, fault);
    if (error == FERRY_OK)
        error = home_need(&place, needed, "change", fault);
    if (error != FERRY_OK)
        return error;
    struct bytes found = home_place_path(&place);
    error = tree_stat(place.root, found, &before, fault);
    if (error == FERRY_OK)
        error = set(place.root, found, facts, &before.what, fault);
    if (error == FERRY_OK)
        error = tree_stat(place.root, found, &after, fault);
    facts->mode = after.what.st_mode & 0777;
    facts->group = after.what.st_gid;
    facts->time = after.what.st_mtim;
    return error;
}
