/* The events that are still to be told, in a file of SQLite: what was added and committed outlives
 * a crash of the process and of the system (journal in WAL, synchronous = FULL). Plain calls that
 * wait for the disk, from one thread at a time. */
#ifndef FERRY_FERRYD_HOOKS_OUTBOX_H
#define FERRY_FERRYD_HOOKS_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/hook_wire.h"

struct outbox;

/* Numbers are in the file. */
enum outbox_state {
    OUTBOX_PROVISIONAL = 0, /* whether it happened is not known yet */
    OUTBOX_READY = 1,
    OUTBOX_UNCERTAIN = 2, /* and will never be */
    OUTBOX_DEAD = 3,      /* given up */
};

/* An event for one hook. */
struct outbox_row {
    int64_t number; /* in the order in which they were added, from 1 */
    uint8_t id[HOOK_ID_BYTES];
    struct bytes hook, account;
    enum outbox_state state;
    int64_t made_ns, due_ns; /* since 1970; `due_ns`: of the next try */
    uint32_t tries;          /* that failed */
    struct bytes body;       /* JSON; not in outbox_each */
};

/* Opens the file, or makes it. FERRY_E_FILE, FERRY_E_UNSUPPORTED: it is of another program or a
 * later version; FERRY_E_MEMORY. */
NODISCARD enum ferry_error outbox_open(const char *path, struct outbox **out, struct fault *fault);
/* NULL is fine. */
void outbox_close(struct outbox *outbox);

/* Around any number of the changes below: all of them are on disk when outbox_commit returns
 * FERRY_OK, else none. */
NODISCARD enum ferry_error outbox_begin(struct outbox *outbox, struct fault *fault);
NODISCARD enum ferry_error outbox_commit(struct outbox *outbox, struct fault *fault);
void outbox_rollback(struct outbox *outbox);

/* Adds `row` and sets its number; if it is there already (id and hook), `*there` and its number. */
NODISCARD enum ferry_error outbox_add(struct outbox *outbox, struct outbox_row *row, bool *there,
                                      struct fault *fault);

/* All that is provisional of that id: READY or UNCERTAIN, or DEAD: it is removed. */
NODISCARD enum ferry_error outbox_settle(struct outbox *outbox,
                                         const uint8_t id[static HOOK_ID_BYTES],
                                         enum outbox_state state, struct fault *fault);

NODISCARD enum ferry_error outbox_remove(struct outbox *outbox, int64_t number,
                                         struct fault *fault);

/* It could not be told: `state` is OUTBOX_DEAD, or what it was. `why` is for people. */
NODISCARD enum ferry_error outbox_failed(struct outbox *outbox, const struct outbox_row *row,
                                         const char *why, struct fault *fault);

/* Appends the body of an event. FERRY_E_NOT_FOUND. */
NODISCARD enum ferry_error outbox_body(struct outbox *outbox, int64_t number, struct buf *out,
                                       struct fault *fault);

/* Calls `fn` for all that is not dead, in order; views are valid during the call. What `fn` returns
 * ends it if it is not FERRY_OK. */
typedef enum ferry_error outbox_row_fn(void *ctx, const struct outbox_row *row);
NODISCARD enum ferry_error outbox_each(struct outbox *outbox, outbox_row_fn *fn, void *ctx,
                                       struct fault *fault);

#endif
