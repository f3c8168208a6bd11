/* What the files of this room share about a context and about one connection: the part of an engine
 * that OpenSSL's callbacks see. Private to the room. */
#ifndef FERRY_TLS_CONNECTION_H
#define FERRY_TLS_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/fault.h"
#include "tls/bio.h"
#include "tls/describe.h"
#include "tls/peers.h"
#include "tls/policy.h"
#include "tls/resume.h"
#include "tls/verify.h"

struct tls_context {
    unsigned refs;
    bool server;
    enum tls_policy_name policy;
    SSL_CTX *ssl;
    BIO_METHOD *bio_method;
};

/* What a client's hello offered to resume, as the server's callbacks saw it. */
struct tls_offer {
    bool any;              /* a session was offered at all */
    bool own;              /* one of the connection's own binding among them */
    enum tls_proof opened; /* whose session was last handed out: TLS_PROOF_NONE, _OWN or _OTHER */
};

/* What a certificate is checked against by the client. */
struct tls_name {
    char text[256]; /* host name without a trailing dot, or address without a zone */
    bool address;
};

/* One connection; the engine embeds it and SSL_get_app_data leads to it. */
struct tls_connection {
    SSL *ssl;
    struct tls_bio wire;
    enum tls_policy_name policy;
    bool server;
    bool data;
    struct fault fault; /* set by the callbacks, too */

    const struct tls_peers *peers; /* data connections that may be another server's, or NULL */
    bool peer_known;               /* and this one is */

    struct tls_binding *binding; /* server */
    struct tls_offer offer;

    struct tls_sessions *sessions; /* client */
    struct tls_trust *trust;
    struct tls_name name;

    unsigned key_updates; /* of the peer, and plaintext from it: both since the last whole MiB */
    size_t opened_bytes;
};

static inline struct tls_connection *tls_connection_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* The _install functions give an SSL_CTX its callbacks; false: no memory. */

/* connection.c: what a hello may say (ALPN, extended master secret) and how much a peer may send.
 */
NODISCARD bool tls_connection_install(SSL_CTX *ssl, bool server);

/* Counts plaintext that was read: KeyUpdate is bounded in proportion to it (SEC-57, TLS-193). */
void tls_connection_credit(struct tls_connection *connection, size_t len);

/* After the handshake: what OpenSSL leaves to us (TLS-104). Sets the fault and returns its kind. */
NODISCARD enum ferry_error tls_connection_check(struct tls_connection *connection);

/* resume.c: tickets and session ids of the server. `ssl` is the server's. */
NODISCARD bool tls_resume_install(SSL_CTX *ssl);

/* Prepares a server's connection: a data connection issues no tickets (TLS-111). false: no memory.
 */
NODISCARD bool tls_resume_prepare(const struct tls_connection *connection);

/* The proof, after the handshake. */
enum tls_proof tls_resume_proof(const struct tls_connection *connection);

/* The client's certificate of the control connection must be the one of its data connections
 * (TLS-78): remembers it on the former, compares on the latter. */
NODISCARD enum ferry_error tls_resume_check_client(struct tls_connection *connection);

/* sessions.c: tickets and sessions of the client. */
void tls_sessions_install(SSL_CTX *ssl);

/* Offers the best session at hand on a data connection, in the version it was made in (TLS-103,
 * TLS-116). FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_sessions_offer(struct tls_connection *connection);

/* verify.c: who is trusted. `ssl` is a client's or a server's that asks for certificates. */
void tls_verify_install(SSL_CTX *ssl, bool server);

/* peers.c: whether the certificate that `store` is to verify is one of these servers'. */
bool tls_peers_know(const struct tls_peers *peers, X509_STORE_CTX *store);

/* Prepares a data connection that may be another server's; `peers` stays the caller's. */
void tls_verify_prepare_peers(struct tls_connection *connection, const struct tls_peers *peers);

/* Prepares a client's connection to `name`: SNI and what is checked (TLS-90, TLS-123).
 * FERRY_E_ARGUMENT: an empty or too long name; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_verify_prepare(struct tls_connection *connection, const char *name);

/* After the handshake of a client's control connection: its certificate is what data connections
 * are compared with (TLS-91). FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_verify_remember(struct tls_connection *connection);

/* describe.c, after the handshake. Texts that need memory, where there is none, stay empty. */
void tls_facts_read(const SSL *ssl, struct tls_facts *facts);

#endif
