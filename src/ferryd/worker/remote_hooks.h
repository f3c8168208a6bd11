/* Who is told of what happened, in another process: struct hook_ops (server/backend.h) as messages
 * to ferryd-hooks. What was not answered is sent again when that process was started again: see
 * ferryd/hook_wire.h for what that guarantees. */
#ifndef FERRY_FERRYD_WORKER_REMOTE_HOOKS_H
#define FERRY_FERRYD_WORKER_REMOTE_HOOKS_H

#include "base/compiler.h"
#include "base/log.h"
#include "conf/read.h"
#include "net/loop.h"
#include "server/backend.h"

struct remote_hooks;

/* The `hooks` of these is a struct remote_hooks. */
extern const struct hook_ops remote_hooks_ops;

/* `log` must outlive it. NULL: no memory. */
struct remote_hooks *remote_hooks_new(struct loop *loop, const struct log *log);

/* After all sessions. NULL is fine. */
void remote_hooks_free(struct remote_hooks *hooks);

/* From now on the hook and check blocks of `conf`, which must outlive it, say what is wanted. */
void remote_hooks_open(struct remote_hooks *hooks, const struct conf *conf);

/* Takes `fd`, on failure too: that process is spoken to from now on. FERRY_E_MEMORY. */
NODISCARD enum ferry_error remote_hooks_connect(struct remote_hooks *hooks, int fd);

#endif
