/* Users of the system as accounts: their own ids, homes and groups. */
#ifndef FERRY_FERRYD_AUTH_OS_ACCOUNT_H
#define FERRY_FERRYD_AUTH_OS_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "account/account.h"
#include "base/compiler.h"
#include "base/fault.h"

struct os_account_rules {
    uid_t uid_min;
    bool listed_shell; /* the user's shell must be in /etc/shells */
};

/* Looks the user up on any thread. `*out` NULL: nobody may log in by that name, `*why`, a static
 * string, says why. FERRY_E_FILE: it cannot be looked up now; FERRY_E_ARGUMENT: what is kept of it
 * is wrong; FERRY_E_MEMORY. */
NODISCARD enum ferry_error os_account_find(const char *name, const struct os_account_rules *rules,
                                           struct account **out, const char **why,
                                           struct fault *fault);

#endif
