/* The CAs that peers are verified with, and their CRLs. Private to the room. */
#ifndef FERRY_TLS_AUTHORITIES_H
#define FERRY_TLS_AUTHORITIES_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

struct tls_context;

/* Adds the CAs of a PEM text; a server also names them to its clients. `what` names the text in the
 * fault. FERRY_E_ARGUMENT: it holds none; FERRY_E_MEMORY. */
NODISCARD enum ferry_error authorities_add(const struct tls_context *context, struct bytes pem,
                                           const char *what, struct fault *fault);

/* Adds the CRLs of a PEM text. Errors as above. */
NODISCARD enum ferry_error authorities_add_crls(const struct tls_context *context, struct bytes pem,
                                                const char *what, struct fault *fault);

#endif
