/* What the directive `accounts` names. */
#include "ferryd/sources.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "ferryd/settings.h"
#include "ferryd/settings_directories.h"

static const char accounts[] = "accounts";

static const struct {
    const char *word; /* with a colon something follows it */
    enum sources_kind kind;
    const char *block; /* that what follows is the name of; NULL: of none */
} kinds[] = {
    {"sqlite:", SOURCES_SQLITE, NULL},
    {"ldap:", SOURCES_LDAP, SETTINGS_LDAP},
    {"postgresql:", SOURCES_POSTGRESQL, SETTINGS_POSTGRESQL},
};

struct sources_item sources_read(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i].word);
        bool prefix = kinds[i].word[len - 1] == ':';
        if (prefix ? strncmp(text, kinds[i].word, len) == 0 : strcmp(text, kinds[i].word) == 0)
            return (struct sources_item){.kind = kinds[i].kind, .where = text + len};
    }
    return (struct sources_item){.kind = SOURCES_SQLITE, .where = text};
}

/* ---- what is written ---- */

/* The folder of the file in which `accounts` is set, with a slash behind it; "": the working
 * directory. */
static struct bytes folder_of(const struct conf_instance *global)
{
    const char *file = conf_file_of(global, accounts);
    const char *slash = file ? strrchr(file, '/') : NULL;
    return slash ? bytes_of(file, (size_t)(slash - file) + 1) : BYTES_LIT("");
}

static enum ferry_error settle_path(struct conf *conf, struct conf_instance *global, size_t i,
                                    const char *path)
{
    CLEANUP(buf_fini) struct buf whole;
    buf_init(&whole, MESSAGE_PATH_BYTES);
    if (!path[0]) {
        conf_mistake(conf, global, accounts, "the path is empty");
        return FERRY_OK;
    }
    struct bytes folder = path[0] == '/' ? BYTES_LIT("") : folder_of(global);
    enum ferry_error error = buf_printf(&whole, "sqlite:%.*s%s", BYTES_FMT(folder), path);
    if (error == FERRY_E_LIMIT)
        conf_mistake(conf, global, accounts, "the path is too long");
    return error == FERRY_OK         ? conf_replace_text(global, accounts, i, buf_view(&whole))
           : error == FERRY_E_MEMORY ? error
                                     : FERRY_OK;
}

static const char *block_of(enum sources_kind kind)
{
    const char *block = NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == kind)
            block = kinds[i].block;
    return block;
}

/* Whether `accounts` names the block. */
static bool is_named(const struct conf_texts *list, const struct conf_instance *instance)
{
    for (size_t i = 0; i < list->count; i++) {
        struct sources_item item = sources_read(list->list[i]);
        const char *block = block_of(item.kind);
        if (block && strcmp(block, instance->block->name) == 0 &&
            strcmp(item.where, instance->label) == 0)
            return true;
    }
    return false;
}

static void check_all_named(struct conf *conf, const struct conf_texts *list)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct conf_instance *instance = NULL;
        while (kinds[i].block && (instance = conf_next(conf, kinds[i].block, instance)))
            if (!is_named(list, instance))
                conf_mistake(conf, instance, NULL,
                             "nobody is looked for there: accounts does not name %s%s",
                             kinds[i].word, instance->label);
    }
}

/* Whether an item before this one is the same. */
static bool is_repeated(const struct conf_texts *list, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(list->list[i], list->list[at]) == 0)
            return true;
    return false;
}

enum ferry_error sources_settle(struct conf *conf)
{
    struct conf_instance *global = conf_next(conf, NULL, NULL);
    const struct conf_texts *list = &settings_global(conf)->accounts;
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < list->count && error == FERRY_OK; i++) {
        struct sources_item item = sources_read(list->list[i]);
        if (item.kind == SOURCES_SQLITE)
            error = settle_path(conf, global, i, item.where);
        const char *block = block_of(item.kind);
        if (block && !conf_find(conf, block, item.where))
            conf_mistake(conf, global, accounts, "there is no block %s \"%s\"", block, item.where);
        if (error == FERRY_OK && is_repeated(list, i))
            conf_mistake(conf, global, accounts, "%s stands there twice", list->list[i]);
    }
    if (list->count > SOURCES_MAX)
        conf_mistake(conf, global, accounts, "there are more than %d", SOURCES_MAX);
    check_all_named(conf, list);
    return error;
}
