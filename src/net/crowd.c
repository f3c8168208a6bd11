/* How many are served at once, in all and from where. */
#include "net/crowd.h"

#include "base/clock.h"
#include "base/compiler.h"

enum { ENTRIES_MAX = 65536 }; /* about 15 MB */

void crowd_init(struct crowd *crowd, uint64_t most)
{
    *crowd = (struct crowd){.ledger.max = ENTRIES_MAX, .most = most};
}

void crowd_fini(struct crowd *crowd)
{
    ledger_fini(&crowd->ledger);
}

static struct ledger_entry *entry_of(struct crowd *crowd, enum ledger_kind kind,
                                     const struct address *peer)
{
    struct ledger_key key = ledger_key(kind, peer, bytes_str(NULL));
    return ledger_get(&crowd->ledger, &key);
}

static bool is_reached(uint64_t count, uint64_t most)
{
    return most > 0 && count >= most;
}

/* Those who are not logged in take at most half of the places (SEC-52). */
static enum crowd_limit has_room(const struct crowd *crowd)
{
    uint64_t unknown = crowd->count > crowd->known ? crowd->count - crowd->known : 0;
    if (crowd->count >= crowd->most)
        return CROWD_FULL;
    return unknown >= crowd->most - crowd->most / 2 ? CROWD_UNKNOWN : CROWD_FREE;
}

/* `rules` NULL: whatever they are. */
static enum crowd_limit count(struct crowd *crowd, struct ledger_entry *address,
                              const struct crowd_rules *rules, const struct address *peer)
{
    if (rules && is_reached(address->held, rules->sessions_per_address))
        return CROWD_ADDRESS;
    address->held++; /* so that it is not forgotten by the next step */
    struct ledger_entry *network = entry_of(crowd, LEDGER_NETWORK, peer);
    if (network && !(rules && is_reached(network->held, rules->sessions_per_network))) {
        network->held++;
        crowd->count++;
        return CROWD_FREE;
    }
    address->held--;
    return network ? CROWD_NETWORK : CROWD_TABLE;
}

enum crowd_limit crowd_enter(struct crowd *crowd, const struct crowd_rules *rules,
                             const struct address *peer, uint64_t now_ns)
{
    const struct rate_rule rate = {rules->connections_per_minute, 60 * CLOCK_NS_PER_S};
    enum crowd_limit limit = has_room(crowd);
    if (limit != CROWD_FREE)
        return limit;
    struct ledger_entry *address = entry_of(crowd, LEDGER_ADDRESS, peer);
    if (!address)
        return CROWD_TABLE;
    if (!rate_take(&address->rate, &rate, 1, now_ns))
        return CROWD_RATE;
    return count(crowd, address, rules, peer);
}

bool crowd_add(struct crowd *crowd, const struct address *peer)
{
    struct ledger_entry *address = entry_of(crowd, LEDGER_ADDRESS, peer);
    return address && count(crowd, address, NULL, peer) == CROWD_FREE;
}

static void let_go(struct crowd *crowd, enum ledger_kind kind, const struct address *peer)
{
    struct ledger_key key = ledger_key(kind, peer, bytes_str(NULL));
    struct ledger_entry *entry = ledger_find(&crowd->ledger, &key);
    if (entry && entry->held > 0)
        entry->held--;
}

void crowd_leave(struct crowd *crowd, const struct address *peer)
{
    let_go(crowd, LEDGER_ADDRESS, peer);
    let_go(crowd, LEDGER_NETWORK, peer);
    if (crowd->count > 0)
        crowd->count--;
}

/* ---- words ---- */

static const char full[] = "Too many sessions, try again later";

static const struct {
    const char *words, *reason, *advice;
} limits[CROWD_LIMITS] = {
    [CROWD_FREE] = {"", "", ""},
    [CROWD_FULL] = {full, full, "raise sessions_max if they are wanted"},
    [CROWD_UNKNOWN] = {full, "half of all sessions are not logged in",
                       "lower sessions_per_address, or raise sessions_max"},
    [CROWD_ADDRESS] = {"Too many sessions from your address", "too many sessions of the address",
                       "raise sessions_per_address if they are wanted"},
    [CROWD_NETWORK] = {"Too many sessions from your network", "too many sessions of the network",
                       "raise sessions_per_network if they are wanted"},
    [CROWD_RATE] = {"Too many connections, wait a minute", "too many connections of the address",
                    "raise connections_per_minute if they are wanted"},
    [CROWD_TABLE] = {full, "memory is short, or the table of addresses is full",
                     "lower sessions_max, or give the server more memory"},
    [CROWD_BANNED] = {"Your address is banned, try again later", "the address is banned",
                      "it passes by itself; \"ferryctl bans\" shows and lifts it"},
    [CROWD_AWAY] = {full, "who counts the sessions cannot be asked",
                    "see in the log why ferryd-auth ended"},
};

const char *crowd_words(enum crowd_limit limit)
{
    return limits[limit].words;
}

const char *crowd_reason(enum crowd_limit limit)
{
    return limits[limit].reason;
}

const char *crowd_advice(enum crowd_limit limit)
{
    return limits[limit].advice;
}
