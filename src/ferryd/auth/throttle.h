/* Failed logins: how long a refusal is held back, whose passwords are not tried at all for a while,
 * and who is banned (SEC-50). Reads no clock; times are of the wall clock, in ns. */
#ifndef FERRY_FERRYD_AUTH_THROTTLE_H
#define FERRY_FERRYD_AUTH_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "ferryd/auth/shelf.h"
#include "net/address.h"

/* The first failures of an address cost nothing: people mistype. Each further one doubles the
 * delay. */
enum { THROTTLE_FREE = 3 };
#define THROTTLE_STEP_NS (500 * CLOCK_NS_PER_MS)
#define THROTTLE_MOST_NS (16 * CLOCK_NS_PER_S)

struct throttle_settings {
    uint64_t kept_ns;   /* after this long without a failure an address is slow no more */
    uint64_t ban_after; /* failures of an address; 0: nobody is banned for them */
    uint64_t ban_ns;
    uint64_t failures; /* in failures_ns, of an address for one account; four times as many of an
                          address, sixteen times as many for an account; 0: any number */
    uint64_t failures_ns;
};

struct throttle {
    struct throttle_settings settings;
    struct shelf *shelf;
};

/* `shelf`, which is open, must outlive it. */
void throttle_init(struct throttle *throttle, const struct throttle_settings *settings,
                   struct shelf *shelf);

/* ---- tries ---- */

/* A password is to be tried; false: too many failed. It counts as failed until throttle_undo. Those
 * who fail at an account do not lock it for addresses that it was logged in from before. */
bool throttle_try(struct throttle *throttle, const struct address *peer, struct bytes account,
                  uint64_t now_ns);

/* The try did not fail: it was `right`, or nothing could be decided. */
void throttle_undo(struct throttle *throttle, const struct address *peer, struct bytes account,
                   bool right, uint64_t now_ns);

/* The try failed. Returns for how long to hold its refusal back; `*banned` says whether it was the
 * one too many for the address. */
uint64_t throttle_failed(struct throttle *throttle, const struct address *peer, uint64_t now_ns,
                         bool *banned);

/* ---- bans ---- */

/* When this address may come again; 0: now. Cheap. */
uint64_t throttle_banned_until(const struct throttle *throttle, const struct address *peer,
                               uint64_t now_ns);

void throttle_ban(struct throttle *throttle, const struct address *peer, uint64_t until_ns,
                  uint64_t now_ns);

/* Ends a ban, and forgets the failures of the address. false: there was none. */
bool throttle_unban(struct throttle *throttle, const struct address *peer, uint64_t now_ns);

struct throttle_ban {
    struct address peer; /* of IPv6, the first of its /64 */
    uint64_t until_ns, failures;
    bool by_hand;
};

/* Calls `each` with every ban. */
void throttle_bans(struct throttle *throttle, uint64_t now_ns,
                   void (*each)(void *ctx, const struct throttle_ban *ban), void *ctx);

#endif
