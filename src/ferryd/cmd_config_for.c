/* `ferryd config --effective --for ACCOUNT`: what would hold for one account. */
#include "ferryd/cmd_config_for.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "ferryd/accounts.h"
#include "ferryd/settings.h"
#include "ferryd/sources.h"
#include "roster/roster.h"

/* The account as it was set, and where. */
struct subject {
    struct conf *conf;
    struct account *account;
    const struct conf_instance *block; /* NULL: it is of a file */
};

/* ---- finding ---- */

/* Asks the files that `accounts` names, in order. */
static enum ferry_error find_in_files(const struct conf *conf, enum roster_table table,
                                      struct bytes name, struct account **out, struct fault *fault)
{
    const struct conf_texts *list = &settings_global(conf)->accounts;
    enum ferry_error error = FERRY_OK;
    *out = NULL;
    for (size_t i = 0; i < list->count && error == FERRY_OK && !*out; i++) {
        struct sources_item item = sources_read(list->list[i]);
        CLEANUP(roster_drop) struct roster *roster = NULL;
        if (item.kind != SOURCES_SQLITE || access(item.where, F_OK) != 0)
            continue; /* it is not made here */
        error = roster_open_table(item.where, table, &roster, fault);
        if (error == FERRY_OK)
            error = roster_find(roster, name, out, fault);
    }
    return error;
}

static enum ferry_error find_shared(void *ctx, enum shares_kind kind, struct bytes name,
                                    struct account **out, struct fault *fault)
{
    return find_in_files(ctx, kind == SHARES_GROUP ? ROSTER_GROUPS : ROSTER_TEMPLATES, name, out,
                         fault);
}

static enum ferry_error find_subject(struct subject *subject, const char *name, struct fault *fault)
{
    const struct conf_instance *block = NULL;
    while ((block = conf_next(subject->conf, SETTINGS_ACCOUNT, block))) {
        if (strcmp(block->label, name) != 0)
            continue;
        subject->block = block;
        return accounts_from_block(subject->conf, block, &subject->account);
    }
    enum ferry_error error =
        find_in_files(subject->conf, ROSTER_ACCOUNTS, bytes_str(name), &subject->account, fault);
    if (error == FERRY_OK && !subject->account)
        error = fault_set(fault, FERRY_E_NOT_FOUND, "there is no such account");
    return error;
}

/* ---- printing ---- */

static enum ferry_error print_place(struct buf *out, const char *kind, const char *name,
                                    const struct conf_instance *block, enum account_field field)
{
    enum ferry_error error = buf_printf(out, " # %s \"%s\"", kind, name);
    if (error != FERRY_OK || !block)
        return error == FERRY_OK ? buf_append(out, BYTES_LIT(", of a file of accounts\n")) : error;
    const struct conf_directive *directive =
        conf_schema_directive(block->block, account_field_names[field]);
    const struct conf_given *given = &block->given[directive - block->block->directives];
    if (error == FERRY_OK)
        error = buf_append(out, BYTES_LIT(", "));
    if (error == FERRY_OK)
        error = text_visible(out, bytes_str(given->file));
    return error == FERRY_OK ? buf_printf(out, ":%u\n", given->line) : error;
}

/* A line for each line of the value. */
static enum ferry_error print_value(struct buf *out, enum account_field field, const char *text,
                                    const char *kind, const char *name,
                                    const struct conf_instance *block)
{
    struct bytes rest = bytes_str(text);
    enum ferry_error error = FERRY_OK;
    do {
        struct bytes line = text_trim(bytes_cut(&rest, '\n'));
        if (field == ACCOUNT_PASSWORD_HASH)
            line = BYTES_LIT("not shown");
        error = buf_printf(out, "    %s = \"", account_field_names[field]);
        if (error == FERRY_OK)
            error = text_visible(out, line);
        if (error == FERRY_OK)
            error = buf_append(out, BYTES_LIT("\""));
        if (error == FERRY_OK)
            error = print_place(out, kind, name, block, field);
    } while (error == FERRY_OK && rest.len > 0);
    return error;
}

