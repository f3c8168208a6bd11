/* The sessions that were granted, by account and worker: how many an account has, and what part of
 * its rates each worker gets. */
#ifndef FERRY_FERRYD_AUTH_SEATS_H
#define FERRY_FERRYD_AUTH_SEATS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "net/address.h"

struct seat {
    TAILQ_ENTRY(seat) link;
    uint64_t grant;
    uint32_t worker;
    char *account;
    struct address peer;
    uint64_t stamp; /* of the account's password at the login */
    bool ended;     /* its worker was told to end it */
};

struct seats {
    TAILQ_HEAD(, seat) list;
    uint64_t first, next; /* grant */
    uint64_t count;
};

/* Who sits down; `account` is copied. */
struct seats_guest {
    const char *account;
    uint32_t worker;
    struct address peer;
    uint64_t stamp;
};

/* `first` is the first grant's number: not one that an auth before this one may have given. */
void seats_init(struct seats *seats, uint64_t first);
void seats_fini(struct seats *seats);

/* One more session of the account, of which there may be `most` (0: any number). FERRY_E_LIMIT:
 * there are that many; FERRY_E_MEMORY. */
NODISCARD enum ferry_error seats_take(struct seats *seats, const struct seats_guest *guest,
                                      uint64_t most, uint64_t *grant, struct fault *fault);

/* One that another auth granted. false: memory is short. */
bool seats_add(struct seats *seats, const struct seats_guest *guest, uint64_t grant);

/* The session of `worker` is over. false: it has none of that number. */
bool seats_leave(struct seats *seats, uint32_t worker, uint64_t grant);

/* Whether the grant is one of this auth's. */
bool seats_gave(const struct seats *seats, uint64_t grant);

/* The worker has gone, and all of its sessions. */
void seats_leave_all(struct seats *seats, uint32_t worker);

/* How many of the account's sessions there are in all, and in the worker. */
void seats_count(const struct seats *seats, const char *account, uint32_t worker, uint64_t *all,
                 uint64_t *own);

#endif
