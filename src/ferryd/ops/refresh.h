/* Brings the state up to date by asking the other processes: who is waiting for that is told when
 * all have answered, or have not in time. */
#ifndef FERRY_FERRYD_OPS_REFRESH_H
#define FERRY_FERRYD_OPS_REFRESH_H

#include "base/compiler.h"
#include "ferry/error.h"

enum refresh_what {
    REFRESH_SESSIONS = 1 << 0,  /* and counters, of the workers */
    REFRESH_PROCESSES = 1 << 1, /* of the supervisor */
    REFRESH_ACCOUNTS = 1 << 2,  /* of auth */
    REFRESH_BANS = 1 << 3,      /* the same */
};

struct refresh;
struct refresh_wait;

/* From the loop, never from inside refresh_begin. */
typedef void refresh_done_fn(void *ctx);

/* Asks for what the bits `what` say. `done` is called once, 2 s later at the latest, whatever was
 * answered, unless refresh_cancel comes first. FERRY_E_MEMORY. */
NODISCARD enum ferry_error refresh_begin(struct refresh *refresh, unsigned what,
                                         refresh_done_fn *done, void *ctx,
                                         struct refresh_wait **out);

/* NULL is fine. */
void refresh_cancel(struct refresh_wait *wait);

#endif
