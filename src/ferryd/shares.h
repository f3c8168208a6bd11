/* Groups and templates: what accounts share. A value is the account's own or, if it sets none, that
 * of the first of its groups that does, in the order in which it names them, or that of its
 * template, or the default. Rights and further roots add up (account/account.h). */
#ifndef FERRY_FERRYD_SHARES_H
#define FERRY_FERRYD_SHARES_H

#include <stddef.h>

#include "account/account.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "conf/read.h"

enum shares_kind { SHARES_GROUP, SHARES_TEMPLATE };

/* The template of accounts that name none. */
#define SHARES_TEMPLATE_DEFAULT "default"

/* "group", "template": as blocks and directives. */
extern const char *const shares_words[];

/* Looks one up that no block is for: `*out` is the caller's, NULL: there is none. On any thread. */
typedef enum ferry_error shares_find_fn(void *ctx, enum shares_kind kind, struct bytes name,
                                        struct account **out, struct fault *fault);

struct shares_item;

/* Does not change once it is made; may be asked on any thread. */
struct shares {
    struct shares_item *list; /* of blocks */
    size_t count;
    shares_find_fn *find; /* NULL: there are no others */
    void *ctx;
};

/* Takes those of the blocks of `conf`; what is wrong with them is noted as its mistakes. Looks
 * others up by `find`. FERRY_E_MEMORY. On failure, too, to be ended with shares_fini. */
NODISCARD enum ferry_error shares_init(struct shares *shares, struct conf *conf,
                                       shares_find_fn *find, void *ctx);
void shares_fini(struct shares *shares);

/* Those that an account takes values from, the first that counts first. */
struct shares_chain {
    size_t count;
    struct shares_link {
        enum shares_kind kind;
        const struct account *account;
        struct account *owned;
        const struct conf_instance *block; /* NULL: it is of no block */
    } links[ACCOUNT_GROUPS_MAX + 1];
};

/* FERRY_E_NOT_FOUND: one that it names is not there; else as `find`. On failure, too, to be ended
 * with shares_chain_fini. */
NODISCARD enum ferry_error shares_chain(const struct shares *shares, const struct account *account,
                                        struct shares_chain *out, struct fault *fault);
void shares_chain_fini(struct shares_chain *chain);

/* The account with all that it shares. FERRY_E_NOT_FOUND as above, else as account_inherit. */
NODISCARD enum ferry_error shares_merge(const struct shares *shares, const struct account *account,
                                        struct account **out, struct fault *fault);

#endif
