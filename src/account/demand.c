/* The TLS of the control connection that an account demands. */
#include "account/demand.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

const char *const demand_tls_words[] = {
    [DEMAND_TLS_LISTENER] = "listener",
    [DEMAND_TLS_LEGACY] = "legacy",
    [DEMAND_TLS_DEFAULT] = "default",
    [DEMAND_TLS_MODERN] = "modern",
    NULL,
};

/* The suites of TLS 1.2 that agree on a key of their own, by their IANA names. */
static bool has_forward_secrecy(const struct tls_facts *tls)
{
    struct bytes suite = bytes_str(tls->cipher);
    return bytes_starts(suite, BYTES_LIT("TLS_ECDHE_")) ||
           bytes_starts(suite, BYTES_LIT("TLS_DHE_"));
}

enum demand_tls demand_tls_met(const struct tls_facts *tls)
{
    if (!tls)
        return DEMAND_TLS_LISTENER;
    if (tls->version >= TLS_VERSION_1_3)
        return DEMAND_TLS_MODERN;
    return tls->version == TLS_VERSION_1_2 && has_forward_secrecy(tls) ? DEMAND_TLS_DEFAULT
                                                                       : DEMAND_TLS_LEGACY;
}

const char *demand_tls_lacks(enum demand_tls demanded, enum demand_tls met)
{
    static const char *const words[] = {
        [DEMAND_TLS_LISTENER] = "the account demands nothing of TLS",
        [DEMAND_TLS_LEGACY] = "the account demands TLS",
        [DEMAND_TLS_DEFAULT] = "the account demands TLS 1.2 with forward secrecy, or 1.3",
        [DEMAND_TLS_MODERN] = "the account demands TLS 1.3",
    };
    return met >= demanded ? NULL : words[demanded];
}
