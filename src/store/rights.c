/* What an account may do, folder by folder. */
#include "store/rights.h"

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
    {"rmdir", RIGHT_REMOVE_DIRECTORY},
    {"times", RIGHT_TIMES},
    {"chmod", RIGHT_MODE},
    {"all", RIGHTS_ALL},
    {"read-only", RIGHTS_READ_ONLY},
    {"drop", RIGHTS_DROP},
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
                        "mkdir, rmdir, times, chmod, all, read-only, drop and none");
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

/* As rights.h says; `*folder` loses what may stand at its end: a slash, or a slash and two stars.
 */
static bool is_folder(struct bytes *folder)
{
    if (folder->len >= 3 && bytes_equal(bytes_skip(*folder, folder->len - 3), BYTES_LIT("/**")))
        folder->len -= 2;
    if (folder->len == 0 || folder->ptr[0] != '/')
        return false;
    if (folder->ptr[folder->len - 1] == '/')
        folder->len--;
    struct bytes rest = bytes_skip(*folder, 1);
    while (folder->len > 0 && rest.ptr <= folder->ptr + folder->len) {
        struct bytes name = bytes_first(rest, bytes_find(rest, '/'));
        if (name.len == 0 || bytes_equal(name, BYTES_LIT(".")) ||
            bytes_equal(name, BYTES_LIT("..")) || bytes_find(name, '*') < name.len ||
            bytes_find(name, '\0') < name.len)
            return false;
        if (name.len == rest.len)
            break;
        rest = bytes_skip(rest, name.len + 1);
    }
    return true;
}

enum ferry_error rights_add(struct rights *rights, struct bytes folder, unsigned allowed,
                            struct fault *fault)
{
    char seen[64];
    text_visible_into(seen, sizeof(seen), folder);
    if (!is_folder(&folder))
        return fault_set(fault, FERRY_E_ARGUMENT, "\"%s\" is no folder like /in", seen);
    if (rights->count == RIGHTS_RULES_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "there may be %d rules", RIGHTS_RULES_MAX);
    struct rights_rule *grown =
        alloc_resize(rights->rules, rights->count + 1, sizeof(*rights->rules));
    if (!grown)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for rights");
    rights->rules = grown;
    struct rights_rule rule = {
        .folder = alloc_bytes(folder), .folder_len = folder.len, .allowed = allowed};
    if (!rule.folder)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for rights");
    rights->rules[rights->count++] = rule;
    return FERRY_OK;
}

static enum ferry_error add_line(struct rights *rights, struct bytes line, struct fault *fault)
{
    unsigned allowed = 0;
    size_t equals = bytes_find(line, '=');
    if (equals == line.len)
        return fault_set(fault, FERRY_E_ARGUMENT, "a rule is like \"/in = create, list\"");
    enum ferry_error error = rights_parse(bytes_skip(line, equals + 1), &allowed, fault);
    return error == FERRY_OK
               ? rights_add(rights, text_trim(bytes_first(line, equals)), allowed, fault)
               : error;
}

enum ferry_error rights_add_text(struct rights *rights, struct bytes text, struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && text.len > 0) {
        struct bytes line = text_trim(bytes_cut(&text, '\n'));
        if (line.len > 0)
            error = add_line(rights, line, fault);
    }
    return error;
}

/* ---- what holds ---- */

/* Whether the folder is `path` or holds it. */
static bool holds(const struct rights_rule *rule, const char *path)
{
    if (strncmp(rule->folder, path, rule->folder_len) != 0)
        return false;
    return path[rule->folder_len] == '/' || path[rule->folder_len] == '\0';
}

/* Whether the folder is `path` or beneath it. */
static bool is_within(const struct rights_rule *rule, const char *path)
{
    size_t len = strcmp(path, "/") == 0 ? 0 : strlen(path);
    return rule->folder_len >= len && memcmp(rule->folder, path, len) == 0 &&
           (rule->folder_len == len || rule->folder[len] == '/');
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

bool rights_lead_through(const struct rights *rights, const char *path)
{
    for (size_t i = 0; i < rights->count; i++)
        if (is_within(&rights->rules[i], path) &&
            rights_at(rights, rights->rules[i].folder_len ? rights->rules[i].folder : "/"))
            return true;
    return false;
}

bool rights_are_for(const struct rights *rights, const char *path)
{
    for (size_t i = 0; i < rights->count; i++)
        if (is_within(&rights->rules[i], path))
            return true;
    return false;
}

bool rights_all_within(const struct rights *rights, unsigned a, unsigned b)
{
    for (size_t i = 0; i < rights->count; i++) {
        unsigned allowed = rights->rules[i].allowed;
        if ((allowed & ~a) && (allowed & ~b))
            return false;
    }
    return true;
}

unsigned rights_throughout(const struct rights *rights, const char *path)
{
    unsigned all = rights_at(rights, path);
    for (size_t i = 0; i < rights->count; i++)
        if (is_within(&rights->rules[i], path))
            all &= rights_at(rights, rights->rules[i].folder_len ? rights->rules[i].folder : "/");
    return all;
}
