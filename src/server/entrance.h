/* Connections whose peer is known, until it is decided whether they may be served: at once where
 * this process counts for itself, else when whoever counts for all has answered (SEC-52). */
#ifndef FERRY_SERVER_ENTRANCE_H
#define FERRY_SERVER_ENTRANCE_H

#include <sys/queue.h>

#include "base/compiler.h"
#include "net/address.h"
#include "net/loop.h"
#include "server/rules.h"

struct server_shared;
struct server_entrance_wait;

/* Fields are private to entrance.c. */
struct server_entrance {
    struct server_shared *shared;
    struct loop_timer *timer; /* of the one that waits longest */
    unsigned count;
    TAILQ_HEAD(, server_entrance_wait) waits;
};

/* FERRY_E_MEMORY. Also on failure to be ended with server_entrance_fini. */
NODISCARD enum ferry_error server_entrance_init(struct server_entrance *entrance,
                                                struct server_shared *shared);

/* Closes those that wait still; without server_entrance_fini, more may come. */
void server_entrance_close(struct server_entrance *entrance);
void server_entrance_fini(struct server_entrance *entrance);

/* How many wait. When one is gone without a session, the shared `gone` is called. */
unsigned server_entrance_count(const struct server_entrance *entrance);

/* Takes the connection `fd` of `peer`: it becomes a session by `rules`, or is refused. `reached`:
 * what it connected to, if that is not the socket's own address (NULL). At most 1024 wait, for at
 * most 5 s. */
void server_entrance_take(struct server_entrance *entrance, struct server_rules *rules, int fd,
                          const struct address *peer, const struct address *reached);

#endif
