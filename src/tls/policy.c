/* Named TLS policies (tls.md section 15). */
#include "tls/policy.h"

#include "base/text.h"

/* Forward secrecy and AEAD only. */
#define STRONG_1_2                                                                                 \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* What old servers and clients are left with, the better first; RSA key exchange comes last. */
#define WEAK_1_2                                                                                   \
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"                                         \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"     \
    "DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:"                                                       \
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA"

#define SUITES_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

static const struct tls_policy policies[] = {
    [TLS_POLICY_DEFAULT] =
        {
            .name = "default",
            .min = TLS_VERSION_1_2,
            .max = TLS_VERSION_1_3,
            .ciphers_1_2 = STRONG_1_2 ":@SECLEVEL=2",
            .suites_1_3 = SUITES_1_3,
            /* P-521 for TLS 1.2 with such a certificate: its curve must be listed. */
            .groups = "X25519:P-256:P-384:P-521",
        },
    [TLS_POLICY_MODERN] =
        {
            .name = "modern",
            .min = TLS_VERSION_1_3,
            .max = TLS_VERSION_1_3,
            .ciphers_1_2 = STRONG_1_2 ":@SECLEVEL=2",
            .suites_1_3 = SUITES_1_3,
            .groups = "X25519:P-256:P-384",
        },
    [TLS_POLICY_LEGACY] =
        {
            .name = "legacy",
            .min = TLS_VERSION_1_0,
            .max = TLS_VERSION_1_3,
            .ciphers_1_2 = STRONG_1_2 ":" WEAK_1_2 ":@SECLEVEL=0",
            .suites_1_3 = SUITES_1_3,
            .groups = "X25519:P-256:P-384:P-521",
        },
};

const struct tls_policy *tls_policy(enum tls_policy_name name)
{
    return &policies[name];
}

bool tls_policy_find(struct bytes word, enum tls_policy_name *out)
{
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        if (bytes_equal(word, bytes_str(policies[i].name))) {
            *out = (enum tls_policy_name)i;
            return true;
        }
    }
    return false;
}

bool tls_version_find(struct bytes word, enum tls_version *out)
{
    static const struct {
        const char *word;
        enum tls_version version;
    } words[] = {
        {"1.0", TLS_VERSION_1_0},
        {"1.1", TLS_VERSION_1_1},
        {"1.2", TLS_VERSION_1_2},
        {"1.3", TLS_VERSION_1_3},
    };
    const struct bytes prefix = BYTES_LIT("TLSv");
    if (text_same(bytes_first(word, prefix.len), prefix))
        word = bytes_skip(word, prefix.len);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (bytes_equal(word, bytes_str(words[i].word))) {
            *out = words[i].version;
            return true;
        }
    }
    return false;
}
