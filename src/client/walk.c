/* What a recursive download and a recursive upload share. */
#include "client/walk.h"

#include "base/alloc.h"
#include "client/failure.h"
#include "client/local.h"
#include "client/path.h"

static enum ferry_error no_memory(struct client_walk *walk)
{
    return fault_set(&walk->session->fault, FERRY_E_MEMORY, "no memory for a tree of files");
}

/* ---- folders ---- */

/* Takes `relative`, on failure too. */
static enum ferry_error push(struct client_walk *walk, char *relative, unsigned depth)
{
    CLEANUP(alloc_free_str) char *owned = relative;
    if (!owned)
        return no_memory(walk);
    if (walk->folder_count == walk->folder_room) {
        size_t room = walk->folder_room > 0 ? 2 * walk->folder_room : 16;
        struct walk_folder *grown = alloc_resize(walk->folders, room, sizeof(*grown));
        if (!grown)
            return no_memory(walk);
        walk->folders = grown;
        walk->folder_room = room;
    }
    walk->folders[walk->folder_count++] = (struct walk_folder){.relative = owned, .depth = depth};
    owned = NULL;
    return FERRY_OK;
}

bool client_walk_next(struct client_walk *walk)
{
    alloc_free(walk->current.relative);
    walk->current = (struct walk_folder){0};
    if (walk->folder_count == 0)
        return false;
    walk->current = walk->folders[--walk->folder_count];
    return true;
}

enum ferry_error client_walk_leave(struct client_walk *walk, const char *name)
{
    unsigned depth = walk->current.depth + 1;
    if (depth > CLIENT_WALK_MAX_DEPTH)
        return fault_set(&walk->session->fault, FERRY_E_LIMIT,
                         "%s/%s: folders are more than %d deep", walk->current.relative, name,
                         CLIENT_WALK_MAX_DEPTH);
    return push(walk, client_path_join(walk->current.relative, name), depth);
}

/* ---- one name ---- */

static void forget_item(struct client_walk *walk)
{
    alloc_free(walk->item_remote);
    alloc_free(walk->item_local);
    alloc_free(walk->item_inner);
    walk->item_remote = walk->item_local = walk->item_inner = NULL;
}

enum ferry_error client_walk_choose(struct client_walk *walk, const char *name)
{
    forget_item(walk);
    CLEANUP(alloc_free_str) char *relative = client_path_join(walk->current.relative, name);
    if (!relative)
        return no_memory(walk);
    walk->item_remote = client_path_join(walk->remote, relative);
    walk->item_local = client_path_join(walk->local, relative);
    walk->item_inner = client_path_join("/", relative);
    bool made = walk->item_remote && walk->item_local && walk->item_inner;
    return made ? FERRY_OK : no_memory(walk);
}

/* ---- telling ---- */

static enum ferry_error tell(struct client_walk *walk, enum ferry_tree_event event, uint64_t bytes,
                             const struct fault *fault)
{
    const struct ferry_tree_item item = {
        .struct_size = sizeof(item),
        .event = event,
        .remote = walk->item_remote,
        .local = walk->item_local,
        .bytes = bytes,
        .failure = client_failure(fault),
    };
    if (!walk->fn || walk->fn(walk->fn_ctx, &item))
        return FERRY_OK;
    return fault_set(&walk->session->fault, FERRY_E_CANCELLED, "stopped at %s", walk->item_remote);
}

enum ferry_error client_walk_tell(struct client_walk *walk, enum ferry_tree_event event,
                                  uint64_t bytes)
{
    return tell(walk, event, bytes, &(const struct fault){0});
}

enum ferry_error client_walk_skip(struct client_walk *walk, const char *why)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_UNSUPPORTED, "%s: %s", walk->item_remote, why);
    return tell(walk, FERRY_TREE_SKIPPED, 0, &fault);
}

static bool is_end(const struct client_walk *walk, enum ferry_error error)
{
    return error == FERRY_E_CANCELLED || error == FERRY_E_MEMORY ||
           !client_session_is_up(walk->session);
}

enum ferry_error client_walk_fail(struct client_walk *walk, enum ferry_error error)
{
    if (is_end(walk, error))
        return error;
    struct fault fault = walk->session->fault;
    fault_set(&fault, error, "%s could not be copied", walk->item_remote);
    fault_clear(&walk->session->fault);
    if (!fault_is_set(&walk->failure))
        walk->failure = fault;
    return tell(walk, FERRY_TREE_FAILED, 0, &fault);
}

enum ferry_error client_walk_result(struct client_walk *walk)
{
    if (fault_is_set(&walk->failure))
        walk->session->fault = walk->failure;
    return walk->failure.kind;
}

/* ---- life ---- */

enum ferry_error client_walk_init(struct client_walk *walk, struct client_session *session,
                                  const struct client_tree_want *want)
{
    *walk = (struct client_walk){
        .session = session,
        .remote = alloc_str(want->remote),
        .local = alloc_str(want->local),
        .flags = want->flags,
        .fn = want->fn,
        .fn_ctx = want->fn_ctx,
    };
    enum ferry_error error = FERRY_E_MEMORY;
    if (walk->remote && walk->local)
        error = client_local_root(&walk->root, walk->local, &session->fault);
    else
        no_memory(walk);
    if (error == FERRY_OK) {
        error = push(walk, alloc_str(""), 0);
        if (error != FERRY_OK)
            root_fini(&walk->root);
    }
    if (error != FERRY_OK) {
        alloc_free(walk->remote);
        alloc_free(walk->local);
        alloc_free(walk->folders);
    }
    return error;
}

void client_walk_fini(struct client_walk *walk)
{
    while (client_walk_next(walk))
        continue;
    alloc_free(walk->folders);
    forget_item(walk);
    root_fini(&walk->root);
    alloc_free(walk->remote);
    alloc_free(walk->local);
}
