/* A directory of this machine as the server's store. One job at a time runs for a store: after a
 * cancelled one the next call waits until it has come back, so that jobs need no locks. */
#include "embed/local_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "embed/local_entry.h"
#include "ftp/path.h"
#include "store/dir.h"
#include "store/part.h"
#include "store/tree.h"

enum {
    BATCH = 64,
    UNIQUE_TRIES = 16,
    UNIQUE_LETTERS = 8,
};
_Static_assert((int)BATCH <= (int)STORE_BATCH_MAX, "a batch is too large");

/* A listing that is open, and its batch. */
struct listing_run {
    struct dir dir;
    bool may_change;
    size_t count, shown_count;
    struct entry entries[BATCH];
    struct local_entry_text texts[BATCH];
    struct listing_entry shown[BATCH];
};

struct job;

/* What a call is: its work on the pool, and how its outcome is told on the loop. */
struct job_kind {
    void (*work)(struct job *job);
    void (*tell)(struct job *job);
    void (*undo)(struct job *job); /* it was cancelled: lets go of what it opened; or NULL */
};

struct job {
    struct backend_store *store;
    const struct job_kind *kind;
    struct fault fault;
    char *path;  /* or NULL */
    char *other; /* RNTO: the new name; a part: the path it will have */
    enum part_mode mode;
    uint64_t number; /* offset or size */
    struct change change;
    bool keep;
    int fd;
    bool may_change;
    struct entry entry;
};

/* Who waits for the call that is outstanding. */
struct call {
    const struct job_kind *kind; /* NULL: none */
    union {
        store_fn *plain;
        store_entry_fn *entry;
        store_size_fn *size;
        store_read_fn *read;
        store_part_fn *part;
        store_batch_fn *batch;
    } done;
    void *ctx;
};

struct backend_store {
    struct loop *loop;
    struct root root;
    bool read_only;
    char owner[LOGIN_NAME_MAX_BYTES + 1];

    struct call call;
    struct job *running; /* on the pool; while it is, `part` and `listing` are its own */
    bool cancelled;      /* `running` is nobody's any more */
    struct job *waiting; /* for `running` to end */
    struct loop_task *no_memory;

    struct part *part; /* open, or NULL */
    uint32_t part_number;
    struct listing_run *listing; /* open, or NULL */

    /* To be done when nothing runs. */
    bool close_listing, drop_part, released;
};

static void store_next(struct backend_store *store);

/* ---- jobs ---- */

static void job_free(struct job *job)
{
    fd_close(&job->fd);
    entry_fini(&job->entry);
    alloc_free(job->path);
    alloc_free(job->other);
    alloc_free(job);
}

static void job_work(void *ctx)
{
    struct job *job = ctx;
    job->kind->work(job);
}

static void job_done(void *ctx)
{
    struct job *job = ctx;
    struct backend_store *store = job->store;
    bool cancelled = store->cancelled;
    store->running = NULL;
    store->cancelled = false;
    if (!cancelled) {
        job->kind->tell(job); /* may call the store again, or release it */
    } else {
        if (job->kind->undo)
            job->kind->undo(job);
        store_next(store);
    }
    job_free(job);
}

/* The call that is answered now. */
static struct call call_take(struct backend_store *store)
{
    struct call call = store->call;
    store->call = (struct call){0};
    return call;
}

static void job_start(struct backend_store *store, struct job *job)
{
    store->running = job;
    if (loop_job(store->loop, job_work, job_done, job) == FERRY_OK)
        return;
    store->running = NULL;
    job_free(job);
    loop_task_post(store->no_memory);
}

/* Makes the job of a call; NULL: memory is short, the caller's `done` will hear of it. */
static struct job *job_new(struct backend_store *store, const struct job_kind *kind,
                           const char *path)
{
    struct job *job = alloc_zero(sizeof(*job));
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
    return job;
}

/* Begins `job` (NULL is fine), for which store->call is set. */
static void job_submit(struct backend_store *store, struct job *job)
{
    if (!job)
        return;
    if (store->running)
        store->waiting = job;
    else
        job_start(store, job);
}

