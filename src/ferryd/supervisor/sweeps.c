/* When the parts of cut uploads are looked for beneath a root. */
#include "ferryd/supervisor/sweeps.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

static const uint64_t EVERY_NS = 24 * 3600 * CLOCK_NS_PER_S;

struct sweep {
    TAILQ_ENTRY(sweep) link;
    uint64_t at_ns;
    char *root;
};

static void forget(struct sweeps *sweeps, struct sweep *sweep)
{
    TAILQ_REMOVE(&sweeps->list, sweep, link);
    sweeps->count--;
    alloc_free(sweep->root);
    alloc_free(sweep);
}

void sweeps_init(struct sweeps *sweeps)
{
    *sweeps = (struct sweeps){0};
    TAILQ_INIT(&sweeps->list);
}

void sweeps_fini(struct sweeps *sweeps)
{
    while (!TAILQ_EMPTY(&sweeps->list))
        forget(sweeps, TAILQ_FIRST(&sweeps->list));
}

static struct sweep *remember(struct sweeps *sweeps, const char *root, uint64_t now_ns)
{
    struct sweep *sweep = alloc_zero(sizeof(*sweep));
    char *copy = alloc_str(root);
    if (!sweep || !copy) {
        alloc_free(sweep);
        alloc_free(copy);
        return NULL;
    }
    *sweep = (struct sweep){.root = copy, .at_ns = now_ns};
    if (sweeps->count == SWEEPS_MAX)
        forget(sweeps, TAILQ_LAST(&sweeps->list, sweep_list));
    TAILQ_INSERT_HEAD(&sweeps->list, sweep, link);
    sweeps->count++;
    return sweep;
}

bool sweeps_due(struct sweeps *sweeps, const char *root, uint64_t now_ns)
{
    struct sweep *sweep;
    TAILQ_FOREACH (sweep, &sweeps->list, link)
        if (strcmp(sweep->root, root) == 0)
            break;
    if (!sweep)
        return remember(sweeps, root, now_ns) != NULL;
    TAILQ_REMOVE(&sweeps->list, sweep, link);
    TAILQ_INSERT_HEAD(&sweeps->list, sweep, link);
    bool due = now_ns - sweep->at_ns >= EVERY_NS;
    if (due)
        sweep->at_ns = now_ns;
    return due;
}
