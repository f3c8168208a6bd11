/* Whether a certificate is trusted. */
#include "tls/verify.h"

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "tls/certificate.h"
#include "tls/connection.h"
#include "tls/distrust.h"
#include "tls/library.h"

enum {
    CHAIN_MAX_CERTIFICATES = 10, /* SEC-59 */
    CHAIN_MAX_BYTES = 64 * 1024,
    KEY_MAX_BITS = 8192,
    RSA_MIN_BITS = 1024, /* even where OpenSSL's security level sets no floor (tls.md section 15) */
    CLIENT_CHAIN_MAX_DEPTH = 5, /* TLS-75 */
};

enum ferry_error tls_pin_parse(struct bytes text, struct tls_pin *out)
{
    const struct bytes prefix = BYTES_LIT("sha256//");
    enum { BASE64_BYTES = 44, PADDED_BYTES = 33 }; /* 32 bytes and one of padding */
    struct bytes base64 = bytes_skip(text, prefix.len);
    if (!bytes_starts(text, prefix) || base64.len != BASE64_BYTES)
        return FERRY_E_ARGUMENT;

    unsigned char padded[PADDED_BYTES];
    if (EVP_DecodeBlock(padded, (const unsigned char *)base64.ptr, BASE64_BYTES) != PADDED_BYTES)
        return FERRY_E_ARGUMENT;
    /* EVP_DecodeBlock forgives blanks, missing padding and stray bits; a pin is written in one way.
     */
    char canonical[CERTIFICATE_PIN_TEXT_BYTES];
    certificate_pin_text(padded, canonical);
    if (!bytes_equal(text, bytes_str(canonical)))
        return FERRY_E_ARGUMENT;
    memcpy(out->bytes, padded, sizeof(out->bytes));
    return FERRY_OK;
}

/* Marks what is verified as refused, which chooses the alert. Returns 0, for a callback to return.
 */
static int refuse(X509_STORE_CTX *store)
{
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

static bool chain_is_small(X509_STORE_CTX *store)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
    if (sk_X509_num(chain) > CHAIN_MAX_CERTIFICATES)
        return false;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        const EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(chain, i));
        if (key && EVP_PKEY_get_bits(key) > KEY_MAX_BITS)
            return false;
    }
    return true;
}

static bool keys_are_long(X509_STORE_CTX *store)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        const EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(chain, i));
        if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
            EVP_PKEY_get_bits(key) < RSA_MIN_BITS)
            return false;
    }
    return true;
}

static int verify_pin(struct tls_connection *connection, X509_STORE_CTX *store)
{
    const struct tls_trust *trust = connection->trust;
    uint8_t sha256[LIBRARY_SHA256_BYTES];
    if (!certificate_key_sha256(X509_STORE_CTX_get0_cert(store), sha256)) {
        library_no_memory(&connection->fault);
        return refuse(store);
    }
    for (size_t i = 0; i < trust->pin_count; i++) {
        if (memcmp(trust->pins[i].bytes, sha256, sizeof(sha256)) == 0) {
            X509_STORE_CTX_set_error(store, X509_V_OK);
            return 1;
        }
    }
    distrust_pin(&connection->fault, sha256);
    return refuse(store);
}

/* A data connection: what the control connection was convinced by need not be proved again, and
 * nothing else will do (TLS-91). */
static int verify_same(struct tls_connection *connection, X509_STORE_CTX *store)
{
    uint8_t sha256[LIBRARY_SHA256_BYTES];
    if (!certificate_sha256(X509_STORE_CTX_get0_cert(store), sha256)) {
        library_no_memory(&connection->fault);
        return refuse(store);
    }
    if (memcmp(connection->trust->control_sha256, sha256, sizeof(sha256)) == 0) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    fault_set(&connection->fault, FERRY_E_TRUST,
              "the data connection shows another certificate than the control connection");
    return refuse(store);
}

int tls_verify_chain(struct tls_connection *connection, X509_STORE_CTX *store)
{
    if (X509_verify_cert(store) == 1)
        return 1;
    if (X509_STORE_CTX_get_error(store) == X509_V_ERR_OUT_OF_MEM)
        library_no_memory(&connection->fault);
    else
        distrust_chain(&connection->fault, store,
                       connection->server ? NULL : connection->name.text);
    return 0;
}

/* Another server, or whoever else. As TLS server we let others in without a proof, for the owner to
 * decide on, but a client's certificate is verified where the listener asks for one. */
