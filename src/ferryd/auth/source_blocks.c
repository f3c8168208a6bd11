/* The account blocks of ferryd.conf as a source. */
#include "ferryd/auth/source_blocks.h"

#include "base/alloc.h"
#include "ferryd/accounts.h"
#include "ferryd/settings.h"

struct blocks {
    struct source source;
    struct account **list;
    size_t count;
};

static enum ferry_error blocks_find(struct source *source, unsigned turn, struct bytes name,
                                    struct found *out, struct fault *fault)
{
    const struct blocks *blocks = (const struct blocks *)source;
    (void)turn;
    (void)fault;
    for (size_t i = 0; i < blocks->count; i++) /* all of them, found or not (SEC-84) */
        if (bytes_equal(bytes_str(blocks->list[i]->name), name))
            out->account = blocks->list[i];
    return FERRY_OK;
}

static enum ferry_error blocks_each(struct source *source, source_each_fn *fn, void *ctx,
                                    struct fault *fault)
{
    const struct blocks *blocks = (const struct blocks *)source;
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < blocks->count && error == FERRY_OK; i++)
        error = fn(ctx, blocks->list[i], fault);
    return error;
}

static void blocks_close(struct source *source)
{
    struct blocks *blocks = (struct blocks *)source;
    for (size_t i = 0; i < blocks->count; i++)
        account_free(blocks->list[i]);
    alloc_free(blocks->list);
    alloc_free(blocks);
}

/* Adds the account of a block, if it has no mistake. */
static enum ferry_error add_block(struct blocks *blocks, struct conf *conf,
                                  const struct conf_instance *block)
{
    CLEANUP(account_drop) struct account *account = NULL;
    enum ferry_error error = accounts_from_block(conf, block, &account);
    if (error != FERRY_OK || !account)
        return error;
    struct account **grown = alloc_resize(blocks->list, blocks->count + 1, sizeof(*grown));
    if (!grown)
        return FERRY_E_MEMORY;
    blocks->list = grown;
    grown[blocks->count++] = account;
    account = NULL;
    return FERRY_OK;
}

enum ferry_error source_blocks_open(struct conf *conf, struct source **out, struct fault *fault)
{
    static const struct source_ops ops = {
        .find = blocks_find, .each = blocks_each, .close = blocks_close};
    const struct conf_instance *block = NULL;
    struct blocks *blocks = alloc_zero(sizeof(*blocks));
    enum ferry_error error = blocks ? FERRY_OK : FERRY_E_MEMORY;
    if (blocks)
        blocks->source = (struct source){.ops = &ops, .name = "ferryd.conf"};
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_ACCOUNT, block)))
        error = add_block(blocks, conf, block);
    if (error != FERRY_OK) {
        if (blocks)
            blocks_close(&blocks->source);
        return fault_set(fault, error, "no memory for the accounts");
    }
    *out = &blocks->source;
    return FERRY_OK;
}
