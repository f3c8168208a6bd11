/* Host names as DNS and TLS know them. */
#ifndef FERRY_CLIENT_HOST_H
#define FERRY_CLIENT_HOST_H

#include "base/compiler.h"
#include "base/fault.h"

/* `host` as ASCII: a name in other letters becomes A-labels, a dot at its end is dropped (TLS-146).
 * `*out` is to be freed with alloc_free. FERRY_E_ARGUMENT: not a host name; FERRY_E_MEMORY. */
NODISCARD enum ferry_error client_host_ascii(const char *host, char **out, struct fault *fault);

#endif
