/* How much may come from where. */
#include "server/limits.h"

#include "base/clock.h"
#include "base/compiler.h"

enum {
    ENTRIES_MAX = 65536, /* about 15 MB */
    FAILURES_OF_ADDRESS = 4,
    FAILURES_FOR_ACCOUNT = 16,
};

void server_limits_init(struct server_limits *limits)
{
    *limits = (struct server_limits){.ledger.max = ENTRIES_MAX};
}

void server_limits_fini(struct server_limits *limits)
{
    server_ledger_fini(&limits->ledger);
}

static struct server_ledger_entry *entry_of(struct server_limits *limits,
                                            enum server_ledger_kind kind,
                                            const struct address *peer, struct bytes name)
{
    struct server_ledger_key key = server_ledger_key(kind, peer, name);
    return server_ledger_get(&limits->ledger, &key);
}

/* ---- sessions ---- */

static bool is_reached(uint64_t count, uint64_t most)
{
    return most > 0 && count >= most;
}

enum server_limit server_limits_enter(struct server_limits *limits,
                                      const struct server_limit_rules *rules,
                                      const struct address *peer, uint64_t now_ns)
{
    const struct rate_rule rate = {rules->connections_per_minute, 60 * CLOCK_NS_PER_S};
    struct server_ledger_entry *address = entry_of(limits, LEDGER_ADDRESS, peer, bytes_str(NULL));
    if (!address)
        return SERVER_LIMIT_TABLE;
    if (!rate_take(&address->rate, &rate, 1, now_ns))
        return SERVER_LIMIT_RATE;
    if (is_reached(address->held, rules->sessions_per_address))
        return SERVER_LIMIT_ADDRESS;
    address->held++; /* so that it is not forgotten by the next step */
    struct server_ledger_entry *network = entry_of(limits, LEDGER_NETWORK, peer, bytes_str(NULL));
    if (network && !is_reached(network->held, rules->sessions_per_network)) {
        network->held++;
        return SERVER_LIMIT_NONE;
    }
    address->held--;
    return network ? SERVER_LIMIT_NETWORK : SERVER_LIMIT_TABLE;
}

static void let_go(struct server_limits *limits, enum server_ledger_kind kind,
                   const struct address *peer, struct bytes name)
{
    struct server_ledger_key key = server_ledger_key(kind, peer, name);
    struct server_ledger_entry *entry = server_ledger_find(&limits->ledger, &key);
    if (entry && entry->held > 0)
        entry->held--;
}

void server_limits_leave(struct server_limits *limits, const struct address *peer)
{
    let_go(limits, LEDGER_ADDRESS, peer, bytes_str(NULL));
    let_go(limits, LEDGER_NETWORK, peer, bytes_str(NULL));
}

bool server_limits_join(struct server_limits *limits, struct bytes account, uint64_t most)
{
    struct server_ledger_entry *entry = entry_of(limits, LEDGER_ACCOUNT, NULL, account);
    if (!entry || is_reached(entry->held, most))
        return false;
    entry->held++;
    return true;
}

struct server_ledger_entry *server_limits_account(struct server_limits *limits,
                                                  struct bytes account)
{
    return entry_of(limits, LEDGER_ACCOUNT, NULL, account);
}

void server_limits_part(struct server_limits *limits, struct bytes account)
{
    let_go(limits, LEDGER_ACCOUNT, NULL, account);
}

/* ---- words ---- */

static const struct {
    const char *words, *advice;
} limit_words[] = {
    [SERVER_LIMIT_NONE] = {"", ""},
    [SERVER_LIMIT_ADDRESS] = {"Too many sessions from your address",
                              "raise sessions_per_address if they are wanted"},
    [SERVER_LIMIT_NETWORK] = {"Too many sessions from your network",
                              "raise sessions_per_network if they are wanted"},
    [SERVER_LIMIT_RATE] = {"Too many connections, wait a minute",
                           "raise connections_per_minute if they are wanted"},
    [SERVER_LIMIT_TABLE] = {"Too many sessions, try again later",
                            "memory is short, or sessions_max is more than can be counted"},
};

const char *server_limit_words(enum server_limit limit)
{
    return limit_words[limit].words;
}

const char *server_limit_advice(enum server_limit limit)
{
    return limit_words[limit].advice;
}

/* ---- tries of passwords ---- */

enum { COUNTS = 3 };

/* A bucket of failed logins. */
struct count_of_failures {
    enum server_ledger_kind kind;
    uint32_t times; /* as many as of the pair */
};

static const struct count_of_failures counts[COUNTS] = {
    {LEDGER_PAIR, 1}, /* first: it tells whether the address is known */
    {LEDGER_TRIES, FAILURES_OF_ADDRESS},
    {LEDGER_ACCOUNT, FAILURES_FOR_ACCOUNT},
};

static struct rate_rule failures_rule(const struct server_limit_rules *rules, uint32_t times)
{
    uint64_t per_ns = rules->login_failures_ns;
    return (struct rate_rule){
        .amount = rules->login_failures * times,
        .per_ns = per_ns ? per_ns : 600 * CLOCK_NS_PER_S,
    };
}

static struct server_ledger_entry *failures_of(struct server_limits *limits,
                                               enum server_ledger_kind kind,
                                               const struct address *peer, struct bytes account)
{
    return entry_of(limits, kind, kind == LEDGER_ACCOUNT ? NULL : peer,
                    kind == LEDGER_TRIES ? bytes_str(NULL) : account);
}

bool server_limits_try(struct server_limits *limits, const struct server_limit_rules *rules,
                       const struct address *peer, struct bytes account, uint64_t now_ns)
{
    bool known = false;
    if (rules->login_failures == 0)
        return true;
    for (size_t i = 0; i < COUNTS; i++) {
        const struct rate_rule rule = failures_rule(rules, counts[i].times);
        struct server_ledger_entry *entry = failures_of(limits, counts[i].kind, peer, account);
        if (!entry)
            return false;
        if (known)
            rate_spend(&entry->rate, &rule, 1, now_ns);
        else if (!rate_take(&entry->rate, &rule, 1, now_ns))
            return false;
        known = known || entry->known;
    }
    return true;
}

void server_limits_tried(struct server_limits *limits, const struct server_limit_rules *rules,
                         const struct address *peer, struct bytes account, bool right)
{
    for (size_t i = 0; i < COUNTS && rules->login_failures > 0; i++) {
        const struct rate_rule rule = failures_rule(rules, counts[i].times);
        struct server_ledger_entry *entry = failures_of(limits, counts[i].kind, peer, account);
        if (!entry)
            return;
        rate_give(&entry->rate, &rule, 1);
        entry->known = entry->known || (right && counts[i].kind == LEDGER_PAIR);
    }
}
