/* The calls on the files of one login in another process. */
#include "ferryd/worker/remote_private.h"

static struct remote_waiter plain(store_fn *done, void *ctx)
{
    return (struct remote_waiter){.expects = STORE_DONE, .done.plain = done, .ctx = ctx};
}

static struct remote_waiter size(store_size_fn *done, void *ctx)
{
    return (struct remote_waiter){.expects = STORE_SIZED, .done.size = done, .ctx = ctx};
}

static struct store_call about(enum store_message message, const char *path)
{
    return (struct store_call){.message = message, .path = bytes_str(path)};
}

static void remote_enter(struct backend_store *store, const char *path, store_fn *done, void *ctx)
{
    remote_ask(store, about(STORE_ENTER, path), plain(done, ctx));
}

static void remote_make_directory(struct backend_store *store, const char *path, store_fn *done,
                                  void *ctx)
{
    remote_ask(store, about(STORE_MAKE_DIRECTORY, path), plain(done, ctx));
}

static void remote_remove_directory(struct backend_store *store, const char *path, store_fn *done,
                                    void *ctx)
{
    remote_ask(store, about(STORE_REMOVE_DIRECTORY, path), plain(done, ctx));
}

static void remote_remove_file(struct backend_store *store, const char *path, store_fn *done,
                               void *ctx)
{
    remote_ask(store, about(STORE_REMOVE_FILE, path), plain(done, ctx));
}

static void remote_remove_tree(struct backend_store *store, const char *path, store_fn *done,
                               void *ctx)
{
    remote_ask(store, about(STORE_REMOVE_TREE, path), plain(done, ctx));
}

static void remote_rename(struct backend_store *store, const char *from, const char *to,
                          store_fn *done, void *ctx)
{
    struct store_call call = about(STORE_RENAME, from);
    call.other = bytes_str(to);
    remote_ask(store, call, plain(done, ctx));
}

static void remote_make_link(struct backend_store *store, const char *target, const char *link,
                             store_fn *done, void *ctx)
{
    struct store_call call = about(STORE_MAKE_LINK, link);
    call.other = bytes_str(target);
    remote_ask(store, call, plain(done, ctx));
}

static void remote_combine(struct backend_store *store, const struct store_combine *want,
                           store_fn *done, void *ctx)
{
    struct store_call call = about(STORE_COMBINE, want->target);
    call.other = want->sources;
    call.remove_sources = want->remove_sources;
    call.no_replace = want->no_replace;
    remote_ask(store, call, plain(done, ctx));
}

static void remote_size(struct backend_store *store, const char *path, store_size_fn *done,
                        void *ctx)
{
    remote_ask(store, about(STORE_SIZE, path), size(done, ctx));
}

static void remote_tree_size(struct backend_store *store, const char *path, store_size_fn *done,
                             void *ctx)
{
    remote_ask(store, about(STORE_TREE_SIZE, path), size(done, ctx));
}

static void remote_free_bytes(struct backend_store *store, const char *path, store_size_fn *done,
                              void *ctx)
{
    remote_ask(store, about(STORE_FREE_BYTES, path), size(done, ctx));
}

static void remote_set_facts(struct backend_store *store, const char *path,
                             const struct change *change, store_change_fn *done, void *ctx)
{
    struct store_call call = about(STORE_SET_FACTS, path);
    call.facts = (struct home_facts){
        .has_mode = change->has_mode,
        .has_time = change->has_time,
        .has_group = change->has_group,
        .mode = change->mode,
        .group = change->group,
        .time = {.tv_sec = change->time.seconds, .tv_nsec = change->time.nanoseconds},
    };
    remote_ask(store, call,
               (struct remote_waiter){
                   .expects = STORE_CHANGED, .done.change = done, .ctx = ctx, .change = *change});
}

static void remote_stat(struct backend_store *store, const char *path, store_entry_fn *done,
                        void *ctx)
{
    remote_ask(store, about(STORE_STAT, path),
               (struct remote_waiter){
                   .expects = STORE_ENTRIES, .done.entry = done, .ctx = ctx, .single = true});
}

