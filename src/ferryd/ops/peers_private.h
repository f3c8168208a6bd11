/* What the files of ops's peers share: peers.c (who is asked, and for what) and peers_told.c (what
 * they answer). Nobody else includes this. */
#ifndef FERRY_FERRYD_OPS_PEERS_PRIVATE_H
#define FERRY_FERRYD_OPS_PEERS_PRIVATE_H

#include <sys/queue.h>

#include "ferryd/ops/peers.h"

/* A worker or auth. */
struct peer {
    LIST_ENTRY(peer) link;
    struct peers *peers;
    enum role role;
    uint32_t number;
    struct link *channel;
    uint64_t ask;      /* that it is answering; 0: none */
    unsigned what;     /* of refresh.h, that is asked */
    uint64_t bans_ask; /* the same, of auth, for bans */
    bool fresh;        /* the first row of an answer is due: what was known before is forgotten */
    struct server_counters counters; /* of a worker, as it told last */
};

struct refresh_wait {
    TAILQ_ENTRY(refresh_wait) link;
    struct peers *peers;
    uint64_t number; /* answers to asks up to this are awaited */
    unsigned what;
    struct loop_timer *late;
    refresh_done_fn *done;
    void *ctx;
};

struct peers_wish {
    LIST_ENTRY(peers_wish) link;
    struct peers *peers;
    uint64_t number;
    uint32_t worker; /* the process that answers; 0: the supervisor */
    peers_done_fn *done;
    void *ctx;
};

struct peers {
    struct peers_setup setup;
    LIST_HEAD(, peer) list;
    LIST_HEAD(, peers_wish) wishes;
    TAILQ_HEAD(, refresh_wait) waits;
    struct loop_task *settle;
    uint64_t last;               /* number of an ask or a wish */
    uint64_t status_ask;         /* that the supervisor is answering; 0: none */
    struct server_counters gone; /* of workers that have gone */
};

/* ---- peers.c ---- */

struct peers_wish *peers_find_wish(const struct peers *peers, uint64_t number);
void peers_wish_over(struct peers_wish *wish, bool done, struct bytes words);
void peers_next_page(struct peer *peer, uint64_t after);
void peers_sum_counts(struct peers *peers);

/* ---- peers_told.c; the context is the peer ---- */

link_message_fn peers_on_worker;
link_message_fn peers_on_auth;

#endif
