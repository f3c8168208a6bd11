/* What systemd is told: that the server serves, that it reads its configuration again, that it
 * ends, and that it still answers. The protocol is sd_notify(3)'s, which is documented and stable;
 * libsystemd would bring the libraries of its journal into the one process that stays root. */
#ifndef FERRY_FERRYD_SUPERVISOR_NOTIFY_H
#define FERRY_FERRYD_SUPERVISOR_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

enum { NOTIFY_PATH_BYTES = 108 }; /* of a Unix socket's address */

/* All zero: nobody is to be told. */
struct notify {
    char socket[NOTIFY_PATH_BYTES]; /* "@NAME" is an abstract one */
    uint64_t watchdog_ns;           /* how often it must hear of us; 0: it does not watch */
};

/* Takes what the environment says (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID), and removes it from
 * there. */
void notify_init(struct notify *notify);

/* Tells one state, such as "READY=1", with lines of more. What cannot be told is not. */
void notify_tell(const struct notify *notify, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
