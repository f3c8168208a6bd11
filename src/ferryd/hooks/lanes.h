/* The events of one account for one hook, in their order, and how they are told: for post.c. */
#ifndef FERRY_FERRYD_HOOKS_LANES_H
#define FERRY_FERRYD_HOOKS_LANES_H

#include <sys/queue.h>

#include "base/log.h"
#include "ferryd/hooks/journal.h"
#include "ferryd/hooks/outbox.h"
#include "ferryd/settings_hooks.h"
#include "net/loop.h"

struct lane;

/* Whether an event happened is not known yet: nothing behind it is told before. */
struct pending;

struct item {
    TAILQ_ENTRY(item) link; /* of its lane */
    LIST_ENTRY(item) twin;  /* of the same event for other hooks, while it is pending */
    struct lane *lane;
    struct pending *pending; /* NULL: it is known */
    int64_t number;
    uint8_t id[HOOK_ID_BYTES];
    enum outbox_state state;
    int64_t made_ns, due_ns; /* since 1970 */
    uint32_t tries;
};

/* What all hooks share. */
struct lanes {
    struct loop *loop;
    const struct log *log;
    struct journal *journal;
    const char *temporary;
    size_t count; /* of items */
    /* The first item of a lane is pending: to be decided about at `*at_ns` of the loop's time, or
     * CLOCK_NEVER. */
    uint64_t (*pending_until)(const struct item *item);
    void (*decide)(void *ctx, struct item *item); /* that time has come */
    void *ctx;
};

/* A hook. */
struct addressee {
    struct lanes *lanes;
    const struct settings_hook *settings;
    struct lane *by_account; /* uthash */
    TAILQ_HEAD(, lane) ready;
    uint64_t running;
};

void addressee_init(struct addressee *hook, struct lanes *lanes,
                    const struct settings_hook *settings);

/* Adds an event behind those of the account; call lane_look then. NULL: no memory. */
struct item *lane_add(struct addressee *hook, struct bytes account, const struct outbox_row *row);

/* Looks whether the first item of the lane can be told, and does so. The lane may be gone then. */
void lane_look(struct lane *lane);

/* Removes an item that is not being told, and looks at the next. The lane may be gone then. */
void lane_drop(struct item *item);

#endif
