/* Makes a CA and certificates. */
#include "tls/mint.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls/library.h"
#include "tls/pem.h"

enum { SERIAL_BYTES = 16 };

/* What differs between a CA and a leaf, as OpenSSL's configuration writes extensions. */
struct profile {
    const char *basic_constraints;
    const char *key_usage;
    const char *extended_key_usage; /* or NULL */
};

static const struct profile authority_profile = {
    .basic_constraints = "critical,CA:TRUE",
    .key_usage = "critical,keyCertSign,cRLSign",
};

static const struct profile server_profile = {
    .basic_constraints = "critical,CA:FALSE",
    .key_usage = "critical,digitalSignature",
    .extended_key_usage = "serverAuth",
};

static const struct profile client_profile = {
    .basic_constraints = "critical,CA:FALSE",
    .key_usage = "critical,digitalSignature",
    .extended_key_usage = "clientAuth",
};

void tls_minted_fini(struct tls_minted *minted)
{
    buf_fini(&minted->certificate_pem);
    buf_wipe(&minted->key_pem);
}

/* A random positive number of 127 bits (RFC 5280 section 4.1.2.2). */
static bool set_serial(X509 *certificate)
{
    unsigned char number[SERIAL_BYTES];
    if (!library_random(number, sizeof(number)))
        return false;
    number[0] = (number[0] & 0x3f) | 0x40;
    BIGNUM *serial = BN_bin2bn(number, sizeof(number), NULL);
    bool set = serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
    BN_free(serial);
    return set;
}

static bool set_fields(X509 *certificate, const char *common_name, int64_t not_before_s,
                       int64_t not_after_s, EVP_PKEY *key)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before_s) &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after_s) &&
           X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1 &&
           X509_set_pubkey(certificate, key) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool add_extensions(X509 *certificate, X509 *issuer, const struct profile *profile)
{
    return add_extension(certificate, issuer, NID_basic_constraints, profile->basic_constraints) &&
           add_extension(certificate, issuer, NID_key_usage, profile->key_usage) &&
           (!profile->extended_key_usage ||
            add_extension(certificate, issuer, NID_ext_key_usage, profile->extended_key_usage)) &&
           add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
}

/* Takes `value`, on failure too. */
static bool push_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
    GENERAL_NAME *name = value ? GENERAL_NAME_new() : NULL;
    if (!name) {
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool push_dns(GENERAL_NAMES *names, const char *text)
{
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    if (value && ASN1_STRING_set(value, text, -1) != 1) {
        ASN1_IA5STRING_free(value);
        return false;
    }
    return push_name(names, GEN_DNS, value);
}

static void drop_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

/* subjectAltName, made of values and not of a text, so that no name can add another. */
static enum ferry_error add_hosts(X509 *certificate, const struct tls_mint_request *request,
                                  struct fault *fault)
{
    CLEANUP(drop_names) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    if (!names)
        return library_no_memory(fault);
    for (const char *const *dns = request->dns_names; dns && *dns; dns++) {
        if (!push_dns(names, *dns))
            return library_no_memory(fault);
    }
    for (const char *const *ip = request->ip_addresses; ip && *ip; ip++) {
        if (!push_name(names, GEN_IPADD, a2i_IPADDRESS(*ip))) {
            ERR_clear_error();
            return fault_set(fault, FERRY_E_ARGUMENT, "\"%s\" is not an IP address", *ip);
        }
    }
    if (sk_GENERAL_NAME_num(names) > 0 &&
        X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1)
        return library_fault(fault, FERRY_E_TLS, "add the host names");
    return FERRY_OK;
}

/* Moves the text in `bio` to `out`. */
static enum ferry_error take_text(BIO *bio, struct buf *out, struct fault *fault)
{
    enum ferry_error error = buf_append(out, library_text(bio));
    return error == FERRY_OK ? error : fault_set(fault, error, "keep what was minted");
}

static enum ferry_error write_pem(X509 *certificate, EVP_PKEY *key, struct tls_minted *out,
                                  struct fault *fault)
{
    CLEANUP(library_drop_bio) BIO *certificate_text = BIO_new(BIO_s_mem());
    CLEANUP(library_drop_bio) BIO *key_text = BIO_new(BIO_s_secmem()); /* wiped when freed */
    if (!certificate_text || !key_text)
        return library_no_memory(fault);
    if (PEM_write_bio_X509(certificate_text, certificate) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) != 1)
        return library_fault(fault, FERRY_E_TLS, "write what was minted");
    enum ferry_error error = take_text(certificate_text, &out->certificate_pem, fault);
    return error == FERRY_OK ? take_text(key_text, &out->key_pem, fault) : error;
}

