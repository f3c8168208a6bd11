/* A token bucket: so much of something in so much time, and a burst at once. The clock is the
 * caller's. */
#ifndef FERRY_NET_RATE_H
#define FERRY_NET_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* `amount` in `per_ns`; all of it may come at once after a pause. `amount` 0: no limit. The product
 * of the two must fit in 64 bits. */
struct rate_rule {
    uint64_t amount;
    uint64_t per_ns;
};

/* Zeroed: a full bucket. */
struct rate {
    uint64_t full_ns; /* when it is full again; at or before now: it is */
};

/* A bucket with its rule, which may change while it is in use. */
struct rate_line {
    struct rate rate;
    struct rate_rule rule;
};

/* Takes `count` if the bucket has that much; false: it has not, and nothing is taken. */
bool rate_take(struct rate *rate, const struct rate_rule *rule, uint64_t count, uint64_t now_ns);

/* Whether it has `count`. */
bool rate_has(const struct rate *rate, const struct rate_rule *rule, uint64_t count,
              uint64_t now_ns);

/* Takes `count` in any case. Returns when the bucket is no longer in debt: at or before `now_ns`:
 * it is not. */
uint64_t rate_spend(struct rate *rate, const struct rate_rule *rule, uint64_t count,
                    uint64_t now_ns);

/* Gives back what was taken. */
void rate_give(struct rate *rate, const struct rate_rule *rule, uint64_t count);

#endif
