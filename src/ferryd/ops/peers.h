/* Whom ferryd-ops speaks to: the supervisor, workers and auth of every crew. Keeps the state, asks
 * them to bring it up to date (refresh.h), and has them do what the operator wants. */
#ifndef FERRY_FERRYD_OPS_PEERS_H
#define FERRY_FERRYD_OPS_PEERS_H

#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "ferryd/link.h"
#include "ferryd/ops/refresh.h"
#include "ferryd/ops/state.h"
#include "net/loop.h"

struct peers;

struct peers_setup {
    struct loop *loop;
    struct link *supervisor;
    const struct log *log;
    struct state *state;
    /* An event was added to the state. */
    void (*event)(void *ctx, const struct state_event *event);
    void *ctx;
};

/* NULL: memory is short. */
struct peers *peers_new(const struct peers_setup *setup);
void peers_free(struct peers *peers);

struct refresh *peers_refresh(struct peers *peers);

/* A channel to a worker or auth; takes `fd`, on failure too. FERRY_E_PROTOCOL: to none of these;
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error peers_add(struct peers *peers, enum role role, uint32_t number, int fd,
                                     struct fault *fault);

/* A message of the supervisor. */
NODISCARD enum ferry_error peers_supervisor(struct peers *peers, const struct wire_message *row,
                                            struct wire_reader *reader, struct fault *fault);

/* What came of a wish: whether it was done, and, if there is something to say, words. */
typedef void peers_done_fn(void *ctx, bool done, struct bytes words);

/* A wish under way; its `done` is called once, unless peers_forget comes first. */
struct peers_wish;

/* Each returns NULL if memory is short or nobody is there to do it. */
struct peers_wish *peers_reload(struct peers *peers, peers_done_fn *done, void *ctx);
struct peers_wish *peers_kick(struct peers *peers, const struct state_session *session,
                              peers_done_fn *done, void *ctx);

/* `seconds` 0: ends the ban. */
struct peers_wish *peers_ban(struct peers *peers, const char *address, uint64_t seconds,
                             peers_done_fn *done, void *ctx);

/* NULL is fine. */
void peers_forget(struct peers_wish *wish);

/* `grace_ns`: MESSAGE_DRAIN_PATIENT for that of the configuration. */
void peers_drain(struct peers *peers, uint64_t grace_ns);

#endif
