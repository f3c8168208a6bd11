/* What is counted by address, account or kind of event: a table that never grows beyond its cap.
 * When it is full, the entry that was made first and is not held is forgotten. */
#ifndef FERRY_NET_LEDGER_H
#define FERRY_NET_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "net/address.h"
#include "net/rate.h"

enum ledger_kind {
    LEDGER_ADDRESS, /* an IPv4 address, a /64 of IPv6 (SEC-52) */
    LEDGER_NETWORK, /* a /24 of IPv4, a /48 of IPv6 */
    LEDGER_ACCOUNT, /* a name alone */
    LEDGER_EVENT,   /* an address and an event of the log */
};

enum { LEDGER_NAME_BYTES = 64 };

struct ledger_key {
    uint8_t kind;
    uint8_t family;
    uint8_t address[16];
    uint8_t name_len;
    char name[LEDGER_NAME_BYTES];
};

struct ledger_entry {
    struct ledger_key key;
    uint32_t held;        /* above 0: it is not forgotten */
    uint64_t count;       /* as the user of the table likes */
    struct rate rate;     /* the same */
    struct rate up, down; /* the same */
};

struct ledger_slot;

/* Zeroed but for `max`: an empty one. Fields are private to ledger.c. */
struct ledger {
    struct ledger_slot *slots; /* uthash */
    unsigned max;
    uint64_t seed; /* of the hash, so that nobody can choose keys that fall together; 0: none yet */
};

void ledger_fini(struct ledger *ledger);

/* Of `address` (NULL: none) what counts for the kind, and the first LEDGER_NAME_BYTES of `name`. */
struct ledger_key ledger_key(enum ledger_kind kind, const struct address *address,
                             struct bytes name);

/* NULL: there is none. */
struct ledger_entry *ledger_find(const struct ledger *ledger, const struct ledger_key *key);

/* Makes one if there is none, zeroed. NULL: memory is short, or all entries are held. Another entry
 * may be gone after it. */
struct ledger_entry *ledger_get(struct ledger *ledger, const struct ledger_key *key);

/* Calls `each` with every entry. */
void ledger_each(struct ledger *ledger, void (*each)(void *ctx, struct ledger_entry *entry),
                 void *ctx);

unsigned ledger_count(const struct ledger *ledger);

#endif
