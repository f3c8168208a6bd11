/* What the supervisor said of a grant before auth did: the channels of logins whose answer is still
 * to come. */
#ifndef FERRY_FERRYD_WORKER_EARLY_H
#define FERRY_FERRYD_WORKER_EARLY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct early {
    TAILQ_HEAD(, early_grant) list;
    unsigned count;
};

void early_init(struct early *early);

/* Forgets all. */
void early_clear(struct early *early);

/* Keeps `fd` (-1: it was denied), which it takes; the oldest of many is forgotten, since those of
 * an auth that died before it answered stay. Without memory the login ends by its time limit. */
void early_add(struct early *early, uint64_t grant, int fd);

/* false: nothing was said yet. Else `*fd` is the caller's; -1: it was denied. */
bool early_take(struct early *early, uint64_t grant, int *fd);

#endif
