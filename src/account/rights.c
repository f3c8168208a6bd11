/* What an account may do, folder by folder. */
#include "account/rights.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

struct rights_rule {
    char *folder;
    size_t folder_len; /* without a slash at its end: 0 for the root */
    unsigned allowed;
};

static const struct {
    const char *word;
    unsigned rights;
} words[] = {
    {"read", RIGHT_READ},
    {"list", RIGHT_LIST},
    {"write", RIGHTS_WRITE},
    {"create", RIGHT_CREATE},
    {"overwrite", RIGHT_OVERWRITE},
    {"append", RIGHT_APPEND},
    {"delete", RIGHT_DELETE},
    {"rename", RIGHT_RENAME},
    {"mkdir", RIGHT_MAKE_DIRECTORY},
    {"change", RIGHT_CHANGE},
    {"all", RIGHTS_ALL},
    {"read-only", RIGHTS_READ_ONLY},
    {"only-drop", RIGHTS_DROP},
    {"none", RIGHTS_NONE},
};

/* Adds the rights that `word` stands for. */
static bool take_word(struct bytes word, unsigned *rights)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (text_same(word, bytes_str(words[i].word))) {
            *rights |= words[i].rights;
            return true;
        }
    }
    return false;
}

static enum ferry_error unknown_word(struct fault *fault, struct bytes word)
{
    char seen[64];
    text_visible_into(seen, sizeof(seen), word);
    fault_set(fault, FERRY_E_ARGUMENT, "%s is no right", word.len ? seen : "nothing");
    fault_advise(fault, "there are read, list, write, create, overwrite, append, delete, rename, "
                        "mkdir, change, all, read-only, only-drop and none");
    return FERRY_E_ARGUMENT;
}

enum ferry_error rights_parse(struct bytes text, unsigned *out, struct fault *fault)
{
    unsigned rights = RIGHTS_NONE;
    bool any = false;
    while (text.len > 0) {
        size_t len = 0;
        while (len < text.len && text.ptr[len] != ' ' && text.ptr[len] != ',')
            len++;
        struct bytes word = bytes_first(text, len);
        text = bytes_skip(text, len + 1);
        if (word.len == 0)
            continue;
        if (!take_word(word, &rights))
            return unknown_word(fault, word);
        any = true;
    }
    if (!any)
        return unknown_word(fault, text);
    *out = rights;
    return FERRY_OK;
}

void rights_init(struct rights *rights)
{
    *rights = (struct rights){0};
}

void rights_fini(struct rights *rights)
{
    for (size_t i = 0; i < rights->count; i++)
        alloc_free(rights->rules[i].folder);
    alloc_free(rights->rules);
    rights_init(rights);
}

enum ferry_error rights_add(struct rights *rights, const char *folder, unsigned allowed)
{
    if (folder[0] != '/')
        return FERRY_E_ARGUMENT;
    if (rights->count == RIGHTS_RULES_MAX)
        return FERRY_E_LIMIT;
    struct rights_rule *grown =
        alloc_resize(rights->rules, rights->count + 1, sizeof(*rights->rules));
    if (!grown)
        return FERRY_E_MEMORY;
    rights->rules = grown;
    size_t len = strlen(folder);
    if (folder[len - 1] == '/')
        len--;
    struct rights_rule rule = {
        .folder = alloc_bytes(bytes_of(folder, len)), .folder_len = len, .allowed = allowed};
    if (!rule.folder)
        return FERRY_E_MEMORY;
    rights->rules[rights->count++] = rule;
    return FERRY_OK;
}

static bool holds(const struct rights_rule *rule, const char *path)
{
    if (strncmp(rule->folder, path, rule->folder_len) != 0)
        return false;
    return path[rule->folder_len] == '/' || path[rule->folder_len] == '\0';
}

unsigned rights_at(const struct rights *rights, const char *path)
{
    if (rights->count == 0)
        return RIGHTS_ALL;
    const struct rights_rule *best = NULL;
    for (size_t i = 0; i < rights->count; i++) {
        const struct rights_rule *rule = &rights->rules[i];
        if (holds(rule, path) && (!best || rule->folder_len >= best->folder_len))
            best = rule;
    }
    return best ? best->allowed : RIGHTS_NONE;
}
