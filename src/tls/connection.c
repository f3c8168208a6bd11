/* What a hello may say and how much a peer may send. */
#include "tls/connection.h"

#include "tls/library.h"

enum {
    /* KeyUpdates that a peer may send for each MiB of plaintext; no stack sends more than one for
     * gigabytes. */
    KEY_UPDATES_MAX = 32,
    KEY_UPDATE_CREDIT_BYTES = 1024 * 1024,
    DH_MIN_BITS = 2048,
};

/* Protocol names as ALPN writes them: a length and the name, one after the other (RFC 7301
 * section 3.1). */
static const unsigned char control_protocols[] = {3, 'f', 't', 'p'};
static const unsigned char data_protocols[] = {3,   'f', 't', 'p', 8,   'f', 't',
                                               'p', '-', 'd', 'a', 't', 'a'};

/* Whether the extension supported_versions, a list of 2-byte versions behind its length (RFC 8446
 * section 4.2.1), names TLS 1.3. */
static bool offers_tls_1_3(SSL *ssl)
{
    const unsigned char *list = NULL;
    size_t len = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &list, &len) != 1)
        return false;
    for (size_t i = 1; i + 1 < len; i += 2) {
        if (list[i] == (TLS1_3_VERSION >> 8) && list[i + 1] == (TLS1_3_VERSION & 0xff))
            return true;
    }
    return false;
}

/* Accepting what names it brings keeps the name in the session, for the facts of data connections
 * that resume it (TLS-210). Which host is meant was decided at the hello. */
static int on_server_name(SSL *ssl, int *alert, void *ctx)
{
    (void)ssl;
    (void)alert;
    (void)ctx;
    return SSL_TLSEXT_ERR_OK;
}

static bool has_extension(SSL *ssl, unsigned type)
{
    const unsigned char *content = NULL;
    size_t len = 0;
    return SSL_client_hello_get0_ext(ssl, type, &content, &len) == 1;
}

static bool offers_session(SSL *ssl, bool tls_1_3)
{
    const unsigned char *content = NULL;
    size_t len = 0;
    if (has_extension(ssl, TLSEXT_TYPE_psk))
        return true;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_session_ticket, &content, &len) == 1 && len > 0)
        return true;
    /* A client of TLS 1.3 fills the id with noise (RFC 8446 section 4.1.2); if it is an id of ours,
     * the look-up will know it. */
    return !tls_1_3 && SSL_client_hello_get0_session_id(ssl, &content) > 0;
}

static int on_client_hello(SSL *ssl, int *alert, void *ctx)
{
    (void)ctx;
    struct tls_connection *connection = tls_connection_of(ssl);
    bool tls_1_3 = offers_tls_1_3(ssl);
    if (offers_session(ssl, tls_1_3))
        connection->offer.any = true;
    if (connection->hosts && !tls_hosts_choose(connection, alert))
        return SSL_CLIENT_HELLO_ERROR;

    bool tls_1_3_comes = tls_1_3 && SSL_get_max_proto_version(ssl) >= TLS1_3_VERSION;
    if (!tls_1_3_comes && !has_extension(ssl, TLSEXT_TYPE_extended_master_secret) &&
        connection->policy != TLS_POLICY_LEGACY) {
        fault_set(&connection->fault, FERRY_E_TLS,
                  "the client does not offer the extended master secret (RFC 7627)");
        *alert = SSL_AD_HANDSHAKE_FAILURE;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (connection->context->alpn_required && !connection->data &&
        !has_extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation)) {
        fault_set(&connection->fault, FERRY_E_TLS,
                  "the client does not say by ALPN that it wants FTP, which this server demands");
        *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *offered, unsigned offered_len, void *ctx)
{
    (void)ctx;
    struct tls_connection *connection = tls_connection_of(ssl);
    const unsigned char *ours = connection->data ? data_protocols : control_protocols;
    size_t ours_len = connection->data ? sizeof(data_protocols) : sizeof(control_protocols);
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_len, ours, (unsigned)ours_len, offered, offered_len) ==
        OPENSSL_NPN_NEGOTIATED) {
        *out = chosen;
        return SSL_TLSEXT_ERR_OK;
    }
    fault_set(
        &connection->fault, FERRY_E_TLS,
        "the client wants another protocol than FTP (ALPN), which this server does not speak");
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Sees every message. OpenSSL has no bound on KeyUpdate of its own. */
static void on_message(int writing, int version, int content_type, const void *content, size_t len,
                       SSL *ssl, void *ctx)
{
    (void)version;
    (void)ctx;
    const unsigned char *message = content;
    if (writing || content_type != SSL3_RT_HANDSHAKE || len == 0 ||
        message[0] != SSL3_MT_KEY_UPDATE)
        return;
    struct tls_connection *connection = tls_connection_of(ssl);
    if (++connection->key_updates <= KEY_UPDATES_MAX)
        return;
    fault_set(&connection->fault, FERRY_E_LIMIT, "the peer changes its TLS keys without end");
    connection->wire.stopped = true;
}

bool tls_connection_install(SSL_CTX *ssl, bool server)
{
    SSL_CTX_set_msg_callback(ssl, on_message);
    if (!server) /* 0 is success here */
        return SSL_CTX_set_alpn_protos(ssl, control_protocols, sizeof(control_protocols)) == 0;
    SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
    SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
    SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
    return true;
}

void tls_connection_credit(struct tls_connection *connection, size_t len)
{
    connection->opened_bytes += len;
    if (connection->opened_bytes < KEY_UPDATE_CREDIT_BYTES)
        return;
    connection->opened_bytes = 0;
    connection->key_updates = 0;
}

/* A group of Diffie-Hellman that is too small; only the legacy policy knows any but ours (tls.md
 * section 15). */
static enum ferry_error check_dh(struct tls_connection *connection)
{
    CLEANUP(library_drop_key) EVP_PKEY *key = NULL;
    if (connection->server || SSL_get_peer_tmp_key(connection->ssl, &key) != 1 ||
        EVP_PKEY_get_base_id(key) != EVP_PKEY_DH || EVP_PKEY_get_bits(key) >= DH_MIN_BITS)
        return FERRY_OK;
    return fault_set(&connection->fault, FERRY_E_TLS,
                     "the server's Diffie-Hellman group has less than %d bits", DH_MIN_BITS);
}

/* Without it, sessions can be made to share a master secret, and resumption proves nothing (RFC
 * 7627 section 1). TLS 1.3 has it built in. */
static enum ferry_error check_master_secret(struct tls_connection *connection)
{
    if (connection->policy == TLS_POLICY_LEGACY || SSL_version(connection->ssl) >= TLS1_3_VERSION ||
        SSL_get_extms_support(connection->ssl) == 1)
        return FERRY_OK;
    enum ferry_error error =
        fault_set(&connection->fault, FERRY_E_TLS,
                  "the %s lacks the extended master secret (RFC 7627), which TLS 1.2 needs",
                  connection->server ? "client" : "server");
    if (!connection->server)
        fault_advise(&connection->fault, "if the server cannot be updated, use --legacy");
    return error;
}

enum ferry_error tls_connection_check(struct tls_connection *connection)
{
    enum ferry_error error = check_master_secret(connection);
    return error == FERRY_OK ? check_dh(connection) : error;
}
