/* The connections that would be the data connection of one transfer, side by side until one of them
 * has finished its TLS handshake and proved whose it is (SEC-5, TLS-100, TLS-101).
 *
 * Whoever comes from the right address may try, and so may other servers from theirs where the
 * rules know some (TLS-168). There are few places, and one who says nothing
 * keeps none: the longest silent one makes way for a new one. */
#ifndef FERRY_SERVER_CANDIDATES_H
#define FERRY_SERVER_CANDIDATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "net/loop.h"
#include "net/stream.h"
#include "server/binding.h"
#include "server/linger.h"
#include "server/rules.h"

enum { SERVER_CANDIDATES_MAX = 4 };

/* Called from the loop, or from inside server_candidates_admit. */
struct server_candidates_events {
    /* This one is the data connection; the callee owns it. */
    void (*proven)(void *ctx, struct stream *stream, enum tls_proof proof);
    /* One was turned away, and its place is free: `code` 425, or 522 if TLS is what was wrong, and
     * in `fault` the words for the client (`what`) and for the operator (`advice`). */
    void (*refused)(void *ctx, int code, const struct fault *fault);
};

/* Everything is borrowed as long as the candidates live. */
struct server_candidates_setup {
    struct loop *loop;
    const struct server_rules *rules;
    struct server_linger *linger;
    struct server_binding *binding; /* of their engines */
    const char *host;               /* of the control connection, which alone they may name */
    bool servers;                   /* one of the rules' other servers may be among them */
    bool role_unknown;              /* handshakes wait for server_candidates_begin: SSCN, CPSV */
    const struct server_candidates_events *events;
    void *ctx;
};

struct server_candidate {
    struct server_candidates *all;
    struct stream *stream; /* NULL: this place is free */
    uint64_t order;        /* of coming */
    uint64_t since_ns;     /* from when its handshake's time counts */
    bool foreign;          /* from another host than the client's: a server, or nobody */
};

/* Fields are private to candidates.c. */
struct server_candidates {
    struct server_candidates_setup setup;
    struct server_candidate places[SERVER_CANDIDATES_MAX];
    uint64_t admitted; /* so many have come */
    bool begun, tls_client;
};

void server_candidates_init(struct server_candidates *candidates,
                            const struct server_candidates_setup *setup);

/* Turns all of them away, in order and without an event. */
void server_candidates_drop(struct server_candidates *candidates);

/* Whether another one can be admitted now. If not, that changes with the event `refused`. */
bool server_candidates_has_room(struct server_candidates *candidates);

/* Takes a connected stream in clear, for which there is room, and begins the handshake. `foreign`:
 * it must prove to be another server's. */
void server_candidates_admit(struct server_candidates *candidates, struct stream *stream,
                             bool foreign);

bool server_candidates_any(const struct server_candidates *candidates);

/* The transfer begins, and it is known who is TLS client: we are, of another server, or the other
 * end is. Those who began the other way round are refused. The time of every handshake counts from
 * now. */
void server_candidates_begin(struct server_candidates *candidates, bool tls_client);

/* When the last one's time for its handshake ends; 0: there is none. */
uint64_t server_candidates_deadline(const struct server_candidates *candidates);

#endif
