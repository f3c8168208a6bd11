/* What the signer's files share with each other and with contexts and engines. Private to the room.
 *
 * signer.c holds the requests; signer_provider.c makes OpenSSL ask them: a provider of its own,
 * whose keys know their public half, a number and their signer. */
#ifndef FERRY_TLS_SIGNER_PRIVATE_H
#define FERRY_TLS_SIGNER_PRIVATE_H

#include <sys/queue.h>

#include <openssl/evp.h>

#include "tls/signer.h"

struct tls_connection;

struct tls_signer {
    tls_signer_ask_fn *ask;
    void *ctx;
    OSSL_LIB_CTX *library; /* in which the provider is */
    OSSL_PROVIDER *defaults, *ferry;
    uint64_t last_id;
    unsigned waiting;
    TAILQ_HEAD(, signer_wait) waits;
    TAILQ_HEAD(, tls_connection) queue; /* handshakes for which no job was free */
    struct tls_connection *acting;      /* whose handshake OpenSSL is in */
};

/* A request under way; it lives on the stack of the handshake that waits. */
struct signer_wait {
    TAILQ_ENTRY(signer_wait) link;
    uint64_t id;
    struct tls_connection *connection; /* NULL: none waits, the answer is due at once */
    bool over;
    unsigned char *out;
    size_t size, len; /* len 0: refused */
};

/* Makes the provider known to `signer->library`. false: no memory. */
NODISCARD bool signer_provider_load(struct tls_signer *signer);

/* A private key of the signer's by its number and the public half that a certificate holds. NULL:
 * no memory, or a kind of key that is not RSA, EC or Ed25519. */
EVP_PKEY *signer_provider_key(struct tls_signer *signer, uint32_t number, EVP_PKEY *public);

/* Asks, and waits. Returns the length of the signature in `out`; 0: refused. */
size_t signer_sign(struct tls_signer *signer, const struct tls_sign_request *request,
                   unsigned char *out, size_t size);

/* One step of a handshake whose context has a signer: SSL_do_handshake, in a job of its own. */
int signer_handshake(struct tls_connection *connection);

/* The connection is about to be freed: nothing of it may wait. */
void signer_leave(struct tls_connection *connection);

#endif
