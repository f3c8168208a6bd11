/* Connections that were accepted, until it is known whose they are: those from a trusted proxy
 * begin with a header of the PROXY protocol that says it (SEC-22). */
#ifndef FERRY_SERVER_ARRIVALS_H
#define FERRY_SERVER_ARRIVALS_H

#include <sys/queue.h>

#include "base/fault.h"
#include "net/loop.h"
#include "server/rules.h"

struct server_arrival;

/* The last call for a connection; it may be made from inside server_arrivals_take, and may end with
 * server_arrivals_fini. */
struct server_arrivals_events {
    /* `fd`, which the callee owns, is `peer`'s. `reached`: the address that it connected to, as the
     * proxy says; NULL: that of the socket. */
    void (*known)(void *ctx, int fd, const struct address *peer, const struct address *reached);
    /* A connection from `proxy` was closed: `fault` says why. For the log. */
    void (*refused)(void *ctx, const struct address *proxy, const struct fault *fault);
};

/* Fields are private to arrivals.c. */
struct server_arrivals {
    struct loop *loop;
    const struct server_arrivals_events *events;
    void *ctx;
    unsigned most, count;
    LIST_HEAD(, server_arrival) list;
};

/* At most `most` headers are read at a time; more connections of proxies are closed. */
void server_arrivals_init(struct server_arrivals *arrivals, struct loop *loop, unsigned most,
                          const struct server_arrivals_events *events, void *ctx);

/* Closes those that are not known yet. It may be used on from here. */
void server_arrivals_fini(struct server_arrivals *arrivals);

/* Takes the connection `fd` that came from `peer`. From a proxy of the rules, its header is read
 * first, for at most 5 s; from anybody else it is never looked for. */
void server_arrivals_take(struct server_arrivals *arrivals, const struct server_rules *rules,
                          int fd, const struct address *peer);

#endif
