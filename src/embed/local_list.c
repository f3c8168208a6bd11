/* The local store's calls for listings. */
#include "base/alloc.h"
#include "embed/local_private.h"

void local_drop_listing(struct backend_store *store)
{
    home_list_close(&store->home);
    alloc_free(store->batch);
    store->batch = NULL;
}

static void work_list_open(struct local_job *job)
{
    struct backend_store *store = job->store;
    struct home_list_want want = {.all = job->all, .pattern = job->other};
    local_drop_listing(store);
    store->batch = alloc_zero(sizeof(*store->batch));
    if (!store->batch)
        fault_set(&job->fault, FERRY_E_MEMORY, "no memory for a listing");
    else if (home_list_open(&store->home, local_job_path(job), &want, &job->fault) != FERRY_OK)
        local_drop_listing(store);
}

static void undo_list_open(struct local_job *job)
{
    local_drop_listing(job->store);
}

static void work_list_next(struct local_job *job)
{
    struct backend_store *store = job->store;
    struct local_batch *batch = store->batch;
    const struct entry *entries;
    size_t count;
    if (home_list_next(&store->home, &entries, &count, &job->may_change, &job->fault) != FERRY_OK)
        return;
    for (size_t i = 0; i < count; i++)
        local_entry_fill(&batch->shown[i], &batch->texts[i], &entries[i], job->may_change);
    batch->count = count;
}

static void tell_list_next(struct local_job *job)
{
    struct local_call call = local_call_take(job->store);
    const struct local_batch *batch = job->store->batch;
    if (fault_is_set(&job->fault))
        call.done.batch(call.ctx, &job->fault, NULL, 0);
    else
        call.done.batch(call.ctx, &job->fault, batch->shown, batch->count);
}

static const struct local_kind list_open_kind = {work_list_open, local_tell_plain, undo_list_open,
                                                 NULL};
static const struct local_kind list_next_kind = {work_list_next, tell_list_next, NULL, NULL};

void local_list_open(struct backend_store *store, const char *path,
                     const struct store_list_want *want, store_fn *done, void *ctx)
{
    struct local_job *job = local_job_plain(store, &list_open_kind, path, done, ctx);
    if (job)
        job->all = want->all;
    local_job_submit(store, want->pattern ? local_job_with(job, want->pattern) : job);
}

void local_list_next(struct backend_store *store, store_batch_fn *done, void *ctx)
{
    store->call = (struct local_call){.kind = &list_next_kind, .done.batch = done, .ctx = ctx};
    local_job_submit(store, local_job_new(store, &list_next_kind, ""));
}

void local_list_close(struct backend_store *store)
{
    store->close_listing = true;
    local_store_next(store);
}