static struct bytes job_path(const struct job *job)
{
    return bytes_str(job->path);
}

/* ---- outcomes without a value ---- */

static void tell_plain(struct job *job)
{
    struct call call = call_take(job->store);
    call.done.plain(call.ctx, &job->fault);
}

static void work_enter(struct job *job)
{
    (void)!tree_check_dir(&job->store->root, job_path(job), &job->fault);
}

static void work_make_directory(struct job *job)
{
    (void)!tree_make_dir(&job->store->root, job_path(job), &job->fault);
}

static void work_remove_directory(struct job *job)
{
    (void)!tree_remove_dir(&job->store->root, job_path(job), &job->fault);
}

static void work_remove_file(struct job *job)
{
    (void)!tree_remove(&job->store->root, job_path(job), &job->fault);
}

static void work_rename(struct job *job)
{
    (void)!tree_rename(&job->store->root, job_path(job), bytes_str(job->other), false, &job->fault);
}

/* The time last, so that only the mode may have to be taken back. */
static void work_set_facts(struct job *job)
{
    const struct root *root = &job->store->root;
    const struct change *change = &job->change;
    struct timespec time = {.tv_sec = change->time.seconds, .tv_nsec = change->time.nanoseconds};
    struct bytes path = job_path(job);
    enum ferry_error error = FERRY_OK;
    if (change->has_mode)
        error = tree_stat(root, path, &job->entry, &job->fault);
    if (error == FERRY_OK && change->has_mode)
        error = tree_set_mode(root, path, change->mode, &job->fault);
    if (error != FERRY_OK || !change->has_time)
        return;
    error = tree_set_mtime(root, path, time, &job->fault);
    struct fault ignored = {0};
    if (error != FERRY_OK && change->has_mode)
        (void)!tree_set_mode(root, path, job->entry.what.st_mode & 0777, &ignored);
}

static const struct job_kind enter_kind = {work_enter, tell_plain, NULL};
static const struct job_kind make_directory_kind = {work_make_directory, tell_plain, NULL};
static const struct job_kind remove_directory_kind = {work_remove_directory, tell_plain, NULL};
static const struct job_kind remove_file_kind = {work_remove_file, tell_plain, NULL};
static const struct job_kind rename_kind = {work_rename, tell_plain, NULL};
static const struct job_kind set_facts_kind = {work_set_facts, tell_plain, NULL};

static struct job *plain_call(struct backend_store *store, const struct job_kind *kind,
                              const char *path, store_fn *done, void *ctx)
{
    store->call = (struct call){.kind = kind, .done.plain = done, .ctx = ctx};
    return job_new(store, kind, path);
}

static void local_enter(struct backend_store *store, const char *path, store_fn *done, void *ctx)
{
    job_submit(store, plain_call(store, &enter_kind, path, done, ctx));
}

static void local_make_directory(struct backend_store *store, const char *path, store_fn *done,
                                 void *ctx)
{
    job_submit(store, plain_call(store, &make_directory_kind, path, done, ctx));
}

static void local_remove_directory(struct backend_store *store, const char *path, store_fn *done,
                                   void *ctx)
{
    job_submit(store, plain_call(store, &remove_directory_kind, path, done, ctx));
}

static void local_remove_file(struct backend_store *store, const char *path, store_fn *done,
                              void *ctx)
{
    job_submit(store, plain_call(store, &remove_file_kind, path, done, ctx));
}

static void local_rename(struct backend_store *store, const char *from, const char *to,
                         store_fn *done, void *ctx)
{
    struct job *job = plain_call(store, &rename_kind, from, done, ctx);
    if (job && !(job->other = alloc_str(to))) {
        job_free(job);
        job = NULL;
        loop_task_post(store->no_memory);
    }
    job_submit(store, job);
}

static void local_set_facts(struct backend_store *store, const char *path,
                            const struct change *change, store_fn *done, void *ctx)
{
    struct job *job = plain_call(store, &set_facts_kind, path, done, ctx);
    if (job)
        job->change = *change;
    job_submit(store, job);
}

