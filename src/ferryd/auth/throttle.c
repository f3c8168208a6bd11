/* Failed logins by address. */
#include "ferryd/auth/throttle.h"

#include <string.h>

#include "base/alloc.h"

void throttle_init(struct throttle *throttle, const struct throttle_settings *settings)
{
    *throttle = (struct throttle){.settings = *settings};
}

void throttle_fini(struct throttle *throttle)
{
    alloc_free(throttle->entries);
    *throttle = (struct throttle){0};
}

static struct throttle_key key_of(const struct address *address)
{
    struct throttle_key key = {0};
    uint8_t bytes[16] = {0};
    uint16_t port;
    address_to_raw(address, &key.family, bytes, &port);
    memcpy(key.bytes, bytes, sizeof(key.bytes)); /* all of IPv4, behind which it is 0 */
    return key;
}

static bool is_of(const struct throttle_entry *entry, const struct throttle_key *key)
{
    return entry->key.family == key->family &&
           memcmp(entry->key.bytes, key->bytes, sizeof(key->bytes)) == 0;
}

static struct throttle_entry *find(const struct throttle *throttle, const struct throttle_key *key)
{
    for (size_t i = 0; i < throttle->count; i++)
        if (is_of(&throttle->entries[i], key))
            return &throttle->entries[i];
    return NULL;
}

static bool is_banned(const struct throttle_entry *entry, uint64_t now_ns)
{
    return entry->banned_until_ns > now_ns;
}

/* Whether nothing that was noted of it counts any more. */
static bool is_over(const struct throttle *throttle, const struct throttle_entry *entry,
                    uint64_t now_ns)
{
    return !is_banned(entry, now_ns) && now_ns - entry->last_ns >= throttle->settings.kept_ns;
}

uint64_t throttle_banned_until(const struct throttle *throttle, const struct address *address,
                               uint64_t now_ns)
{
    struct throttle_key key = key_of(address);
    const struct throttle_entry *entry = find(throttle, &key);
    return entry && is_banned(entry, now_ns) ? entry->banned_until_ns : 0;
}

/* Whether `a` is to be forgotten rather than `b`. */
static bool goes_first(const struct throttle_entry *a, const struct throttle_entry *b,
                       uint64_t now_ns)
{
    if (is_banned(a, now_ns) != is_banned(b, now_ns))
        return is_banned(b, now_ns);
    return a->last_ns < b->last_ns;
}

/* A place for one more; NULL: no memory. */
static struct throttle_entry *make_room(struct throttle *throttle, uint64_t now_ns)
{
    struct throttle_entry *first = NULL;
    for (size_t i = 0; i < throttle->count; i++) {
        struct throttle_entry *entry = &throttle->entries[i];
        if (is_over(throttle, entry, now_ns))
            return entry;
        if (!first || goes_first(entry, first, now_ns))
            first = entry;
    }
    if (throttle->count == THROTTLE_MAX)
        return first;
    struct throttle_entry *grown =
        alloc_resize(throttle->entries, throttle->count + 1, sizeof(*grown));
    if (!grown)
        return NULL;
    throttle->entries = grown;
    return &grown[throttle->count++];
}

static uint64_t delay_after(uint64_t failures)
{
    uint64_t delay_ns = failures > THROTTLE_FREE ? THROTTLE_STEP_NS : 0;
    for (uint64_t i = THROTTLE_FREE + 1; i < failures && delay_ns < THROTTLE_MOST_NS; i++)
        delay_ns *= 2;
    return delay_ns < THROTTLE_MOST_NS ? delay_ns : THROTTLE_MOST_NS;
}

uint64_t throttle_failed(struct throttle *throttle, const struct address *address, uint64_t now_ns,
                         bool *banned)
{
    struct throttle_key key = key_of(address);
    struct throttle_entry *entry = find(throttle, &key);
    *banned = false;
    if (!entry || is_over(throttle, entry, now_ns)) {
        entry = entry ? entry : make_room(throttle, now_ns);
        if (!entry)
            return 0;
        *entry = (struct throttle_entry){.key = key};
    }
    entry->failures++;
    entry->last_ns = now_ns;
    uint64_t limit = throttle->settings.ban_after;
    if (limit > 0 && entry->failures >= limit && !is_banned(entry, now_ns)) {
        entry->banned_until_ns = now_ns + throttle->settings.ban_ns;
        *banned = true;
    }
    return delay_after(entry->failures);
}
