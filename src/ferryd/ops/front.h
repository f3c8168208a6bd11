/* The operator's page as a part of ferryd-ops: its settings, and its deeds done by the peers. */
#ifndef FERRY_FERRYD_OPS_FRONT_H
#define FERRY_FERRYD_OPS_FRONT_H

#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "ferryd/ops/peers.h"
#include "ferryd/settings.h"

struct site;

struct front_setup {
    struct loop *loop;
    const struct log *log;
    struct peers *peers;
    struct state *state;
};

/* Zeroed is closed. */
struct front {
    struct front_setup setup;
    struct site *site;
};

/* Serves the listening socket `fd`, which it takes, on failure too; -1: there is none. A password
 * hash that cannot be used is told in the log, and nothing is served: the rest of ops is needed all
 * the same. `front` stays where it is. FERRY_E_MEMORY. */
NODISCARD enum ferry_error front_open(struct front *front, const struct front_setup *setup,
                                      const struct settings_global *global, int fd,
                                      struct fault *fault);

#endif
