/* When an event that could not be told is told again. */
#include "ferryd/hooks/backoff.h"

uint64_t backoff_wait(uint64_t first_ns, uint64_t most_ns, uint32_t tries)
{
    uint64_t wait_ns = first_ns;
    while (tries-- > 1 && wait_ns < most_ns)
        wait_ns = wait_ns > UINT64_MAX / 2 ? most_ns : wait_ns * 2;
    return wait_ns < most_ns ? wait_ns : most_ns;
}
