/* What the files of the local store share: local_job.c (calls as jobs on the pool), local_names.c,
 * local_parts.c, local_long.c and local_list.c (the calls), local_store.c (its life). Nobody else
 * includes this.
 */
#ifndef FERRY_EMBED_LOCAL_PRIVATE_H
#define FERRY_EMBED_LOCAL_PRIVATE_H

#include "embed/local_entry.h"
#include "embed/local_store.h"
#include "store/home.h"
#include "store/home_combine.h"
#include "store/subtree.h"

struct local_job;

/* What a call is: its work on the pool, and how its outcome is told on the loop. */
struct local_kind {
    void (*work)(struct local_job *job);
    void (*tell)(struct local_job *job);
    void (*undo)(struct local_job *job); /* it was cancelled: lets go of what it opened; or NULL */
    void (*give_up)(struct local_job *job); /* it was cancelled: the same on the pool; or NULL */
};

struct local_job {
    struct backend_store *store;
    const struct local_kind *kind;
    struct fault fault;
    char *path;
    char *other; /* RNTO: the new name; or NULL */
    enum part_mode mode;
    uint64_t number; /* an offset, a size, or a part */
    struct change change;
    bool keep;
    int fd;
    bool may_change;
    struct entry entry;
    struct home_upload upload;

    bool again;                        /* `work` has done a piece, and there is more */
    bool given_up;                     /* what runs is give_up */
    bool all;                          /* a listing's dotfiles, too */
    struct store_combine combine_want; /* its views are of `path` and `other` */
    struct subtree *subtree;
    struct home_combine *combine;
};

/* Who waits for the call that is outstanding. */
struct local_call {
    const struct local_kind *kind; /* NULL: none */
    union {
        store_fn *plain;
        store_entry_fn *entry;
        store_size_fn *size;
        store_change_fn *change;
        store_read_fn *read;
        store_part_fn *part;
        store_batch_fn *batch;
    } done;
    void *ctx;
};

/* A batch of a listing as the server wants it. */
struct local_batch {
    size_t count;
    struct local_entry_text texts[HOME_BATCH];
    struct listing_entry shown[HOME_BATCH];
};
_Static_assert((int)HOME_BATCH <= (int)STORE_BATCH_MAX, "a batch is too large");
_Static_assert((int)LOGIN_NAME_MAX_BYTES <= (int)HOME_OWNER_MAX_BYTES, "a name is too long");

struct backend_store {
    struct loop *loop;
    struct home home; /* while a job runs, its own */

    struct local_call call;
    struct local_job *running; /* on the pool */
    bool cancelled;            /* `running` is nobody's any more */
    struct local_job *waiting; /* for `running` to end */
    struct loop_task *no_memory;
    struct local_batch *batch; /* as `home` */

    /* To be done when nothing runs. */
    bool close_listing, drop_part, released;
};

/* ---- local_job.c ---- */

/* Makes the job of the call that store->call is set to; NULL: memory is short, the caller's `done`
 * will hear of it. */
struct local_job *local_job_new(struct backend_store *store, const struct local_kind *kind,
                                const char *path);

/* As local_job_new, of a call whose outcome has no value, or is a size. */
struct local_job *local_job_plain(struct backend_store *store, const struct local_kind *kind,
                                  const char *path, store_fn *done, void *ctx);
struct local_job *local_job_size(struct backend_store *store, const struct local_kind *kind,
                                 const char *path, store_size_fn *done, void *ctx);

/* Gives a job its other path. NULL, as local_job_new: memory is short, the job was freed. */
struct local_job *local_job_with(struct local_job *job, const char *other);

/* Begins `job` (NULL is fine), now or when the one that runs is done. */
void local_job_submit(struct backend_store *store, struct local_job *job);

/* As local_job_submit while nothing runs. */
void local_job_start(struct backend_store *store, struct local_job *job);

void local_job_free(struct local_job *job);

/* The call that is answered now. */
struct local_call local_call_take(struct backend_store *store);

/* Tells an outcome without a value, and one that is a size. */
void local_tell_plain(struct local_job *job);
void local_tell_size(struct local_job *job);

/* The task of store->no_memory: a call could not even be begun. */
void local_no_memory(void *ctx);

static inline struct bytes local_job_path(const struct local_job *job)
{
    return bytes_str(job->path);
}

/* ---- local_store.c ---- */

/* Nothing runs: does what had to wait for that. The store may be gone after it. */
void local_store_next(struct backend_store *store);

/* ---- the calls of struct store_ops ---- */

/* local_names.c */
void local_stat(struct backend_store *store, const char *path, store_entry_fn *done, void *ctx);
void local_size(struct backend_store *store, const char *path, store_size_fn *done, void *ctx);
void local_enter(struct backend_store *store, const char *path, store_fn *done, void *ctx);
void local_make_directory(struct backend_store *store, const char *path, store_fn *done, void *ctx);
void local_remove_directory(struct backend_store *store, const char *path, store_fn *done,
                            void *ctx);
void local_remove_file(struct backend_store *store, const char *path, store_fn *done, void *ctx);
void local_rename(struct backend_store *store, const char *from, const char *to, store_fn *done,
                  void *ctx);
void local_set_facts(struct backend_store *store, const char *path, const struct change *change,
                     store_change_fn *done, void *ctx);
void local_make_link(struct backend_store *store, const char *target, const char *link,
                     store_fn *done, void *ctx);
void local_free_bytes(struct backend_store *store, const char *path, store_size_fn *done,
                      void *ctx);

/* local_parts.c; also reading */
void local_read_part(struct backend_store *store, uint32_t part, store_read_fn *done, void *ctx);
void local_open_read(struct backend_store *store, const char *path, store_read_fn *done, void *ctx);
void local_open_part(struct backend_store *store, const char *path, enum part_mode mode,
                     uint64_t offset_bytes, store_part_fn *done, void *ctx);
void local_commit(struct backend_store *store, uint32_t part, store_fn *done, void *ctx);
void local_abandon(struct backend_store *store, uint32_t part, bool keep, store_fn *done,
                   void *ctx);
bool local_reserve(struct backend_store *store, uint32_t part, uint64_t end_bytes);
void local_drop_part(struct backend_store *store); /* nothing runs */

/* local_long.c: what takes several jobs */
void local_tree_size(struct backend_store *store, const char *path, store_size_fn *done, void *ctx);
void local_remove_tree(struct backend_store *store, const char *path, store_fn *done, void *ctx);
void local_combine(struct backend_store *store, const struct store_combine *want, store_fn *done,
                   void *ctx);

/* local_list.c */
void local_list_open(struct backend_store *store, const char *path,
                     const struct store_list_want *want, store_fn *done, void *ctx);
void local_list_next(struct backend_store *store, store_batch_fn *done, void *ctx);
void local_list_close(struct backend_store *store);
void local_drop_listing(struct backend_store *store); /* nothing runs */

#endif
