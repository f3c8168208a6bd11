/* Looks again and again whether those who are logged in still may be: an account that was removed,
 * disabled or has expired, or whose password is another one, ends its sessions within seconds. Not
 * those that another machine knows (LDAP, PostgreSQL), nor those that stand in a source behind
 * them: they end with their next login. */
#ifndef FERRY_FERRYD_AUTH_REVIEW_H
#define FERRY_FERRYD_AUTH_REVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "net/loop.h"

struct desk;

struct review {
    struct desk *desk;
    struct loop_timer *timer;
};

/* Of the desk's seats, from now on, by its book. FERRY_E_MEMORY. */
NODISCARD enum ferry_error review_init(struct review *review, struct desk *desk);

#endif
