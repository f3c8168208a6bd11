/* A TLS peer made of OpenSSL alone, against an engine of ours: for what our own other end never
 * does. */
#ifndef FERRY_TESTS_RAW_PEER_H
#define FERRY_TESTS_RAW_PEER_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "support/tls_kit.h"

struct raw_peer {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;        /* of the SSL; owned by it */
    bool open;            /* the handshake is done */
    struct buf received;  /* plaintext */
    struct tls_end *ours; /* not owned */
};

/* Contexts of default settings: any version, no verification. The server's has the kit's
 * certificate. */
SSL_CTX *raw_client_context(void);
SSL_CTX *raw_server_context(const struct tls_kit *kit);

/* Makes the peer of `ours` from a context of either kind, which stays the caller's. Change `ssl`
 * before the first byte moves. */
void raw_peer_init(struct raw_peer *peer, SSL_CTX *context, struct tls_end *ours);
void raw_peer_fini(struct raw_peer *peer);

/* Moves bytes both ways until nothing moves any more. */
void raw_peer_run(struct raw_peer *peer);

/* What a raw client is like. */
struct raw_kind {
    bool ids_only;     /* SSL_OP_NO_TICKET: TLS 1.2 by session id alone, as curl does */
    bool modern_hello; /* offers TLS 1.3 as well, and fills the session id with noise */
};

/* One raw client's connection to `login`, from nothing to its end; both handshakes must be done.
 * `offer` is offered, as a copy; NULL: nothing. Gives its last session, if `session` is not NULL;
 * the caller frees it. Returns the server's proof, which agrees with what the client thinks was
 * resumed. */
enum tls_proof raw_connection(struct tls_login *login, bool data, struct raw_kind kind,
                              SSL_SESSION *offer, SSL_SESSION **session);

#endif
