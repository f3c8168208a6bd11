/* The local store's calls that take long: each is several jobs, so that none holds a thread of the
 * pool for more than a moment, and a session that ends is done with after the one that runs. */
#include "base/alloc.h"
#include "embed/local_private.h"

/* ---- a directory with all beneath it ---- */

typedef enum ferry_error begin_fn(const struct home *home, struct bytes path, struct subtree **out,
                                  struct fault *fault);

static void step_subtree(struct local_job *job, begin_fn *begin)
{
    bool done = false;
    enum ferry_error error = FERRY_OK;
    if (!job->subtree)
        error = begin(&job->store->home, local_job_path(job), &job->subtree, &job->fault);
    if (error == FERRY_OK)
        error = subtree_step(job->subtree, &done, &job->fault);
    job->again = error == FERRY_OK && !done;
    if (done)
        job->number = subtree_bytes(job->subtree);
}

static void work_tree_size(struct local_job *job)
{
    step_subtree(job, home_tree_size);
}

static void work_remove_tree(struct local_job *job)
{
    uint64_t bytes = job->subtree ? subtree_bytes(job->subtree) : 0;
    uint64_t names = job->subtree ? subtree_names(job->subtree) : 0;
    step_subtree(job, home_remove_tree);
    if (job->subtree)
        home_give(&job->store->home, subtree_bytes(job->subtree) - bytes,
                  subtree_names(job->subtree) - names);
}

static const struct local_kind tree_size_kind = {work_tree_size, local_tell_size, NULL, NULL};
static const struct local_kind remove_tree_kind = {work_remove_tree, local_tell_plain, NULL, NULL};

void local_tree_size(struct backend_store *store, const char *path, store_size_fn *done, void *ctx)
{
    local_job_submit(store, local_job_size(store, &tree_size_kind, path, done, ctx));
}

void local_remove_tree(struct backend_store *store, const char *path, store_fn *done, void *ctx)
{
    local_job_submit(store, local_job_plain(store, &remove_tree_kind, path, done, ctx));
}

/* ---- one file made of others ---- */

static enum ferry_error begin_combine(struct local_job *job)
{
    const struct home *home = &job->store->home;
    struct combine_want want = {
        .target = local_job_path(job),
        .sources = job->combine_want.sources,
        .remove_sources = job->combine_want.remove_sources,
        .no_replace = job->combine_want.no_replace,
    };
    return home_combine_new(home, &want, &job->combine, &job->fault);
}

static void work_combine(struct local_job *job)
{
    bool done = false;
    enum ferry_error error = job->combine ? FERRY_OK : begin_combine(job);
    if (error == FERRY_OK)
        error = home_combine_step(job->combine, &done, &job->fault);
    job->again = error == FERRY_OK && !done;
    if (job->again)
        return;
    home_combine_free(job->combine);
    job->combine = NULL;
}

/* The part may be large. */
static void give_up_combine(struct local_job *job)
{
    home_combine_free(job->combine);
    job->combine = NULL;
}

static const struct local_kind combine_kind = {work_combine, local_tell_plain, NULL,
                                               give_up_combine};

void local_combine(struct backend_store *store, const struct store_combine *want, store_fn *done,
                   void *ctx)
{
    struct local_job *job = local_job_plain(store, &combine_kind, want->target, done, ctx);
    if (job && !(job->other = alloc_bytes(want->sources))) {
        local_job_free(job);
        job = NULL;
        loop_task_post(store->no_memory);
    }
    if (job) {
        job->combine_want = *want;
        job->combine_want.sources = bytes_of(job->other, want->sources.len);
    }
    local_job_submit(store, job);
}
