/* The local store's calls for transfers: a file to be read, a part to be written. */
#include "base/fd.h"
#include "embed/local_private.h"

/* ---- reading ---- */

static void work_open_read(struct local_job *job)
{
    (void)!home_open_read(&job->store->home, local_job_path(job), &job->fd, &job->number,
                          &job->fault);
}

static void tell_open_read(struct local_job *job)
{
    struct local_call call = local_call_take(job->store);
    call.done.read(call.ctx, &job->fault, fd_take(&job->fd), job->number);
}

static const struct local_kind open_read_kind = {work_open_read, tell_open_read, NULL, NULL};

void local_open_read(struct backend_store *store, const char *path, store_read_fn *done, void *ctx)
{
    store->call = (struct local_call){.kind = &open_read_kind, .done.read = done, .ctx = ctx};
    local_job_submit(store, local_job_new(store, &open_read_kind, path));
}

/* ---- parts ---- */

static enum home_start start_of(const struct local_job *job)
{
    switch (job->mode) {
    case PART_REPLACE:
        return HOME_REPLACE;
    case PART_UNIQUE:
        return HOME_UNIQUE;
    case PART_RESUME:
        return job->number == PART_AT_END ? HOME_APPEND : HOME_RESUME;
    }
    return HOME_REPLACE;
}

/* Opens it; then, step by step, copies the beginning of a file that it goes on with. */
static void work_open_part(struct local_job *job)
{
    struct home *home = &job->store->home;
    struct home_upload *upload = &job->upload;
    bool done = true;
    if (upload->fd >= 0) {
        if (home_copy(home, &done, &job->fault) != FERRY_OK)
            home_upload_fini(upload);
    } else if (home_open_part(home, local_job_path(job), start_of(job), job->number, upload,
                              &job->fault) == FERRY_OK) {
        done = !upload->copying;
    }
    job->again = !done && !fault_is_set(&job->fault);
}

static void tell_open_part(struct local_job *job)
{
    struct local_call call = local_call_take(job->store);
    if (fault_is_set(&job->fault)) {
        call.done.part(call.ctx, &job->fault, NULL);
        return;
    }
    struct store_part part = {
        .fd = fd_take(&job->upload.fd),
        .part = job->upload.part,
        .offset_bytes = job->upload.offset_bytes,
        .path = job->upload.path,
        .in_place = job->upload.in_place,
    };
    call.done.part(call.ctx, &job->fault, &part);
}

static void undo_open_part(struct local_job *job)
{
    job->store->drop_part = job->store->home.part != NULL;
}

static const struct local_kind open_part_kind = {work_open_part, tell_open_part, undo_open_part,
                                                 NULL};

void local_open_part(struct backend_store *store, const char *path, enum part_mode mode,
                     uint64_t offset_bytes, store_part_fn *done, void *ctx)
{
    store->call = (struct local_call){.kind = &open_part_kind, .done.part = done, .ctx = ctx};
    struct local_job *job = local_job_new(store, &open_part_kind, path);
    if (job) {
        job->mode = mode;
        job->number = offset_bytes;
    }
    local_job_submit(store, job);
}

bool local_reserve(struct backend_store *store, uint32_t part, uint64_t end_bytes)
{
    return home_reserve(&store->home, part, end_bytes);
}

static void work_read_part(struct local_job *job)
{
    (void)!home_read_part(&job->store->home, (uint32_t)job->number, &job->fd, &job->number,
                          &job->fault);
}

static const struct local_kind read_part_kind = {work_read_part, tell_open_read, NULL, NULL};

void local_read_part(struct backend_store *store, uint32_t part, store_read_fn *done, void *ctx)
{
    store->call = (struct local_call){.kind = &read_part_kind, .done.read = done, .ctx = ctx};
    struct local_job *job = local_job_new(store, &read_part_kind, "");
    if (job)
        job->number = part;
    local_job_submit(store, job);
}

static void work_commit(struct local_job *job)
{
    (void)!home_commit(&job->store->home, (uint32_t)job->number, &job->fault);
}

static void work_abandon(struct local_job *job)
{
    home_abandon(&job->store->home, (uint32_t)job->number, job->keep);
}

static const struct local_kind commit_kind = {work_commit, local_tell_plain, NULL, NULL};
static const struct local_kind abandon_kind = {work_abandon, local_tell_plain, NULL, NULL};

void local_commit(struct backend_store *store, uint32_t part, store_fn *done, void *ctx)
{
    struct local_job *job = local_job_plain(store, &commit_kind, "", done, ctx);
    if (job)
        job->number = part;
    local_job_submit(store, job);
}

void local_abandon(struct backend_store *store, uint32_t part, bool keep, store_fn *done, void *ctx)
{
    struct local_job *job = local_job_plain(store, &abandon_kind, "", done, ctx);
    if (job) {
        job->number = part;
        job->keep = keep;
    }
    local_job_submit(store, job);
}

/* ---- a part that is nobody's any more ---- */

static void work_drop_part(struct local_job *job)
{
    home_drop_part(&job->store->home);
}

static void tell_nobody(struct local_job *job)
{
    local_store_next(job->store);
}

static const struct local_kind drop_part_kind = {work_drop_part, tell_nobody, NULL, NULL};

/* To remove a large file takes its time: on the pool, if there is memory for a job. */
void local_drop_part(struct backend_store *store)
{
    struct local_job *job = local_job_new(store, &drop_part_kind, "");
    if (job)
        local_job_start(store, job);
    if (store->running)
        return;
    home_drop_part(&store->home);
    local_store_next(store);
}
