/* How many are served at once, in all and from where: who may still come (SEC-52). Whoever counts
 * for several processes uses the same as one that counts for itself. */
#ifndef FERRY_NET_CROWD_H
#define FERRY_NET_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/ledger.h"

/* Of one listener; what is counted is counted for all. 0: no limit. */
struct crowd_rules {
    uint64_t sessions_per_address;   /* IPv4 address, or /64 of IPv6 */
    uint64_t sessions_per_network;   /* /24 of IPv4, /48 of IPv6 */
    uint64_t connections_per_minute; /* of an address */
};

/* Zeroed but for what crowd_init sets: nobody is there. `known` is the owner's to keep. */
struct crowd {
    struct ledger ledger;
    uint64_t most;  /* at once */
    uint64_t count; /* of those who are there */
    uint64_t known; /* of them, those who are logged in */
};

/* What stands in the way of one more. */
enum crowd_limit {
    CROWD_FREE, /* nothing */
    CROWD_FULL,
    CROWD_UNKNOWN, /* half of the places are for those who are logged in */
    CROWD_ADDRESS,
    CROWD_NETWORK,
    CROWD_RATE,
    CROWD_TABLE,  /* memory, or the table is full */
    CROWD_BANNED, /* this one and the next are not decided here */
    CROWD_AWAY,   /* who counts cannot be asked */
};
enum { CROWD_LIMITS = CROWD_AWAY + 1 };

void crowd_init(struct crowd *crowd, uint64_t most);
void crowd_fini(struct crowd *crowd);

/* `peer` has come: counts it, or says what forbids it. */
enum crowd_limit crowd_enter(struct crowd *crowd, const struct crowd_rules *rules,
                             const struct address *peer, uint64_t now_ns);

/* One that is there already is counted, whatever the limits. false: memory is short. */
bool crowd_add(struct crowd *crowd, const struct address *peer);

/* One that was counted is gone. */
void crowd_leave(struct crowd *crowd, const struct address *peer);

/* What a client is told, what the log says if that is more, and what its operator is advised;
 * static; "": nothing. */
const char *crowd_words(enum crowd_limit limit);
const char *crowd_reason(enum crowd_limit limit);
const char *crowd_advice(enum crowd_limit limit);

#endif
