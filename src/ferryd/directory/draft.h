/* An account as it is put together from what a directory or a database has of it. */
#ifndef FERRY_FERRYD_DIRECTORY_DRAFT_H
#define FERRY_FERRYD_DIRECTORY_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "account/account.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "conf/schema.h"

/* What a value can be: enum account_field, or one of these. */
enum {
    DRAFT_NAME = ACCOUNT_FIELDS, /* must be the name of the login, byte for byte */
    DRAFT_UID,                   /* number of the user whose rights its files are reached with */
    DRAFT_GID,                   /* with uid: of its group, the only one */
    DRAFT_TARGETS
};

/* The name of a target: that of the field, "name", "uid", "gid". */
const char *draft_target_name(unsigned target);

/* The target of that name. FERRY_E_ARGUMENT: there is none, `fault` says which may be meant. */
NODISCARD enum ferry_error draft_target(struct bytes name, unsigned *out, struct fault *fault);

/* "home=homeDirectory" as its two halves. FERRY_E_ARGUMENT: it is none. */
NODISCARD enum ferry_error draft_pair(struct bytes text, unsigned *target, struct bytes *value,
                                      struct fault *fault);

/* Which of the fields are lists, so that several values are no mistake. */
bool draft_is_list(unsigned target);

struct draft {
    struct account *account;
    bool named, is_other; /* a name came; it was another than the login's, and none the same */
    bool has_uid, has_gid;
    uint32_t uid, gid;
};

/* Whether an account can be looked for by this name: it is one, is UTF-8, and in a path it would be
 * no other folder. */
bool draft_name_is_usable(struct bytes name);

/* Begins with nothing but the name. FERRY_E_ARGUMENT: it cannot be one; FERRY_E_MEMORY. */
NODISCARD enum ferry_error draft_init(struct draft *draft, struct bytes name, struct fault *fault);
void draft_fini(struct draft *draft);

/* One value more. Yes and no may also be written as LDAP and SQL do, days as shadowExpire does, a
 * certificate as its DER. An empty one is none. FERRY_E_ARGUMENT: it cannot be one, or is the
 * second where there can be one; FERRY_E_MEMORY. */
NODISCARD enum ferry_error draft_put(struct draft *draft, unsigned target, struct bytes value,
                                     struct fault *fault);

/* What holds where nothing came. */
struct draft_rules {
    const struct conf_texts *defaults; /* "FIELD=VALUE", with %u */
    uint64_t uid_min;                  /* of uid and gid */
};

/* The account, the caller's; NULL: it is that of another name. FERRY_E_ARGUMENT: something is wrong
 * or missing; FERRY_E_MEMORY. */
NODISCARD enum ferry_error draft_finish(struct draft *draft, const struct draft_rules *rules,
                                        struct account **out, struct fault *fault);

#endif
