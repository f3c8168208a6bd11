/* Time as an argument: the monotonic and the wall clock behind one struct, so that tests bring
 * their own. */
#ifndef FERRY_BASE_CLOCK_H
#define FERRY_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_S UINT64_C(1000000000)
#define CLOCK_NS_PER_MS UINT64_C(1000000)

/* A deadline that never comes. */
#define CLOCK_NEVER UINT64_MAX

struct clock {
    uint64_t (*monotonic_ns)(void *ctx); /* for deadlines; starts anywhere */
    int64_t (*wall_ns)(void *ctx);       /* since 1970-01-01 UTC */
    void *ctx;
};

/* The system's clocks. */
extern const struct clock clock_system;

static inline uint64_t clock_monotonic_ns(const struct clock *clock)
{
    return clock->monotonic_ns(clock->ctx);
}

static inline int64_t clock_wall_ns(const struct clock *clock)
{
    return clock->wall_ns(clock->ctx);
}

#endif
