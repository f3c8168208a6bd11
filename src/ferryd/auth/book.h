/* Where the accounts are: ferryd.conf's blocks, then the sources that `accounts` names. Does not
 * change once it is made. */
#ifndef FERRY_FERRYD_AUTH_BOOK_H
#define FERRY_FERRYD_AUTH_BOOK_H

#include <stdbool.h>

#include "account/account.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/auth/os_user.h"
#include "ferryd/auth/source.h"
#include "ferryd/given.h"
#include "ferryd/shares.h"
#include "ferryd/sources.h"
#include "roster/roster.h"

enum { BOOK_SOURCES_MAX = 1 + SOURCES_MAX };

struct pam_line;

struct book {
    struct source *sources[BOOK_SOURCES_MAX]; /* in the order in which they are asked */
    unsigned count;
    struct shares shares;
    struct roster *groups[SOURCES_MAX], *templates[SOURCES_MAX]; /* of sources that have such */
    unsigned roster_count;
    char *files_user;     /* for accounts that name no user; NULL: none, unless `alone` */
    struct pam_line *pam; /* the caller's */
    bool alone;           /* there is no user but this process's own: it was not started by root */
};

/* Makes the accounts of `given`, which must outlive the book, and opens the sources that its
 * configuration names. FERRY_E_ARGUMENT and what a source has: the words are in `fault`;
 * FERRY_E_MEMORY. On failure, too, to be ended with book_fini. `pam`: where PAM is asked, if it is.
 */
NODISCARD enum ferry_error book_init(struct book *book, struct given *given, struct pam_line *pam,
                                     bool alone, struct fault *fault);
void book_fini(struct book *book);

/* The user whose rights the account's files are reached with. Errors as os_user_find;
 * FERRY_E_DENIED also if it must be this process's own and is not; FERRY_E_ARGUMENT: neither the
 * account nor the configuration names one. */
NODISCARD enum ferry_error book_user(const struct book *book, const struct account *account,
                                     struct os_user *out, struct fault *fault);

#endif
