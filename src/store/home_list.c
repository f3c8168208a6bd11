/* The files of one login: the listing that is open. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "store/home_place.h"
#include "store/match.h"
#include "store/roots.h"

enum { MATCHLESS_MAX = 200000 }; /* names that are looked at for one that matches */

struct home_list {
    struct dir dir;
    struct home_place place;
    struct bytes path; /* of `place` */
    bool no_dotfiles;
    char *pattern; /* or NULL */
    bool may_change;
    struct namelist roots; /* further ones in it that are still to be told, by name */
    const char *next_root; /* or NULL: no more */
    size_t roots_left;
    size_t count;
    struct entry entries[HOME_BATCH];
};

static void list_free(struct home_list *list)
{
    if (!list)
        return;
    dir_free_entries(list->entries, list->count);
    namelist_fini(&list->roots);
    alloc_free(list->pattern);
    alloc_free(list);
}

void home_list_close(struct home *home)
{
    if (home->list)
        dir_close(&home->list->dir);
    list_free(home->list);
    home->list = NULL;
}

/* ---- further roots ---- */

/* The name of what is at `path` in the folder, NULL: it is not in it. */
static const char *name_in(const char *folder, const char *path)
{
    size_t len = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(path, folder, len) != 0 || path[len] != '/' || strchr(path + len + 1, '/'))
        return NULL;
    return path + len + 1;
}

static enum ferry_error find_roots(const struct home *home, struct home_list *list)
{
    enum ferry_error error = FERRY_OK;
    namelist_init(&list->roots, ROOTS_MAX, ROOTS_MAX * (NAME_MAX + 1));
    for (size_t i = 0; error == FERRY_OK && i < home->more_count; i++) {
        const char *name = name_in(list->place.full, home->more[i].at);
        if (!name || strlen(name) > NAME_MAX)
            continue;
        error = namelist_add(&list->roots, name);
        list->roots_left++;
    }
    if (error == FERRY_OK)
        error = namelist_sort(&list->roots);
    if (error == FERRY_OK)
        list->next_root = namelist_next(&list->roots);
    return error;
}

static const struct home_root *root_named(const struct home *home, const struct home_list *list,
                                          const char *wanted)
{
    for (size_t i = 0; i < home->more_count; i++) {
        const char *name = name_in(list->place.full, home->more[i].at);
        if (name && strcmp(name, wanted) == 0)
            return &home->more[i];
    }
    return NULL;
}

/* Puts the next root before the entry `at`; one that cannot be looked at is left out. */
static void tell_root(const struct home *home, struct home_list *list, size_t at)
{
    const char *name = list->next_root;
    const struct home_root *root = root_named(home, list, name);
    struct entry entry;
    if (root && entry_read_self(root->root.fd, &entry) == 0) {
        snprintf(entry.name, sizeof(entry.name), "%s", name);
        for (size_t i = list->count; i > at; i--)
            list->entries[i] = list->entries[i - 1];
        list->entries[at] = entry;
        list->count++;
    }
    list->roots_left--;
    list->next_root = namelist_next(&list->roots);
}

/* Adds the roots that belong between the names of this batch, or all that are left. */
static void tell_roots(const struct home *home, struct home_list *list, bool end)
{
    for (size_t i = 0; list->next_root && i < list->count; i++)
        if (strcmp(list->next_root, list->entries[i].name) < 0)
            tell_root(home, list, i);
    while (end && list->next_root)
        tell_root(home, list, list->count);
}

/* ---- opening ---- */

enum ferry_error home_list_open(struct home *home, struct bytes path,
                                const struct home_list_want *want, struct fault *fault)
{
    home_list_close(home);
    struct home_list *list = alloc_zero(sizeof(*list));
    if (!list || (want->pattern && !(list->pattern = alloc_str(want->pattern)))) {
        alloc_free(list);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listing");
    }
    enum ferry_error error = home_find(home, path, ROOT_LAST_FOLLOWED, "list", &list->place, fault);
    if (error == FERRY_OK)
        error = home_need(&list->place, RIGHT_LIST, "list", fault);
    if (error == FERRY_OK && find_roots(home, list) != FERRY_OK)
        error = fault_set(fault, FERRY_E_MEMORY, "no memory for a listing");
    list->path = home_place_path(&list->place);
    if (error == FERRY_OK)
        error = dir_open(list->place.root, list->path, DIR_BY_NAME, home->rules.listings,
                         &list->dir, fault);
    if (error != FERRY_OK) {
        list_free(list);
        return error;
    }
    list->no_dotfiles = home->rules.hide_dotfiles && !want->all;
    list->may_change = home_may_change_in(list->place.root, list->path);
    home->list = list;
    return FERRY_OK;
}

/* ---- reading ---- */

static bool is_shown(const struct home_list *list, const struct entry *entry)
{
    if (entry_is_special(entry) || (list->no_dotfiles && entry->name[0] == '.'))
        return false;
    return !list->pattern || match_name(bytes_str(list->pattern), bytes_str(entry->name));
}

/* Tells what may be done with the entry. Nothing at all: it is not shown, unless something beneath
 * it may be reached. */
static bool judge(const struct home *home, const struct home_list *list, struct entry *entry)
{
    char full[PATH_MAX];
    const char *folder = list->place.full;
    int len = snprintf(full, sizeof(full), "%s/%s", folder[1] ? folder : "", entry->name);
    if (len >= (int)sizeof(full))
        return false;
    home_judge(home, full, entry);
    return home_is_shown(home, full);
}

/* Drops the entries that are not to be shown, and those that a root hides. */
static void keep_shown(const struct home *home, struct home_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!is_shown(list, &list->entries[i]) || !judge(home, list, &list->entries[i]))
            entry_fini(&list->entries[i]);
        else if (kept++ != i)
            list->entries[kept - 1] = list->entries[i];
    }
    list->count = kept;
}

/* Drops the names that roots stand in the way of. Returns how many entries are left. */
static size_t drop_hidden(const struct home *home, struct home_list *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (home->more_count > 0 && root_named(home, list, list->entries[i].name))
            entry_fini(&list->entries[i]);
        else if (kept++ != i)
            list->entries[kept - 1] = list->entries[i];
    }
    return kept;
}

enum ferry_error home_list_next(struct home *home, const struct entry **entries, size_t *count,
                                bool *may_change, struct fault *fault)
{
    struct home_list *list = home->list;
    *count = 0;
    if (!list)
        return fault_set(fault, FERRY_E_STATE, "list: no directory is open");
    size_t read, looked_at = 0;
    do {
        if (looked_at > MATCHLESS_MAX && list->pattern)
            return fault_set(fault, FERRY_E_TEMPORARY, "list: too many names for the pattern");
        dir_free_entries(list->entries, list->count);
        list->count = 0;
        enum ferry_error error =
            dir_read(&list->dir, list->entries, HOME_BATCH - list->roots_left, &read, fault);
        if (error != FERRY_OK)
            return error;
        list->count = drop_hidden(home, list, read);
        looked_at += read;
        tell_roots(home, list, read == 0);
        keep_shown(home, list);
    } while ((read > 0 || list->next_root) &&
             list->count == 0); /* an empty batch would mean the end */
    *entries = list->entries;
    *count = list->count;
    *may_change = list->may_change;
    return FERRY_OK;
}
