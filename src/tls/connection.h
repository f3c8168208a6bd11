/* What the files of this room share about a context and about one connection: the part of an engine
 * that OpenSSL's callbacks see. Private to the room. */
#ifndef FERRY_TLS_CONNECTION_H
#define FERRY_TLS_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <openssl/ssl.h>

#include "base/fault.h"
#include "tls/bio.h"
#include "tls/context.h"
#include "tls/describe.h"
#include "tls/hosts.h"
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
    struct tls_signer *signer; /* or NULL */

    bool alpn_required;      /* server */
    unsigned long crl_flags; /* X509_V_FLAG_CRL_*: how clients' certificates are looked up */
    struct tls_pin *pins;    /* of clients: key_pins of keys, then those of certificates */
    size_t key_pins, pin_count;
    unsigned char *staple; /* an OCSP response (DER) */
    size_t staple_len;
    ASN1_TIME *staple_until;
};

struct host_entry; /* hosts.c */

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
    const struct tls_context *context; /* a server's may become another one by SNI */
    struct fault fault;                /* set by the callbacks, too */

    const struct tls_peers *peers; /* data connections that may be another server's, or NULL */
    bool peer_known;               /* and this one is */

    struct tls_binding *binding; /* server */
    struct tls_offer offer;
    const struct tls_hosts *hosts; /* or NULL */
    const struct host_entry *host; /* of them, once it is known */
    bool host_fixed;               /* before the client's hello */

    struct tls_sessions *sessions; /* client */
    struct tls_trust *trust;
    struct tls_name name;

    struct tls_signer *signer; /* until the handshake is done; or NULL */
    bool paused;               /* the handshake waits for a signature */
    bool queued;               /* it waits until another's has come */
    TAILQ_ENTRY(tls_connection) queue;
    void (*wake)(void *ctx); /* it can go on; may free the engine */
    void *wake_ctx;

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

/* Prepares a server's connection: a data connection issues no tickets (TLS-111) and prefers the
 * suite of its control connection (TLS-115). false: no memory. */
NODISCARD bool tls_resume_prepare(const struct tls_connection *connection);

/* After the handshake of a server's control connection: its suite is that of its data connections.
 */
void tls_resume_remember(const struct tls_connection *connection);

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

/* Verifies chain, dates, use and name, as far as the store's parameters say: 1 or 0, with the fault
 * set. */
int tls_verify_chain(struct tls_connection *connection, X509_STORE_CTX *store);
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

/* client_auth.c: clients' certificates, asked for as the settings say. FERRY_E_ARGUMENT with the
 * words in `fault`; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_client_auth_install(struct tls_context *context,
                                                   const struct tls_server_settings *settings,
                                                   struct fault *fault);

/* Verifies a client's certificate, for on_certificate: 1 or 0, with the fault set. */
int tls_client_auth_verify(struct tls_connection *connection, X509_STORE_CTX *store);

/* hosts.c: the context that a new connection begins with: the named host's, or that of the default
 * host for NULL. NULL: there is no such host. */
struct tls_context *tls_hosts_context(const struct tls_hosts *hosts, const char *name);

/* Begins a connection, whose `hosts` are set, with that host; one that is named stays. false: no
 * memory. */
NODISCARD bool tls_hosts_fix(struct tls_connection *connection, const char *name);

/* Decides by the client's hello. false: it is refused with `*alert`; the fault is set. */
NODISCARD bool tls_hosts_choose(struct tls_connection *connection, int *alert);

/* The name of the host that was chosen, or "". */
const char *tls_hosts_chosen(const struct tls_connection *connection);

/* staple.c: OCSP responses. Of the server: gives the context what it staples. FERRY_E_ARGUMENT with
 * the words in `fault`; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_staple_install(struct tls_context *context, struct bytes der,
                                              struct fault *fault);

/* Of the client: asks for one, and refuses what is wrong with it or that none came to a certificate
 * that demands it. */
void tls_staple_ask(SSL_CTX *ssl);

/* describe.c, after the handshake. Texts that need memory, where there is none, stay empty. */
void tls_facts_read(const SSL *ssl, struct tls_facts *facts);

#endif
