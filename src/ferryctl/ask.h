/* A password from whoever runs the program. */
#ifndef FERRY_FERRYCTL_ASK_H
#define FERRY_FERRYCTL_ASK_H

#include "account/password.h"
#include "base/compiler.h"
#include "base/fault.h"

/* Reads a password, one line, from standard input, and makes its hash. At a terminal it asks, and
 * what is typed is not shown. FERRY_E_ARGUMENT: none came, or it is too long; FERRY_E_STATE,
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error ask_password_hash(char out[PASSWORD_HASH_BYTES], struct fault *fault);

#endif
