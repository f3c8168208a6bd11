/* The files of one login: the listing that is open. */
#include "base/alloc.h"
#include "store/home.h"

struct home_list {
    struct dir dir;
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
    alloc_free(list);
    home->list = NULL;
}

enum ferry_error home_list_open(struct home *home, struct bytes path, struct fault *fault)
{
    home_list_close(home);
    struct home_list *list = alloc_zero(sizeof(*list));
    if (!list)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listing");
    enum ferry_error error = dir_open(&home->root, path, DIR_BY_NAME, &list->dir, fault);
    if (error != FERRY_OK) {
        alloc_free(list);
        return error;
    }
    list->may_change = home_may_change_in(home, path);
    home->list = list;
    return FERRY_OK;
}

/* Drops the entries that are not to be shown. */
static void keep_shown(struct home_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (entry_is_special(&list->entries[i]))
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
    size_t read;
    do {
        dir_free_entries(list->entries, list->count);
        list->count = 0;
        enum ferry_error error = dir_read(&list->dir, list->entries, HOME_BATCH, &read, fault);
        if (error != FERRY_OK)
            return error;
        list->count = read;
        keep_shown(list);
    } while (read > 0 && list->count == 0); /* an empty batch would mean the end */
    *entries = list->entries;
    *count = list->count;
    *may_change = list->may_change;
    return FERRY_OK;
}
