/* Resumption, the server's side: each control connection's tag, ticket keys and session id. */
#include "tls/resume.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "base/alloc.h"
#include "base/secret.h"
#include "tls/certificate.h"
#include "tls/connection.h"
#include "tls/library.h"

enum {
    MASTER_BYTES = 32,
    CIPHER_KEY_BYTES = 32,
    MAC_KEY_BYTES = 32,
    MARK_BYTES = 8,
    NONCE_BYTES = 8,
    TICKET_IV_BYTES = 16,
};

/* Seconds. Refills keep TLS 1.3 going (TLS-114); a TLS 1.2 session cannot be renewed and must last
 * as long as any control connection does (TLS-105). */
static const long lifetime_1_3_s = 24L * 3600;
static const long lifetime_1_2_s = 365L * 24 * 3600;

struct master_key {
    uint8_t bytes[MASTER_BYTES];
};

struct tls_master {
    struct master_key current;
    struct master_key previous;
    bool rotated; /* there is a previous one */
};

/* What is derived from the master key and a tag. */
struct keys {
    uint8_t cipher[CIPHER_KEY_BYTES];
    uint8_t mac[MAC_KEY_BYTES];
    uint8_t mark[MARK_BYTES];
};

/* A session id of ours, whole. */
struct session_id {
    struct tls_tag tag;
    uint8_t mark[MARK_BYTES]; /* derived from the tag: tells an id of ours from a client's noise */
    uint8_t nonce[NONCE_BYTES]; /* a client that gets back the id it offered takes itself for
                                   resumed (RFC 5246 section 7.4.1.3) */
};
static_assert(sizeof(struct session_id) == SSL_MAX_SSL_SESSION_ID_LENGTH, "as long as ids may be");

struct tls_binding {
    struct tls_master *master;
    struct tls_tag tag;
    struct keys keys;
    SSL_SESSION *session; /* TLS 1.2, for a client that sends ids and takes no tickets; or NULL */
    const SSL_CIPHER *suite; /* of the control connection, TLS 1.3; or NULL. OpenSSL's own */
    tls_binding_find_fn *find;
    void *find_ctx;
    bool certified; /* the control connection showed the client certificate below */
    uint8_t certificate_sha256[LIBRARY_SHA256_BYTES];
};

struct tls_master *tls_master_new(void)
{
    struct tls_master *master = alloc_zero(sizeof(*master));
    if (master && !library_random(master->current.bytes, MASTER_BYTES)) {
        tls_master_free(master);
        return NULL;
    }
    return master;
}

void tls_master_free(struct tls_master *master)
{
    if (!master)
        return;
    secret_wipe(master, sizeof(*master));
    alloc_free(master);
}

bool tls_master_rotate(struct tls_master *master)
{
    struct master_key next;
    if (!library_random(next.bytes, MASTER_BYTES))
        return false;
    master->previous = master->current;
    master->current = next;
    master->rotated = true;
    secret_wipe(&next, sizeof(next));
    return true;
}

/* HKDF-SHA256 (RFC 5869) over a master key, the tag as salt. */
static bool derive(const struct master_key *master, const struct tls_tag *tag, struct keys *out)
{
    static const char purpose[] = "ferry session ticket";
    EVP_KDF *hkdf = EVP_KDF_fetch(library_context(), OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *derivation = hkdf ? EVP_KDF_CTX_new(hkdf) : NULL;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, library_mutable("SHA256"), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, library_mutable(master->bytes),
                                          sizeof(master->bytes)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, library_mutable(tag->bytes),
                                          sizeof(tag->bytes)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, library_mutable(purpose),
                                          sizeof(purpose) - 1),
        OSSL_PARAM_construct_end(),
    };
    bool derived =
        derivation && EVP_KDF_derive(derivation, (unsigned char *)out, sizeof(*out), params) == 1;
    EVP_KDF_CTX_free(derivation);
    EVP_KDF_free(hkdf);
    return derived;
}

struct tls_binding *tls_binding_new(struct tls_master *master)
{
    struct tls_binding *binding = alloc_zero(sizeof(*binding));
    if (!binding)
        return NULL;
    binding->master = master;
    if (library_random(binding->tag.bytes, sizeof(binding->tag.bytes)) &&
        derive(&master->current, &binding->tag, &binding->keys))
        return binding;
    tls_binding_free(binding);
    return NULL;
}

void tls_binding_free(struct tls_binding *binding)
{
    if (!binding)
        return;
    SSL_SESSION_free(binding->session);
    secret_wipe(binding, sizeof(*binding));
    alloc_free(binding);
}

const struct tls_tag *tls_binding_tag(const struct tls_binding *binding)
{
    return &binding->tag;
}

