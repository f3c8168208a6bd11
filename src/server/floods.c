/* What one address may write into the log. */
#include "server/floods.h"

#include "base/clock.h"

enum { ENTRIES_MAX = 8192 };

void server_floods_init(struct server_floods *floods, const struct log *log)
{
    *floods = (struct server_floods){.ledger.max = ENTRIES_MAX, .log = log};
}

static void tell(void *ctx, struct ledger_entry *entry)
{
    struct server_floods *floods = ctx;
    if (entry->count == 0)
        return;
    struct address peer;
    char text[ADDRESS_TEXT_BYTES];
    address_from_raw(entry->key.family, entry->key.address, 0, &peer);
    address_text(&peer, text);
    log_event(floods->log, LOG_LEVEL_NOTICE, "log.suppressed", F_STR("peer", text),
              F_BYTES("name", bytes_of(entry->key.name, entry->key.name_len)),
              F_U64("count", entry->count), F_STR("side", "client"),
              F_STR("advice", "raise log_events_per_minute to see them all"));
    floods->suppressed -= entry->count;
    entry->count = 0;
    entry->held = 0;
}

void server_floods_tell(struct server_floods *floods)
{
    if (floods->suppressed > 0)
        ledger_each(&floods->ledger, tell, floods);
}

void server_floods_fini(struct server_floods *floods)
{
    server_floods_tell(floods);
    ledger_fini(&floods->ledger);
}

bool server_floods_pass(struct server_floods *floods, const struct address *peer, const char *name,
                        uint64_t per_minute, uint64_t now_ns)
{
    if (per_minute == 0)
        return true;
    const struct rate_rule rule = {per_minute, 60 * CLOCK_NS_PER_S};
    struct ledger_key key = ledger_key(LEDGER_EVENT, peer, bytes_str(name));
    struct ledger_entry *entry = ledger_get(&floods->ledger, &key);
    if (!entry)
        return false; /* a flood from everywhere at once */
    if (rate_take(&entry->rate, &rule, 1, now_ns)) {
        tell(floods, entry);
        return true;
    }
    entry->count++;
    entry->held = 1; /* it is to be told */
    floods->suppressed++;
    return false;
}
