/* When a process that died is started again: at once, but later and later if it keeps dying. Reads
 * no clock. */
#ifndef FERRY_PROC_RESTART_H
#define FERRY_PROC_RESTART_H

#include <stdint.h>

#include "base/clock.h"

/* A run that lasted this long ends a row of quick deaths. */
#define RESTART_STEADY_NS (10 * CLOCK_NS_PER_S)
/* The wait after the second quick death in a row; it doubles with each further one, up to the most.
 */
#define RESTART_STEP_NS (100 * CLOCK_NS_PER_MS)
#define RESTART_MOST_NS (30 * CLOCK_NS_PER_S)

/* Zero to begin with. */
struct restart {
    uint64_t started_ns;
    unsigned quick_deaths; /* in a row */
};

void restart_started(struct restart *restart, uint64_t now_ns);

/* Returns the time at which to start it again, on the scale of `now_ns`. */
uint64_t restart_died(struct restart *restart, uint64_t now_ns);

#endif
