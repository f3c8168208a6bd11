/* The logins that the sessions of a worker have: each ends with its files' channel, and a new auth
 * is told of them all. */
#ifndef FERRY_FERRYD_WORKER_HOLDS_H
#define FERRY_FERRYD_WORKER_HOLDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "ferryd/link.h"
#include "server/backend.h"

/* One login. */
struct hold {
    TAILQ_ENTRY(hold) link;
    struct holds *holds;
    uint64_t grant, stamp; /* as auth gave them */
    char name[LOGIN_NAME_MAX_BYTES + 1];
    struct address peer;
    bool is_known;         /* to the auth that is there */
    login_ended_fn *ended; /* or NULL */
    void *ctx;
};

struct holds {
    struct link *auth; /* NULL: that process is not there */
    TAILQ_HEAD(, hold) list;
};

void holds_init(struct holds *holds);

/* Auth is there from now on (NULL: it is not), and is told of all; borrowed until the next call. */
void holds_connect(struct holds *holds, struct link *auth);

/* A login as `hold` says, of which it makes a copy: the store whose files are at `fd`, which it
 * takes, on failure too. Its release tells auth. NULL: memory is short. */
struct backend_store *holds_store(struct holds *holds, struct loop *loop, const struct hold *hold,
                                  int fd);

/* Auth takes the grant back: the session is told why. */
void holds_end(struct holds *holds, uint64_t grant, const char *words);

#endif
