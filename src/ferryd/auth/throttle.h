/* Failed logins by address: how long a refusal is held back, and who may not try at all for a
 * while. Reads no clock; times are on the scale of `now_ns`. */
#ifndef FERRY_FERRYD_AUTH_THROTTLE_H
#define FERRY_FERRYD_AUTH_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "net/address.h"

/* Addresses that are remembered. When there are more, the one that has been quiet for longest is
 * forgotten; one that is banned, only if all are. */
enum { THROTTLE_MAX = 4096 };

/* The first failures cost nothing here: people mistype. Each further one doubles the delay. */
enum { THROTTLE_FREE = 3 };
#define THROTTLE_STEP_NS (500 * CLOCK_NS_PER_MS)
#define THROTTLE_MOST_NS (16 * CLOCK_NS_PER_S)

struct throttle_settings {
    uint64_t kept_ns;   /* after this long without a failure all is forgotten */
    uint64_t ban_after; /* failures; 0: nobody is banned */
    uint64_t ban_ns;
};

/* An IPv4 address, or the 64 bits of IPv6 that one subscriber has. */
struct throttle_key {
    int family;
    uint8_t bytes[8];
};

struct throttle_entry {
    struct throttle_key key;
    uint64_t failures, last_ns;
    uint64_t banned_until_ns; /* 0: is not banned */
};

struct throttle {
    struct throttle_settings settings;
    struct throttle_entry *entries;
    size_t count;
};

void throttle_init(struct throttle *throttle, const struct throttle_settings *settings);
void throttle_fini(struct throttle *throttle);

/* When this address may try again; 0: now. */
uint64_t throttle_banned_until(const struct throttle *throttle, const struct address *address,
                               uint64_t now_ns);

/* Notes a failed login. Returns for how long to hold its refusal back; `*banned` says whether it
 * was the one too many. When memory is short, the failure is not remembered. */
uint64_t throttle_failed(struct throttle *throttle, const struct address *address, uint64_t now_ns,
                         bool *banned);

#endif
