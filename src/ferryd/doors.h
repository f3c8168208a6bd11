/* The sockets that ferryd listens on, from one plan to the next: those that stay are not closed. */
#ifndef FERRY_FERRYD_DOORS_H
#define FERRY_FERRYD_DOORS_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "base/log.h"
#include "ferryd/plan.h"
#include "server/worker.h"

struct door;

struct doors {
    LIST_HEAD(, door) list;
};

void doors_init(struct doors *doors);

/* The worker that listens has been freed before. */
void doors_fini(struct doors *doors);

/* Binds what the plan listens on and nobody does yet. An address that cannot be had is a mistake in
 * the plan. false: memory is short. */
NODISCARD bool doors_bind(struct doors *doors, struct plan *plan);

/* Closes what doors_bind bound and no worker has. */
void doors_unbind(struct doors *doors);

/* Serves by the plan's rules on all its addresses, and no more on others. Tells in the log what
 * begins and what ends. */
void doors_open(struct doors *doors, struct server_worker *worker, const struct plan *plan,
                const struct log *log);

/* Gives the listener's door its new rules. */
void doors_set_rules(struct doors *doors, const struct plan_listener *listener);

/* The worker closes them itself: it drains. */
void doors_forget(struct doors *doors);

#endif
