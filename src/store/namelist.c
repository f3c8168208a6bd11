/* A sorted list of names. */
#include "store/namelist.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void namelist_init(struct namelist *list, size_t max_count, size_t max_bytes)
{
    *list = (struct namelist){.max_count = max_count};
    buf_init(&list->text, max_bytes);
}

void namelist_fini(struct namelist *list)
{
    alloc_free(list->sorted);
    list->sorted = NULL;
    list->count = 0;
    list->next = 0;
    buf_fini(&list->text);
}

enum ferry_error namelist_add(struct namelist *list, const char *name)
{
    if (list->count == list->max_count)
        return FERRY_E_LIMIT;
    enum ferry_error error = buf_append(&list->text, bytes_of(name, strlen(name) + 1));
    list->count += error == FERRY_OK;
    return error;
}

size_t namelist_bytes(const struct namelist *list)
{
    return buf_len(&list->text) + list->count * sizeof(*list->sorted);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum ferry_error namelist_sort(struct namelist *list)
{
    if (list->count == 0)
        return FERRY_OK;
    /* Only now, since `text` moves while it grows. */
    list->sorted = alloc_resize(NULL, list->count, sizeof(*list->sorted));
    if (!list->sorted)
        return FERRY_E_MEMORY;
    const char *name = buf_view(&list->text).ptr;
    for (size_t i = 0; i < list->count; i++) {
        list->sorted[i] = name;
        name += strlen(name) + 1;
    }
    qsort(list->sorted, list->count, sizeof(*list->sorted), compare);
    return FERRY_OK;
}

const char *namelist_next(struct namelist *list)
{
    return list->sorted && list->next < list->count ? list->sorted[list->next++] : NULL;
}
