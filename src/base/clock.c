/* The system's clocks. */
#include "base/clock.h"

#include <time.h>

static uint64_t system_monotonic_ns(void *ctx)
{
    (void)ctx;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

static int64_t system_wall_ns(void *ctx)
{
    (void)ctx;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * (int64_t)CLOCK_NS_PER_S + (int64_t)now.tv_nsec;
}

const struct clock clock_system = {
    .monotonic_ns = system_monotonic_ns,
    .wall_ns = system_wall_ns,
};
