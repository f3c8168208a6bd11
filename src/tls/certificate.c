/* A certificate as hashes and as text. */
#include "tls/certificate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/text.h"

bool certificate_sha256(const X509 *certificate, uint8_t out[LIBRARY_SHA256_BYTES])
{
    CLEANUP(library_drop_openssl) unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    return len > 0 && library_sha256(bytes_of(der, (size_t)len), out);
}

bool certificate_key_sha256(const X509 *certificate, uint8_t out[LIBRARY_SHA256_BYTES])
{
    CLEANUP(library_drop_openssl) unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    return len > 0 && library_sha256(bytes_of(der, (size_t)len), out);
}

void certificate_pin_text(const uint8_t key_sha256[LIBRARY_SHA256_BYTES],
                          char out[CERTIFICATE_PIN_TEXT_BYTES])
{
    unsigned char base64[CERTIFICATE_PIN_TEXT_BYTES];
    EVP_EncodeBlock(base64, key_sha256, LIBRARY_SHA256_BYTES);
    snprintf(out, CERTIFICATE_PIN_TEXT_BYTES, "sha256//%.44s", (const char *)base64);
}

void certificate_name_text(const X509_NAME *name, char *out, size_t size_bytes)
{
    out[0] = '\0';
    CLEANUP(library_drop_bio) BIO *text = BIO_new(BIO_s_mem());
    if (text && X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253) >= 0)
        text_visible_into(out, size_bytes, library_text(text));
    ERR_clear_error();
}

/* Writes one name of a subjectAltName, if it is a host's. */
static bool write_host(BIO *text, GENERAL_NAME *name)
{
    if (name->type == GEN_DNS) {
        const ASN1_STRING *dns = name->d.dNSName;
        return BIO_write(text, ASN1_STRING_get0_data(dns), ASN1_STRING_length(dns)) >= 0;
    }
    const unsigned char *ip = ASN1_STRING_get0_data(name->d.iPAddress);
    if (ASN1_STRING_length(name->d.iPAddress) == 4)
        return BIO_printf(text, "%d.%d.%d.%d", ip[0], ip[1], ip[2], ip[3]) > 0;
    bool good = true;
    for (int i = 0; good && i + 1 < ASN1_STRING_length(name->d.iPAddress); i += 2) {
        unsigned group = (unsigned)ip[i] << 8 | ip[i + 1];
        good = BIO_printf(text, "%s%x", i == 0 ? "" : ":", group) > 0;
    }
    return good;
}

static void drop_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

void certificate_hosts_text(const X509 *certificate, char *out, size_t size_bytes)
{
    out[0] = '\0';
    CLEANUP(drop_names)
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    CLEANUP(library_drop_bio) BIO *text = BIO_new(BIO_s_mem());
    bool good = text != NULL;
    for (int i = 0; good && i < sk_GENERAL_NAME_num(names); i++) {
        GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS && name->type != GEN_IPADD)
            continue;
        if (library_text(text).len > 0)
            good = BIO_puts(text, ", ") > 0;
        good = good && write_host(text, name);
    }
    if (good)
        text_visible_into(out, size_bytes, library_text(text));
    ERR_clear_error();
}

void certificate_date_text(const ASN1_TIME *time, char out[CERTIFICATE_DATE_BYTES])
{
    struct tm utc = {0};
    if (ASN1_TIME_to_tm(time, &utc) != 1 || strftime(out, CERTIFICATE_DATE_BYTES, "%F", &utc) == 0)
        snprintf(out, CERTIFICATE_DATE_BYTES, "%s", "an unknown day");
    ERR_clear_error();
}
