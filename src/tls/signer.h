/* Private keys that another process holds. The handshake of a server stops where a signature is
 * due, a request goes out, and its answer lets the handshake go on; meanwhile the loop turns
 * (openssl-notes.md section 1; SEC-64). */
#ifndef FERRY_TLS_SIGNER_H
#define FERRY_TLS_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

struct tls_signer;

enum tls_sign_scheme { TLS_SIGN_RSA_PKCS1, TLS_SIGN_RSA_PSS, TLS_SIGN_ECDSA, TLS_SIGN_ED25519 };
enum tls_sign_digest {
    TLS_SIGN_NO_DIGEST, /* of TLS_SIGN_ED25519, which has its own */
    TLS_SIGN_SHA1,
    TLS_SIGN_SHA256,
    TLS_SIGN_SHA384,
    TLS_SIGN_SHA512,
};

enum {
    TLS_SIGN_INPUT_MAX_BYTES = 16 * 1024, /* of a client of TLS 1.2: all that was said before */
    TLS_SIGNATURE_MAX_BYTES = 16384 / 8,  /* of the longest RSA key that OpenSSL takes */
};

struct tls_sign_request {
    uint64_t id;  /* for the answer; never used twice */
    uint32_t key; /* its number */
    enum tls_sign_scheme scheme;
    enum tls_sign_digest digest;
    struct bytes input; /* that is to be signed, not its digest; during the call */
};

/* Sends a request on its way. It may be answered at once, from inside this call. false: it cannot
 * be sent, and the handshake fails. */
typedef bool tls_signer_ask_fn(void *ctx, const struct tls_sign_request *request);

/* A signer for one thread, whose contexts and engines it must outlive. NULL: no memory. */
struct tls_signer *tls_signer_new(tls_signer_ask_fn *ask, void *ctx);
void tls_signer_free(struct tls_signer *signer);

/* The answer to a request: the signature, or nothing if it was refused. The handshake goes on (its
 * engine's `wake` is called). An answer that nobody waits for is passed by. */
void tls_signer_answer(struct tls_signer *signer, uint64_t id, struct bytes signature);

/* The keys are gone: every request that waits is refused. */
void tls_signer_fail(struct tls_signer *signer);

/* Requests that wait for their answer. */
unsigned tls_signer_waiting(const struct tls_signer *signer);

#endif
