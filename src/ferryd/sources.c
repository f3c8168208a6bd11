/* What the directive `accounts` names. */
#include "ferryd/sources.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "ferryd/settings.h"

static const char accounts[] = "accounts";

static const struct {
    const char *word; /* with a colon something follows it */
    enum sources_kind kind;
} kinds[] = {
    {"sqlite:", SOURCES_SQLITE},
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
        if (error == FERRY_OK && is_repeated(list, i))
            conf_mistake(conf, global, accounts, "%s stands there twice", list->list[i]);
    }
    if (list->count > SOURCES_MAX)
        conf_mistake(conf, global, accounts, "there are more than %d", SOURCES_MAX);
    return error;
}
