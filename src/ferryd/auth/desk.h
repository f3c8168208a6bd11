/* Where workers ask for logins: their channels, the asks under way, the grants. */
#ifndef FERRY_FERRYD_AUTH_DESK_H
#define FERRY_FERRYD_AUTH_DESK_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "ferryd/auth/book.h"
#include "ferryd/auth/gate.h"
#include "ferryd/auth/review.h"
#include "ferryd/auth/seats.h"
#include "ferryd/auth/shelf.h"
#include "ferryd/auth/throttle.h"
#include "ferryd/auth/turns.h"
#include "ferryd/link.h"
#include "net/loop.h"

/* More are told to come again. */
enum {
    DESK_DECIDING_MAX = 1024, /* that wait for the pool: a hash is some 10 ms of a core */
    DESK_ASKS_MAX = 16384,    /* of one worker, with those whose refusal is held back */
};

struct desk_worker;

struct desk {
    struct loop *loop;
    struct link *supervisor; /* is told of grants */
    const struct book *book; /* NULL: not yet open */
    struct log *log;
    struct throttle throttle;
    struct gate gate;
    struct seats seats;
    struct review review;
    struct turns turns[BOOK_SOURCES_MAX]; /* of each of the book's sources */
    TAILQ_HEAD(, desk_worker) workers;
    unsigned deciding; /* asks on the pool, cancelled ones, too, and those that wait for a turn */
};

/* No worker is served before desk_open. `first_grant`: seats_init. */
void desk_init(struct desk *desk, struct loop *loop, struct link *supervisor, struct log *log,
               uint64_t first_grant);

/* A worker's channel; takes `fd`, on failure too. It stands for the worker's life: its end is that
 * of the worker's sessions. FERRY_E_MEMORY. */
NODISCARD enum ferry_error desk_add_worker(struct desk *desk, uint32_t number, int fd);

/* What asks are decided by; what it points to must outlive the desk. */
struct desk_setup {
    const struct book *book;
    struct shelf *shelf; /* of failures and bans */
    struct throttle_settings throttle;
    uint64_t sessions_max;
};

/* From now on workers are served. FERRY_E_MEMORY. */
NODISCARD enum ferry_error desk_open(struct desk *desk, const struct desk_setup *setup);

/* Has the worker end the session, whose client is told `words`. */
void desk_end(struct desk *desk, const struct seat *seat, const char *words);

#endif
