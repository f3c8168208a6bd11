/* What one account of a list demands of who logs in to it: certificate, password, TLS. */
#ifndef FERRY_EMBED_USER_DEMANDS_H
#define FERRY_EMBED_USER_DEMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "account/admission.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "server/backend.h"
#include "tls/identity_rule.h"

struct user_settings;

/* The TLS of the control connection that an account is content with, if its listener is. */
enum user_tls {
    USER_TLS_LISTENER, /* what its listener takes, in clear if that allows it */
    USER_TLS_LEGACY,   /* any, but not in clear */
    USER_TLS_DEFAULT,  /* 1.2 with forward secrecy, or 1.3 */
    USER_TLS_MODERN,   /* 1.3 */
};

struct user_demands {
    enum admission_policy policy;
    enum user_tls tls;
    struct tls_identity_rule *certificates; /* one that fits is enough (TLS-80) */
    size_t certificate_count;
};

/* Zero demands a password. FERRY_E_ARGUMENT with the words in `fault`: a rule that is none; a
 * certificate that is demanded, but no rule says which. FERRY_E_MEMORY. */
NODISCARD enum ferry_error user_demands_init(struct user_demands *demands,
                                             const struct user_settings *settings,
                                             struct fault *fault);
void user_demands_fini(struct user_demands *demands);

/* Whether the verified certificate of the request is one of those for the name that it gives. */
bool user_demands_certificate_fits(const struct user_demands *demands,
                                   const struct login_request *request);

/* Why the TLS of the request is not enough, a static string; NULL: it is. */
const char *user_demands_tls_lacks(const struct user_demands *demands,
                                   const struct login_request *request);

#endif
