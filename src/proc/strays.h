/* Processes that children of this one have started and left behind: they become its own, and would
 * stay as zombies, or for good. */
#ifndef FERRY_PROC_STRAYS_H
#define FERRY_PROC_STRAYS_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on they become children of this process rather than of the system's first. */
void strays_adopt(void);

/* Whether that child is no stray. */
typedef bool strays_own_fn(const void *ctx, pid_t pid);

/* Collects the strays that have ended; with `kill_them`, first ends all that there are, and those
 * that these have started. */
void strays_collect(bool kill_them, strays_own_fn *is_own, const void *ctx);

#endif