/* ---- transfers ---- */

static void remote_open_read(struct backend_store *store, const char *path, store_read_fn *done,
                             void *ctx)
{
    remote_ask(store, about(STORE_OPEN_READ, path),
               (struct remote_waiter){.expects = STORE_READING, .done.read = done, .ctx = ctx});
}

static enum home_start start_of(enum part_mode mode, uint64_t offset_bytes)
{
    switch (mode) {
    case PART_REPLACE:
        return HOME_REPLACE;
    case PART_UNIQUE:
        return HOME_UNIQUE;
    case PART_RESUME:
        return offset_bytes == PART_AT_END ? HOME_APPEND : HOME_RESUME;
    }
    return HOME_REPLACE;
}

static void remote_open_part(struct backend_store *store, const char *path, enum part_mode mode,
                             uint64_t offset_bytes, store_part_fn *done, void *ctx)
{
    struct store_call call = about(STORE_OPEN_PART, path);
    call.start = start_of(mode, offset_bytes);
    call.offset_bytes = offset_bytes;
    remote_ask(store, call,
               (struct remote_waiter){.expects = STORE_WRITING, .done.part = done, .ctx = ctx});
}

/* What others use up meanwhile is seen when the part is to take its name. */
static bool remote_reserve(struct backend_store *store, uint32_t part, uint64_t end_bytes)
{
    return part != store->part || end_bytes <= store->end_bytes;
}

static void remote_read_part(struct backend_store *store, uint32_t part, store_read_fn *done,
                             void *ctx)
{
    remote_ask(store, (struct store_call){.message = STORE_READ_PART, .part = part},
               (struct remote_waiter){.expects = STORE_READING, .done.read = done, .ctx = ctx});
}

static void remote_commit(struct backend_store *store, uint32_t part, store_fn *done, void *ctx)
{
    remote_ask(store, (struct store_call){.message = STORE_COMMIT, .part = part}, plain(done, ctx));
}

static void remote_abandon(struct backend_store *store, uint32_t part, bool keep, store_fn *done,
                           void *ctx)
{
    remote_ask(store, (struct store_call){.message = STORE_ABANDON, .part = part, .keep = keep},
               plain(done, ctx));
}

/* ---- listings ---- */

static void remote_list_open(struct backend_store *store, const char *path,
                             const struct store_list_want *want, store_fn *done, void *ctx)
{
    struct store_call call = about(STORE_LIST_OPEN, path);
    call.all = want->all;
    call.matching = want->pattern != NULL;
    call.other = bytes_str(want->pattern);
    store->listing = true;
    remote_ask(store, call, plain(done, ctx));
}

static void remote_list_next(struct backend_store *store, store_batch_fn *done, void *ctx)
{
    remote_ask(store, (struct store_call){.message = STORE_LIST_NEXT},
               (struct remote_waiter){.expects = STORE_ENTRIES, .done.batch = done, .ctx = ctx});
}

static void remote_list_close(struct backend_store *store)
{
    struct fault lost = {0};
    if (store->listing)
        (void)!remote_say(store, &(struct store_call){.message = STORE_LIST_CLOSE}, &lost);
    store->listing = false;
}

const struct store_ops remote_store_ops = {
    .open_read = remote_open_read,
    .open_part = remote_open_part,
    .reserve = remote_reserve,
    .commit = remote_commit,
    .read_part = remote_read_part,
    .abandon = remote_abandon,
    .stat = remote_stat,
    .size = remote_size,
    .enter = remote_enter,
    .make_directory = remote_make_directory,
    .remove_directory = remote_remove_directory,
    .remove_file = remote_remove_file,
    .rename = remote_rename,
    .set_facts = remote_set_facts,
    .make_link = remote_make_link,
    .tree_size = remote_tree_size,
    .remove_tree = remote_remove_tree,
    .combine = remote_combine,
    .free_bytes = remote_free_bytes,
    .list_open = remote_list_open,
    .list_next = remote_list_next,
    .list_close = remote_list_close,
    .cancel = remote_cancel,
    .release = remote_release,
};
