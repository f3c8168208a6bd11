/* Whether someone who names an account is let in. */
#include "account/admission.h"

#include <stddef.h>

const char *const admission_policy_words[] = {
    [ADMISSION_PASSWORD] = "password",
    [ADMISSION_CERTIFICATE] = "cert",
    [ADMISSION_CERTIFICATE_OR_PASSWORD] = "cert-or-password",
    [ADMISSION_CERTIFICATE_AND_PASSWORD] = "cert-and-password",
    [ADMISSION_ANONYMOUS] = "anonymous",
    NULL,
};

static bool suffices(enum admission_policy policy, const struct admission_evidence *evidence)
{
    bool password = evidence->password_given && evidence->password_right;
    switch (policy) {
    case ADMISSION_PASSWORD:
        return password;
    case ADMISSION_CERTIFICATE:
        return evidence->certificate_fits;
    case ADMISSION_CERTIFICATE_OR_PASSWORD:
        return evidence->certificate_fits || password;
    case ADMISSION_CERTIFICATE_AND_PASSWORD:
        return evidence->certificate_fits && password;
    case ADMISSION_ANONYMOUS:
        return evidence->password_given;
    }
    return false;
}

enum admission admission_decide(enum admission_policy policy,
                                const struct admission_evidence *evidence)
{
    if (evidence->known && suffices(policy, evidence))
        return ADMISSION_GRANTED;
    return evidence->password_given ? ADMISSION_REFUSED : ADMISSION_NEEDS_PASSWORD;
}

const char *admission_certificate_lacks(enum admission_policy policy, bool shown, bool fits)
{
    bool demanded = policy == ADMISSION_CERTIFICATE || policy == ADMISSION_CERTIFICATE_AND_PASSWORD;
    if (!demanded || fits)
        return NULL;
    return shown ? "the client's certificate is not the account's"
                 : "the client showed no certificate";
}
