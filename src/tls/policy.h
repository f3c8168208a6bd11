/* Named TLS policies (tls.md section 15): versions, suites, groups. */
#ifndef FERRY_TLS_POLICY_H
#define FERRY_TLS_POLICY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum tls_policy_name { TLS_POLICY_DEFAULT, TLS_POLICY_MODERN, TLS_POLICY_LEGACY };

enum tls_version {
    TLS_VERSION_ANY = 0,
    TLS_VERSION_1_0,
    TLS_VERSION_1_1,
    TLS_VERSION_1_2,
    TLS_VERSION_1_3
};

/* What a context is built from. */
struct tls_policy {
    const char *name;
    enum tls_version min, max;
    const char *ciphers_1_2; /* OpenSSL cipher list, security level included */
    const char *suites_1_3;
    const char *groups;
};

/* A static table row. */
const struct tls_policy *tls_policy(enum tls_policy_name name);

/* "default", "modern" or "legacy". false: none of them. */
NODISCARD bool tls_policy_find(struct bytes word, enum tls_policy_name *out);

/* "1.2" or "TLSv1.3": for --tls-min. false: no such version. */
NODISCARD bool tls_version_find(struct bytes word, enum tls_version *out);

#endif
