/* Hashes of passwords: crypt(5) strings, yescrypt for new ones. Each call takes some 10 ms of a
 * core by intent: never on a loop. */
#ifndef FERRY_ACCOUNT_PASSWORD_H
#define FERRY_ACCOUNT_PASSWORD_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { PASSWORD_HASH_BYTES = 384 }; /* of the longest crypt(5) string, with its NUL */

/* The yescrypt hash of `password` with a fresh salt. FERRY_E_ARGUMENT: a NUL in it, or too long;
 * FERRY_E_STATE: no randomness; FERRY_E_MEMORY. */
NODISCARD enum ferry_error password_hash(struct bytes password, char out[PASSWORD_HASH_BYTES]);

/* Whether `hash` is a string that password_fits understands, and not one of the methods that can
 * be searched by brute force (DES, MD5, plain text). */
bool password_hash_is_usable(const char *hash);

/* Whether `password` has this hash. `hash` NULL: there is no such account; takes as long as for a
 * yescrypt hash, and is false (SEC-84). */
bool password_fits(struct bytes password, const char *hash);

#endif