/* ---- facts ---- */

/* Whether names in the directory `path` may be removed and renamed. */
static bool may_change_in(const struct root *root, struct bytes path)
{
    struct fault ignored = {0};
    CLEANUP(fd_close) int fd = -1;
    enum ferry_error error = root_open(root, path, O_PATH | O_DIRECTORY, "look at", &fd, &ignored);
    return error == FERRY_OK && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

static void work_stat(struct job *job)
{
    const struct root *root = &job->store->root;
    if (tree_stat(root, job_path(job), &job->entry, &job->fault) == FERRY_OK)
        job->may_change = job->path[1] != '\0' && may_change_in(root, path_parent(job_path(job)));
}

static void tell_stat(struct job *job)
{
    struct call call = call_take(job->store);
    struct local_entry_text text;
    struct listing_entry entry;
    if (fault_is_set(&job->fault)) {
        call.done.entry(call.ctx, &job->fault, NULL);
        return;
    }
    local_entry_fill(&entry, &text, &job->entry, job->may_change, job->store->read_only);
    call.done.entry(call.ctx, &job->fault, &entry);
}

static const struct job_kind stat_kind = {work_stat, tell_stat, NULL};

static void local_stat(struct backend_store *store, const char *path, store_entry_fn *done,
                       void *ctx)
{
    store->call = (struct call){.kind = &stat_kind, .done.entry = done, .ctx = ctx};
    job_submit(store, job_new(store, &stat_kind, path));
}

static void work_size(struct job *job)
{
    const struct backend_store *store = job->store;
    struct bytes path = job_path(job);
    enum ferry_error error = tree_stat(&store->root, path, &job->entry, &job->fault);
    if (error == FERRY_OK && S_ISREG(job->entry.what.st_mode)) {
        job->number = (uint64_t)job->entry.what.st_size;
    } else if (error == FERRY_OK) {
        fault_set(&job->fault, FERRY_E_DENIED, "size of %s: not a regular file", job->path);
    } else if (error == FERRY_E_NOT_FOUND) {
        struct fault none = {0};
        if (part_find_kept(&store->root, path, bytes_str(store->owner), &job->number, &none) ==
            FERRY_OK)
            fault_clear(&job->fault);
    }
}

static void tell_size(struct job *job)
{
    struct call call = call_take(job->store);
    call.done.size(call.ctx, &job->fault, job->number);
}

static const struct job_kind size_kind = {work_size, tell_size, NULL};

static void local_size(struct backend_store *store, const char *path, store_size_fn *done,
                       void *ctx)
{
    store->call = (struct call){.kind = &size_kind, .done.size = done, .ctx = ctx};
    job_submit(store, job_new(store, &size_kind, path));
}

static void work_free_bytes(struct job *job)
{
    const struct backend_store *store = job->store;
    if (tree_free_bytes(&store->root, job_path(job), &job->number, &job->fault) == FERRY_OK &&
        store->read_only)
        job->number = 0;
}

static const struct job_kind free_bytes_kind = {work_free_bytes, tell_size, NULL};

static void local_free_bytes(struct backend_store *store, const char *path, store_size_fn *done,
                             void *ctx)
{
    store->call = (struct call){.kind = &free_bytes_kind, .done.size = done, .ctx = ctx};
    job_submit(store, job_new(store, &free_bytes_kind, path));
}

/* ---- reading ---- */

static void work_open_read(struct job *job)
{
    struct stat status;
    if (tree_open_file(&job->store->root, job_path(job), &job->fd, &status, &job->fault) ==
        FERRY_OK)
        job->number = (uint64_t)status.st_size;
}

static void tell_open_read(struct job *job)
{
    struct call call = call_take(job->store);
    call.done.read(call.ctx, &job->fault, fd_take(&job->fd), job->number);
}

static const struct job_kind open_read_kind = {work_open_read, tell_open_read, NULL};

static void local_open_read(struct backend_store *store, const char *path, store_read_fn *done,
                            void *ctx)
{
    store->call = (struct call){.kind = &open_read_kind, .done.read = done, .ctx = ctx};
    job_submit(store, job_new(store, &open_read_kind, path));
}

/* ---- parts ---- */

static void store_drop_part(struct backend_store *store)
{
    part_abandon(store->part);
    alloc_free(store->part);
    store->part = NULL;
}

/* A name beneath `path` if that is a directory, else one that begins with it (FTP-66). */
static char *unique_name(struct job *job)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    unsigned char random[UNIQUE_LETTERS];
    char suffix[UNIQUE_LETTERS + 1] = {0};
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return NULL;
    for (size_t i = 0; i < UNIQUE_LETTERS; i++)
        suffix[i] = letters[random[i] % (sizeof(letters) - 1)];

    struct fault ignored = {0};
    bool folder = tree_check_dir(&job->store->root, job_path(job), &ignored) == FERRY_OK;
    bool root = strcmp(job->path, "/") == 0;
    struct buf name;
    buf_init(&name, PATH_MAX_BYTES);
    enum ferry_error error =
        buf_printf(&name, "%s%s%s", root ? "" : job->path, folder ? "/upload." : ".", suffix);
    char *text = error == FERRY_OK ? alloc_bytes(buf_view(&name)) : NULL;
    buf_fini(&name);
    return text;
}

