/* Whom a verified certificate names, as plain facts: what accounts are told of a client (TLS-80).
 * Whatever the certificate holds, the texts are bounded and hold no NUL and no control byte: a name
 * that cannot be told whole and plainly is left out, never cut (TLS-81). */
#ifndef FERRY_TLS_IDENTITY_H
#define FERRY_TLS_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct x509_st;

enum {
    TLS_IDENTITY_DN_BYTES = 1024,
    TLS_IDENTITY_SERIAL_BYTES = 48, /* 20 bytes in hexadecimal are usual (RFC 5280) */
    TLS_IDENTITY_NAME_BYTES = 256,  /* 255 and NUL */
    TLS_IDENTITY_NAMES_MAX = 32,
    TLS_IDENTITY_HASH_BYTES = 32,
};

/* Kinds of subjectAltName that are told. */
enum tls_identity_kind {
    TLS_IDENTITY_EMAIL, /* rfc822Name */
    TLS_IDENTITY_DNS,   /* dNSName */
    TLS_IDENTITY_UPN,   /* otherName 1.3.6.1.4.1.311.20.2.3, UTF-8 */
    TLS_IDENTITY_URI,
};

struct tls_identity_name {
    enum tls_identity_kind kind;
    char text[TLS_IDENTITY_NAME_BYTES];
};

/* Texts are NUL-terminated; "" where there is none that can be told. */
struct tls_identity {
    char subject[TLS_IDENTITY_DN_BYTES]; /* RFC 4514, ASCII: "CN=alice,O=Example" */
    char issuer[TLS_IDENTITY_DN_BYTES];
    char serial[TLS_IDENTITY_SERIAL_BYTES];    /* lower-case hexadecimal, no leading zeros */
    char common_name[TLS_IDENTITY_NAME_BYTES]; /* UTF-8; "" also if there are several (TLS-83) */
    struct tls_identity_name names[TLS_IDENTITY_NAMES_MAX];
    size_t name_count;
    bool names_left_out;                         /* some could not be told, or were too many */
    uint8_t sha256[TLS_IDENTITY_HASH_BYTES];     /* of the certificate, DER */
    uint8_t key_sha256[TLS_IDENTITY_HASH_BYTES]; /* of its SubjectPublicKeyInfo, as pins have it */
};

/* Reads `certificate`, whose trust is the caller's affair. false: no memory. Private to the room:
 * others call tls_engine_identity. */
NODISCARD bool tls_identity_read(const struct x509_st *certificate, struct tls_identity *out);

#endif
