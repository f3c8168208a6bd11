/* A password or passphrase: wiped when freed, never formatted, kept out of core dumps where the
 * system can. */
#ifndef FERRY_BASE_SECRET_H
#define FERRY_BASE_SECRET_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { SECRET_MAX_BYTES = 4096 };

/* Opaque on purpose: no field can be printed by mistake. */
struct secret;

/* A copy of `value`. Returns FERRY_OK and sets `*out`; FERRY_E_LIMIT over SECRET_MAX_BYTES;
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error secret_new(struct bytes value, struct secret **out);

/* Overwrites and frees; NULL is fine. */
void secret_free(struct secret *secret);

/* For CLEANUP. */
void secret_drop(struct secret **secret);

/* The value, NUL-terminated behind its length; valid until secret_free. Empty for NULL. */
struct bytes secret_reveal(const struct secret *secret);

/* Equal, in time that depends on the lengths only (SEC-85). */
bool secret_equal(const struct secret *secret, struct bytes value);

/* Overwrites memory in a way the compiler keeps. */
void secret_wipe(void *memory, size_t len);

#endif
