/* The files of one login, kept by a files process at the other end of a channel: struct store_ops
 * (server/backend.h) as messages. When that process dies every call that waits, and every later
 * one, fails with FERRY_E_TEMPORARY. */
#ifndef FERRY_FERRYD_WORKER_REMOTE_STORE_H
#define FERRY_FERRYD_WORKER_REMOTE_STORE_H

#include "base/compiler.h"
#include "net/loop.h"
#include "server/backend.h"

extern const struct store_ops remote_store_ops;

typedef void remote_store_event_fn(void *ctx);

/* What becomes of a store; functions may be NULL. */
struct remote_store_events {
    /* The session has released it, and it is no more. Once, from inside `release`, and never
     * without it. */
    remote_store_event_fn *released;
    /* The files process has gone. Once, from the loop, unless the store was released before; may
     * release it. */
    remote_store_event_fn *lost;
    void *ctx;
};

/* A store over `fd`, the channel of one grant, which it takes, on failure too. It belongs to a
 * session, which ends it by remote_store_ops.release: the channel is closed, and by that the files
 * process knows. FERRY_E_MEMORY. */
NODISCARD enum ferry_error remote_store_new(struct loop *loop, int fd,
                                            const struct remote_store_events *events,
                                            struct backend_store **out);

#endif
