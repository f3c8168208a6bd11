/* Mistakes in a configuration, all of them with file and line, and the word that was meant. */
#ifndef FERRY_CONF_CHECK_H
#define FERRY_CONF_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { CHECK_MISTAKES_MAX = 100 }; /* more are counted, not kept */

struct check_mistake {
    TAILQ_ENTRY(check_mistake) link;
    char *file;    /* as it was named */
    unsigned line; /* 0: the whole file */
    char *text;    /* visible characters only, no full stop */
};

/* In the order of files and, in each, of lines. */
struct check {
    TAILQ_HEAD(check_list, check_mistake) list;
    unsigned count;    /* of all, kept or not */
    bool memory_short; /* a mistake could not be kept */
};

void check_init(struct check *check);
void check_fini(struct check *check);

/* Notes a mistake, unless it is noted already. What the arguments hold is made visible: they may
 * come from the file. */
void check_add(struct check *check, const char *file, unsigned line, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Appends every mistake as a line "FILE:LINE: TEXT". Errors as buf_append. */
NODISCARD enum ferry_error check_print(const struct check *check, struct buf *out);

/* The nearest of `words` to `word` that is near enough to be meant (a slip or two of the finger,
 * or the one that begins with it), as an index; `count` if none is. */
size_t check_nearest(struct bytes word, const char *const *words, size_t count);

#endif
