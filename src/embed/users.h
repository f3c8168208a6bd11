/* A short list of accounts: server/backend.h's accounts for the embedded server and `ferryd demo`.
 */
#ifndef FERRY_EMBED_USERS_H
#define FERRY_EMBED_USERS_H

#include <stdbool.h>
#include <time.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "embed/user_demands.h"
#include "net/loop.h"
#include "server/backend.h"

struct users;

/* The context of users_ops. NULL: no memory or no randomness. */
struct users *users_new(struct loop *loop);

/* Every login under way must have ended or been cancelled, and its job have come back. */
void users_free(struct users *users);

/* Whether `stored` was made of `password`. Runs on the pool, on several threads at once. */
typedef bool users_verify_fn(const char *stored, struct bytes password);

/* An account. */
struct user_settings {
    const char *name;
    const char *password;    /* or NULL, then: */
    const char *stored;      /* what `verify` knows the password by; NULL, too: there is none, which
                                the policy must not demand */
    users_verify_fn *verify; /* an unknown name costs as much as the first account that has one */
    const char *root;        /* the directory that it sees as "/" */
    bool read_only;

    enum admission_policy login;
    enum demand_tls tls;
    const char *const *certificates; /* rules of tls/identity_rule.h: whose count */
    size_t certificate_count;

    /* As in store/home.h. */
    bool upload_in_place, hide_dotfiles;
    const char *denied_names;
    bool control_bytes;

    uint64_t rate_up, rate_down;       /* bytes a second, of all its sessions; 0: no limit */
    uint64_t sessions_max;             /* at once; 0: no limit */
    uint64_t quota_bytes, quota_files; /* that it may store; 0: no limit */
};

/* Adds an account; all is copied, of the password only a salted hash. Before the first login.
 * FERRY_E_ARGUMENT: an empty or too long name, one that exists; a root that is no directory; a rule
 * for certificates that is none, or nothing at all to log in by; FERRY_E_MEMORY. */
NODISCARD enum ferry_error users_add(struct users *users, const struct user_settings *settings,
                                     struct fault *fault);

/* Names of this account that come in no UTF-8 are in `charset` (ftp/charset.h). Before the first
 * login. FERRY_E_ARGUMENT: no such account or charset; FERRY_E_MEMORY. */
NODISCARD enum ferry_error users_set_charset(struct users *users, const char *name,
                                             const char *charset, struct fault *fault);

/* Replaces the accounts by those of `from`, which has none then. Logins under way are decided by
 * the old ones; sessions go on. */
void users_take(struct users *users, struct users *from);

unsigned users_count(const struct users *users);

/* Begins to remove, in the background, the parts beneath the accounts' roots that nobody wrote
 * since `before`: cut uploads that were never gone on with, and what a crash left (store/sweep.h).
 * Roots of accounts that may only read are left alone. Failures are no reason not to serve: they
 * are passed by. */
void users_sweep(struct users *users, struct timespec before);

extern const struct account_ops users_ops;

#endif
