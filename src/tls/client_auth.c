/* Clients' certificates: whether a server asks for them, and which it accepts. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "tls/authorities.h"
#include "tls/certificate.h"
#include "tls/connection.h"

static enum ferry_error keep_pins(struct tls_context *context, const struct tls_client_pins *pins,
                                  struct fault *fault)
{
    if (pins->key_count > TLS_CLIENT_PINS_MAX || pins->certificate_count > TLS_CLIENT_PINS_MAX)
        return fault_set(fault, FERRY_E_ARGUMENT, "more than %d pins of clients",
                         TLS_CLIENT_PINS_MAX);
    size_t count = pins->key_count + pins->certificate_count;
    if (count == 0)
        return FERRY_OK;
    context->pins = alloc_zero(count * sizeof(*context->pins));
    if (!context->pins)
        return library_no_memory(fault);
    for (size_t i = 0; i < count; i++)
        context->pins[i] =
            i < pins->key_count ? pins->keys[i] : pins->certificates[i - pins->key_count];
    context->key_pins = pins->key_count;
    context->pin_count = count;
    return FERRY_OK;
}

static enum ferry_error add_crls(struct tls_context *context,
                                 const struct tls_server_settings *settings, struct fault *fault)
{
    if (settings->client_crl_pem.len == 0)
        return FERRY_OK;
    context->crl_flags =
        X509_V_FLAG_CRL_CHECK | (settings->client_crl_chain ? X509_V_FLAG_CRL_CHECK_ALL : 0);
    return authorities_add_crls(context, settings->client_crl_pem, "the CRL of client certificates",
                                fault);
}

enum ferry_error tls_client_auth_install(struct tls_context *context,
                                         const struct tls_server_settings *settings,
                                         struct fault *fault)
{
    static const int modes[] = {
        [TLS_CLIENT_CERT_NONE] = SSL_VERIFY_NONE,
        [TLS_CLIENT_CERT_OPTIONAL] = SSL_VERIFY_PEER,
        [TLS_CLIENT_CERT_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    SSL_CTX_set_verify(context->ssl, modes[settings->client_certificates], NULL);
    tls_verify_install(context->ssl, true); /* in any case: a host behind this one may ask */
    if (settings->client_certificates == TLS_CLIENT_CERT_NONE)
        return FERRY_OK;
    enum ferry_error error = keep_pins(context, &settings->client_pins, fault);
    if (error == FERRY_OK && (settings->client_ca_pem.len > 0 || context->pin_count == 0))
        error = authorities_add(context, settings->client_ca_pem, "the CA of client certificates",
                                fault);
    return error == FERRY_OK ? add_crls(context, settings, fault) : error;
}

static bool is_pinned(const struct tls_context *context, const X509 *shown, bool *known)
{
    uint8_t key[LIBRARY_SHA256_BYTES], whole[LIBRARY_SHA256_BYTES];
    if (!certificate_key_sha256(shown, key) || !certificate_sha256(shown, whole))
        return false;
    for (size_t i = 0; i < context->pin_count && !*known; i++)
        *known =
            memcmp(context->pins[i].bytes, i < context->key_pins ? key : whole, sizeof(key)) == 0;
    return true;
}

static void drop_stack(STACK_OF(X509) * *stack)
{
    sk_X509_free(*stack);
}

/* The certificate is its own anchor: what is left to look at are its dates and its use. */
static int verify_pinned(struct tls_connection *connection, X509_STORE_CTX *store)
{
    CLEANUP(drop_stack) STACK_OF(X509) *anchors = sk_X509_new_null();
    if (!anchors || sk_X509_push(anchors, X509_STORE_CTX_get0_cert(store)) <= 0) {
        library_no_memory(&connection->fault);
        X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    X509_STORE_CTX_set0_trusted_stack(store, anchors);
    X509_STORE_CTX_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return tls_verify_chain(connection, store);
}

int tls_client_auth_verify(struct tls_connection *connection, X509_STORE_CTX *store)
{
    const struct tls_context *context = connection->context;
    bool known = false;
    if (context->pin_count > 0 && !is_pinned(context, X509_STORE_CTX_get0_cert(store), &known)) {
        library_no_memory(&connection->fault);
        X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    if (known)
        return verify_pinned(connection, store);
    X509_STORE_CTX_set_flags(store, context->crl_flags);
    return tls_verify_chain(connection, store);
}