static enum ferry_error begin_part(struct job *job, struct bytes path, struct part *part)
{
    const struct backend_store *store = job->store;
    struct part_want want = {
        .start = PART_NEW,
        .owner = bytes_str(store->owner),
        .no_replace = job->mode == PART_UNIQUE,
    };
    if (job->mode == PART_RESUME) {
        want.start = job->number == PART_AT_END ? PART_APPEND : PART_AT_OFFSET;
        want.offset_bytes = job->number == PART_AT_END ? 0 : job->number;
    }
    return part_begin(&store->root, path, &want, part, &job->fault);
}

static enum ferry_error begin_unique(struct job *job, struct part *part)
{
    for (int i = 0; i < UNIQUE_TRIES; i++) {
        fault_clear(&job->fault);
        alloc_free(job->other);
        job->other = unique_name(job);
        if (!job->other)
            return fault_set(&job->fault, FERRY_E_MEMORY, "no memory for a name");
        enum ferry_error error = begin_part(job, bytes_str(job->other), part);
        if (error != FERRY_E_EXISTS)
            return error;
    }
    return FERRY_E_EXISTS;
}

static void work_open_part(struct job *job)
{
    struct backend_store *store = job->store;
    if (store->part)
        store_drop_part(store);
    store->part = alloc_zero(sizeof(*store->part));
    if (!store->part) {
        fault_set(&job->fault, FERRY_E_MEMORY, "no memory for an upload");
        return;
    }
    enum ferry_error error = job->mode == PART_UNIQUE ? begin_unique(job, store->part)
                                                      : begin_part(job, job_path(job), store->part);
    if (error != FERRY_OK) {
        alloc_free(store->part);
        store->part = NULL;
        return;
    }
    job->number = store->part->offset_bytes;
    job->fd = fcntl(store->part->fd, F_DUPFD_CLOEXEC, 0);
    if (job->fd < 0) {
        fault_errno(&job->fault, FERRY_E_FILE, "write %s", job->path);
        store_drop_part(store);
    }
}

static void tell_open_part(struct job *job)
{
    struct backend_store *store = job->store;
    struct call call = call_take(store);
    if (fault_is_set(&job->fault)) {
        call.done.part(call.ctx, &job->fault, NULL);
        return;
    }
    struct store_part part = {
        .fd = fd_take(&job->fd),
        .part = ++store->part_number,
        .offset_bytes = job->number,
        .path = job->other ? job->other : job->path,
    };
    call.done.part(call.ctx, &job->fault, &part);
}

static void undo_open_part(struct job *job)
{
    job->store->drop_part = job->store->part != NULL;
}

