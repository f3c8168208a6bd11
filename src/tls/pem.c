/* PEM texts to certificates and keys. */
#include "tls/pem.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "tls/library.h"

void pem_drop_certificates(struct stack_st_X509 **certificates)
{
    sk_X509_pop_free(*certificates, X509_free);
}

void pem_drop_crls(struct stack_st_X509_CRL **crls)
{
    sk_X509_CRL_pop_free(*crls, X509_CRL_free);
}

static BIO *open_text(struct bytes pem)
{
    return pem.len <= INT_MAX ? BIO_new_mem_buf(pem.len > 0 ? pem.ptr : "", (int)pem.len) : NULL;
}

/* What the reader of a certificate or key is asked for when the PEM is encrypted. */
struct passphrase {
    const struct secret *secret;
    bool asked;
};

static int give_passphrase(char *out, int size, int writing, void *ctx)
{
    (void)writing;
    struct passphrase *passphrase = ctx;
    passphrase->asked = true;
    struct bytes value = secret_reveal(passphrase->secret);
    if (value.len == 0 || size < 0 || value.len > (size_t)size)
        return -1;
    memcpy(out, value.ptr, value.len);
    return (int)value.len;
}

/* Whether the reader stopped because no further PEM block stood there. */
static bool at_end(void)
{
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

enum ferry_error pem_certificates(struct bytes pem, const char *what, struct stack_st_X509 **out,
                                  struct fault *fault)
{
    ERR_clear_error();
    CLEANUP(library_drop_bio) BIO *text = open_text(pem);
    CLEANUP(pem_drop_certificates) STACK_OF(X509) *found = sk_X509_new_null();
    if (!text || !found)
        return library_no_memory(fault);

    struct passphrase none = {0};
    for (;;) {
        CLEANUP(library_drop_certificate)
        X509 *next = X509_new_ex(library_context(), NULL);
        if (!next)
            return library_no_memory(fault);
        if (!PEM_read_bio_X509(text, &next, give_passphrase, &none))
            break;
        if (sk_X509_push(found, next) <= 0)
            return library_no_memory(fault);
        next = NULL; /* the stack owns it */
    }
    if (!at_end())
        return library_fault(fault, FERRY_E_ARGUMENT, "read %s as PEM", what);
    ERR_clear_error();
    if (sk_X509_num(found) == 0)
        return fault_set(fault, FERRY_E_ARGUMENT, "%s holds no certificate in PEM form", what);
    *out = found;
    found = NULL;
    return FERRY_OK;
}

enum ferry_error pem_crls(struct bytes pem, const char *what, struct stack_st_X509_CRL **out,
                          struct fault *fault)
{
    ERR_clear_error();
    CLEANUP(library_drop_bio) BIO *text = open_text(pem);
    CLEANUP(pem_drop_crls) STACK_OF(X509_CRL) *found = sk_X509_CRL_new_null();
    if (!text || !found)
        return library_no_memory(fault);

    struct passphrase none = {0};
    X509_CRL *next;
    while ((next = PEM_read_bio_X509_CRL(text, NULL, give_passphrase, &none))) {
        if (sk_X509_CRL_push(found, next) <= 0) {
            X509_CRL_free(next);
            return library_no_memory(fault);
        }
    }
    if (!at_end())
        return library_fault(fault, FERRY_E_ARGUMENT, "read %s as PEM", what);
    ERR_clear_error();
    if (sk_X509_CRL_num(found) == 0)
        return fault_set(fault, FERRY_E_ARGUMENT, "%s holds no CRL in PEM form", what);
    *out = found;
    found = NULL;
    return FERRY_OK;
}

enum ferry_error pem_private_key(struct bytes pem, const struct secret *passphrase, EVP_PKEY **out,
                                 struct fault *fault)
{
    ERR_clear_error();
    CLEANUP(library_drop_bio) BIO *text = open_text(pem);
    if (!text)
        return library_no_memory(fault);

    struct passphrase ask = {.secret = passphrase};
    *out = PEM_read_bio_PrivateKey_ex(text, NULL, give_passphrase, &ask, library_context(), NULL);
    if (*out) {
        ERR_clear_error();
        return FERRY_OK;
    }
    ERR_clear_error(); /* the reasons there are those of each decoder that was tried */
    const char *what = "there is no usable private key in PEM form";
    if (ask.asked)
        what = passphrase ? "the passphrase does not open the private key"
                          : "the private key is encrypted and no passphrase was given";
    return fault_set(fault, FERRY_E_ARGUMENT, "%s", what);
}
