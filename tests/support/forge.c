/* Certificates, CRLs and OCSP responses of every kind. */
#include "support/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { FORGED_MAX_BYTES = 1024 * 1024, DAY_S = 24 * 3600 };

static BIO *open_text(const struct buf *pem)
{
    struct bytes text = buf_view(pem);
    return BIO_new_mem_buf(text.ptr, (int)text.len);
}

/* Moves what is in `bio` to `out`, and frees it. */
static void take(BIO *bio, struct buf *out)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    assert_int_equal(buf_append(out, bytes_of(text, (size_t)len)), FERRY_OK);
    BIO_free(bio);
}

X509 *forge_read(const struct tls_minted *minted)
{
    BIO *text = open_text(&minted->certificate_pem);
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    assert_non_null(certificate);
    BIO_free(text);
    return certificate;
}

static EVP_PKEY *read_key(const struct tls_minted *minted)
{
    BIO *text = open_text(&minted->key_pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, NULL, NULL);
    assert_non_null(key);
    BIO_free(text);
    return key;
}

static void day(ASN1_TIME *out, int days, int otherwise)
{
    assert_non_null(X509_time_adj_ex(out, days ? days : otherwise, 0, NULL));
}

static void extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static ASN1_STRING *string_of(int type, struct bytes bytes)
{
    ASN1_STRING *string = ASN1_STRING_type_new(type);
    assert_int_equal(ASN1_STRING_set(string, bytes.ptr, (int)bytes.len), 1);
    return string;
}

static GENERAL_NAME *make_name(const struct forge_name *name)
{
    GENERAL_NAME *made = GENERAL_NAME_new();
    if (name->type == GEN_OTHERNAME) {
        ASN1_TYPE *value = ASN1_TYPE_new();
        ASN1_TYPE_set(value, V_ASN1_UTF8STRING, string_of(V_ASN1_UTF8STRING, name->bytes));
        assert_int_equal(GENERAL_NAME_set0_othername(made, OBJ_nid2obj(NID_ms_upn), value), 1);
    } else {
        GENERAL_NAME_set0_value(made, name->type, string_of(V_ASN1_IA5STRING, name->bytes));
    }
    return made;
}

static void add_names(X509 *certificate, const struct forge_request *request)
{
    if (request->name_count == 0)
        return;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    for (size_t i = 0; i < request->name_count; i++)
        sk_GENERAL_NAME_push(names, make_name(&request->names[i]));
    assert_int_equal(
        X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT), 1);
    GENERAL_NAMES_free(names);
}

static void set_fields(X509 *certificate, const struct forge_request *request)
{
    BIGNUM *serial = NULL;
    assert_true(BN_hex2bn(&serial, request->serial ? request->serial : "1") > 0);
    assert_non_null(BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)));
    BN_free(serial);
    X509_set_version(certificate, X509_VERSION_3);
    day(X509_getm_notBefore(certificate), request->days.from, -1);
    day(X509_getm_notAfter(certificate), request->days.to, 1);
    X509_NAME *subject = X509_get_subject_name(certificate);
    for (const char *const *pair = request->subject; pair && pair[0]; pair += 2)
        assert_int_equal(X509_NAME_add_entry_by_txt(subject, pair[0], MBSTRING_UTF8,
                                                    (const unsigned char *)pair[1], -1, -1, 0),
                         1);
}

static void set_extensions(X509 *certificate, const struct forge_request *request)
{
    extend(certificate, NID_basic_constraints,
           request->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (request->authority)
        extend(certificate, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
    if (request->extended_key_usage)
        extend(certificate, NID_ext_key_usage, request->extended_key_usage);
    if (request->must_staple)
        extend(certificate, NID_tlsfeature, "status_request");
    add_names(certificate, request);
}

void forge(const struct forge_request *request, struct tls_minted *out)
{
    X509 *certificate = X509_new();
    EVP_PKEY *key = request->rsa_bits
                        ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)request->rsa_bits)
                        : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_non_null(key);
    set_fields(certificate, request);
    set_extensions(certificate, request);
    X509_set_pubkey(certificate, key);
    X509 *issuer = request->issuer ? forge_read(request->issuer) : NULL;
    EVP_PKEY *issuer_key = request->issuer ? read_key(request->issuer) : NULL;
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
    assert_true(X509_sign(certificate, issuer_key ? issuer_key : key, EVP_sha256()) > 0);

    buf_init(&out->certificate_pem, FORGED_MAX_BYTES);
    buf_init(&out->key_pem, FORGED_MAX_BYTES);
    BIO *certificate_text = BIO_new(BIO_s_mem());
    BIO *key_text = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(certificate_text, certificate), 1);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL), 1);
    take(certificate_text, &out->certificate_pem);
    take(key_text, &out->key_pem);
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    EVP_PKEY_free(key);
    X509_free(certificate);
}

void forge_crl(const struct tls_minted *issuer, const struct tls_minted *revoked,
               struct forge_days days, struct buf *out)
{
    X509_CRL *crl = X509_CRL_new();
    X509 *authority = forge_read(issuer);
    EVP_PKEY *key = read_key(issuer);
    ASN1_TIME *from = ASN1_TIME_new(), *to = ASN1_TIME_new();
    day(from, days.from, -1);
    day(to, days.to, 1);
    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority));
    X509_CRL_set1_lastUpdate(crl, from);
    X509_CRL_set1_nextUpdate(crl, to);
    if (revoked) {
        X509 *certificate = forge_read(revoked);
        X509_REVOKED *entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate));
        X509_REVOKED_set_revocationDate(entry, from);
        X509_CRL_add0_revoked(crl, entry);
        X509_free(certificate);
    }
    assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    BIO *text = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509_CRL(text, crl), 1);
    take(text, out);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    EVP_PKEY_free(key);
    X509_free(authority);
    X509_CRL_free(crl);
}

void forge_ocsp(const struct tls_minted *issuer, const struct tls_minted *signer,
                const struct tls_minted *about, int status, struct forge_days days, struct buf *out)
{
    X509 *authority = forge_read(issuer), *certificate = forge_read(about);
    X509 *signing = forge_read(signer);
    EVP_PKEY *key = read_key(signer);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, certificate, authority);
    ASN1_TIME *from = X509_time_adj_ex(NULL, days.from ? days.from : -1, 0, NULL);
    ASN1_TIME *to = days.seconds ? X509_gmtime_adj(NULL, days.seconds)
                                 : X509_time_adj_ex(NULL, days.to ? days.to : 1, 0, NULL);
    ASN1_GENERALIZEDTIME *this_update = ASN1_TIME_to_generalizedtime(from, NULL);
    ASN1_GENERALIZEDTIME *next_update = ASN1_TIME_to_generalizedtime(to, NULL);
    assert_non_null(
        OCSP_basic_add1_status(basic, id, status, 0, this_update, this_update, next_update));
    assert_int_equal(OCSP_basic_sign(basic, signing, key, EVP_sha256(), NULL, 0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int len = i2d_OCSP_RESPONSE(response, &der);
    assert_true(len > 0);
    assert_int_equal(buf_append(out, bytes_of(der, (size_t)len)), FERRY_OK);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    ASN1_GENERALIZEDTIME_free(this_update);
    ASN1_GENERALIZEDTIME_free(next_update);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    EVP_PKEY_free(key);
    X509_free(signing);
    X509_free(certificate);
    X509_free(authority);
}
