/* The events that are to be told, and their telling: for each hook the events of an account one
 * after the other, those of different accounts at the same time, as many as the hook's jobs. What
 * is guaranteed: ferryd/hook_wire.h. */
#ifndef FERRY_FERRYD_HOOKS_POST_H
#define FERRY_FERRYD_HOOKS_POST_H

#include "base/log.h"
#include "conf/read.h"
#include "ferryd/hook_wire.h"
#include "ferryd/hooks/outbox.h"
#include "net/loop.h"

struct post;

/* One worker. */
struct post_peer;

struct post_setup {
    struct loop *loop;
    const struct log *log;
    const struct conf *conf;
    const char *temporary; /* folder */
};

/* Takes `outbox`, on failure too, and begins with what is in it; `setup` points to what outlives
 * it. FERRY_E_MEMORY, FERRY_E_FILE. */
NODISCARD enum ferry_error post_new(const struct post_setup *setup, struct outbox *outbox,
                                    struct post **out, struct fault *fault);

/* Both from the loop. */
struct post_answers {
    void (*recorded)(void *ctx, const uint8_t id[static HOOK_ID_BYTES], enum hook_answer answer);
    void (*settled)(void *ctx, const uint8_t id[static HOOK_ID_BYTES]);
};

/* NULL: no memory. */
struct post_peer *post_peer_new(struct post *post, const struct post_answers *answers, void *ctx);

/* The worker has gone; its answers are not given. What it has not settled is uncertain, unless
 * another peer records it again soon. */
void post_peer_free(struct post_peer *peer);

/* HOOK_RECORD and HOOK_SETTLE. */
void post_record(struct post_peer *peer, bool provisional, const struct hook_event *event);
void post_settle(struct post_peer *peer, const uint8_t id[static HOOK_ID_BYTES],
                 enum hook_settled outcome);

#endif
