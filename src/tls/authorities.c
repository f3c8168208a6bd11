/* The CAs that peers are verified with, and their CRLs. */
#include "tls/authorities.h"

#include <openssl/err.h>

#include "tls/connection.h"
#include "tls/library.h"
#include "tls/pem.h"

enum ferry_error authorities_add(const struct tls_context *context, struct bytes pem,
                                 const char *what, struct fault *fault)
{
    CLEANUP(pem_drop_certificates) STACK_OF(X509) *found = NULL;
    enum ferry_error error = pem_certificates(pem, what, &found, fault);
    if (error != FERRY_OK)
        return error;
    X509_STORE *store = SSL_CTX_get_cert_store(context->ssl);
    for (int i = 0; i < sk_X509_num(found); i++) {
        X509 *authority = sk_X509_value(found, i);
        if (X509_STORE_add_cert(store, authority) != 1 ||
            (context->server && SSL_CTX_add_client_CA(context->ssl, authority) != 1))
            return library_fault(fault, FERRY_E_ARGUMENT, "use %s", what);
    }
    return FERRY_OK;
}

enum ferry_error authorities_add_crls(const struct tls_context *context, struct bytes pem,
                                      const char *what, struct fault *fault)
{
    CLEANUP(pem_drop_crls) STACK_OF(X509_CRL) *found = NULL;
    enum ferry_error error = pem_crls(pem, what, &found, fault);
    if (error != FERRY_OK)
        return error;
    X509_STORE *store = SSL_CTX_get_cert_store(context->ssl);
    for (int i = 0; i < sk_X509_CRL_num(found); i++) {
        if (X509_STORE_add_crl(store, sk_X509_CRL_value(found, i)) != 1)
            return library_fault(fault, FERRY_E_ARGUMENT, "use %s", what);
    }
    return FERRY_OK;
}