void tls_binding_allow_others(struct tls_binding *binding, tls_binding_find_fn *find, void *ctx)
{
    binding->find = find;
    binding->find_ctx = ctx;
}

const char *tls_proof_words(enum tls_proof proof)
{
    static const char *const words[] = {
        [TLS_PROOF_NONE] = "no TLS session was offered",
        [TLS_PROOF_OWN] = "the TLS session of its control connection was resumed",
        [TLS_PROOF_OTHER] = "the TLS session of another control connection was resumed",
        [TLS_PROOF_FOREIGN] = "the TLS session offered is not of this control connection",
        [TLS_PROOF_PEER] = "another server showed a certificate that is known",
        [TLS_PROOF_STALE] =
            "the TLS session offered is of this control connection but no longer valid",
    };
    return words[proof];
}

/* Whose session a data connection offers by `tag`: its own binding, another that is allowed, or
 * NULL. Notes it in the connection's offer. */
static const struct tls_binding *owner_of(struct tls_connection *connection,
                                          const struct tls_tag *tag)
{
    const struct tls_binding *own = connection->binding;
    if (memcmp(tag->bytes, own->tag.bytes, TLS_TAG_BYTES) == 0) {
        connection->offer.own = true;
        connection->offer.opened = TLS_PROOF_OWN;
        return own;
    }
    const struct tls_binding *other = own->find ? own->find(own->find_ctx, tag) : NULL;
    if (other)
        connection->offer.opened = TLS_PROOF_OTHER;
    return other;
}

