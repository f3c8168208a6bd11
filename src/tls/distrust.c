/* Why a certificate is not trusted, in words. */
#include "tls/distrust.h"

#include <openssl/x509v3.h>

#include "tls/certificate.h"

enum remedy { REMEDY_NONE, REMEDY_TRUST, REMEDY_CLOCK, REMEDY_LEGACY, REMEDY_NAME };

/* What is said behind "the server's certificate". Where there is more to say than a fixed text, see
 * distrust_chain. */
static const struct {
    int error;
    const char *words;
    enum remedy remedy;
} reasons[] = {
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "is self-signed", REMEDY_TRUST},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "is signed by a CA that is not trusted here",
     REMEDY_TRUST},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
     "is signed by a CA that is not known here, or comes without its intermediate certificates",
     REMEDY_TRUST},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "comes without its intermediate certificates",
     REMEDY_TRUST},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
     "is signed by a CA that is not known here, or comes without its intermediate certificates",
     REMEDY_TRUST},
    {X509_V_ERR_CERT_UNTRUSTED, "is not trusted here", REMEDY_TRUST},
    {X509_V_ERR_INVALID_PURPOSE, "is not made for this use", REMEDY_NONE},
    {X509_V_ERR_CERT_REVOKED, "is revoked", REMEDY_NONE},
    {X509_V_ERR_UNABLE_TO_GET_CRL,
     "cannot be looked up for revocation: there is no CRL of its CA here", REMEDY_NONE},
    {X509_V_ERR_CRL_HAS_EXPIRED, "cannot be looked up for revocation: the CRL of its CA is stale",
     REMEDY_NONE},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE,
     "cannot be looked up for revocation: the CRL of its CA is forged", REMEDY_NONE},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, "comes with too many intermediate certificates", REMEDY_NONE},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "has a key that is too short", REMEDY_LEGACY},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "is signed by a CA whose key is too short", REMEDY_LEGACY},
    {X509_V_ERR_CA_MD_TOO_WEAK, "is signed with a hash that is too weak", REMEDY_LEGACY},
};

static void key_pin(X509_STORE_CTX *store, char out[CERTIFICATE_PIN_TEXT_BYTES])
{
    uint8_t sha256[LIBRARY_SHA256_BYTES];
    out[0] = '\0';
    if (certificate_key_sha256(X509_STORE_CTX_get0_cert(store), sha256))
        certificate_pin_text(sha256, out);
}

static void advise(struct fault *fault, X509_STORE_CTX *store, enum remedy remedy)
{
    char pin[CERTIFICATE_PIN_TEXT_BYTES];
    switch (remedy) {
    case REMEDY_NONE:
        return;
    case REMEDY_TRUST:
        key_pin(store, pin);
        fault_advise(
            fault,
            "use --ca FILE with its CA; or ask the server's operator whether this is its key "
            "and use --pin %s",
            pin);
        return;
    case REMEDY_CLOCK:
        fault_advise(fault, "look at this machine's clock, and tell the server's operator");
        return;
    case REMEDY_LEGACY:
        fault_advise(fault, "if the server cannot be updated, use --legacy");
        return;
    case REMEDY_NAME:
        key_pin(store, pin);
        fault_advise(
            fault,
            "use a name the certificate is for; or ask the server's operator whether this is "
            "its key and use --pin %s",
            pin);
        return;
    }
}

static bool is_wrong_name(int error)
{
    return error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

static enum remedy set_name_fault(struct fault *fault, X509_STORE_CTX *store, const char *host)
{
    char valid_for[FAULT_TEXT_BYTES / 2];
    certificate_hosts_text(X509_STORE_CTX_get0_cert(store), valid_for, sizeof(valid_for));
    fault_set(fault, FERRY_E_TRUST, "the server's certificate is not for %s; it is valid for %s",
              host, valid_for[0] != '\0' ? valid_for : "no host name");
    return REMEDY_NAME;
}

static enum remedy set_date_fault(struct fault *fault, X509_STORE_CTX *store, const char *whose)
{
    const X509 *at_fault = X509_STORE_CTX_get_current_cert(store);
    if (at_fault != X509_STORE_CTX_get0_cert(store))
        whose = "the certificate of a CA";
    char date[CERTIFICATE_DATE_BYTES];
    if (X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_HAS_EXPIRED) {
        certificate_date_text(X509_get0_notAfter(at_fault), date);
        fault_set(fault, FERRY_E_TRUST, "%s expired on %s", whose, date);
    } else {
        certificate_date_text(X509_get0_notBefore(at_fault), date);
        fault_set(fault, FERRY_E_TRUST, "%s is not valid before %s", whose, date);
    }
    return REMEDY_CLOCK;
}

static enum remedy set_other_fault(struct fault *fault, int error, const char *whose)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].error == error) {
            fault_set(fault, FERRY_E_TRUST, "%s %s", whose, reasons[i].words);
            return reasons[i].remedy;
        }
    }
    fault_set(fault, FERRY_E_TRUST, "%s is not trusted: %s", whose,
              X509_verify_cert_error_string(error));
    return REMEDY_NONE;
}

void distrust_pin(struct fault *fault, const uint8_t key_sha256[LIBRARY_SHA256_BYTES])
{
    char pin[CERTIFICATE_PIN_TEXT_BYTES];
    certificate_pin_text(key_sha256, pin);
    fault_set(fault, FERRY_E_TRUST, "the server's key is none of those pinned; it is %s", pin);
    fault_advise(fault, "do not go on before the server's operator has told why its key changed");
}

void distrust_chain(struct fault *fault, X509_STORE_CTX *store, const char *host)
{
    const char *whose = host ? "the server's certificate" : "the client's certificate";
    int error = X509_STORE_CTX_get_error(store);
    bool date = error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
    enum remedy remedy;
    if (host && is_wrong_name(error))
        remedy = set_name_fault(fault, store, host);
    else if (date)
        remedy = set_date_fault(fault, store, whose);
    else
        remedy = set_other_fault(fault, error, whose);
    /* OpenSSL's alert would tell the client that its certificate expired. */
    if (error == X509_V_ERR_CRL_HAS_EXPIRED)
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    if (host) /* what is advised is for the client's user */
        advise(fault, store, remedy);
}
