/* The sessions of a server as whoever watches over it sees them, and the end of one at its wish. */
#ifndef FERRY_SERVER_WATCH_H
#define FERRY_SERVER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/server_count.h"
#include "net/address.h"
#include "server/session.h"
#include "server/worker.h"

/* One session; valid for the time of the call. Texts are NULL or "" where there is nothing to say,
 * and as the client sent them. */
struct server_view {
    uint64_t id;
    uint64_t opened_ns; /* on the loop's scale */
    const struct address *peer, *local;
    const char *account;
    bool logged_in, read_only;
    const char *host;
    const char *client;                /* what it says it is */
    const char *auth;                  /* how TLS began: "TLS", …; "implicit"; "" in clear */
    const struct server_tls_note *tls; /* its `version` NULL: there was no handshake */
    const char *certificate;           /* the client's, its subject */
    const struct server_data_uses *data;
    const char *command; /* under way, its verb */
    /* Of a transfer that runs, else NULL and 0. */
    const char *path;
    const char *direction; /* "up", "down", "list" */
    uint64_t bytes, started_ns;
};

typedef void server_view_fn(void *ctx, const struct server_view *view);

/* Views at most `most` sessions in the order of their ids, from the first beyond `after`. Returns
 * how many there were. */
unsigned server_worker_view(struct server_worker *worker, uint64_t after, unsigned most,
                            server_view_fn *fn, void *ctx);

/* Ends the session: 421, or 426 first for a transfer that runs. false: there is none of that id. */
bool server_worker_kick(struct server_worker *worker, uint64_t id);

const struct server_counters *server_worker_counters(struct server_worker *worker);

/* For session.c: the session ends; tells whoever wants to know. */
void server_watch_ended(const struct server_session *session);

#endif