/* Sets AES-256-CBC and HMAC-SHA256 to the keys of `binding`, as RFC 5077 section 4 recommends. */
static bool set_ticket_keys(const struct tls_binding *binding, const unsigned char *iv,
                            EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, library_mutable(binding->keys.mac),
                                          sizeof(binding->keys.mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, library_mutable("SHA256"), 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_CIPHER *algorithm = EVP_CIPHER_fetch(library_context(), "AES-256-CBC", NULL);
    bool set = algorithm && EVP_MAC_CTX_set_params(mac, params) == 1 &&
               EVP_CipherInit_ex2(cipher, algorithm, binding->keys.cipher, iv, sealing, NULL) == 1;
    EVP_CIPHER_free(algorithm); /* the context holds it */
    return set;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb. Opening: 1 resumes and issues no new ticket, 0 means a full
 * handshake. Nothing is sealed on data connections, see tls_resume_prepare. */
static int on_ticket(SSL *ssl, unsigned char *key_name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    struct tls_connection *connection = tls_connection_of(ssl);
    const struct tls_binding *owner = connection->binding;
    if (sealing) {
        if (!library_random(iv, TICKET_IV_BYTES))
            return -1;
        memcpy(key_name, owner->tag.bytes, TLS_TAG_BYTES);
        return set_ticket_keys(owner, iv, cipher, mac, sealing) ? 1 : -1;
    }
    if (!connection->data)
        return 0;
    struct tls_tag tag;
    memcpy(tag.bytes, key_name, TLS_TAG_BYTES);
    owner = owner_of(connection, &tag);
    if (!owner)
        return 0;
    return set_ticket_keys(owner, iv, cipher, mac, sealing) ? 1 : -1;
}

/* A TLS 1.2 ticket is about to be made of the session: the last moment to say how long it lasts. */
static int before_ticket(SSL *ssl, void *ctx)
{
    (void)ctx;
    if (SSL_version(ssl) < TLS1_3_VERSION)
        SSL_SESSION_set_timeout(SSL_get0_session(ssl), lifetime_1_2_s);
    return 1;
}

/* The id of a new session. OpenSSL sends one on data connections, too: there it means nothing. */
static int make_id(SSL *ssl, unsigned char *out, unsigned *out_len)
{
    const struct tls_connection *connection = tls_connection_of(ssl);
    struct session_id id;
    *out_len = sizeof(id);
    if (connection->data)
        return library_random(out, sizeof(id));
    id.tag = connection->binding->tag;
    memcpy(id.mark, connection->binding->keys.mark, sizeof(id.mark));
    if (!library_random(id.nonce, sizeof(id.nonce)))
        return 0;
    memcpy(out, &id, sizeof(id));
    return 1;
}

/* A session was made. 1: we keep it. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_connection *connection = tls_connection_of(ssl);
    if (connection->data || SSL_version(ssl) >= TLS1_3_VERSION)
        return 0;
    SSL_SESSION_set_timeout(session, lifetime_1_2_s);
    SSL_SESSION_free(connection->binding->session);
    connection->binding->session = session;
    return 1;
}

/* Whether an id was made here, by whichever connection, living or dead. */
static bool is_made_with(const struct master_key *master, const struct session_id *id)
{
    struct keys keys = {0};
    bool made = derive(master, &id->tag, &keys) && memcmp(id->mark, keys.mark, MARK_BYTES) == 0;
    secret_wipe(&keys, sizeof(keys));
    return made;
}

static bool is_ours(const struct tls_master *master, const struct session_id *id)
{
    return is_made_with(&master->current, id) ||
           (master->rotated && is_made_with(&master->previous, id));
}

/* The session of an id that a TLS 1.2 client offers; a copy, since an error on one connection
 * spoils the object for all. */
static SSL_SESSION *on_id(SSL *ssl, const unsigned char *offered, int len, int *keep)
{
    *keep = 0;
    struct tls_connection *connection = tls_connection_of(ssl);
    struct session_id id;
    if (!connection->data || len != sizeof(id))
        return NULL;
    memcpy(&id, offered, sizeof(id));
    const struct tls_binding *owner = owner_of(connection, &id.tag);
    if (!owner && !is_ours(connection->binding->master, &id))
        return NULL;
    connection->offer.any = true;
    if (!owner || !owner->session)
        return NULL;
    unsigned known_len = 0;
    const unsigned char *known = SSL_SESSION_get_id(owner->session, &known_len);
    return bytes_equal(bytes_of(known, known_len), bytes_of(&id, sizeof(id)))
               ? SSL_SESSION_dup(owner->session)
               : NULL;
}

bool tls_resume_install(SSL_CTX *ssl)
{
    static const unsigned char id_context[] = "ferry";
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_timeout(ssl, lifetime_1_3_s);
    SSL_CTX_set_generate_session_id(ssl, make_id);
    SSL_CTX_sess_set_new_cb(ssl, on_new_session);
    SSL_CTX_sess_set_get_cb(ssl, on_id);
    return SSL_CTX_set_session_id_context(ssl, id_context, sizeof(id_context) - 1) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket) == 1 &&
           SSL_CTX_set_session_ticket_cb(ssl, before_ticket, NULL, NULL) == 1;
}

/* SSL_set_not_resumable_session_callback: in TLS 1.2 no ticket is issued then. */
static int never_resumable(SSL *ssl, int forward_secret)
{
    (void)ssl;
    (void)forward_secret;
    return 1;
}

/* Puts the suite of the control connection before all others: another one may have another hash,
 * and would cost the session (TLS-115). */
static bool prefer_suite(const struct tls_connection *connection)
{
    const SSL_CIPHER *suite = connection->binding->suite;
    if (!suite)
        return true;
    char list[256];
    snprintf(list, sizeof(list), "%s:%s", SSL_CIPHER_get_name(suite),
             tls_policy(connection->policy)->suites_1_3);
    SSL_clear_options(connection->ssl, SSL_OP_PRIORITIZE_CHACHA);
    return SSL_set_ciphersuites(connection->ssl, list) == 1;
}

bool tls_resume_prepare(const struct tls_connection *connection)
{
    if (!connection->data)
        return true;
    SSL_set_not_resumable_session_callback(connection->ssl, never_resumable);
    return SSL_set_num_tickets(connection->ssl, 0) == 1 && prefer_suite(connection);
}

void tls_resume_remember(const struct tls_connection *connection)
{
    const SSL *ssl = connection->ssl;
    connection->binding->suite =
        SSL_version(ssl) >= TLS1_3_VERSION ? SSL_get_current_cipher(ssl) : NULL;
}

enum tls_proof tls_resume_proof(const struct tls_connection *connection)
{
    if (!connection->server || !connection->data)
        return TLS_PROOF_NONE;
    if (SSL_session_reused(connection->ssl) == 1)
        return connection->offer.opened;
    if (connection->peer_known)
        return TLS_PROOF_PEER;
    if (connection->offer.own)
        return TLS_PROOF_STALE;
    return connection->offer.any ? TLS_PROOF_FOREIGN : TLS_PROOF_NONE;
}

enum ferry_error tls_resume_check_client(struct tls_connection *connection)
{
    struct tls_binding *binding = connection->binding;
    if (connection->peer_known)
        return FERRY_OK;
    const X509 *shown = SSL_get0_peer_certificate(connection->ssl);
    uint8_t sha256[LIBRARY_SHA256_BYTES] = {0};
    if (shown && !certificate_sha256(shown, sha256))
        return library_no_memory(&connection->fault);

    if (!connection->data) {
        binding->certified = shown != NULL;
        memcpy(binding->certificate_sha256, sha256, sizeof(sha256));
        return FERRY_OK;
    }
    if (!binding->certified || memcmp(binding->certificate_sha256, sha256, sizeof(sha256)) == 0)
        return FERRY_OK;
    return fault_set(
        &connection->fault, FERRY_E_TRUST,
        shown ? "the data connection shows another client certificate than the control connection"
              : "the data connection shows no client certificate, the control connection did");
}
