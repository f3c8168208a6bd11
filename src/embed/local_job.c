/* Calls on the local store as jobs on the pool. One job at a time runs for a store: after a
 * cancelled one the next call waits until it has come back, so that jobs need no locks. */
#include "base/alloc.h"
#include "base/fd.h"
#include "embed/local_private.h"

void local_job_free(struct local_job *job)
{
    fd_close(&job->fd);
    entry_fini(&job->entry);
    home_upload_fini(&job->upload);
    subtree_free(job->subtree);
    home_combine_free(job->combine);
    alloc_free(job->path);
    alloc_free(job->other);
    alloc_free(job);
}

static void job_work(void *ctx)
{
    struct local_job *job = ctx;
    if (job->given_up)
        job->kind->give_up(job);
    else
        job->kind->work(job);
}

static void job_done(void *ctx);

/* Nobody waits for it any more. true: what it has to let go of is done on the pool. */
static bool job_give_up(struct local_job *job)
{
    struct backend_store *store = job->store;
    if (job->kind->undo)
        job->kind->undo(job);
    if (!job->kind->give_up || job->given_up)
        return false;
    job->given_up = true;
    store->running = job;
    store->cancelled = true;
    if (loop_job(store->loop, job_work, job_done, job) == FERRY_OK)
        return true;
    store->running = NULL;
    store->cancelled = false;
    return false;
}

static void job_done(void *ctx)
{
    struct local_job *job = ctx;
    struct backend_store *store = job->store;
    bool cancelled = store->cancelled, again = job->again;
    store->running = NULL;
    store->cancelled = false;
    job->again = false;
    if (cancelled) {
        if (job_give_up(job))
            return;
        local_store_next(store);
    } else if (again) {
        local_job_start(store, job); /* behind what others have put into the pool meanwhile */
        return;
    } else {
        job->kind->tell(job); /* may call the store again, or release it */
    }
    local_job_free(job);
}

void local_job_start(struct backend_store *store, struct local_job *job)
{
    store->running = job;
    if (loop_job(store->loop, job_work, job_done, job) == FERRY_OK)
        return;
    store->running = NULL;
    local_job_free(job);
    loop_task_post(store->no_memory);
}

void local_job_submit(struct backend_store *store, struct local_job *job)
{
    if (!job)
        return;
    if (store->running)
        store->waiting = job;
    else
        local_job_start(store, job);
}

struct local_job *local_job_new(struct backend_store *store, const struct local_kind *kind,
                                const char *path)
{
    struct local_job *job = alloc_zero(sizeof(*job));
    char *copy = alloc_str(path);
    if (!job || !copy) {
        alloc_free(job);
        alloc_free(copy);
        loop_task_post(store->no_memory);
        return NULL;
    }
    job->store = store;
    job->kind = kind;
    job->path = copy;
    job->fd = -1;
    job->upload.fd = -1;
    return job;
}

struct local_job *local_job_plain(struct backend_store *store, const struct local_kind *kind,
                                  const char *path, store_fn *done, void *ctx)
{
    store->call = (struct local_call){.kind = kind, .done.plain = done, .ctx = ctx};
    return local_job_new(store, kind, path);
}

struct local_job *local_job_size(struct backend_store *store, const struct local_kind *kind,
                                 const char *path, store_size_fn *done, void *ctx)
{
    store->call = (struct local_call){.kind = kind, .done.size = done, .ctx = ctx};
    return local_job_new(store, kind, path);
}

struct local_job *local_job_with(struct local_job *job, const char *other)
{
    if (!job)
        return NULL;
    job->other = alloc_str(other);
    if (job->other)
        return job;
    loop_task_post(job->store->no_memory);
    local_job_free(job);
    return NULL;
}

struct local_call local_call_take(struct backend_store *store)
{
    struct local_call call = store->call;
    store->call = (struct local_call){0};
    return call;
}

void local_tell_plain(struct local_job *job)
{
    struct local_call call = local_call_take(job->store);
    call.done.plain(call.ctx, &job->fault);
}

void local_tell_size(struct local_job *job)
{
    struct local_call call = local_call_take(job->store);
    call.done.size(call.ctx, &job->fault, job->number);
}

void local_no_memory(void *ctx)
{
    struct backend_store *store = ctx;
    if (!store->call.kind || store->running || store->waiting)
        return;
    struct local_job job = {
        .store = store, .kind = store->call.kind, .fd = -1, .upload = {.fd = -1}};
    fault_set(&job.fault, FERRY_E_MEMORY, "no memory for a call on the files");
    job.kind->tell(&job);
}
