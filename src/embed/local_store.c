/* A directory of this machine as the server's store: its life, and its table of calls. */
#include "embed/local_store.h"

#include "base/alloc.h"
#include "embed/local_private.h"

static void store_free(struct backend_store *store)
{
    loop_task_free(store->no_memory);
    home_fini(&store->home);
    alloc_free(store);
}

void local_store_next(struct backend_store *store)
{
    if (store->running)
        return;
    bool drop = store->drop_part && store->home.part;
    store->drop_part = false;
    if (store->close_listing)
        local_drop_listing(store);
    store->close_listing = false;
    struct local_job *waiting = store->waiting;
    if (drop) {
        local_drop_part(store);
    } else if (waiting) {
        store->waiting = NULL;
        local_job_start(store, waiting);
    } else if (store->released) {
        store_free(store);
    }
}

static void local_cancel(struct backend_store *store)
{
    store->call = (struct local_call){0};
    if (store->waiting)
        local_job_free(store->waiting);
    store->waiting = NULL;
    store->cancelled = store->running != NULL;
}

static void local_release(struct backend_store *store)
{
    local_cancel(store);
    store->close_listing = true;
    store->drop_part = true;
    store->released = true;
    local_store_next(store);
}

const struct store_ops local_store_ops = {
    .open_read = local_open_read,
    .read_part = local_read_part,
    .open_part = local_open_part,
    .reserve = local_reserve,
    .commit = local_commit,
    .abandon = local_abandon,
    .stat = local_stat,
    .size = local_size,
    .enter = local_enter,
    .make_directory = local_make_directory,
    .remove_directory = local_remove_directory,
    .remove_file = local_remove_file,
    .rename = local_rename,
    .set_facts = local_set_facts,
    .free_bytes = local_free_bytes,
    .make_link = local_make_link,
    .tree_size = local_tree_size,
    .remove_tree = local_remove_tree,
    .combine = local_combine,
    .list_open = local_list_open,
    .list_next = local_list_next,
    .list_close = local_list_close,
    .cancel = local_cancel,
    .release = local_release,
};

enum ferry_error local_store_new(struct loop *loop, struct root *root, struct bytes owner,
                                 const struct home_rules *rules, struct backend_store **out)
{
    struct backend_store *store = alloc_zero(sizeof(*store));
    if (store)
        store->no_memory = loop_task_new(loop, local_no_memory, store);
    if (!store || !store->no_memory) {
        root_fini(root);
        alloc_free(store);
        return FERRY_E_MEMORY;
    }
    store->loop = loop;
    if (home_init(&store->home, root, owner, rules) != FERRY_OK) {
        store_free(store);
        return FERRY_E_MEMORY;
    }
    *out = store;
    return FERRY_OK;
}
