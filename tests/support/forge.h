/* Certificates, CRLs and OCSP responses of every kind, good and bad: what tls/mint would never
 * make. Whatever should not happen fails the cmocka test. */
#ifndef FERRY_TESTS_FORGE_H
#define FERRY_TESTS_FORGE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "base/buf.h"
#include "tls/mint.h"

/* One subjectAltName: GEN_EMAIL, GEN_DNS, GEN_URI, or GEN_OTHERNAME for a UPN. */
struct forge_name {
    int type;
    struct bytes bytes;
};

/* Days from now, from and to; 0 is from yesterday, or to tomorrow. */
struct forge_days {
    int from, to;
    int seconds; /* not 0: the end, in seconds from now, in place of `to` */
};

struct forge_request {
    const struct tls_minted *issuer; /* NULL: itself */
    const char *const *subject;      /* "CN", "alice", …, NULL; or NULL: empty */
    const struct forge_name *names;  /* subjectAltName */
    size_t name_count;
    const char *extended_key_usage; /* "clientAuth"; NULL: none */
    struct forge_days days;
    const char *serial; /* hexadecimal; NULL: "1" */
    int rsa_bits;       /* 0: P-256 */
    bool authority, must_staple;
};

/* Free with tls_minted_fini. */
void forge(const struct forge_request *request, struct tls_minted *out);

/* The certificate of a text; the caller frees it. */
X509 *forge_read(const struct tls_minted *minted);

/* A CRL of `issuer` (PEM), which lists `revoked` or, if that is NULL, nothing. */
void forge_crl(const struct tls_minted *issuer, const struct tls_minted *revoked,
               struct forge_days days, struct buf *out);

/* An OCSP response (DER), signed by `signer`, which says V_OCSP_CERTSTATUS_* of `about`, a
 * certificate of `issuer`. */
void forge_ocsp(const struct tls_minted *issuer, const struct tls_minted *signer,
                const struct tls_minted *about, int status, struct forge_days days,
                struct buf *out);

#endif
