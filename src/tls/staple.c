/* OCSP responses on the handshake: what a server staples, what a client makes of it (RFC 6066
 * section 8, RFC 7633; TLS-208). */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "tls/connection.h"
#include "tls/library.h"

enum {
    CLOCKS_DIFFER_S = 300, /* seconds */
    STATUS_REQUEST = 5, /* the TLS feature that a certificate demands (RFC 7633 section 4.2.3.1) */
};

/* What a response says of one certificate. */
struct verdict {
    OCSP_BASICRESP *basic; /* owned */
    int status;            /* V_OCSP_CERTSTATUS_* */
    ASN1_GENERALIZEDTIME *next_update;
};

static void drop_verdict(struct verdict *verdict)
{
    OCSP_BASICRESP_free(verdict->basic);
}

static void drop_response(OCSP_RESPONSE **response)
{
    OCSP_RESPONSE_free(*response);
}

/* By the serial number and the hash of the issuer's name: the issuer itself need not be at hand. */
static bool is_about(const OCSP_SINGLERESP *single, const X509 *certificate)
{
    ASN1_OCTET_STRING *name_hash = NULL;
    ASN1_OBJECT *algorithm = NULL;
    ASN1_INTEGER *serial = NULL;
    OCSP_CERTID *id = library_mutable(OCSP_SINGLERESP_get0_id(single));
    const EVP_MD *hash = OCSP_id_get0_info(&name_hash, &algorithm, NULL, &serial, id) == 1
                             ? EVP_get_digestbyobj(algorithm)
                             : NULL;
    unsigned char issuer[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    return hash && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0 &&
           X509_NAME_digest(X509_get_issuer_name(certificate), hash, issuer, &len) == 1 &&
           bytes_equal(bytes_of(issuer, len), bytes_of(ASN1_STRING_get0_data(name_hash),
                                                       (size_t)ASN1_STRING_length(name_hash)));
}

/* Finds what `basic` says of `certificate` now. NULL: found; else why not. */
static const char *find_answer(OCSP_BASICRESP *basic, const X509 *certificate,
                               struct verdict *verdict)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (!is_about(single, certificate))
            continue;
        ASN1_GENERALIZEDTIME *this_update = NULL;
        verdict->status =
            OCSP_single_get0_status(single, NULL, NULL, &this_update, &verdict->next_update);
        if (!verdict->next_update)
            return "does not say how long it is good for";
        return OCSP_check_validity(this_update, verdict->next_update, CLOCKS_DIFFER_S, -1) == 1
                   ? NULL
                   : "is stale, or not yet good";
    }
    return "is not about this certificate";
}

/* Reads a response. NULL: it is well-formed and says something of `certificate` now; else what is
 * wrong with it, to stand behind "the OCSP response". */
static const char *read_response(struct bytes der, const X509 *certificate, struct verdict *verdict)
{
    const unsigned char *next = (const unsigned char *)der.ptr;
    CLEANUP(drop_response)
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &next, (long)der.len);
    if (!response || next != (const unsigned char *)der.ptr + der.len)
        return "cannot be read (DER)";
    if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return "says that the responder failed";
    verdict->basic = OCSP_response_get1_basic(response);
    return verdict->basic ? find_answer(verdict->basic, certificate, verdict)
                          : "is of a kind that is not understood";
}

static const char *status_words(int status)
{
    switch (status) {
    case V_OCSP_CERTSTATUS_GOOD:
        return NULL;
    case V_OCSP_CERTSTATUS_REVOKED:
        return "says that the certificate is revoked";
    default:
        return "does not know the certificate";
    }
}

/* ---- server ---- */

/* The server's status callback: OpenSSL frees what it is given. */
static int give_staple(SSL *ssl, void *ctx)
{
    const struct tls_context *context = ctx;
    if (X509_cmp_current_time(context->staple_until) <= 0)
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char *copy = OPENSSL_memdup(context->staple, context->staple_len);
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)context->staple_len);
    return SSL_TLSEXT_ERR_OK;
}

