/* Whether a client trusts the server it reached: chain, name, pin (tls.md section 8). */
#ifndef FERRY_TLS_VERIFY_H
#define FERRY_TLS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum { TLS_PIN_BYTES = 32, TLS_PINS_MAX = 8 };

/* SHA-256 of a public key (SubjectPublicKeyInfo), as curl's --pinnedpubkey names it; of a whole
 * certificate where that is said. */
struct tls_pin {
    uint8_t bytes[TLS_PIN_BYTES];
};

/* "sha256//" and base64. FERRY_E_ARGUMENT. */
NODISCARD enum ferry_error tls_pin_parse(struct bytes text, struct tls_pin *out);

/* What to demand of the server's certificate. With pins, a key that is pinned is trusted whatever
 * its chain and name say, and any other is refused (TLS-94). Without, chain and name must be right.
 * On a data connection with a full handshake the certificate must be the control connection's own
 * (TLS-91): the engine sees to it. */
struct tls_trust {
    struct tls_pin pins[TLS_PINS_MAX];
    size_t pin_count;
    /* Filled by the control connection's handshake, read by its data connections: SHA-256 of the
     * certificate. */
    bool control_seen;
    uint8_t control_sha256[32];
};

#endif
