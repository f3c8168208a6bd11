/* Which role is given what of the settings. */
#include "ferryd/supervisor/share.h"

#include <string.h>

#include "base/alloc.h"
#include "conf/print.h"
#include "ferryd/settings.h"
#include "ferryd/settings_directories.h"

#define BIT_KEYS ROLE_BIT(ROLE_KEYS)
#define BIT_AUTH ROLE_BIT(ROLE_AUTH)
#define BIT_WORKER ROLE_BIT(ROLE_WORKER)
#define BIT_OPS ROLE_BIT(ROLE_OPS)
#define BIT_HOOKS ROLE_BIT(ROLE_HOOKS)
#define BIT_PAM ROLE_BIT(ROLE_PAM)

/* Whose business a block is, and who is shown what is secret in it. */
static const struct {
    const char *block; /* NULL: what stands outside */
    unsigned roles, secrets;
} shares[] = {
    {NULL, BIT_KEYS | BIT_AUTH | BIT_WORKER | BIT_OPS | BIT_HOOKS | BIT_PAM, BIT_OPS},
    {SETTINGS_LISTEN, BIT_KEYS | BIT_WORKER, 0},
    {SETTINGS_HOST, BIT_KEYS | BIT_WORKER, 0},
    {SETTINGS_ACCOUNT, BIT_AUTH, BIT_AUTH},
    {SETTINGS_HOOK, BIT_WORKER | BIT_HOOKS, BIT_HOOKS},
    {SETTINGS_CHECK, BIT_WORKER | BIT_HOOKS, BIT_HOOKS},
    {SETTINGS_LDAP, BIT_AUTH, 0},
    {SETTINGS_POSTGRESQL, BIT_AUTH, 0},
    {SETTINGS_GROUP, BIT_AUTH, BIT_AUTH},
    {SETTINGS_TEMPLATE, BIT_AUTH, BIT_AUTH},
};

/* What of the directives outside of blocks is a standing role's business: the first words of their
 * names. Others have their defaults there, so that it need not be replaced when they change. */
static const struct {
    enum role role;
    const char *words[8];
} businesses[] = {
    {ROLE_OPS, {"control", "metrics", "web", "log"}},
    {ROLE_HOOKS, {"state", "hooks", "log"}},
};

/* `*standing` tells whether the role is one of those. */
static bool is_business(enum role role, const char *directive, bool *standing)
{
    *standing = false;
    struct bytes rest = bytes_str(directive);
    struct bytes first = bytes_cut(&rest, '_');
    for (size_t i = 0; i < ARRAY_LEN(businesses); i++) {
        if (businesses[i].role != role)
            continue;
        *standing = true;
        for (const char *const *word = businesses[i].words; *word; word++)
            if (bytes_equal(first, bytes_str(*word)))
                return true;
    }
    return !*standing;
}

/* Prints what stands outside of blocks, as far as it is the role's business. */
static enum ferry_error print_outside(const struct conf_instance *whole, enum role role,
                                      enum print_secrets secrets, struct buf *out)
{
    static char file[] = "the file";
    bool standing = false;
    const struct conf_block *block = whole->block;
    struct conf_instance own = *whole;
    own.given = alloc_resize(NULL, block->count, sizeof(*own.given));
    if (!own.given)
        return FERRY_E_MEMORY;
    for (size_t i = 0; i < block->count; i++) {
        const char *directive = block->directives[i].name;
        own.given[i] = whole->given[i];
        if (!is_business(role, directive, &standing))
            own.given[i] = (struct conf_given){0};
        else if (standing && own.given[i].file) /* on which line is no difference */
            own.given[i] = (struct conf_given){.file = file, .text = whole->given[i].text};
    }
    enum ferry_error error = print_effective(&own, secrets, out);
    alloc_free(own.given);
    return error;
}

static bool is_of_accounts(const char *name)
{
    return strcmp(name, SETTINGS_ACCOUNT) == 0 || strcmp(name, SETTINGS_GROUP) == 0 ||
           strcmp(name, SETTINGS_TEMPLATE) == 0;
}

static enum ferry_error print_one(const struct conf_instance *block, enum role role,
                                  enum print_secrets secrets, struct buf *out)
{
    if (!block->block->name)
        return print_outside(block, role, secrets, out);
    /* What an account does not set itself may be set for it elsewhere. */
    return is_of_accounts(block->block->name) ? print_given(block, secrets, out)
                                              : print_effective(block, secrets, out);
}

enum ferry_error share_print(const struct conf *conf, enum role role, struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        enum print_secrets secrets =
            shares[i].secrets & ROLE_BIT(role) ? PRINT_SECRETS : PRINT_NO_SECRETS;
        const struct conf_instance *block = NULL;
        while (error == FERRY_OK && (shares[i].roles & ROLE_BIT(role)) &&
               (block = conf_next(conf, shares[i].block, block)))
            error = print_one(block, role, secrets, out);
    }
    return error;
}
