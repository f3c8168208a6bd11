/* Whom a certificate names, as plain facts. */
#include "tls/identity.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "base/utf8.h"
#include "tls/certificate.h"
#include "tls/dn.h"

/* Whether a name can be told: not empty, it fits, UTF-8 without control bytes. */
static bool is_plain(struct bytes name, size_t size_bytes)
{
    if (name.len == 0 || name.len >= size_bytes || !utf8_valid(name))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (text_is_control(name.ptr[i]))
            return false;
    }
    return true;
}

static bool is_ascii(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.ptr[i] > 0x7f)
            return false;
    }
    return true;
}

static void set_text(char *out, struct bytes text)
{
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

static void read_serial(const X509 *certificate, struct tls_identity *out)
{
    static const char digits[] = "0123456789abcdef";
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    struct bytes number =
        bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER || number.len == 0 ||
        2 * number.len >= sizeof(out->serial))
        return;
    char *next = out->serial;
    for (size_t i = 0; i < number.len; i++) {
        unsigned char byte = (unsigned char)number.ptr[i];
        if (next > out->serial || byte >> 4 != 0)
            *next++ = digits[byte >> 4];
        *next++ = digits[byte & 0xf];
    }
    *next = '\0';
}

/* The only common name (TLS-83). */
static void read_common_name(const X509 *certificate, struct tls_identity *out)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return;
    CLEANUP(library_drop_openssl) unsigned char *utf8 = NULL;
    int len =
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    struct bytes name = bytes_of(utf8, len > 0 ? (size_t)len : 0);
    if (is_plain(name, sizeof(out->common_name)))
        set_text(out->common_name, name);
}

static struct bytes string_bytes(const ASN1_STRING *string)
{
    return bytes_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

/* The kind and bytes of a subjectAltName. false: of a kind that is not told. */
static bool look_at(const GENERAL_NAME *name, enum tls_identity_kind *kind, struct bytes *text)
{
    switch (name->type) {
    case GEN_EMAIL:
        *kind = TLS_IDENTITY_EMAIL;
        *text = string_bytes(name->d.rfc822Name);
        return true;
    case GEN_DNS:
        *kind = TLS_IDENTITY_DNS;
        *text = string_bytes(name->d.dNSName);
        return true;
    case GEN_URI:
        *kind = TLS_IDENTITY_URI;
        *text = string_bytes(name->d.uniformResourceIdentifier);
        return true;
    case GEN_OTHERNAME:
        if (OBJ_obj2nid(name->d.otherName->type_id) != NID_ms_upn ||
            name->d.otherName->value->type != V_ASN1_UTF8STRING)
            return false;
        *kind = TLS_IDENTITY_UPN;
        *text = string_bytes(name->d.otherName->value->value.utf8string);
        return true;
    default:
        return false;
    }
}

static void drop_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static void read_names(const X509 *certificate, struct tls_identity *out)
{
    CLEANUP(drop_names)
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        enum tls_identity_kind kind;
        struct bytes text;
        if (!look_at(sk_GENERAL_NAME_value(names, i), &kind, &text))
            continue;
        if (out->name_count == TLS_IDENTITY_NAMES_MAX || !is_plain(text, TLS_IDENTITY_NAME_BYTES) ||
            (kind != TLS_IDENTITY_UPN && !is_ascii(text))) {
            out->names_left_out = true;
            continue;
        }
        struct tls_identity_name *next = &out->names[out->name_count++];
        next->kind = kind;
        set_text(next->text, text);
    }
}

bool tls_identity_read(const X509 *certificate, struct tls_identity *out)
{
    *out = (struct tls_identity){0};
    if (!certificate_sha256(certificate, out->sha256) ||
        !certificate_key_sha256(certificate, out->key_sha256) ||
        !dn_write(X509_get_subject_name(certificate), out->subject, sizeof(out->subject)) ||
        !dn_write(X509_get_issuer_name(certificate), out->issuer, sizeof(out->issuer)))
        return false;
    read_serial(certificate, out);
    read_common_name(certificate, out);
    read_names(certificate, out);
    ERR_clear_error();
    return true;
}
