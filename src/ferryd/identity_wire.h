/* Whom a client's certificate names (tls/identity.h), as a field of MESSAGE_LOGIN_ASK. */
#ifndef FERRY_FERRYD_IDENTITY_WIRE_H
#define FERRY_FERRYD_IDENTITY_WIRE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "proc/wire.h"
#include "tls/identity.h"

/* Puts the field: nothing in it for NULL, a client without a certificate. Names that do not fit are
 * left out, and names_left_out says so. */
void identity_wire_put(struct wire_writer *writer, const struct tls_identity *identity);

/* Reads a field that is not empty. false: it is none. */
NODISCARD bool identity_wire_get(struct bytes field, struct tls_identity *out);

#endif
