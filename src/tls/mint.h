/* Makes a CA and certificates: for `ferryd demo`, proxies, the probe and tests. P-256 keys. Returns
 * PEM texts. */
#ifndef FERRY_TLS_MINT_H
#define FERRY_TLS_MINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/fault.h"

enum { TLS_MINT_PEM_MAX_BYTES = 64 * 1024 };

/* One certificate with its key. Both bufs are made by the function; free with tls_minted_fini,
 * which wipes the key. */
struct tls_minted {
    struct buf certificate_pem;
    struct buf key_pem;
};
void tls_minted_fini(struct tls_minted *minted);

struct tls_mint_request {
    const char *common_name;
    const char *const *dns_names;      /* subjectAltName, NULL-terminated; or NULL */
    const char *const *ip_addresses;   /* as dns_names, numeric */
    bool client;                       /* EKU clientAuth instead of serverAuth */
    int64_t not_before_s, not_after_s; /* seconds since 1970 UTC */
};

/* A self-signed CA. FERRY_E_MEMORY or FERRY_E_TLS with OpenSSL's words. */
NODISCARD enum ferry_error tls_mint_ca(const char *common_name, int64_t not_before_s,
                                       int64_t not_after_s, struct tls_minted *out,
                                       struct fault *fault);

/* A certificate signed by `ca`. Errors as tls_mint_ca; FERRY_E_ARGUMENT: an address that is none,
 * or a `ca` without its key. */
NODISCARD enum ferry_error tls_mint_leaf(const struct tls_minted *ca,
                                         const struct tls_mint_request *request,
                                         struct tls_minted *out, struct fault *fault);

#endif
