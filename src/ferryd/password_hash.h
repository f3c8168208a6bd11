/* Passwords as crypt(5) keeps them. */
#ifndef FERRY_FERRYD_PASSWORD_HASH_H
#define FERRY_FERRYD_PASSWORD_HASH_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { PASSWORD_HASH_BYTES = 384 };

/* Whether a password can be checked against it at all: not a plain password, not a method that is
 * broken or locked. */
bool password_hash_is_good(const char *hash);

/* Whether `stored` was made of `password`. Takes some tenths of a second; may be called on any
 * thread. */
bool password_hash_verify(const char *stored, struct bytes password);

/* Makes a yescrypt hash with fresh salt; NUL-terminated. FERRY_E_ARGUMENT: the password is longer
 * than crypt takes, or holds a NUL; FERRY_E_UNSUPPORTED; FERRY_E_MEMORY. */
NODISCARD enum ferry_error password_hash_make(struct bytes password, char out[PASSWORD_HASH_BYTES]);

#endif
