/* The schema as libconfuse's tables, and the words that are in no table: libconfuse ends at the
 * first of them, so each is put into the tables and the file is read again. Private to the room. */
#ifndef FERRY_CONF_GRAMMAR_H
#define FERRY_CONF_GRAMMAR_H

#include <stdarg.h>
#include <stdbool.h>
#include <sys/queue.h>

#include <confuse.h>

#include "base/compiler.h"
#include "conf/schema.h"
#include "ferry/error.h"

/* Words of our own in the tables, which nobody can write: text holds no control byte. The first is
 * set by default, so that libconfuse calls for it where a block begins; the second is put behind
 * the text of each file: a block that is still open gets it. */
#define GRAMMAR_BEGIN "\1begin"
#define GRAMMAR_END "\1end"
#define GRAMMAR_INCLUDE "include"

enum { GRAMMAR_STRANGERS_MAX = 100 };

enum stranger_kind { STRANGER_VALUE, STRANGER_BLOCK, STRANGER_TITLED_BLOCK };

/* A word in no table, tolerated within the block of that name. */
struct stranger {
    STAILQ_ENTRY(stranger) link;
    char *block; /* "root" outside of blocks, as libconfuse has it */
    char *name;
    enum stranger_kind kind;
};

struct grammar {
    const struct conf_schema *schema;
    cfg_callback_t on_value; /* called for every value, of strangers too */
    STAILQ_HEAD(, stranger) strangers;
    unsigned count;
    bool memory_short;
};

void grammar_init(struct grammar *grammar, const struct conf_schema *schema,
                  cfg_callback_t on_value);
void grammar_fini(struct grammar *grammar);

/* A fresh parser; cfg_free frees it. NULL: memory is short. */
cfg_t *grammar_parser(const struct grammar *grammar);

/* Whether an error of libconfuse's is about a word in no table that is now tolerated, so that the
 * file is to be read again. */
bool grammar_learn(struct grammar *grammar, const cfg_t *cfg, const char *format, va_list args);

/* Whether a block of that name stands in no table. */
bool grammar_is_strange_block(const struct grammar *grammar, const char *name);

#endif
