/* What ferryd.conf asks for, made ready to serve: rules of every listener, and the accounts. A
 * reload makes a new one; only one without a mistake is put to work. */
#ifndef FERRY_FERRYD_PLAN_H
#define FERRY_FERRYD_PLAN_H

#include "base/compiler.h"
#include "embed/users.h"
#include "ferryd/settings.h"
#include "net/loop.h"

struct plan_listener {
    const struct conf_instance *block;
    struct server_rules *rules; /* NULL if they have a mistake */
};

struct plan {
    struct conf *conf; /* its `check` has every mistake */
    struct users *users;
    struct plan_listener *listeners;
    size_t count;
};

/* Reads and makes all. FERRY_E_MEMORY. */
NODISCARD enum ferry_error plan_make(struct loop *loop, const char *path, struct plan **out);

/* NULL is fine. */
void plan_free(struct plan *plan);

/* For CLEANUP. */
void plan_drop(struct plan **plan);

static inline bool plan_is_good(const struct plan *plan)
{
    return plan->conf->check.count == 0;
}

#endif
