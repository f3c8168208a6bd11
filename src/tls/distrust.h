/* Why a certificate is not trusted, in words, with what to do about it. Private to the room. */
#ifndef FERRY_TLS_DISTRUST_H
#define FERRY_TLS_DISTRUST_H

#include <stdint.h>

#include <openssl/x509_vfy.h>

#include "base/fault.h"
#include "tls/library.h"

/* The server's key has this hash, which is none of those pinned. FERRY_E_TRUST. */
void distrust_pin(struct fault *fault, const uint8_t key_sha256[LIBRARY_SHA256_BYTES]);

/* `store` found a fault in the peer's certificates. `host` is the name that was looked for; NULL:
 * the certificates are a client's. FERRY_E_TRUST. */
void distrust_chain(struct fault *fault, X509_STORE_CTX *store, const char *host);

#endif
