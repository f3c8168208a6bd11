/* What many TLS sessions share. */
#include "tls/context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "tls/authorities.h"
#include "tls/connection.h"
#include "tls/describe.h"
#include "tls/library.h"
#include "tls/pem.h"
#include "tls/signer_private.h"

static const int protocol_versions[] = {
    [TLS_VERSION_1_0] = TLS1_VERSION,
    [TLS_VERSION_1_1] = TLS1_1_VERSION,
    [TLS_VERSION_1_2] = TLS1_2_VERSION,
    [TLS_VERSION_1_3] = TLS1_3_VERSION,
};

bool tls_context_is_for(const struct tls_context *context, const char *host)
{
    X509 *certificate = SSL_CTX_get0_certificate(context->ssl);
    return certificate && (X509_check_host(certificate, host, 0, 0, NULL) == 1 ||
                           X509_check_ip_asc(certificate, host, 0) == 1);
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    context->refs++;
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    if (!context || --context->refs > 0)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->bio_method);
    alloc_free(context->pins);
    alloc_free(context->staple);
    ASN1_TIME_free(context->staple_until);
    alloc_free(context);
}

static void drop_context(struct tls_context **context)
{
    tls_context_unref(*context);
}

/* Narrows the policy's versions to what was asked for. */
static enum ferry_error set_versions(SSL_CTX *ssl, const struct tls_policy *policy,
                                     enum tls_version min, enum tls_version max,
                                     struct fault *fault)
{
    if (min == TLS_VERSION_ANY)
        min = policy->min;
    if (max == TLS_VERSION_ANY)
        max = policy->max;
    if (min < policy->min || max > policy->max)
        return fault_set(fault, FERRY_E_ARGUMENT, "the TLS policy \"%s\" has no %s", policy->name,
                         tls_version_name(min < policy->min ? min : max));
    if (min > max)
        return fault_set(fault, FERRY_E_ARGUMENT, "no TLS version is at least %s and at most %s",
                         tls_version_name(min), tls_version_name(max));
    if (SSL_CTX_set_min_proto_version(ssl, protocol_versions[min]) != 1 ||
        SSL_CTX_set_max_proto_version(ssl, protocol_versions[max]) != 1)
        return library_fault(fault, FERRY_E_ARGUMENT, "set the TLS versions");
    return FERRY_OK;
}

/* Not SSL_CTX_set_dh_auto, which takes 1024 bits beside a certificate as weak (tls.md section 15).
 */
static bool set_dh_group(SSL_CTX *ssl)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, library_mutable("ffdhe2048"),
                                         0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *group = NULL;
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(library_context(), "DH", NULL);
    bool set =
        maker && EVP_PKEY_fromdata_init(maker) == 1 &&
        EVP_PKEY_fromdata(maker, &group, EVP_PKEY_KEY_PARAMETERS, library_mutable(params)) == 1 &&
        SSL_CTX_set0_tmp_dh_pkey(ssl, group) == 1;
    if (!set)
        EVP_PKEY_free(group); /* else the context's */
    EVP_PKEY_CTX_free(maker);
    return set;
}

static enum ferry_error set_policy(struct tls_context *context, struct fault *fault)
{
    const struct tls_policy *policy = tls_policy(context->policy);
    SSL_CTX *ssl = context->ssl;
    if (SSL_CTX_set_cipher_list(ssl, policy->ciphers_1_2) != 1 ||
        SSL_CTX_set_ciphersuites(ssl, policy->suites_1_3) != 1 ||
        SSL_CTX_set1_groups_list(ssl, library_mutable(policy->groups)) != 1)
        return library_fault(fault, FERRY_E_TLS, "set the TLS policy \"%s\"", policy->name);

    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    if (context->policy == TLS_POLICY_LEGACY) {
        if (context->server && !set_dh_group(ssl))
            return library_fault(fault, FERRY_E_TLS, "set the Diffie-Hellman group");
        if (!context->server)
            SSL_CTX_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
    }
    /* Buffers of idle sessions are given back. A chain is sent as configured, never completed from
     * the CAs that peers are verified with. */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    return FERRY_OK;
}

/* Where the private key of this end is: in a text, or with a signer. */
struct key_source {
    struct bytes pem;
    const struct secret *passphrase;
    struct tls_signer *signer;
    uint32_t number;
};

static enum ferry_error find_key(const struct key_source *source, X509 *certificate, EVP_PKEY **out,
                                 struct fault *fault)
{
    if (!source->signer)
        return pem_private_key(source->pem, source->passphrase, out, fault);
    *out = signer_provider_key(source->signer, source->number, X509_get0_pubkey(certificate));
    if (*out)
        return FERRY_OK;
    return library_fault(fault, FERRY_E_ARGUMENT, "use the certificate's key by a signer");
}

