/* What a worker asks of a login. */
#ifndef FERRY_FERRYD_AUTH_LOGIN_WIRE_H
#define FERRY_FERRYD_AUTH_LOGIN_WIRE_H

#include <stdint.h>

#include "ferryd/auth/login.h"
#include "proc/wire.h"

/* Reads MESSAGE_LOGIN_ASK; on failure, too, to be ended with login_fini. FERRY_E_PROTOCOL: a field
 * is not what it must be; FERRY_E_MEMORY. */
NODISCARD enum ferry_error login_wire_get(struct wire_reader *reader, uint64_t *number,
                                          struct login *login, struct fault *fault);

/* Reads the name of an account. FERRY_E_PROTOCOL: it is too long. */
NODISCARD enum ferry_error login_wire_name(struct wire_reader *reader,
                                           char out[static ACCOUNT_NAME_BYTES + 1],
                                           struct fault *fault);

#endif
