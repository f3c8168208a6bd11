/* When the parts of cut uploads are looked for beneath a root (SEC-38): which roots were granted,
 * and when they were swept last. */
#ifndef FERRY_FERRYD_SUPERVISOR_SWEEPS_H
#define FERRY_FERRYD_SUPERVISOR_SWEEPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum { SWEEPS_MAX = 4096 }; /* roots that are remembered; of more, those asked for last */

struct sweep;

/* Fields are private to sweeps.c. */
struct sweeps {
    TAILQ_HEAD(sweep_list, sweep) list; /* the one asked for last comes first */
    unsigned count;
};

void sweeps_init(struct sweeps *sweeps);
void sweeps_fini(struct sweeps *sweeps);

/* A grant of `root` begins at `now_ns`: true if it is to be swept now. So it is at its first grant,
 * and at the first after each day; not if memory is too short to remember it. */
bool sweeps_due(struct sweeps *sweeps, const char *root, uint64_t now_ns);

#endif
