/* A certificate as hashes and as text for people. Private to the room. */
#ifndef FERRY_TLS_CERTIFICATE_H
#define FERRY_TLS_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "tls/library.h"

enum {
    CERTIFICATE_PIN_TEXT_BYTES = 64, /* "sha256//", 44 of base64, NUL */
    CERTIFICATE_DATE_BYTES = 16,     /* "2031-12-24", NUL */
};

/* SHA-256 of the DER form. false: no memory. */
NODISCARD bool certificate_sha256(const X509 *certificate, uint8_t out[LIBRARY_SHA256_BYTES]);

/* SHA-256 of its public key (SubjectPublicKeyInfo, DER), which is what a pin names. false: no
 * memory. */
NODISCARD bool certificate_key_sha256(const X509 *certificate, uint8_t out[LIBRARY_SHA256_BYTES]);

/* "sha256//" and base64 of that hash. */
void certificate_pin_text(const uint8_t key_sha256[LIBRARY_SHA256_BYTES],
                          char out[CERTIFICATE_PIN_TEXT_BYTES]);

/* "CN=x,O=y" (RFC 4514), visible ASCII, cut to fit. "" if memory is short. */
void certificate_name_text(const X509_NAME *name, char *out, size_t size_bytes);

/* The host names and addresses it is valid for, "a.example, 192.0.2.1", visible, cut to fit; "" if
 * it names none or memory is short. */
void certificate_hosts_text(const X509 *certificate, char *out, size_t size_bytes);

/* "2031-12-24" in UTC. */
void certificate_date_text(const ASN1_TIME *time, char out[CERTIFICATE_DATE_BYTES]);

#endif
