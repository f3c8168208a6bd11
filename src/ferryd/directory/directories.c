/* The blocks of directories and databases. */
#include "ferryd/directory/directories.h"

#include <string.h>

#include "base/text.h"
#include "ferryd/directory/conninfo.h"
#include "ferryd/directory/draft.h"
#include "ferryd/directory/pattern.h"
#include "ferryd/directory/server_url.h"
#include "ferryd/settings_directories.h"

/* Notes `error` as a mistake, unless memory is short. */
static enum ferry_error note(struct conf *conf, const struct conf_instance *block,
                             const char *directive, enum ferry_error error,
                             const struct fault *fault)
{
    if (error == FERRY_OK || error == FERRY_E_MEMORY)
        return error;
    conf_mistake(conf, block, directive, "%s", fault->what);
    return FERRY_OK;
}

/* ---- what both have ---- */

/* One "FIELD=VALUE", as it would be for an account called "x". */
static enum ferry_error try_default(struct draft *draft, struct bytes text, struct fault *fault)
{
    unsigned target = 0;
    struct bytes value;
    CLEANUP(buf_fini) struct buf filled;
    buf_init(&filled, PATTERN_MAX_BYTES);
    enum ferry_error error = draft_pair(text, &target, &value, fault);
    if (error == FERRY_OK && target == DRAFT_NAME)
        error = fault_set(fault, FERRY_E_ARGUMENT, "name has no default");
    if (error == FERRY_OK)
        error = pattern_check_plain(value, fault);
    if (error == FERRY_OK)
        error = pattern_plain(value, BYTES_LIT("x"), &filled);
    return error == FERRY_OK ? draft_put(draft, target, buf_view(&filled), fault) : error;
}

static enum ferry_error check_defaults(struct conf *conf, const struct conf_instance *block,
                                       const struct conf_texts *defaults)
{
    CLEANUP(draft_fini) struct draft draft;
    enum ferry_error error = draft_init(&draft, BYTES_LIT("x"), NULL);
    for (size_t i = 0; i < defaults->count && error == FERRY_OK; i++) {
        struct fault fault = {0};
        error = try_default(&draft, bytes_str(defaults->list[i]), &fault);
        error = note(conf, block, "defaults", error, &fault);
    }
    return error;
}

/* ---- ldap ---- */

static enum ferry_error check_urls(struct conf *conf, const struct conf_instance *block)
{
    const struct settings_ldap *ldap = block->values;
    bool plain = false;
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < ldap->url.count && error == FERRY_OK; i++) {
        struct fault fault = {0};
        struct server_url url = {.tls = true};
        error = server_url_read(bytes_str(ldap->url.list[i]), &url, &fault);
        error = note(conf, block, "url", error, &fault);
        plain |= !url.tls;
    }
    if (plain && !ldap->starttls && !ldap->plaintext_allowed)
        conf_mistake(conf, block, "url",
                     "passwords would go in clear: write ldaps://, or starttls = yes, or, if that "
                     "is meant, plaintext = allow");
    if (!plain && ldap->starttls && ldap->url.count > 0)
        conf_mistake(conf, block, "starttls", "all servers have TLS from the first byte on");
    return error;
}

/* A name or numbers with options, such as "userCertificate;binary". */
static bool is_attribute(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !text_is_digit(c) && (c == '\0' || !strchr("-.;_", c)))
            return false;
    }
    return true;
}

static enum ferry_error try_attribute(struct bytes text, unsigned *target, struct fault *fault)
{
    struct bytes value;
    enum ferry_error error = draft_pair(text, target, &value, fault);
    if (error == FERRY_OK && !is_attribute(value))
        error = fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" is no name of an attribute",
                          BYTES_FMT(value));
    if (error == FERRY_OK && *target == ACCOUNT_PASSWORD_HASH)
        error = fault_set(fault, FERRY_E_ARGUMENT,
                          "password_hash has no use here: the directory itself is asked whether a "
                          "password is right");
    return error;
}

