/* Restart with back-off. */
#include "proc/restart.h"

#include <limits.h>

void restart_started(struct restart *restart, uint64_t now_ns)
{
    restart->started_ns = now_ns;
}

static uint64_t wait_ns(unsigned quick_deaths)
{
    if (quick_deaths < 2)
        return 0;
    uint64_t wait = RESTART_STEP_NS;
    for (unsigned i = 2; i < quick_deaths && wait < RESTART_MOST_NS; i++)
        wait *= 2;
    return wait < RESTART_MOST_NS ? wait : RESTART_MOST_NS;
}

uint64_t restart_died(struct restart *restart, uint64_t now_ns)
{
    if (now_ns - restart->started_ns >= RESTART_STEADY_NS)
        restart->quick_deaths = 0;
    else if (restart->quick_deaths < UINT_MAX)
        restart->quick_deaths++;
    return now_ns + wait_ns(restart->quick_deaths);
}
