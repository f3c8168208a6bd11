/* A recursive download. */
#include "client/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "client/dir.h"
#include "client/entry.h"
#include "client/get.h"
#include "client/walk.h"
#include "ftp/path.h"
#include "store/tree.h"

struct listed {
    struct client_entry entry;
    size_t order; /* in the listing */
};

struct tree_get {
    struct client_walk walk;
    client_done_fn *done;
    void *ctx;

    /* The listing of the current folder. */
    struct listed *entries;
    size_t count, room;
    size_t at; /* the entry that is dealt with */
};

static void next_folder(struct tree_get *tree);
static void next_file(struct tree_get *tree);

/* ---- the end ---- */

static void forget_entries(struct tree_get *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        client_entry_fini(&tree->entries[i].entry);
    tree->count = 0;
    tree->at = 0;
}

static void tree_get_free(struct tree_get *tree)
{
    forget_entries(tree);
    alloc_free(tree->entries);
    client_walk_fini(&tree->walk);
    alloc_free(tree);
}

static void end(struct tree_get *tree, enum ferry_error result)
{
    client_done_fn *done = tree->done;
    void *ctx = tree->ctx;
    tree_get_free(tree);
    done(ctx, result);
}

/* ---- files ---- */

static void on_got(void *ctx, enum ferry_error result)
{
    struct tree_get *tree = ctx;
    struct client_walk *walk = &tree->walk;
    int64_t size = tree->entries[tree->at].entry.face.size_bytes;
    enum ferry_error error =
        result == FERRY_OK ? client_walk_tell(walk, FERRY_TREE_FILE, size < 0 ? 0 : (uint64_t)size)
                           : client_walk_fail(walk, result);
    if (error != FERRY_OK) {
        end(tree, error);
        return;
    }
    tree->at++;
    next_file(tree);
}

static bool is_known(const struct ferry_entry *entry)
{
    return entry->size_bytes != FERRY_SIZE_UNKNOWN && entry->time_is_utc;
}

/* Begins the download of an entry. FERRY_OK: on_got follows. */
static enum ferry_error get_file(struct tree_get *tree, const struct ferry_entry *entry)
{
    struct client_walk *walk = &tree->walk;
    const struct client_get_want want = {
        .remote = bytes_str(walk->item_remote),
        .root = &walk->root,
        .local = bytes_str(walk->item_inner),
        .local_name = walk->item_local,
        .flags = walk->flags,
        .known = is_known(entry) ? entry : NULL,
    };
    enum ferry_error error = client_walk_tell(walk, FERRY_TREE_STARTS, 0);
    return error == FERRY_OK ? client_get_start(walk->session, &want, on_got, tree) : error;
}

/* Deals with one entry. `*under_way`: on_got will go on. */
static enum ferry_error take_entry(struct tree_get *tree, bool *under_way)
{
    struct client_walk *walk = &tree->walk;
    const struct ferry_entry *entry = &tree->entries[tree->at].entry.face;
    const char *before = tree->at > 0 ? tree->entries[tree->at - 1].entry.face.name : "";
    enum ferry_error error = client_walk_choose(walk, entry->name);
    if (error != FERRY_OK)
        return error;
    if (path_check_name(bytes_str(entry->name)) != PATH_FLAW_NONE)
        return client_walk_skip(walk, "the name is not safe");
    if (strcmp(entry->name, before) == 0)
        return client_walk_skip(walk, "the server lists the name twice");
    switch (entry->type) {
    case FERRY_ENTRY_FILE:
        error = get_file(tree, entry);
        *under_way = error == FERRY_OK;
        return error == FERRY_OK ? FERRY_OK : client_walk_fail(walk, error);
    case FERRY_ENTRY_DIRECTORY:
        error = client_walk_leave(walk, entry->name);
        return error == FERRY_OK ? FERRY_OK : client_walk_fail(walk, error);
    case FERRY_ENTRY_LINK:
        return client_walk_skip(walk, "is a symbolic link");
    case FERRY_ENTRY_OTHER:
        break;
    }
    return client_walk_skip(walk, "is neither a file nor a directory");
}

static void next_file(struct tree_get *tree)
{
    while (tree->at < tree->count) {
        bool under_way = false;
        enum ferry_error error = take_entry(tree, &under_way);
        if (error != FERRY_OK) {
            end(tree, error);
            return;
        }
        if (under_way)
            return;
        tree->at++;
    }
    next_folder(tree);
}

