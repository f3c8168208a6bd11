/* What this room's files share of OpenSSL: its library context, hashes, its errors in words,
 * cleaning up by scope. Private to the room. */
#ifndef FERRY_TLS_LIBRARY_H
#define FERRY_TLS_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum { LIBRARY_SHA256_BYTES = 32 };

/* The library context of every object this room makes. */
OSSL_LIB_CTX *library_context(void);

/* Random bytes. false: the generator failed. */
NODISCARD bool library_random(void *out, size_t len);

/* SHA-256 of `in`. false: no memory. */
NODISCARD bool library_sha256(struct bytes in, uint8_t out[LIBRARY_SHA256_BYTES]);

/* Records a failed call of OpenSSL: the formatted words and behind them OpenSSL's own for the first
 * error in its queue, which is then empty. Returns `kind`, or FERRY_E_MEMORY if memory was short.
 */
enum ferry_error library_fault(struct fault *fault, enum ferry_error kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* A failed call of OpenSSL that only a lack of memory explains. */
enum ferry_error library_no_memory(struct fault *fault);

/* For OpenSSL's parameters and macros that take without const what they only read. */
static inline void *library_mutable(const void *memory)
{
    return (void *)(uintptr_t)memory;
}

/* The text in a BIO of memory; valid until the BIO is next changed. */
struct bytes library_text(BIO *bio);

/* For CLEANUP. */
static inline void library_drop_bio(BIO **bio)
{
    BIO_free(*bio);
}

static inline void library_drop_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static inline void library_drop_certificate(X509 **certificate)
{
    X509_free(*certificate);
}

static inline void library_drop_openssl(unsigned char **memory)
{
    OPENSSL_free(*memory);
}

#endif