static const struct job_kind open_part_kind = {work_open_part, tell_open_part, undo_open_part};

static void local_open_part(struct backend_store *store, const char *path, enum part_mode mode,
                            uint64_t offset_bytes, store_part_fn *done, void *ctx)
{
    store->call = (struct call){.kind = &open_part_kind, .done.part = done, .ctx = ctx};
    struct job *job = job_new(store, &open_part_kind, path);
    if (job) {
        job->mode = mode;
        job->number = offset_bytes;
    }
    job_submit(store, job);
}

static bool job_has_part(const struct job *job)
{
    return job->store->part && job->number == job->store->part_number;
}

static void work_commit(struct job *job)
{
    struct backend_store *store = job->store;
    if (!job_has_part(job)) {
        fault_set(&job->fault, FERRY_E_STATE, "commit: there is no such part");
        return;
    }
    /* The pump has synced the bytes. */
    if (part_commit(store->part, PART_SYNC_NONE, &job->fault) == FERRY_OK) {
        alloc_free(store->part);
        store->part = NULL;
    }
}

static void work_abandon(struct job *job)
{
    struct backend_store *store = job->store;
    if (!job_has_part(job))
        return;
    if (job->keep)
        (void)part_keep(store->part);
    else
        part_abandon(store->part);
    alloc_free(store->part);
    store->part = NULL;
}

static const struct job_kind commit_kind = {work_commit, tell_plain, NULL};
static const struct job_kind abandon_kind = {work_abandon, tell_plain, NULL};

static void local_commit(struct backend_store *store, uint32_t part, store_fn *done, void *ctx)
{
    struct job *job = plain_call(store, &commit_kind, "", done, ctx);
    if (job)
        job->number = part;
    job_submit(store, job);
}

static void local_abandon(struct backend_store *store, uint32_t part, bool keep, store_fn *done,
                          void *ctx)
{
    struct job *job = plain_call(store, &abandon_kind, "", done, ctx);
    if (job) {
        job->number = part;
        job->keep = keep;
    }
    job_submit(store, job);
}

/* ---- listings ---- */

static void store_close_listing(struct backend_store *store)
{
    if (!store->listing)
        return;
    dir_free_entries(store->listing->entries, store->listing->count);
    dir_close(&store->listing->dir);
    alloc_free(store->listing);
    store->listing = NULL;
}

static void work_list_open(struct job *job)
{
    struct backend_store *store = job->store;
    store_close_listing(store);
    struct listing_run *run = alloc_zero(sizeof(*run));
    if (!run) {
        fault_set(&job->fault, FERRY_E_MEMORY, "no memory for a listing");
        return;
    }
    if (dir_open(&store->root, job_path(job), DIR_BY_NAME, &run->dir, &job->fault) != FERRY_OK) {
        alloc_free(run);
        return;
    }
    run->may_change = may_change_in(&store->root, job_path(job));
    store->listing = run;
}

static void undo_list_open(struct job *job)
{
    store_close_listing(job->store);
}

/* Reads the next names and makes them fit to be shown. */
static void listing_read(struct job *job, struct listing_run *run)
{
    dir_free_entries(run->entries, run->count);
    run->shown_count = 0;
    if (dir_read(&run->dir, run->entries, BATCH, &run->count, &job->fault) != FERRY_OK)
        return;
    for (size_t i = 0; i < run->count; i++) {
        size_t at = run->shown_count;
        if (local_entry_is_hidden(&run->entries[i]))
            continue;
        local_entry_fill(&run->shown[at], &run->texts[at], &run->entries[i], run->may_change,
                         job->store->read_only);
        run->shown_count++;
    }
}

static void work_list_next(struct job *job)
{
    struct listing_run *run = job->store->listing;
    if (!run) {
        fault_set(&job->fault, FERRY_E_STATE, "list: no directory is open");
        return;
    }
    do
        listing_read(job, run);
    while (run->count > 0 && run->shown_count == 0); /* an empty batch would mean the end */
}

