/* A configuration read from its files: blocks as plain structs, where each value stood, and every
 * mistake. */
#ifndef FERRY_CONF_READ_H
#define FERRY_CONF_READ_H

#include <sys/queue.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "conf/check.h"
#include "conf/schema.h"

enum {
    CONF_FILE_MAX_BYTES = 1024 * 1024,
    CONF_FILES_MAX = 1000,
    CONF_BLOCKS_MAX = 10000,
};

/* Where a directive was set. */
struct conf_given {
    char *file; /* NULL: not set, the default holds */
    unsigned line;
    char *text; /* as it was written; the items of a list a line each */
};

/* One block of the file, or what stands outside of blocks. */
struct conf_instance {
    STAILQ_ENTRY(conf_instance) link;
    const struct conf_block *block;
    char *label;              /* "" outside of blocks */
    char *file;               /* where it begins; */
    unsigned line;            /* 0 outside of blocks */
    struct conf_given *given; /* one for each of the block's directives */
    void *values;             /* the block's struct */
};

/* Read only, but for `check`, to which whoever knows what the values mean adds, and what
 * conf_replace_text does. */
struct conf {
    const struct conf_schema *schema;
    STAILQ_HEAD(, conf_instance) instances; /* the one outside of blocks first, then as written */
    unsigned count;
    struct check check;
};

/* Appends what is in a file to `out`. Errors with the words in `fault`. */
typedef enum ferry_error conf_load_fn(void *ctx, const char *path, struct buf *out,
                                      struct fault *fault);

/* Reads a file of the system. */
conf_load_fn conf_load_file;

/* Reads `path` and what it includes. Mistakes are no error: see `check.count`. FERRY_E_MEMORY. Not
 * from two threads at once: libconfuse's scanner is one for the process. */
NODISCARD enum ferry_error conf_read(const struct conf_schema *schema, const char *path,
                                     conf_load_fn *load, void *ctx, struct conf **out);

/* NULL is fine. */
void conf_free(struct conf *conf);

/* For CLEANUP. */
void conf_drop(struct conf **conf);

/* The first block of that name behind `after`, the first of all for NULL; NULL: there is none.
 * Without a name, what stands outside of blocks. */
struct conf_instance *conf_next(const struct conf *conf, const char *name,
                                const struct conf_instance *after);

/* The block of that name and label; NULL: there is none. */
struct conf_instance *conf_find(const struct conf *conf, const char *name, const char *label);

/* Whether the file sets the directive. */
bool conf_is_given(const struct conf_instance *instance, const char *directive);

/* The file that sets the directive; NULL: none does. */
const char *conf_file_of(const struct conf_instance *instance, const char *directive);

/* Puts what an item of a list of texts was found to mean in its place, for print_effective, too.
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error conf_replace_text(struct conf_instance *instance, const char *directive,
                                             size_t index, struct bytes text);

/* Notes a mistake where `directive` is set, or where the block begins. */
void conf_mistake(struct conf *conf, const struct conf_instance *instance, const char *directive,
                  const char *format, ...) PRINTF_LIKE(4, 5);

#endif