/* The certificate of this end with its intermediates and its key. */
static enum ferry_error set_identity(SSL_CTX *ssl, struct bytes certificate_pem,
                                     const struct key_source *source, struct fault *fault)
{
    CLEANUP(pem_drop_certificates) STACK_OF(X509) *chain = NULL;
    CLEANUP(library_drop_key) EVP_PKEY *key = NULL;
    enum ferry_error error = pem_certificates(certificate_pem, "the certificate", &chain, fault);
    if (error == FERRY_OK)
        error = find_key(source, sk_X509_value(chain, 0), &key, fault);
    if (error != FERRY_OK)
        return error;

    if (SSL_CTX_use_certificate(ssl, sk_X509_value(chain, 0)) != 1)
        return library_fault(fault, FERRY_E_ARGUMENT, "use the certificate");
    for (int i = 1; i < sk_X509_num(chain); i++) {
        if (SSL_CTX_add1_chain_cert(ssl, sk_X509_value(chain, i)) != 1)
            return library_fault(fault, FERRY_E_ARGUMENT, "use an intermediate certificate");
    }
    if (X509_check_private_key(sk_X509_value(chain, 0), key) != 1) {
        ERR_clear_error();
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "the private key does not belong to the certificate");
    }
    if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
        return library_fault(fault, FERRY_E_ARGUMENT, "use the private key");
    return FERRY_OK;
}

static enum ferry_error context_new(bool server, enum tls_policy_name policy,
                                    struct tls_signer *signer, struct tls_context **out,
                                    struct fault *fault)
{
    ERR_clear_error();
    CLEANUP(drop_context) struct tls_context *context = alloc_zero(sizeof(*context));
    if (!context)
        return library_no_memory(fault);
    context->refs = 1;
    context->server = server;
    context->policy = policy;
    context->signer = signer;
    /* A signer's keys are known in its own library context; all but them is left to the default
     * provider. */
    context->ssl = SSL_CTX_new_ex(signer ? signer->library : library_context(),
                                  signer ? "?provider=default" : NULL,
                                  server ? TLS_server_method() : TLS_client_method());
    context->bio_method = tls_bio_method_new();
    if (!context->ssl || !context->bio_method || !tls_connection_install(context->ssl, server))
        return library_no_memory(fault);
    enum ferry_error error = set_policy(context, fault);
    if (error != FERRY_OK)
        return error;
    *out = context;
    context = NULL;
    return FERRY_OK;
}

enum ferry_error tls_context_new_server(const struct tls_server_settings *settings,
                                        struct tls_context **out, struct fault *fault)
{
    CLEANUP(drop_context) struct tls_context *context = NULL;
    enum ferry_error error = context_new(true, settings->policy, settings->signer, &context, fault);
    if (error == FERRY_OK)
        error = set_versions(context->ssl, tls_policy(settings->policy), settings->min,
                             settings->max, fault);
    if (error == FERRY_OK)
        error = set_identity(context->ssl, settings->certificate_pem,
                             &(struct key_source){.pem = settings->key_pem,
                                                  .signer = settings->signer,
                                                  .number = settings->signer_key},
                             fault);
    if (error == FERRY_OK)
        error = tls_client_auth_install(context, settings, fault);
    if (error == FERRY_OK && settings->ocsp_der.len > 0)
        error = tls_staple_install(context, settings->ocsp_der, fault);
    if (error == FERRY_OK && !tls_resume_install(context->ssl))
        error = library_no_memory(fault);
    if (error != FERRY_OK)
        return error;
    context->alpn_required = settings->alpn_required;
    *out = context;
    context = NULL;
    return FERRY_OK;
}

static enum ferry_error set_trust(const struct tls_context *context,
                                  const struct tls_client_settings *settings, struct fault *fault)
{
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
    tls_verify_install(context->ssl, false);
    if (settings->system_trust && SSL_CTX_set_default_verify_paths(context->ssl) != 1)
        return library_fault(fault, FERRY_E_ARGUMENT, "use the system's CAs");
    if (settings->ca_pem.len == 0)
        return FERRY_OK;
    return authorities_add(context, settings->ca_pem, "the CA file", fault);
}

enum ferry_error tls_context_new_client(const struct tls_client_settings *settings,
                                        struct tls_context **out, struct fault *fault)
{
    CLEANUP(drop_context) struct tls_context *context = NULL;
    enum ferry_error error =
        context_new(false, settings->policy, settings->signer, &context, fault);
    if (error == FERRY_OK)
        error = set_versions(context->ssl, tls_policy(settings->policy), settings->min,
                             settings->max, fault);
    if (error == FERRY_OK)
        error = set_trust(context, settings, fault);
    if (error == FERRY_OK && settings->certificate_pem.len > 0)
        error = set_identity(context->ssl, settings->certificate_pem,
                             &(struct key_source){.pem = settings->key_pem,
                                                  .passphrase = settings->key_passphrase,
                                                  .signer = settings->signer,
                                                  .number = settings->signer_key},
                             fault);
    if (error != FERRY_OK)
        return error;
    tls_sessions_install(context->ssl);
    tls_staple_ask(context->ssl);
    *out = context;
    context = NULL;
    return FERRY_OK;
}
