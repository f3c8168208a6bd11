/* What a TLS session turned out to be, as plain fields for logs, STAT and the probe (TLS-210). */
#ifndef FERRY_TLS_DESCRIBE_H
#define FERRY_TLS_DESCRIBE_H

#include <stdbool.h>

#include "tls/policy.h"

/* Strings are NUL-terminated and visible; "" where there is none. */
struct tls_facts {
    enum tls_version version;
    const char *version_name; /* "TLSv1.3" */
    const char *cipher;       /* "TLS_AES_256_GCM_SHA384" */
    char kex[24];             /* "x25519", "secp256r1"; "RSA" where there is no such group */
    char signature[40]; /* what this side signed the handshake with: "ECDSA-SHA256"; "" if it did
                           not, as where it is resumed */
    bool resumed;
    char alpn[32];
    char server_name[256];  /* SNI, as sent or received */
    char host[256];         /* server: the host chosen, by its first name (hosts.h); "" where there
                               are none, or it is the default host without a name */
    char peer_subject[256]; /* of the peer's certificate */
    char peer_sha256[65];   /* hexadecimal SHA-256 of the peer's certificate (DER) */
    char peer_spki_pin[64]; /* "sha256//" and base64 of the SHA-256 of its public key, as --pin
                               takes it */
};

/* "TLSv1.3"; static. */
const char *tls_version_name(enum tls_version version);

#endif
