/* Whether someone who names an account is let in. */
#include "account/admission.h"

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
