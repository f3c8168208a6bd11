/* What systemd is told: that the server serves, that it reads its configuration again, that it
 * ends, and that it still answers. The protocol is sd_notify(3)'s, which is documented and stable;
 * libsystemd would bring the libraries of its journal into the one process that stays root. */
#ifndef FERRY_FERRYD_SUPERVISOR_NOTIFY_H
#define FERRY_FERRYD_SUPERVISOR_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"

struct notify;

/* Whether all that should answer has within the last `patience_ns`. */
typedef bool notify_well_fn(void *ctx, uint64_t patience_ns);

/* Takes what the environment says (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID), and removes it from
 * there: if nobody is to be told, the functions below do nothing. If it is watched, tells the
 * watchdog from time to time that all is well, as long as `well` says so. NULL: memory is short. */
struct notify *notify_new(struct loop *loop, notify_well_fn *well, void *ctx);

/* NULL is fine. */
void notify_free(struct notify *notify);

/* It serves, by so many workers; also after a reload. `refused`: that was refused, and what was at
 * work before still is. */
void notify_ready(const struct notify *notify, unsigned workers, bool refused);
void notify_reloading(const struct notify *notify);
void notify_stopping(const struct notify *notify);

#endif
