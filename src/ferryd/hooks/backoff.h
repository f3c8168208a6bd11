/* When an event that could not be told is told again. Pure. */
#ifndef FERRY_FERRYD_HOOKS_BACKOFF_H
#define FERRY_FERRYD_HOOKS_BACKOFF_H

#include <stdint.h>

/* How long to wait after `tries` failures (1: the first): `first_ns`, twice as long after each
 * further one, `most_ns` at most. */
uint64_t backoff_wait(uint64_t first_ns, uint64_t most_ns, uint32_t tries);

#endif
