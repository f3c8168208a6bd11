/* What is counted by address, account or kind of event. */
#include "net/ledger.h"

#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) alloc_zero(size)
#define uthash_free(memory, size) alloc_free(memory)
#define uthash_nonfatal_oom(slot) ((slot)->lost = true)
#include <uthash.h>

enum { HELD_PASSED_MAX = 64 }; /* held entries that are passed by in the search for one to forget */

struct ledger_slot {
    struct ledger_entry entry;
    bool lost; /* no memory to put it into the table */
    UT_hash_handle hh;
};

/* How many bytes of an address count. */
static size_t counted_bytes(enum ledger_kind kind, int family)
{
    bool network = kind == LEDGER_NETWORK;
    if (family == 1)
        return network ? 3 : 4;
    return network ? 6 : 8;
}

struct ledger_key ledger_key(enum ledger_kind kind, const struct address *address,
                             struct bytes name)
{
    struct ledger_key key;
    memset(&key, 0, sizeof(key)); /* compared as bytes */
    key.kind = (uint8_t)kind;
    if (address) {
        uint8_t bytes[16] = {0};
        uint16_t port;
        int family = 0;
        address_to_raw(address, &family, bytes, &port);
        key.family = (uint8_t)family;
        memcpy(key.address, bytes, counted_bytes(kind, family));
    }
    name = bytes_first(name, LEDGER_NAME_BYTES);
    key.name_len = (uint8_t)name.len;
    if (name.len > 0)
        memcpy(key.name, name.ptr, name.len);
    return key;
}

/* FNV-1a from a start that is secret. */
static unsigned hash_of(const struct ledger *ledger, const struct ledger_key *key)
{
    static const uint64_t prime = UINT64_C(0x100000001b3);
    unsigned char bytes[sizeof(*key)];
    memcpy(bytes, key, sizeof(bytes));
    uint64_t hash = ledger->seed;
    for (size_t i = 0; i < sizeof(bytes); i++)
        hash = (hash ^ bytes[i]) * prime;
    return (unsigned)(hash >> 32 ^ hash);
}

static struct ledger_slot *find(const struct ledger *ledger, const struct ledger_key *key)
{
    struct ledger_slot *slot = NULL;
    HASH_FIND_BYHASHVALUE(hh, ledger->slots, key, sizeof(*key), hash_of(ledger, key), slot);
    return slot;
}

struct ledger_entry *ledger_find(const struct ledger *ledger, const struct ledger_key *key)
{
    struct ledger_slot *slot = find(ledger, key);
    return slot ? &slot->entry : NULL;
}

static void add(struct ledger *ledger, struct ledger_slot *slot)
{
    slot->lost = false;
    unsigned hash = hash_of(ledger, &slot->entry.key);
    HASH_ADD_BYHASHVALUE(hh, ledger->slots, entry.key, sizeof(slot->entry.key), hash, slot);
}

/* Held ones that stand in the way go to the end, so that they are not met again soon. */
static bool forget_one(struct ledger *ledger)
{
    for (int i = 0; i < HELD_PASSED_MAX && ledger->slots; i++) {
        struct ledger_slot *first = ledger->slots;
        HASH_DELETE(hh, ledger->slots, first);
        if (first->entry.held == 0) {
            alloc_free(first);
            return true;
        }
        add(ledger, first);
        if (first->lost) {
            alloc_free(first);
            return true;
        }
    }
    return false;
}

struct ledger_entry *ledger_get(struct ledger *ledger, const struct ledger_key *key)
{
    if (ledger->seed == 0 &&
        getrandom(&ledger->seed, sizeof(ledger->seed), 0) != sizeof(ledger->seed))
        return NULL;
    struct ledger_slot *slot = find(ledger, key);
    if (slot)
        return &slot->entry;
    if (HASH_COUNT(ledger->slots) >= ledger->max && !forget_one(ledger))
        return NULL;
    slot = alloc_zero(sizeof(*slot));
    if (!slot)
        return NULL;
    slot->entry.key = *key;
    add(ledger, slot);
    if (slot->lost) {
        alloc_free(slot);
        return NULL;
    }
    return &slot->entry;
}

void ledger_each(struct ledger *ledger, void (*each)(void *ctx, struct ledger_entry *entry),
                 void *ctx)
{
    struct ledger_slot *slot, *next;
    HASH_ITER (hh, ledger->slots, slot, next)
        each(ctx, &slot->entry);
}

unsigned ledger_count(const struct ledger *ledger)
{
    return HASH_COUNT(ledger->slots);
}

void ledger_fini(struct ledger *ledger)
{
    struct ledger_slot *slot, *next;
    HASH_ITER (hh, ledger->slots, slot, next) {
        HASH_DELETE(hh, ledger->slots, slot);
        alloc_free(slot);
    }
}
