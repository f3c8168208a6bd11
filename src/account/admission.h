/* Whether someone who names an account is let in: the account's policy and what was shown for it.
 */
#ifndef FERRY_ACCOUNT_ADMISSION_H
#define FERRY_ACCOUNT_ADMISSION_H

#include <stdbool.h>

/* TLS-71: what an account demands. */
enum admission_policy {
    ADMISSION_PASSWORD,
    ADMISSION_CERTIFICATE,
    ADMISSION_CERTIFICATE_OR_PASSWORD,
    ADMISSION_CERTIFICATE_AND_PASSWORD,
    ADMISSION_ANONYMOUS, /* any password is right (FTP-35) */
};

/* The words of the configuration, in the order of the enum: "password", "cert", "cert-or-password",
 * "cert-and-password", "anonymous", NULL. */
extern const char *const admission_policy_words[];

struct admission_evidence {
    bool known;            /* there is such an account, and it may be used now */
    bool certificate_fits; /* the client's certificate is verified and one of the account's */
    bool password_given;   /* PASS came; else the question is whether one is needed */
    bool password_right;
};

enum admission {
    ADMISSION_GRANTED,
    ADMISSION_NEEDS_PASSWORD,
    ADMISSION_REFUSED,
};

/* Before a password it never refuses, so that nobody learns which accounts there are (TLS-73,
 * SEC-84). */
enum admission admission_decide(enum admission_policy policy,
                                const struct admission_evidence *evidence);

/* What the certificate lacks that the policy demands, for the log alone, a static string; NULL:
 * nothing, or none is demanded. `shown`: the client has shown one. */
const char *admission_certificate_lacks(enum admission_policy policy, bool shown, bool fits);

#endif
