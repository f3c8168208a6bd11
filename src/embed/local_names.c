/* The local store's calls about names. */
#include "embed/local_private.h"

/* ---- outcomes without a value ---- */

static void work_enter(struct local_job *job)
{
    (void)!home_enter(&job->store->home, local_job_path(job), &job->fault);
}

static void work_make_directory(struct local_job *job)
{
    (void)!home_make_dir(&job->store->home, local_job_path(job), &job->fault);
}

static void work_remove_directory(struct local_job *job)
{
    (void)!home_remove_dir(&job->store->home, local_job_path(job), &job->fault);
}

static void work_remove_file(struct local_job *job)
{
    (void)!home_remove_file(&job->store->home, local_job_path(job), &job->fault);
}

static void work_rename(struct local_job *job)
{
    (void)!home_rename(&job->store->home, local_job_path(job), bytes_str(job->other), &job->fault);
}

static void work_make_link(struct local_job *job)
{
    (void)!home_make_link(&job->store->home, bytes_str(job->other), local_job_path(job),
                          &job->fault);
}

static const struct local_kind enter_kind = {work_enter, local_tell_plain, NULL, NULL};
static const struct local_kind make_directory_kind = {work_make_directory, local_tell_plain, NULL,
                                                      NULL};
static const struct local_kind remove_directory_kind = {work_remove_directory, local_tell_plain,
                                                        NULL, NULL};
static const struct local_kind remove_file_kind = {work_remove_file, local_tell_plain, NULL, NULL};
static const struct local_kind rename_kind = {work_rename, local_tell_plain, NULL, NULL};
static const struct local_kind make_link_kind = {work_make_link, local_tell_plain, NULL, NULL};

void local_enter(struct backend_store *store, const char *path, store_fn *done, void *ctx)
{
    local_job_submit(store, local_job_plain(store, &enter_kind, path, done, ctx));
}

void local_make_directory(struct backend_store *store, const char *path, store_fn *done, void *ctx)
{
    local_job_submit(store, local_job_plain(store, &make_directory_kind, path, done, ctx));
}

void local_remove_directory(struct backend_store *store, const char *path, store_fn *done,
                            void *ctx)
{
    local_job_submit(store, local_job_plain(store, &remove_directory_kind, path, done, ctx));
}

void local_remove_file(struct backend_store *store, const char *path, store_fn *done, void *ctx)
{
    local_job_submit(store, local_job_plain(store, &remove_file_kind, path, done, ctx));
}

void local_rename(struct backend_store *store, const char *from, const char *to, store_fn *done,
                  void *ctx)
{
    struct local_job *job = local_job_plain(store, &rename_kind, from, done, ctx);
    local_job_submit(store, local_job_with(job, to));
}

void local_make_link(struct backend_store *store, const char *target, const char *link,
                     store_fn *done, void *ctx)
{
    struct local_job *job = local_job_plain(store, &make_link_kind, link, done, ctx);
    local_job_submit(store, local_job_with(job, target));
}

/* ---- facts ---- */

static void work_set_facts(struct local_job *job)
{
    struct change *change = &job->change;
    struct home_facts facts = {
        .has_mode = change->has_mode,
        .has_time = change->has_time,
        .has_group = change->has_group,
        .mode = change->mode,
        .group = change->group,
        .time = {.tv_sec = change->time.seconds, .tv_nsec = change->time.nanoseconds},
    };
    if (home_set_facts(&job->store->home, local_job_path(job), &facts, &job->fault) != FERRY_OK)
        return;
    change->mode = (uint16_t)facts.mode;
    change->group = facts.group;
    change->time.seconds = facts.time.tv_sec;
    change->time.nanoseconds = (uint32_t)facts.time.tv_nsec;
}

static void tell_set_facts(struct local_job *job)
{
    struct local_call call = local_call_take(job->store);
    call.done.change(call.ctx, &job->fault, &job->change);
}

static const struct local_kind set_facts_kind = {work_set_facts, tell_set_facts, NULL, NULL};

void local_set_facts(struct backend_store *store, const char *path, const struct change *change,
                     store_change_fn *done, void *ctx)
{
    store->call = (struct local_call){.kind = &set_facts_kind, .done.change = done, .ctx = ctx};
    struct local_job *job = local_job_new(store, &set_facts_kind, path);
    if (job)
        job->change = *change;
    local_job_submit(store, job);
}

static void work_stat(struct local_job *job)
{
    (void)!home_stat(&job->store->home, local_job_path(job), &job->entry, &job->may_change,
                     &job->fault);
}

static void tell_stat(struct local_job *job)
{
    struct local_call call = local_call_take(job->store);
    struct local_entry_text text;
    struct listing_entry entry;
    if (fault_is_set(&job->fault)) {
        call.done.entry(call.ctx, &job->fault, NULL);
        return;
    }
    local_entry_fill(&entry, &text, &job->entry, job->may_change);
    call.done.entry(call.ctx, &job->fault, &entry);
}

static void work_size(struct local_job *job)
{
    (void)!home_size(&job->store->home, local_job_path(job), &job->number, &job->fault);
}

static void work_free_bytes(struct local_job *job)
{
    (void)!home_free_bytes(&job->store->home, local_job_path(job), &job->number, &job->fault);
}

static const struct local_kind stat_kind = {work_stat, tell_stat, NULL, NULL};
static const struct local_kind size_kind = {work_size, local_tell_size, NULL, NULL};
static const struct local_kind free_bytes_kind = {work_free_bytes, local_tell_size, NULL, NULL};

void local_stat(struct backend_store *store, const char *path, store_entry_fn *done, void *ctx)
{
    store->call = (struct local_call){.kind = &stat_kind, .done.entry = done, .ctx = ctx};
    local_job_submit(store, local_job_new(store, &stat_kind, path));
}

void local_size(struct backend_store *store, const char *path, store_size_fn *done, void *ctx)
{
    local_job_submit(store, local_job_size(store, &size_kind, path, done, ctx));
}

void local_free_bytes(struct backend_store *store, const char *path, store_size_fn *done, void *ctx)
{
    local_job_submit(store, local_job_size(store, &free_bytes_kind, path, done, ctx));
}
