/* What a certificate says, for people. */
#include "tls/certificate_facts.h"

#include <stdio.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "tls/certificate.h"
#include "tls/library.h"

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm utc = {0};
    return ASN1_TIME_to_tm(time, &utc) == 1 ? (int64_t)timegm(&utc) : 0;
}

static void describe_key(const X509 *certificate, char *out, size_t size_bytes)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    char group[32] = "";
    if (!key)
        return;
    const char *type = OBJ_nid2sn(EVP_PKEY_get_base_id(key));
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
        EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
        snprintf(out, size_bytes, "EC %s", group);
    else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        snprintf(out, size_bytes, "RSA %d", EVP_PKEY_get_bits(key));
    else
        snprintf(out, size_bytes, "%s", type);
}

static void drop_certificate(X509 **certificate)
{
    X509_free(*certificate);
}

enum ferry_error tls_certificate_facts_read(struct bytes pem, struct tls_certificate_facts *out)
{
    *out = (struct tls_certificate_facts){0};
    CLEANUP(library_drop_bio) BIO *text = BIO_new_mem_buf(pem.ptr ? pem.ptr : "", (int)pem.len);
    if (!text)
        return FERRY_E_MEMORY;
    CLEANUP(drop_certificate) X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    if (certificate) {
        certificate_name_text(X509_get_subject_name(certificate), out->subject,
                              sizeof(out->subject));
        certificate_hosts_text(certificate, out->names, sizeof(out->names));
        describe_key(certificate, out->key, sizeof(out->key));
        out->not_before_s = seconds_of(X509_get0_notBefore(certificate));
        out->not_after_s = seconds_of(X509_get0_notAfter(certificate));
    }
    ERR_clear_error();
    return certificate ? FERRY_OK : FERRY_E_ARGUMENT;
}
