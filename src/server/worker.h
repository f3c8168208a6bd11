/* A server on one loop: listeners, the table of sessions, limits, and its end. */
#ifndef FERRY_SERVER_WORKER_H
#define FERRY_SERVER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "net/loop.h"
#include "server/rules.h"
#include "server/settings.h"

struct server_worker;
struct server_listener;

/* Makes a worker that does not listen yet. `settings` is copied; what it points to must outlive the
 * worker. FERRY_E_ARGUMENT: no accounts; FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_worker_new(struct loop *loop,
                                             const struct server_settings *settings,
                                             struct server_worker **out, struct fault *fault);

/* Serves the connections that come to the listening socket `fd`, which it takes, on failure too, by
 * `rules`, which it holds. `*out` (or NULL) is the worker's. FERRY_E_ARGUMENT: TLS in the rules,
 * but no ticket key in the settings; FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_worker_listen(struct server_worker *worker, int fd,
                                                struct server_rules *rules,
                                                struct server_listener **out, struct fault *fault);

/* A reload: connections that come from now on are served by `rules`; sessions keep theirs. */
void server_listener_set_rules(struct server_listener *listener, struct server_rules *rules);

/* No more connections come here; the listener is freed, its sessions go on. */
void server_listener_close(struct server_listener *listener);

/* The rates that the account's transfers here have from now on, all together, in bytes a second (0:
 * no limit); nothing if it has no session. */
void server_worker_rate(struct server_worker *worker, struct bytes account, uint64_t up,
                        uint64_t down);

uint32_t server_worker_sessions(const struct server_worker *worker);

/* Ends: no new sessions, idle ones get 421, transfers are given `grace_ns` to finish, then 426.
 * `drained` is called once, from the loop, when the last session is gone; it must not free the
 * worker. */
typedef void server_drained_fn(void *ctx);
void server_worker_drain(struct server_worker *worker, uint64_t grace_ns,
                         server_drained_fn *drained, void *ctx);

/* As server_worker_drain, but those there are go on as long as they like: another worker has taken
 * this one's place. May be followed by server_worker_drain. */
void server_worker_retire(struct server_worker *worker, server_drained_fn *drained, void *ctx);

/* Ends all at once and frees it. NULL is fine. */
void server_worker_free(struct server_worker *worker);

#endif
