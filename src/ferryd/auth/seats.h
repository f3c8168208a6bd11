/* The sessions that were granted, by account and worker: how many an account has. */
#ifndef FERRY_FERRYD_AUTH_SEATS_H
#define FERRY_FERRYD_AUTH_SEATS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "base/fault.h"

struct seat;

struct seats {
    TAILQ_HEAD(, seat) list;
    uint64_t next; /* grant */
};

/* `first` is the first grant's number: not one that an auth before this one may have given. */
void seats_init(struct seats *seats, uint64_t first);
void seats_fini(struct seats *seats);

/* One more session of `account`, of which there may be `most` (0: any number). FERRY_E_LIMIT: there
 * are that many; FERRY_E_MEMORY. */
NODISCARD enum ferry_error seats_take(struct seats *seats, const char *account, uint32_t worker,
                                      uint64_t most, uint64_t *grant, struct fault *fault);

/* The session of `worker` is over. false: it has none of that number. */
bool seats_leave(struct seats *seats, uint32_t worker, uint64_t grant);

/* The worker has gone, and all of its sessions. */
void seats_leave_all(struct seats *seats, uint32_t worker);

#endif