static enum ferry_error print_default(struct buf *out, enum account_field field)
{
    const struct conf_block *block = conf_schema_block(&settings_schema, SETTINGS_ACCOUNT);
    const char *fallback = conf_schema_directive(block, account_field_names[field])->fallback;
    return fallback ? buf_printf(out, "    %s = \"%s\" # default\n", account_field_names[field],
                                 fallback)
                    : buf_printf(out, "    # %s is not set\n", account_field_names[field]);
}

/* Who sets it, the first that counts first; rights and roots add up. */
static enum ferry_error print_field(struct buf *out, const struct subject *subject,
                                    const struct shares_chain *chain, enum account_field field)
{
    bool adds_up = field == ACCOUNT_RIGHTS || field == ACCOUNT_ROOTS;
    const char *own = account_text(subject->account, field);
    enum ferry_error error = FERRY_OK;
    bool set = own[0] != '\0';
    if (set)
        error =
            print_value(out, field, own, SETTINGS_ACCOUNT, subject->account->name, subject->block);
    bool shared = account_field_is_shared(field);
    for (size_t i = 0; i < chain->count && shared && error == FERRY_OK && (!set || adds_up); i++) {
        const struct shares_link *link = &chain->links[i];
        const char *text = account_text(link->account, field);
        if (!text[0])
            continue;
        error = print_value(out, field, text, shares_words[link->kind], link->account->name,
                            link->block);
        set = true;
    }
    return set || error != FERRY_OK ? error : print_default(out, field);
}

static enum ferry_error print_bar(struct buf *out, const struct account *merged, const char *from,
                                  struct fault *fault)
{
    struct address peer = {0};
    time_t now_s = time(NULL);
    struct tm local = {0};
    localtime_r(&now_s, &local);
    const struct account_time now = {
        .unix_s = now_s, .weekday = local.tm_wday, .minute = local.tm_hour * 60 + local.tm_min};
    if (from && address_parse(from, 0, &peer) != FERRY_OK)
        return fault_set(fault, FERRY_E_ARGUMENT, "%s is no address", from);
    struct account copy = *merged; /* borrows all that it points to */
    if (!from)
        copy.network_count = 0;
    return buf_printf(out, "# a login%s%s now: %s\n", from ? " from " : "", from ? from : "",
                      account_bar_words(account_bar(&copy, &now, &peer)));
}

static enum ferry_error print_subject(struct buf *out, const struct subject *subject,
                                      const struct shares *shares, const char *from,
                                      struct fault *fault)
{
    CLEANUP(account_drop) struct account *merged = NULL;
    CLEANUP(shares_chain_fini) struct shares_chain chain = {0};
    enum ferry_error error = shares_chain(shares, subject->account, &chain, fault);
    if (error == FERRY_OK)
        error = shares_merge(shares, subject->account, &merged, fault);
    if (error == FERRY_OK)
        error = buf_printf(out, "\naccount \"%s\" {\n", subject->account->name);
    for (int i = 0; i < ACCOUNT_FIELDS && error == FERRY_OK; i++)
        error = print_field(out, subject, &chain, (enum account_field)i);
    if (error == FERRY_OK)
        error = buf_append(out, BYTES_LIT("}\n"));
    return error == FERRY_OK ? print_bar(out, merged, from, fault) : error;
}

enum ferry_error config_for(struct conf *conf, const char *name, const char *from, struct buf *out,
                            struct fault *fault)
{
    struct subject subject = {.conf = conf};
    struct shares shares;
    enum ferry_error error = shares_init(&shares, conf, find_shared, conf);
    if (error == FERRY_OK)
        error = find_subject(&subject, name, fault);
    if (error == FERRY_OK && subject.account)
        error = print_subject(out, &subject, &shares, from, fault);
    account_free(subject.account);
    shares_fini(&shares);
    return fault_is_set(fault) || error == FERRY_OK ? error
                                                    : fault_set(fault, error, "memory is short");
}
