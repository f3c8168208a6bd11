/* A table that outlives the process: memory that the supervisor keeps, or a file. The auth that
 * follows one that died, or takes over at a reload, finds in it what was there; both may use it at
 * the same time. It never grows: what is least worth keeping makes room. */
#ifndef FERRY_FERRYD_AUTH_SHELF_H
#define FERRY_FERRYD_AUTH_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "net/address.h"
#include "net/rate.h"

enum shelf_kind {
    SHELF_NONE, /* an empty slot */
    SHELF_ADDRESS,
    SHELF_ACCOUNT, /* a name alone */
    SHELF_PAIR,    /* a name from an address */
};

enum { SHELF_NAME_BYTES = 64, SHELF_WAYS = 8, SHELF_BUCKETS = 4096 };
enum { SHELF_SLOTS = SHELF_WAYS * SHELF_BUCKETS };

struct shelf_key {
    uint8_t kind, family, name_len, padding;
    uint8_t address[16]; /* an IPv4 address, or the 64 bits of IPv6 that one subscriber has */
    char name[SHELF_NAME_BYTES];
};

/* Times are of the wall clock, in ns: a file is read after a restart of the machine, too. */
struct shelf_slot {
    struct shelf_key key;
    uint8_t known;   /* the pair has logged in before */
    uint8_t by_hand; /* the ban */
    uint16_t padding;
    uint64_t failures, last_ns;
    uint64_t until_ns; /* of a ban; 0: there is none */
    struct rate rate;
};

struct shelf_body;

struct shelf {
    struct shelf_body *body;
    int fd; /* -1: memory of this process alone */
};

/* Takes `fd` (-1: there is nothing to share), on failure too. What is in it stays if it is a shelf;
 * else it becomes an empty one. FERRY_E_FILE or FERRY_E_MEMORY, with the words in `fault`. */
NODISCARD enum ferry_error shelf_open(struct shelf *shelf, int fd, struct fault *fault);
void shelf_close(struct shelf *shelf);

/* A number that stays the same as long as the shelf, and that nobody else knows. */
uint64_t shelf_seed(const struct shelf *shelf);

/* Of `address` (NULL: none) what counts, and the first SHELF_NAME_BYTES of `name`. */
struct shelf_key shelf_key(enum shelf_kind kind, const struct address *address, struct bytes name);

/* Between these two nobody else changes it. */
void shelf_lock(const struct shelf *shelf);
void shelf_unlock(const struct shelf *shelf);

/* NULL: there is none. */
struct shelf_slot *shelf_find(const struct shelf *shelf, const struct shelf_key *key);

/* Makes one if there is none, zeroed but for its key; another one may be gone. Locked. */
struct shelf_slot *shelf_get(struct shelf *shelf, const struct shelf_key *key, uint64_t now_ns);

/* Calls `each` with every slot that is in use. */
void shelf_each(struct shelf *shelf, void (*each)(void *ctx, struct shelf_slot *slot), void *ctx);

#endif
