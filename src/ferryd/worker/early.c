/* What the supervisor said of a grant before auth did. */
#include "ferryd/worker/early.h"

#include "base/alloc.h"
#include "base/fd.h"

enum { EARLY_MAX = 256 };

struct early_grant {
    TAILQ_ENTRY(early_grant) link;
    uint64_t grant;
    int fd; /* -1: denied */
};

static void forget(struct early *early, struct early_grant *grant)
{
    TAILQ_REMOVE(&early->list, grant, link);
    early->count--;
    fd_close(&grant->fd);
    alloc_free(grant);
}

void early_clear(struct early *early)
{
    while (!TAILQ_EMPTY(&early->list))
        forget(early, TAILQ_FIRST(&early->list));
}

void early_add(struct early *early, uint64_t grant, int fd)
{
    struct early_grant *one = alloc_zero(sizeof(*one));
    if (!one) {
        fd_close(&fd);
        return;
    }
    *one = (struct early_grant){.grant = grant, .fd = fd};
    if (early->count == EARLY_MAX)
        forget(early, TAILQ_FIRST(&early->list));
    TAILQ_INSERT_TAIL(&early->list, one, link);
    early->count++;
}

bool early_take(struct early *early, uint64_t grant, int *fd)
{
    struct early_grant *one;
    TAILQ_FOREACH (one, &early->list, link) {
        if (one->grant != grant)
            continue;
        *fd = fd_take(&one->fd);
        forget(early, one);
        return true;
    }
    return false;
}

void early_init(struct early *early)
{
    *early = (struct early){.count = 0};
    TAILQ_INIT(&early->list);
}
