/* Whom a client's certificate names, as bytes between two processes: the last field of
 * MESSAGE_LOGIN_ASK. */
#ifndef FERRY_FERRYD_IDENTITY_WIRE_H
#define FERRY_FERRYD_IDENTITY_WIRE_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/messages.h"
#include "tls/identity.h"

/* Writes it into `space` and returns the view of what was written. Names that no longer fit are
 * left out, whole, and `names_left_out` says so (TLS-81). */
struct bytes identity_wire_put(const struct tls_identity *identity,
                               char space[static MESSAGE_IDENTITY_BYTES]);

/* Reads what was put. FERRY_E_PROTOCOL: these are no such bytes, or they hold what an identity
 * never does: a text too long, a control byte, a kind of name that there is not. */
NODISCARD enum ferry_error identity_wire_get(struct bytes from, struct tls_identity *out,
                                             struct fault *fault);

#endif
