/* What the files of the remote store share: remote_store.c (its life, its link, what becomes of
 * answers) and remote_calls.c (the calls). Nobody else includes this. */
#ifndef FERRY_FERRYD_WORKER_REMOTE_PRIVATE_H
#define FERRY_FERRYD_WORKER_REMOTE_PRIVATE_H

#include "ferryd/link.h"
#include "ferryd/store_wire.h"
#include "ferryd/worker/remote_store.h"

/* Who waits for the call that is outstanding. */
struct remote_waiter {
    enum store_message expects; /* STORE_NONE: nobody */
    union {
        store_fn *plain;
        store_size_fn *size;
        store_change_fn *change;
        store_read_fn *read;
        store_part_fn *part;
        store_entry_fn *entry; /* of STORE_ENTRIES, if `single` */
        store_batch_fn *batch;
    } done;
    void *ctx;
    bool single;
    struct change change; /* that was asked for */
};

struct backend_store {
    struct link *link;
    remote_store_event_fn *released, *lost;
    void *ctx;
    bool is_lost;    /* which `lost` is still to hear of */
    uint64_t number; /* of the last call */
    struct remote_waiter waiter;
    uint32_t part;      /* the one that was opened last */
    uint64_t end_bytes; /* how far it may be written */
    bool listing;       /* may be open */
    struct loop *loop;
    struct loop_timer *patience; /* with the call that is outstanding */
    struct loop_task *tell;      /* `unsent` */
    struct fault unsent; /* why the call that is outstanding could not be made; or not set */
};

/* Makes a call; `waiter` hears of it, later. */
void remote_ask(struct backend_store *store, struct store_call call, struct remote_waiter waiter);

/* Sends what is no call. FERRY_E_LIMIT: a text is too long; else as link_send. */
NODISCARD enum ferry_error remote_say(struct backend_store *store, const struct store_call *call,
                                      struct fault *fault);

/* Of struct store_ops. */
void remote_cancel(struct backend_store *store);
void remote_release(struct backend_store *store);

#endif
