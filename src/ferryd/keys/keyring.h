/* The private keys of a server, by the number of the listen block that they are for (SEC-64). */
#ifndef FERRY_FERRYD_KEYS_KEYRING_H
#define FERRY_FERRYD_KEYS_KEYRING_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/given.h"
#include "tls/key.h"

struct keyring {
    struct tls_key **keys; /* NULL: that listener has no TLS */
    size_t count;
};

/* Reads the keys of all listen blocks. FERRY_E_ARGUMENT: one cannot be read, with the words;
 * FERRY_E_MEMORY. On failure there is nothing to free. */
NODISCARD enum ferry_error keyring_init(struct keyring *ring, struct given *given,
                                        struct fault *fault);
void keyring_fini(struct keyring *ring);

/* NULL: there is none. */
const struct tls_key *keyring_key(const struct keyring *ring, uint32_t number);

#endif