/* What is to be certified, and by whom. */
struct order {
    const struct tls_mint_request *request;
    const struct profile *profile;
    X509 *issuer; /* NULL: itself */
    EVP_PKEY *issuer_key;
};

static enum ferry_error mint(const struct order *order, struct tls_minted *out, struct fault *fault)
{
    const struct tls_mint_request *request = order->request;
    CLEANUP(library_drop_key)
    EVP_PKEY *key = EVP_PKEY_Q_keygen(library_context(), NULL, "EC", "P-256");
    CLEANUP(library_drop_certificate) X509 *certificate = X509_new_ex(library_context(), NULL);
    if (!key || !certificate)
        return library_fault(fault, FERRY_E_TLS, "make a key");

    X509 *issuer = order->issuer ? order->issuer : certificate;
    EVP_PKEY *issuer_key = order->issuer ? order->issuer_key : key;
    if (!set_fields(certificate, request->common_name, request->not_before_s, request->not_after_s,
                    key) ||
        X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
        !add_extensions(certificate, issuer, order->profile))
        return library_fault(fault, FERRY_E_TLS, "make a certificate for %s", request->common_name);
    enum ferry_error error = add_hosts(certificate, request, fault);
    if (error != FERRY_OK)
        return error;
    if (X509_sign(certificate, issuer_key, EVP_sha256()) == 0)
        return library_fault(fault, FERRY_E_TLS, "sign the certificate for %s",
                             request->common_name);
    return write_pem(certificate, key, out, fault);
}

static enum ferry_error mint_into(const struct order *order, struct tls_minted *out,
                                  struct fault *fault)
{
    ERR_clear_error();
    buf_init(&out->certificate_pem, TLS_MINT_PEM_MAX_BYTES);
    buf_init(&out->key_pem, TLS_MINT_PEM_MAX_BYTES);
    enum ferry_error error = mint(order, out, fault);
    if (error != FERRY_OK)
        tls_minted_fini(out);
    return error;
}

enum ferry_error tls_mint_ca(const char *common_name, int64_t not_before_s, int64_t not_after_s,
                             struct tls_minted *out, struct fault *fault)
{
    const struct tls_mint_request request = {
        .common_name = common_name,
        .not_before_s = not_before_s,
        .not_after_s = not_after_s,
    };
    const struct order order = {.request = &request, .profile = &authority_profile};
    return mint_into(&order, out, fault);
}

enum ferry_error tls_mint_leaf(const struct tls_minted *ca, const struct tls_mint_request *request,
                               struct tls_minted *out, struct fault *fault)
{
    CLEANUP(pem_drop_certificates) STACK_OF(X509) *issuers = NULL;
    CLEANUP(library_drop_key) EVP_PKEY *issuer_key = NULL;
    buf_init(&out->certificate_pem, TLS_MINT_PEM_MAX_BYTES);
    buf_init(&out->key_pem, TLS_MINT_PEM_MAX_BYTES);
    enum ferry_error error =
        pem_certificates(buf_view(&ca->certificate_pem), "the CA", &issuers, fault);
    if (error == FERRY_OK)
        error = pem_private_key(buf_view(&ca->key_pem), NULL, &issuer_key, fault);
    if (error != FERRY_OK)
        return error;
    const struct order order = {
        .request = request,
        .profile = request->client ? &client_profile : &server_profile,
        .issuer = sk_X509_value(issuers, 0),
        .issuer_key = issuer_key,
    };
    return mint_into(&order, out, fault);
}
