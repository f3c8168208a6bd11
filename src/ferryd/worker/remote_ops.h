/* ferryd-ops, in another process: it asks what the worker's sessions do, and ends them. When it is
 * away nothing waits for it. */
#ifndef FERRY_FERRYD_WORKER_REMOTE_OPS_H
#define FERRY_FERRYD_WORKER_REMOTE_OPS_H

#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "conf/read.h"
#include "ferryd/given.h"
#include "net/loop.h"
#include "server/watch.h"

struct remote_ops;

/* NULL: memory is short. */
struct remote_ops *remote_ops_new(struct loop *loop, const struct log *log);
void remote_ops_free(struct remote_ops *ops);

/* A channel to it, in the place of the one before; takes `fd`, on failure too. FERRY_E_MEMORY. */
NODISCARD enum ferry_error remote_ops_connect(struct remote_ops *ops, int fd);

/* Notes the certificates that the listen blocks of `given` show, for ops. What cannot be read is
 * left out: whoever serves it says so. FERRY_E_MEMORY. */
NODISCARD enum ferry_error remote_ops_take_certificates(struct remote_ops *ops,
                                                        struct given *given);

/* From now on it is told of this server's sessions. */
void remote_ops_serve(struct remote_ops *ops, struct server_worker *server);

/* For server_settings.ended: `ctx` is a struct remote_ops. */
void remote_ops_ended(void *ctx, const struct server_view *view);

#endif