static int verify_peer(struct tls_connection *connection, X509_STORE_CTX *store)
{
    connection->peer_known = tls_peers_know(connection->peers, store);
    if (connection->peer_known) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    if (!connection->server) {
        fault_set(&connection->fault, FERRY_E_TRUST, "the other server is not one that is known");
        return refuse(store);
    }
    bool asked = SSL_CTX_get_verify_mode(SSL_get_SSL_CTX(connection->ssl)) != SSL_VERIFY_NONE;
    return asked ? tls_client_auth_verify(connection, store) : 1;
}

/* SSL_CTX_set_cert_verify_callback: called once per full handshake with the peer's certificates. */
static int on_certificate(X509_STORE_CTX *store, void *ctx)
{
    (void)ctx;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_connection *connection = tls_connection_of(ssl);
    if (!chain_is_small(store)) {
        fault_set(&connection->fault, FERRY_E_LIMIT,
                  "the peer's certificates are more than %d or have a key of more than %d bits",
                  CHAIN_MAX_CERTIFICATES, KEY_MAX_BITS);
        return refuse(store);
    }
    if (!keys_are_long(store)) {
        fault_set(&connection->fault, FERRY_E_TRUST,
                  "a certificate of the peer's has an RSA key of less than %d bits", RSA_MIN_BITS);
        return refuse(store);
    }
    if (connection->peers)
        return verify_peer(connection, store);
    if (connection->server)
        return tls_client_auth_verify(connection, store);
    if (connection->data && connection->trust->control_seen)
        return verify_same(connection, store);
    if (connection->trust->pin_count > 0)
        return verify_pin(connection, store);
    return tls_verify_chain(connection, store);
}

void tls_verify_install(SSL_CTX *ssl, bool server)
{
    SSL_CTX_set_cert_verify_callback(ssl, on_certificate, NULL);
    SSL_CTX_set_max_cert_list(ssl, CHAIN_MAX_BYTES);
    SSL_CTX_set_verify_depth(ssl, server ? CLIENT_CHAIN_MAX_DEPTH : CHAIN_MAX_CERTIFICATES);
}

/* The name without what no certificate says: the dot of the root (TLS-146), the zone of an IPv6
 * address. */
static enum ferry_error set_name(struct tls_name *name, const char *text)
{
    struct bytes host = bytes_str(text);
    if (bytes_find(host, ':') < host.len)
        host = bytes_first(host, bytes_find(host, '%'));
    if (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    if (host.len == 0 || host.len >= sizeof(name->text))
        return FERRY_E_ARGUMENT;
    memcpy(name->text, host.ptr, host.len);
    name->text[host.len] = '\0';

    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name->text);
    name->address = address != NULL;
    ASN1_OCTET_STRING_free(address);
    return FERRY_OK;
}

enum ferry_error tls_verify_prepare(struct tls_connection *connection, const char *name)
{
    enum ferry_error error = set_name(&connection->name, name);
    if (error != FERRY_OK)
        return fault_set(&connection->fault, error, "the server's name is empty or too long");

    const char *text = connection->name.text;
    X509_VERIFY_PARAM *param = SSL_get0_param(connection->ssl);
    if (connection->name.address)
        return X509_VERIFY_PARAM_set1_ip_asc(param, text) == 1
                   ? FERRY_OK
                   : library_no_memory(&connection->fault);

    unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    if (connection->policy != TLS_POLICY_LEGACY)
        flags |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    X509_VERIFY_PARAM_set_hostflags(param, flags);
    return X509_VERIFY_PARAM_set1_host(param, text, 0) == 1 &&
                   SSL_set_tlsext_host_name(connection->ssl, library_mutable(text)) == 1
               ? FERRY_OK
               : library_no_memory(&connection->fault);
}

void tls_verify_prepare_peers(struct tls_connection *connection, const struct tls_peers *peers)
{
    connection->peers = peers;
    int mode = SSL_get_verify_mode(connection->ssl) | SSL_VERIFY_PEER;
    SSL_set_verify(connection->ssl, mode, NULL);
}

enum ferry_error tls_verify_remember(struct tls_connection *connection)
{
    const X509 *shown = SSL_get0_peer_certificate(connection->ssl);
    struct tls_trust *trust = connection->trust;
    if (!shown || !certificate_sha256(shown, trust->control_sha256))
        return library_no_memory(&connection->fault);
    trust->control_seen = true;
    return FERRY_OK;
}