static void tell_list_next(struct job *job)
{
    struct call call = call_take(job->store);
    const struct listing_run *run = job->store->listing;
    if (fault_is_set(&job->fault))
        call.done.batch(call.ctx, &job->fault, NULL, 0);
    else
        call.done.batch(call.ctx, &job->fault, run->shown, run->shown_count);
}

static const struct job_kind list_open_kind = {work_list_open, tell_plain, undo_list_open};
static const struct job_kind list_next_kind = {work_list_next, tell_list_next, NULL};

static void local_list_open(struct backend_store *store, const char *path, store_fn *done,
                            void *ctx)
{
    job_submit(store, plain_call(store, &list_open_kind, path, done, ctx));
}

static void local_list_next(struct backend_store *store, store_batch_fn *done, void *ctx)
{
    store->call = (struct call){.kind = &list_next_kind, .done.batch = done, .ctx = ctx};
    job_submit(store, job_new(store, &list_next_kind, ""));
}

static void local_list_close(struct backend_store *store)
{
    store->close_listing = true;
    store_next(store);
}

/* ---- life ---- */

static void store_free(struct backend_store *store)
{
    loop_task_free(store->no_memory);
    root_fini(&store->root);
    alloc_free(store);
}

static void work_drop_part(struct job *job)
{
    store_drop_part(job->store);
}

static void tell_nobody(struct job *job)
{
    store_next(job->store);
}

static const struct job_kind drop_part_kind = {work_drop_part, tell_nobody, NULL};

/* To remove a large file takes its time: on the pool, if there is memory for a job. */
static void store_begin_drop_part(struct backend_store *store)
{
    struct job *job = job_new(store, &drop_part_kind, "");
    if (job)
        job_start(store, job);
    if (store->running)
        return;
    store_drop_part(store);
    store_next(store);
}

/* Nothing runs: does what had to wait for that. The store may be gone after it. */
static void store_next(struct backend_store *store)
{
    if (store->running)
        return;
    bool drop = store->drop_part && store->part;
    store->drop_part = false;
    if (store->close_listing)
        store_close_listing(store);
    store->close_listing = false;
    struct job *waiting = store->waiting;
    if (drop) {
        store_begin_drop_part(store);
    } else if (waiting) {
        store->waiting = NULL;
        job_start(store, waiting);
    } else if (store->released) {
        store_free(store);
    }
}

/* A call could not even be begun. */
static void store_no_memory(void *ctx)
{
    struct backend_store *store = ctx;
    if (!store->call.kind || store->running || store->waiting)
        return;
    struct job job = {.store = store, .kind = store->call.kind, .fd = -1};
    fault_set(&job.fault, FERRY_E_MEMORY, "no memory for a call on the files");
    job.kind->tell(&job);
}

static void local_cancel(struct backend_store *store)
{
    store->call = (struct call){0};
    if (store->waiting)
        job_free(store->waiting);
    store->waiting = NULL;
    store->cancelled = store->running != NULL;
}

static void local_release(struct backend_store *store)
{
    local_cancel(store);
    store->close_listing = true;
    store->drop_part = true;
    store->released = true;
    store_next(store);
}

const struct store_ops local_store_ops = {
    .open_read = local_open_read,
    .open_part = local_open_part,
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
    .list_open = local_list_open,
    .list_next = local_list_next,
    .list_close = local_list_close,
    .cancel = local_cancel,
    .release = local_release,
};

enum ferry_error local_store_new(struct loop *loop, struct root *root, struct bytes owner,
                                 bool read_only, struct backend_store **out)
{
    struct backend_store *store = alloc_zero(sizeof(*store));
    if (store)
        store->no_memory = loop_task_new(loop, store_no_memory, store);
    if (!store || !store->no_memory) {
        root_fini(root);
        alloc_free(store);
        return FERRY_E_MEMORY;
    }
    store->loop = loop;
    store->root = *root;
    store->read_only = read_only;
    snprintf(store->owner, sizeof(store->owner), "%.*s", BYTES_FMT(owner));
    *out = store;
    return FERRY_OK;
}