enum ferry_error tls_staple_install(struct tls_context *context, struct bytes der,
                                    struct fault *fault)
{
    ERR_clear_error();
    if (der.len > TLS_STAPLE_MAX_BYTES)
        return fault_set(fault, FERRY_E_ARGUMENT, "the OCSP response is longer than %d bytes",
                         TLS_STAPLE_MAX_BYTES);
    CLEANUP(drop_verdict) struct verdict verdict = {0};
    const char *wrong = read_response(der, SSL_CTX_get0_certificate(context->ssl), &verdict);
    if (!wrong)
        wrong = status_words(verdict.status);
    if (!wrong && X509_cmp_current_time(verdict.next_update) <= 0)
        wrong = "is stale"; /* to the second: give_staple would never send it */
    ERR_clear_error();
    if (wrong)
        return fault_set(fault, FERRY_E_ARGUMENT, "the OCSP response %s", wrong);

    context->staple = alloc_resize(NULL, der.len, 1);
    context->staple_until = ASN1_STRING_dup(verdict.next_update);
    if (!context->staple || !context->staple_until)
        return library_no_memory(fault);
    memcpy(context->staple, der.ptr, der.len);
    context->staple_len = der.len;
    SSL_CTX_set_tlsext_status_cb(context->ssl, give_staple);
    SSL_CTX_set_tlsext_status_arg(context->ssl, context);
    return FERRY_OK;
}

/* ---- client ---- */

static void drop_features(TLS_FEATURE **features)
{
    TLS_FEATURE_free(*features);
}

static bool demands_staple(const X509 *certificate)
{
    CLEANUP(drop_features)
    TLS_FEATURE *features = X509_get_ext_d2i(certificate, NID_tlsfeature, NULL, NULL);
    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++) {
        if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == STATUS_REQUEST)
            return true;
    }
    return false;
}

/* NULL: the response is the issuer's, and says that the certificate is good. */
static const char *judge(const SSL *ssl, struct bytes der, const X509 *certificate)
{
    CLEANUP(drop_verdict) struct verdict verdict = {0};
    const char *wrong = read_response(der, certificate, &verdict);
    if (wrong)
        return wrong;
    X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    if (OCSP_basic_verify(verdict.basic, SSL_get0_verified_chain(ssl), store, 0) != 1)
        return "is not signed by the certificate's CA";
    return status_words(verdict.status);
}

/* The client's status callback: 1 goes on, 0 ends with bad_certificate_status_response. It comes
 * after the certificate was verified, whether or not there was a response. What was trusted for its
 * key, is the control connection's own or another server's (peers.h) needs no CA's word. */
static int check_staple(SSL *ssl, void *ctx)
{
    (void)ctx;
    struct tls_connection *connection = tls_connection_of(ssl);
    if (connection->peers || connection->trust->pin_count > 0 ||
        (connection->data && connection->trust->control_seen))
        return 1;
    const unsigned char *der = NULL;
    long len = SSL_get_tlsext_status_ocsp_resp(ssl, &der);
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (!certificate || (len <= 0 && !demands_staple(certificate)))
        return 1;
    if (len <= 0) {
        fault_set(&connection->fault, FERRY_E_TRUST,
                  "the server's certificate demands a stapled OCSP response, and none came");
        return 0;
    }
    const char *wrong = judge(ssl, bytes_of(der, (size_t)len), certificate);
    ERR_clear_error();
    if (!wrong)
        return 1;
    fault_set(&connection->fault, FERRY_E_TRUST, "the OCSP response that the server stapled %s",
              wrong);
    return 0;
}

void tls_staple_ask(SSL_CTX *ssl)
{
    SSL_CTX_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    SSL_CTX_set_tlsext_status_cb(ssl, check_staple);
}
