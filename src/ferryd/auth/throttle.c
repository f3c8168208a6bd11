/* Failed logins. */
#include "ferryd/auth/throttle.h"

#include "base/compiler.h"

void throttle_init(struct throttle *throttle, const struct throttle_settings *settings,
                   struct shelf *shelf)
{
    *throttle = (struct throttle){.settings = *settings, .shelf = shelf};
}

/* ---- tries ---- */

/* The buckets of failed tries, each a certain times as large as the pair's. */
static const struct {
    enum shelf_kind kind;
    uint32_t times;
} counts[] = {
    {SHELF_PAIR, 1}, /* first: it tells whether the address is known */
    {SHELF_ADDRESS, 4},
    {SHELF_ACCOUNT, 16},
};

static struct rate_rule rule_of(const struct throttle *throttle, size_t count)
{
    return (struct rate_rule){
        .amount = throttle->settings.failures * counts[count].times,
        .per_ns = throttle->settings.failures_ns,
    };
}

static struct shelf_slot *slot_of(struct throttle *throttle, enum shelf_kind kind,
                                  const struct address *peer, struct bytes account, uint64_t now_ns)
{
    struct shelf_key key = shelf_key(kind, kind == SHELF_ACCOUNT ? NULL : peer,
                                     kind == SHELF_ADDRESS ? bytes_str(NULL) : account);
    return shelf_get(throttle->shelf, &key, now_ns);
}

/* The wall clock may have been set back: nobody waits for years for that. */
static void mend(struct rate *rate, const struct rate_rule *rule, uint64_t now_ns)
{
    if (rate->full_ns > now_ns + 2 * rule->per_ns)
        rate->full_ns = now_ns;
}

static bool take_all(struct throttle *throttle, const struct address *peer, struct bytes account,
                     uint64_t now_ns)
{
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        const struct rate_rule rule = rule_of(throttle, i);
        struct shelf_slot *slot = slot_of(throttle, counts[i].kind, peer, account, now_ns);
        mend(&slot->rate, &rule, now_ns);
        if (known)
            rate_spend(&slot->rate, &rule, 1, now_ns);
        else if (!rate_take(&slot->rate, &rule, 1, now_ns))
            return false;
        known = known || slot->known;
    }
    return true;
}

bool throttle_try(struct throttle *throttle, const struct address *peer, struct bytes account,
                  uint64_t now_ns)
{
    if (throttle->settings.failures == 0)
        return true;
    shelf_lock(throttle->shelf);
    bool may = take_all(throttle, peer, account, now_ns);
    shelf_unlock(throttle->shelf);
    return may;
}

void throttle_undo(struct throttle *throttle, const struct address *peer, struct bytes account,
                   bool right, uint64_t now_ns)
{
    if (throttle->settings.failures == 0)
        return;
    shelf_lock(throttle->shelf);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        const struct rate_rule rule = rule_of(throttle, i);
        struct shelf_slot *slot = slot_of(throttle, counts[i].kind, peer, account, now_ns);
        rate_give(&slot->rate, &rule, 1);
        if (right && counts[i].kind == SHELF_PAIR) {
            slot->known = true;
            slot->last_ns = now_ns;
        }
    }
    shelf_unlock(throttle->shelf);
}

/* ---- failures ---- */

static bool is_banned(const struct shelf_slot *slot, uint64_t now_ns)
{
    return slot->until_ns > now_ns;
}

static uint64_t delay_after(uint64_t failures)
{
    uint64_t delay_ns = failures > THROTTLE_FREE ? THROTTLE_STEP_NS : 0;
    for (uint64_t i = THROTTLE_FREE + 1; i < failures && delay_ns < THROTTLE_MOST_NS; i++)
        delay_ns *= 2;
    return delay_ns < THROTTLE_MOST_NS ? delay_ns : THROTTLE_MOST_NS;
}

/* Whether nothing that was noted of it counts any more. */
static bool is_over(const struct throttle *throttle, const struct shelf_slot *slot, uint64_t now_ns)
{
    uint64_t quiet_ns = now_ns > slot->last_ns ? now_ns - slot->last_ns : 0;
    return !is_banned(slot, now_ns) &&
           (slot->until_ns > 0 || quiet_ns >= throttle->settings.kept_ns);
}

uint64_t throttle_failed(struct throttle *throttle, const struct address *peer, uint64_t now_ns,
                         bool *banned)
{
    uint64_t limit = throttle->settings.ban_after;
    *banned = false;
    shelf_lock(throttle->shelf);
    struct shelf_slot *slot = slot_of(throttle, SHELF_ADDRESS, peer, bytes_str(NULL), now_ns);
    if (is_over(throttle, slot, now_ns)) {
        slot->failures = 0;
        slot->until_ns = 0;
    }
    slot->failures++;
    slot->last_ns = now_ns;
    if (limit > 0 && slot->failures >= limit && !is_banned(slot, now_ns)) {
        slot->by_hand = false;
        slot->until_ns = now_ns + throttle->settings.ban_ns;
        *banned = true;
    }
    uint64_t delay_ns = delay_after(slot->failures);
    shelf_unlock(throttle->shelf);
    return delay_ns;
}

/* ---- bans ---- */

uint64_t throttle_banned_until(const struct throttle *throttle, const struct address *peer,
                               uint64_t now_ns)
{
    struct shelf_key key = shelf_key(SHELF_ADDRESS, peer, bytes_str(NULL));
    const struct shelf_slot *slot = shelf_find(throttle->shelf, &key);
    return slot && is_banned(slot, now_ns) ? slot->until_ns : 0;
}

void throttle_ban(struct throttle *throttle, const struct address *peer, uint64_t until_ns,
                  uint64_t now_ns)
{
    shelf_lock(throttle->shelf);
    struct shelf_slot *slot = slot_of(throttle, SHELF_ADDRESS, peer, bytes_str(NULL), now_ns);
    slot->by_hand = true;
    slot->until_ns = until_ns;
    shelf_unlock(throttle->shelf);
}

bool throttle_unban(struct throttle *throttle, const struct address *peer, uint64_t now_ns)
{
    struct shelf_key key = shelf_key(SHELF_ADDRESS, peer, bytes_str(NULL));
    shelf_lock(throttle->shelf);
    struct shelf_slot *slot = shelf_find(throttle->shelf, &key);
    bool was = slot && is_banned(slot, now_ns);
    if (was) {
        slot->until_ns = 0;
        slot->failures = 0;
        slot->rate = (struct rate){0};
    }
    shelf_unlock(throttle->shelf);
    return was;
}

struct bans {
    uint64_t now_ns;
    void (*each)(void *ctx, const struct throttle_ban *ban);
    void *ctx;
};

static void look_at(void *ctx, struct shelf_slot *slot)
{
    const struct bans *bans = ctx;
    if (slot->key.kind != SHELF_ADDRESS || !is_banned(slot, bans->now_ns))
        return;
    struct throttle_ban ban = {
        .until_ns = slot->until_ns, .failures = slot->failures, .by_hand = slot->by_hand != 0};
    address_from_raw(slot->key.family, slot->key.address, 0, &ban.peer);
    bans->each(bans->ctx, &ban);
}

void throttle_bans(struct throttle *throttle, uint64_t now_ns,
                   void (*each)(void *ctx, const struct throttle_ban *ban), void *ctx)
{
    struct bans bans = {.now_ns = now_ns, .each = each, .ctx = ctx};
    shelf_each(throttle->shelf, look_at, &bans);
}
