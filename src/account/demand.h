/* The TLS of the control connection that an account demands. */
#ifndef FERRY_ACCOUNT_DEMAND_H
#define FERRY_ACCOUNT_DEMAND_H

#include "tls/describe.h"

/* From the weakest to the strongest. */
enum demand_tls {
    DEMAND_TLS_LISTENER, /* what its listener takes, in clear if that allows it */
    DEMAND_TLS_LEGACY,   /* any, but not in clear */
    DEMAND_TLS_DEFAULT,  /* 1.2 with forward secrecy, or 1.3 */
    DEMAND_TLS_MODERN,   /* 1.3 */
};

/* The words of the configuration, in the order of the enum: "listener", "legacy", "default",
 * "modern", NULL. */
extern const char *const demand_tls_words[];

/* The strongest demand that a connection meets; `tls` NULL: it is in clear. */
enum demand_tls demand_tls_met(const struct tls_facts *tls);

/* Why a connection that meets `met` is not enough, a static string; NULL: it is. */
const char *demand_tls_lacks(enum demand_tls demanded, enum demand_tls met);

#endif
