/* One worker's wishes for signatures: taken in their order, made one at a time on the pool, so that
 * no worker keeps the others waiting (SEC-64). */
#ifndef FERRY_FERRYD_KEYS_SIGNING_H
#define FERRY_FERRYD_KEYS_SIGNING_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/log.h"
#include "ferryd/keys/keyring.h"
#include "net/loop.h"

/* All must outlive what serves by it. */
struct signing_setup {
    struct loop *loop;
    const struct keyring *ring;
    const struct log *log;
};

/* Serves the worker of that number over `fd`, which it takes, on failure too, until the channel
 * ends. FERRY_E_MEMORY. */
NODISCARD enum ferry_error signing_serve(const struct signing_setup *setup, uint32_t worker,
                                         int fd);

#endif
