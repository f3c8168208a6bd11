/* The files of one login: the listing that is open. */
#include "base/alloc.h"
#include "store/home.h"
#include "store/match.h"

enum { MATCHLESS_MAX = 200000 }; /* names that are looked at for one that matches */

struct home_list {
    struct dir dir;
    bool no_dotfiles;
    char *pattern; /* or NULL */
    bool may_change;
    size_t count;
    struct entry entries[HOME_BATCH];
};

void home_list_close(struct home *home)
{
    struct home_list *list = home->list;
    if (!list)
        return;
    dir_free_entries(list->entries, list->count);
    dir_close(&list->dir);
    alloc_free(list->pattern);
    alloc_free(list);
    home->list = NULL;
}

enum ferry_error home_list_open(struct home *home, struct bytes path,
                                const struct home_list_want *want, struct fault *fault)
{
    home_list_close(home);
    struct home_list *list = alloc_zero(sizeof(*list));
    if (!list || (want->pattern && !(list->pattern = alloc_str(want->pattern)))) {
        alloc_free(list);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listing");
    }
    enum ferry_error error =
        dir_open(&home->root, path, DIR_BY_NAME, home->rules.listings, &list->dir, fault);
    if (error != FERRY_OK) {
        alloc_free(list->pattern);
        alloc_free(list);
        return error;
    }
    list->no_dotfiles = home->rules.hide_dotfiles && !want->all;
    list->may_change = home_may_change_in(home, path);
    home->list = list;
    return FERRY_OK;
}

static bool is_shown(const struct home_list *list, const struct entry *entry)
{
    if (entry_is_special(entry) || (list->no_dotfiles && entry->name[0] == '.'))
        return false;
    return !list->pattern || match_name(bytes_str(list->pattern), bytes_str(entry->name));
}

/* Drops the entries that are not to be shown. */
static void keep_shown(struct home_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!is_shown(list, &list->entries[i]))
            entry_fini(&list->entries[i]);
        else if (kept++ != i)
            list->entries[kept - 1] = list->entries[i];
    }
    list->count = kept;
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
        enum ferry_error error = dir_read(&list->dir, list->entries, HOME_BATCH, &read, fault);
        if (error != FERRY_OK)
            return error;
        list->count = read;
        looked_at += read;
        keep_shown(list);
    } while (read > 0 && list->count == 0); /* an empty batch would mean the end */
    *entries = list->entries;
    *count = list->count;
    *may_change = list->may_change;
    return FERRY_OK;
}
