/* The account blocks of ferryd.conf as accounts. */
#include "ferryd/accounts.h"

#include "account/password.h"
#include "ferryd/directory/directories.h"
#include "ferryd/settings.h"

static const struct conf_directive *directive_of(const struct conf_instance *block,
                                                 enum account_field field)
{
    return conf_schema_directive(block->block, account_field_names[field]);
}

/* Whether the configuration takes any text there, so that only here it is seen what it means. */
static bool is_text(const struct conf_directive *directive)
{
    return directive->type == CONF_TEXT || directive->type == CONF_TEXTS;
}

static bool is_nothing(const struct conf_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        if (texts->list[i][0])
            return false;
    return true;
}

/* The text of a value as the file has it, which is that of the account, too; but a path is the one
 * that it was resolved to. */
static struct bytes text_of(const struct conf_instance *block, enum account_field field)
{
    const struct settings_account *values = block->values;
    const struct conf_directive *directive = directive_of(block, field);
    if (field == ACCOUNT_HOME)
        return bytes_str(values->home);
    /* A list that is empty is not the same as none: account/account.h. */
    if (field == ACCOUNT_DENIED_NAMES && conf_is_given(block, directive->name) &&
        is_nothing(&values->denied_names))
        return BYTES_LIT("/");
    return bytes_str(block->given[directive - block->block->directives].text);
}

enum ferry_error accounts_from_block(struct conf *conf, const struct conf_instance *block,
                                     struct account **out)
{
    CLEANUP(account_drop) struct account *account = NULL;
    struct fault fault = {0};
    unsigned mistakes = conf->check.count;
    *out = NULL;
    enum ferry_error error = account_new(bytes_str(block->label), &account, &fault);
    if (error == FERRY_E_ARGUMENT)
        conf_mistake(conf, block, NULL, "%s", fault.what);
    for (int i = 0; account && i < ACCOUNT_FIELDS; i++) {
        fault_clear(&fault);
        error = account_set(account, (enum account_field)i, text_of(block, (enum account_field)i),
                            &fault);
        if (error == FERRY_E_MEMORY)
            return error;
        if (error != FERRY_OK && is_text(directive_of(block, (enum account_field)i)))
            conf_mistake(conf, block, account_field_names[i], "%s%s%s", fault.what,
                         fault.advice[0] ? ": " : "", fault.advice);
    }
    if (error == FERRY_E_MEMORY)
        return error;
    if (conf->check.count > mistakes)
        return FERRY_OK;
    *out = account;
    account = NULL;
    return FERRY_OK;
}

/* Whether all that an account could name is in the configuration. */
static bool is_all_here(const struct conf *conf)
{
    return settings_global(conf)->accounts.count == 0;
}

enum ferry_error accounts_merged(struct conf *conf, const struct conf_instance *block,
                                 const struct shares *shares, struct account **out)
{
    CLEANUP(account_drop) struct account *account = NULL;
    CLEANUP(account_drop) struct account *merged = NULL;
    struct fault fault = {0};
    *out = NULL;
    enum ferry_error error = accounts_from_block(conf, block, &account);
    if (error != FERRY_OK || !account)
        return error;
    error = shares_merge(shares, account, &merged, &fault);
    if (error == FERRY_E_NOT_FOUND && !is_all_here(conf))
        return FERRY_OK;
    if (error == FERRY_OK)
        error = account_check(merged, &fault);
    if (error != FERRY_OK && error != FERRY_E_MEMORY)
        conf_mistake(conf, block, error == FERRY_E_NOT_FOUND ? SETTINGS_GROUP : NULL, "%s",
                     fault.what);
    if (error != FERRY_OK)
        return error == FERRY_E_MEMORY ? error : FERRY_OK;
    *out = merged;
    merged = NULL;
    return FERRY_OK;
}

void accounts_check_web(struct conf *conf)
{
    const char *hash = settings_global(conf)->web_password_hash;
    if (hash && !password_hash_is_usable(hash))
        conf_mistake(conf, conf_next(conf, NULL, NULL), "web_password_hash",
                     "it is no hash of a password that is in use today: \"ferryd hash\" makes one");
}

enum ferry_error accounts_check(struct conf *conf)
{
    struct shares shares;
    enum ferry_error error = shares_init(&shares, conf, NULL, NULL);
    const struct conf_instance *block = NULL;
    accounts_check_web(conf);
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_ACCOUNT, block))) {
        CLEANUP(account_drop) struct account *account = NULL;
        error = accounts_merged(conf, block, &shares, &account);
    }
    shares_fini(&shares);
    return error == FERRY_OK ? directories_check(conf) : error;
}
