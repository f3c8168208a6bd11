/* Names kept in one block of memory and told in the order of their bytes. */
#ifndef FERRY_STORE_NAMELIST_H
#define FERRY_STORE_NAMELIST_H

#include <stddef.h>

#include "base/buf.h"
#include "base/compiler.h"

/* Fields are private to namelist.c. */
struct namelist {
    size_t max_count, count;
    struct buf text;     /* every name with its NUL, as they were added */
    const char **sorted; /* pointers into `text`; NULL before namelist_sort */
    size_t next;         /* index in `sorted` */
};

/* Makes an empty list that takes `max_count` names at most, of `max_bytes` at most together, each
 * counted with its NUL. Allocates nothing yet. */
void namelist_init(struct namelist *list, size_t max_count, size_t max_bytes);

/* Frees what it holds. The list is then empty and may be used again. */
void namelist_fini(struct namelist *list);

/* Adds a copy of `name`; never after namelist_sort. FERRY_E_LIMIT: it would pass a cap;
 * FERRY_E_MEMORY. On failure nothing was added. */
NODISCARD enum ferry_error namelist_add(struct namelist *list, const char *name);

/* How much memory the names take, sorted. */
size_t namelist_bytes(const struct namelist *list);

/* Puts the names in order, by their bytes as unsigned numbers; a name comes before those that begin
 * with it. Returns FERRY_OK or FERRY_E_MEMORY. */
NODISCARD enum ferry_error namelist_sort(struct namelist *list);

/* The next name of a sorted list, valid until namelist_fini; NULL at the end. */
const char *namelist_next(struct namelist *list);

#endif