static enum ferry_error check_attributes(struct conf *conf, const struct conf_instance *block)
{
    const struct settings_ldap *ldap = block->values;
    enum ferry_error error = FERRY_OK;
    bool seen[DRAFT_TARGETS] = {false};
    for (size_t i = 0; i < ldap->attributes.count && error == FERRY_OK; i++) {
        struct fault fault = {0};
        unsigned target = 0;
        error = try_attribute(bytes_str(ldap->attributes.list[i]), &target, &fault);
        if (error == FERRY_OK && seen[target])
            error = fault_set(&fault, FERRY_E_ARGUMENT, "%s stands there twice",
                              draft_target_name(target));
        seen[target] = true;
        error = note(conf, block, "attributes", error, &fault);
    }
    if (seen[ACCOUNT_USER] && (seen[DRAFT_UID] || seen[DRAFT_GID]))
        conf_mistake(conf, block, "attributes", "user is one thing, uid and gid are another");
    return error;
}

static enum ferry_error check_patterns(struct conf *conf, const struct conf_instance *block)
{
    const struct settings_ldap *ldap = block->values;
    struct fault base = {0}, group_base = {0}, filter = {0}, group = {0};
    enum ferry_error error = FERRY_OK;
    if (ldap->base)
        error = note(conf, block, "base", pattern_check_dn(bytes_str(ldap->base), &base), &base);
    bool one = ldap->base && strstr(ldap->base, "%u"); /* the base finds the account already */
    if (error == FERRY_OK && !(one && !strstr(ldap->filter, "%u")))
        error = note(conf, block, "filter",
                     pattern_check_filter(bytes_str(ldap->filter), "u", &filter), &filter);
    if (error == FERRY_OK && ldap->group_filter)
        error = note(conf, block, "group_filter",
                     pattern_check_filter(bytes_str(ldap->group_filter), "ud", &group), &group);
    if (error == FERRY_OK && ldap->group_base)
        error = note(conf, block, "group_base",
                     pattern_check_dn(bytes_str(ldap->group_base), &group_base), &group_base);
    return error;
}

static enum ferry_error check_ldap(struct conf *conf, const struct conf_instance *block)
{
    const struct settings_ldap *ldap = block->values;
    if (ldap->bind_dn && !ldap->bind_password_file)
        conf_mistake(conf, block, "bind_dn", "its password must come from bind_password_file");
    if (!ldap->bind_dn && ldap->bind_password_file)
        conf_mistake(conf, block, "bind_password_file", "there is no bind_dn that it is of");
    if (ldap->group_base && !ldap->group_filter)
        conf_mistake(conf, block, "group_base", "there is no group_filter that looks there");
    enum ferry_error error = check_urls(conf, block);
    if (error == FERRY_OK)
        error = check_patterns(conf, block);
    if (error == FERRY_OK)
        error = check_attributes(conf, block);
    return error == FERRY_OK ? check_defaults(conf, block, &ldap->source.defaults) : error;
}

/* ---- postgresql ---- */

static void check_query(struct conf *conf, const struct conf_instance *block, const char *directive,
                        const char *query)
{
    if (query && !strstr(query, "$1"))
        conf_mistake(conf, block, directive,
                     "$1, the name, stands nowhere in it: it would find the same for all");
    if (query && strstr(query, "'$1'"))
        conf_mistake(conf, block, directive, "$1 must not stand in quotes: it is no text there");
}

static enum ferry_error check_postgresql(struct conf *conf, const struct conf_instance *block)
{
    const struct settings_postgresql *postgresql = block->values;
    enum ferry_error error = FERRY_OK;
    check_query(conf, block, "account_query", postgresql->account_query);
    check_query(conf, block, "certificate_query", postgresql->certificate_query);
    if (postgresql->connection) {
        struct fault fault = {0};
        CLEANUP(conninfo_fini) struct conninfo info;
        error = conninfo_read(bytes_str(postgresql->connection), &info, &fault);
        error = note(conf, block, "connection", error, &fault);
    }
    return error == FERRY_OK ? check_defaults(conf, block, &postgresql->source.defaults) : error;
}

enum ferry_error directories_check(struct conf *conf)
{
    enum ferry_error error = FERRY_OK;
    const struct conf_instance *block = NULL;
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_LDAP, block)))
        error = check_ldap(conf, block);
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_POSTGRESQL, block)))
        error = check_postgresql(conf, block);
    return error;
}
