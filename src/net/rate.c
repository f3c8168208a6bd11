/* A token bucket, kept as the moment when it will be full again. */
#include "net/rate.h"

/* How long the bucket needs for `count`. */
static uint64_t cost_ns(const struct rate_rule *rule, uint64_t count)
{
    uint64_t whole = count / rule->amount;
    uint64_t rest = count % rule->amount;
    return whole * rule->per_ns + rest * rule->per_ns / rule->amount;
}

static uint64_t after(const struct rate *rate, const struct rate_rule *rule, uint64_t count,
                      uint64_t now_ns)
{
    uint64_t from_ns = rate->full_ns > now_ns ? rate->full_ns : now_ns;
    return from_ns + cost_ns(rule, count);
}

bool rate_has(const struct rate *rate, const struct rate_rule *rule, uint64_t count,
              uint64_t now_ns)
{
    return rule->amount == 0 || after(rate, rule, count, now_ns) <= now_ns + rule->per_ns;
}

bool rate_take(struct rate *rate, const struct rate_rule *rule, uint64_t count, uint64_t now_ns)
{
    if (!rate_has(rate, rule, count, now_ns))
        return false;
    if (rule->amount > 0)
        rate->full_ns = after(rate, rule, count, now_ns);
    return true;
}

uint64_t rate_spend(struct rate *rate, const struct rate_rule *rule, uint64_t count,
                    uint64_t now_ns)
{
    if (rule->amount == 0)
        return now_ns;
    rate->full_ns = after(rate, rule, count, now_ns);
    return rate->full_ns > rule->per_ns ? rate->full_ns - rule->per_ns : 0;
}

void rate_give(struct rate *rate, const struct rate_rule *rule, uint64_t count)
{
    uint64_t cost = rule->amount > 0 ? cost_ns(rule, count) : 0;
    rate->full_ns -= cost < rate->full_ns ? cost : rate->full_ns;
}
