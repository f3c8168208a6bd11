/* Groups and templates. */
#include "ferryd/shares.h"

#include "base/alloc.h"
#include "base/text.h"
#include "ferryd/accounts.h"
#include "ferryd/settings.h"

struct shares_item {
    enum shares_kind kind;
    struct account *account;
    const struct conf_instance *block;
};

const char *const shares_words[] = {
    [SHARES_GROUP] = SETTINGS_GROUP,
    [SHARES_TEMPLATE] = SETTINGS_TEMPLATE,
};

/* ---- blocks ---- */

/* What only an account itself has. */
static void check_own(struct conf *conf, const struct conf_instance *block)
{
    for (int i = 0; i < ACCOUNT_FIELDS; i++)
        if (!account_field_is_shared((enum account_field)i) &&
            conf_is_given(block, account_field_names[i]))
            conf_mistake(conf, block, account_field_names[i], "only an account can have it");
}

static enum ferry_error add(struct shares *shares, struct conf *conf, enum shares_kind kind,
                            const struct conf_instance *block)
{
    struct account *account = NULL;
    check_own(conf, block);
    enum ferry_error error = accounts_from_block(conf, block, &account);
    if (error != FERRY_OK || !account)
        return error;
    struct shares_item *grown = alloc_resize(shares->list, shares->count + 1, sizeof(*grown));
    if (!grown) {
        account_free(account);
        return FERRY_E_MEMORY;
    }
    shares->list = grown;
    grown[shares->count++] = (struct shares_item){.kind = kind, .account = account, .block = block};
    return FERRY_OK;
}

enum ferry_error shares_init(struct shares *shares, struct conf *conf, shares_find_fn *find,
                             void *ctx)
{
    static const enum shares_kind kinds[] = {SHARES_GROUP, SHARES_TEMPLATE};
    enum ferry_error error = FERRY_OK;
    *shares = (struct shares){.find = find, .ctx = ctx};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct conf_instance *block = NULL;
        while (error == FERRY_OK && (block = conf_next(conf, shares_words[kinds[i]], block)))
            error = add(shares, conf, kinds[i], block);
    }
    return error;
}

void shares_fini(struct shares *shares)
{
    for (size_t i = 0; i < shares->count; i++)
        account_free(shares->list[i].account);
    alloc_free(shares->list);
    *shares = (struct shares){0};
}

/* ---- whose values an account has ---- */

static enum ferry_error find(const struct shares *shares, enum shares_kind kind, struct bytes name,
                             struct shares_link *out, struct fault *fault)
{
    *out = (struct shares_link){.kind = kind};
    for (size_t i = 0; i < shares->count; i++) {
        const struct shares_item *item = &shares->list[i];
        if (item->kind == kind && bytes_equal(bytes_str(item->account->name), name)) {
            out->account = item->account;
            out->block = item->block;
            return FERRY_OK;
        }
    }
    if (!shares->find)
        return FERRY_OK;
    enum ferry_error error = shares->find(shares->ctx, kind, name, &out->owned, fault);
    out->account = out->owned;
    return error;
}

static enum ferry_error add_link(const struct shares *shares, enum shares_kind kind,
                                 struct bytes name, bool needed, struct shares_chain *chain,
                                 struct fault *fault)
{
    struct shares_link *link = &chain->links[chain->count];
    enum ferry_error error = find(shares, kind, name, link, fault);
    if (error == FERRY_OK && link->account)
        chain->count++;
    else if (error == FERRY_OK && needed)
        error = fault_set(fault, FERRY_E_NOT_FOUND, "there is no %s %.*s", shares_words[kind],
                          BYTES_FMT(name));
    return error;
}

enum ferry_error shares_chain(const struct shares *shares, const struct account *account,
                              struct shares_chain *out, struct fault *fault)
{
    struct bytes rest = bytes_str(account_text(account, ACCOUNT_GROUP));
    struct bytes template = bytes_str(account_text(account, ACCOUNT_TEMPLATE));
    enum ferry_error error = FERRY_OK;
    *out = (struct shares_chain){0};
    while (error == FERRY_OK && rest.len > 0) {
        struct bytes name = text_trim(bytes_cut(&rest, '\n'));
        if (name.len > 0 && out->count < ACCOUNT_GROUPS_MAX)
            error = add_link(shares, SHARES_GROUP, name, true, out, fault);
    }
    if (error != FERRY_OK)
        return error;
    return template.len > 0 ? add_link(shares, SHARES_TEMPLATE, template, true, out, fault)
                            : add_link(shares, SHARES_TEMPLATE, BYTES_LIT(SHARES_TEMPLATE_DEFAULT),
                                       false, out, fault);
}

void shares_chain_fini(struct shares_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        account_free(chain->links[i].owned);
    chain->count = 0;
}

enum ferry_error shares_merge(const struct shares *shares, const struct account *account,
                              struct account **out, struct fault *fault)
{
    CLEANUP(account_drop) struct account *merged = NULL;
    struct shares_chain chain;
    enum ferry_error error = shares_chain(shares, account, &chain, fault);
    if (error == FERRY_OK)
        error = account_copy(account, &merged, fault);
    for (size_t i = 0; i < chain.count && error == FERRY_OK; i++)
        error = account_inherit(merged, chain.links[i].account, fault);
    shares_chain_fini(&chain);
    if (error != FERRY_OK)
        return error;
    *out = merged;
    merged = NULL;
    return FERRY_OK;
}
