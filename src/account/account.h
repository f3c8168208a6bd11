/* Somebody who may log in, wherever it is kept: in ferryd.conf or in a roster. Every value has a
 * text form, which is what is kept and what people write; here it is read and checked, and here it
 * is decided who gets in. */
#ifndef FERRY_ACCOUNT_ACCOUNT_H
#define FERRY_ACCOUNT_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/admission.h"
#include "account/demand.h"
#include "account/hours.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "net/address.h"
#include "net/network.h"
#include "tls/identity_rule.h"

enum {
    ACCOUNT_NAME_BYTES = 64, /* at most (SEC-70) */
    ACCOUNT_LIST_MAX = 64,   /* certificates and networks */
    ACCOUNT_GROUPS_MAX = 16,
    ACCOUNT_TEXT_BYTES = 64 * 1024,
};

/* The values of an account, but for its name. */
enum account_field {
    ACCOUNT_PASSWORD_HASH, /* of crypt(5); "": no password is right */
    ACCOUNT_HOME,          /* absolute path of what it sees as its root */
    ACCOUNT_USER,         /* of the system, whose rights its files are reached with; "": ferryd's */
    ACCOUNT_READ_ONLY,    /* "yes" or "no" */
    ACCOUNT_UPLOADS,      /* "atomic" or "in-place": seen as they come */
    ACCOUNT_DOTFILES,     /* "show" or "hide" */
    ACCOUNT_CHARSET,      /* of names that come in no UTF-8; "": none */
    ACCOUNT_DENIED_NAMES, /* patterns of store/home.h, one a line; "/": none; "": the default */
    ACCOUNT_CONTROL_BYTES, /* "refuse" or "allow" in new names */
    ACCOUNT_TLS,           /* a word of demand_tls_words */
    ACCOUNT_DISABLED,
    ACCOUNT_LOGIN,        /* a word of admission_policy_words */
    ACCOUNT_CERTIFICATES, /* rules of tls/identity_rule.h, one a line */
    ACCOUNT_NETWORKS,     /* that it may come from, one a line; "": any */
    ACCOUNT_HOURS,        /* account/hours.h, local time; "": always */
    ACCOUNT_EXPIRES,      /* "2027-01-31", the last day, UTC; "": never */
    ACCOUNT_SESSIONS_MAX, /* at once; "" or "0": any number, here and below */
    ACCOUNT_RATE_UP,      /* bytes a second of all its uploads (account/amount.h) */
    ACCOUNT_RATE_DOWN,
    ACCOUNT_QUOTA, /* bytes that it may store */
    ACCOUNT_QUOTA_FILES,
    ACCOUNT_RIGHTS,   /* by folder (store/rights.h), a rule a line; "": all */
    ACCOUNT_ROOTS,    /* further ones (store/roots.h), one a line */
    ACCOUNT_GROUP,    /* names of groups, one a line */
    ACCOUNT_TEMPLATE, /* name of one; "": that of the name "default", if there is one */
};
enum { ACCOUNT_FIELDS = ACCOUNT_TEMPLATE + 1 };

/* "password_hash", "home", …: as directives, as columns, as members of JSON. */
extern const char *const account_field_names[ACCOUNT_FIELDS];

struct account {
    char *name;
    char *text[ACCOUNT_FIELDS]; /* as it was set; NULL where nothing was */
    bool read_only, upload_in_place, hide_dotfiles, control_bytes, disabled;
    char *denied_names; /* as store/home.h has them */
    enum demand_tls tls;
    enum admission_policy login;
    struct tls_identity_rule *certificates;
    size_t certificate_count;
    struct network *networks;
    size_t network_count;
    struct hours hours;
    int64_t expires_s; /* the first second when it is over, since 1970 UTC; 0: never */
    uint64_t sessions_max, rate_up, rate_down, quota_bytes, quota_files;
};

/* Whether an account can have this name: 1 to ACCOUNT_NAME_BYTES bytes, no control byte, no '/'. */
bool account_name_is_usable(struct bytes name);

/* An account that has nothing but its name. FERRY_E_ARGUMENT: it cannot be one; FERRY_E_MEMORY. */
NODISCARD enum ferry_error account_new(struct bytes name, struct account **out,
                                       struct fault *fault);
void account_free(struct account *account);

/* For CLEANUP. */
void account_drop(struct account **account);

/* Sets a value by its text; blanks around it do not count, "" is the default. On failure it is as
 * before. FERRY_E_ARGUMENT and FERRY_E_LIMIT: it is none, `fault` says why; FERRY_E_MEMORY. */
NODISCARD enum ferry_error account_set(struct account *account, enum account_field field,
                                       struct bytes text, struct fault *fault);

/* The text of a value; "" where nothing was set. */
const char *account_text(const struct account *account, enum account_field field);

/* What is missing for anybody to log in by it: a home, a password or certificates as its login
 * demands. FERRY_E_ARGUMENT, with the words in `fault`. */
NODISCARD enum ferry_error account_check(const struct account *account, struct fault *fault);

/* ---- what it shares with others ---- */

/* Whether a group or a template has a say in that value. */
bool account_field_is_shared(enum account_field field);

/* Takes over from a group or a template, which are accounts that nobody logs in by, what `account`
 * has not set itself. Rules of rights and further roots add up: `from`'s come first, so that the
 * account's own count where both are for one folder. FERRY_E_LIMIT: together they are too many;
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error account_inherit(struct account *account, const struct account *from,
                                           struct fault *fault);

/* Another of the same values. FERRY_E_MEMORY. */
NODISCARD enum ferry_error account_copy(const struct account *account, struct account **out,
                                        struct fault *fault);

/* ---- who gets in ---- */

/* The time of a login. */
struct account_time {
    int64_t unix_s;
    int weekday, minute; /* local: hours_contain */
};

/* Why an account that exists may not be used now. */
enum account_bar {
    ACCOUNT_FREE,
    ACCOUNT_IS_DISABLED,
    ACCOUNT_HAS_EXPIRED,
    ACCOUNT_BAD_HOUR,
    ACCOUNT_BAD_NETWORK,
};

/* For the log: "it is disabled", … */
const char *account_bar_words(enum account_bar bar);

enum account_bar account_bar(const struct account *account, const struct account_time *now,
                             const struct address *peer);

/* A number that is another one when the account has another password, for who knows `seed`; to
 * others it tells nothing of it. */
uint64_t account_stamp(const struct account *account, uint64_t seed);

/* Whether one of the account's certificates is this one. `identity` NULL: none was shown. */
bool account_certificate_fits(const struct account *account, const struct tls_identity *identity);

#endif
