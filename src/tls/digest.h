/* Hashes over a stream: for HASH, pins and verification. */
#ifndef FERRY_TLS_DIGEST_H
#define FERRY_TLS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { DIGEST_MAX_BYTES = 64 };

enum digest_kind { DIGEST_SHA256, DIGEST_SHA512, DIGEST_SHA1, DIGEST_MD5 };

struct digest;

/* NULL if memory is short. */
struct digest *digest_new(enum digest_kind kind);
void digest_free(struct digest *digest);

/* FERRY_E_STATE at the digest's end; FERRY_E_MEMORY. */
NODISCARD enum ferry_error digest_update(struct digest *digest, struct bytes in);

/* The value so far; `*len` is its length. The digest is then at its end.
 * Errors as digest_update. */
NODISCARD enum ferry_error digest_final(struct digest *digest, uint8_t out[DIGEST_MAX_BYTES],
                                        size_t *len);

enum { DIGEST_HMAC_BYTES = 32 };

/* The HMAC-SHA256 of `in` (RFC 2104). FERRY_E_MEMORY. */
NODISCARD enum ferry_error digest_hmac(struct bytes key, struct bytes in,
                                       uint8_t out[static DIGEST_HMAC_BYTES]);

#endif