/* ---- folders ---- */

static bool no_memory(struct tree_get *tree)
{
    fault_set(&tree->walk.session->fault, FERRY_E_MEMORY, "no memory for a listing");
    return false;
}

static bool on_entry(void *ctx, const struct ferry_entry *entry)
{
    struct tree_get *tree = ctx;
    if (tree->count == tree->room) {
        size_t room = tree->room > 0 ? 2 * tree->room : 64;
        struct listed *grown = alloc_resize(tree->entries, room, sizeof(*grown));
        if (!grown)
            return no_memory(tree);
        tree->entries = grown;
        tree->room = room;
    }
    struct listed *listed = &tree->entries[tree->count];
    listed->order = tree->count;
    if (client_entry_copy(entry, bytes_str(entry->name), &listed->entry) != FERRY_OK)
        return no_memory(tree);
    tree->count++;
    return true;
}

/* By name; of several with one name the first that was listed comes first (LST-74). */
static int compare(const void *a, const void *b)
{
    const struct listed *left = a;
    const struct listed *right = b;
    int order = strcmp(left->entry.face.name, right->entry.face.name);
    return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

static enum ferry_error tell_rejected(struct client_walk *walk, uint64_t rejected)
{
    return rejected == 0 ? FERRY_OK
                         : client_walk_skip(walk, "some names in it are not safe and left out");
}

static void on_listed(void *ctx, enum ferry_error result, uint64_t rejected)
{
    struct tree_get *tree = ctx;
    struct client_walk *walk = &tree->walk;
    enum ferry_error error =
        result == FERRY_OK ? tell_rejected(walk, rejected) : client_walk_fail(walk, result);
    if (error != FERRY_OK) {
        end(tree, error);
        return;
    }
    if (tree->count > 0)
        qsort(tree->entries, tree->count, sizeof(tree->entries[0]), compare);
    next_file(tree);
}

/* Makes the local directory of the current folder, or finds that it is one: no link (SEC-90). */
static enum ferry_error make_folder(struct client_walk *walk)
{
    struct fault *fault = &walk->session->fault;
    struct bytes inner = bytes_str(walk->item_inner);
    if (inner.len == 1)
        return FERRY_OK;
    enum ferry_error error = tree_make_dir(&walk->root, inner, fault);
    if (error != FERRY_E_EXISTS)
        return error;
    fault_clear(fault);
    return tree_check_dir(&walk->root, inner, fault);
}

static enum ferry_error begin_folder(struct tree_get *tree)
{
    struct client_walk *walk = &tree->walk;
    enum ferry_error error = client_walk_choose(walk, "");
    if (error == FERRY_OK)
        error = make_folder(walk);
    if (error == FERRY_OK)
        error = client_walk_tell(walk, FERRY_TREE_DIRECTORY, 0);
    if (error == FERRY_OK)
        error = client_dir_start(walk->session, bytes_str(walk->item_remote), on_entry, on_listed,
                                 tree);
    return error;
}

static void next_folder(struct tree_get *tree)
{
    struct client_walk *walk = &tree->walk;
    forget_entries(tree);
    while (client_walk_next(walk)) {
        enum ferry_error error = begin_folder(tree);
        if (error == FERRY_OK)
            return;
        error = client_walk_fail(walk, error);
        if (error != FERRY_OK) {
            end(tree, error);
            return;
        }
    }
    end(tree, client_walk_result(walk));
}

/* ---- the beginning ---- */

static enum ferry_error make_top(const char *local, struct fault *fault)
{
    if (mkdir(local, 0777) == 0 || errno == EEXIST)
        return FERRY_OK;
    return fault_errno(fault, FERRY_E_FILE, "make the directory %s", local);
}

enum ferry_error client_tree_get_start(struct client_session *session,
                                       const struct client_tree_want *want, client_done_fn *done,
                                       void *ctx)
{
    struct tree_get *tree = alloc_zero(sizeof(*tree));
    if (!tree)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a tree of files");
    tree->done = done;
    tree->ctx = ctx;
    enum ferry_error error = make_top(want->local, &session->fault);
    if (error == FERRY_OK)
        error = client_walk_init(&tree->walk, session, want);
    if (error != FERRY_OK) {
        alloc_free(tree);
        return error;
    }
    client_walk_next(&tree->walk);
    error = begin_folder(tree);
    if (error != FERRY_OK)
        tree_get_free(tree);
    return error;
}
