/* One value of a directive: from text to the field of its type, and limits as text for people. */
#ifndef FERRY_CONF_VALUE_H
#define FERRY_CONF_VALUE_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "conf/schema.h"

enum {
    VALUE_MAX_BYTES = 4096, /* of one value as it is written */
    VALUE_LIST_MAX = 1000,  /* items of a list */
    VALUE_LIMIT_BYTES = 32, /* of value_limit_text */
};

/* Reads `text` into the field at `field`, which holds zero or an older value; the value of a list
 * is added to it. `folder` is where a relative path starts. FERRY_E_ARGUMENT: it is none, and
 * `fault` tells what would be right; FERRY_E_LIMIT; FERRY_E_MEMORY. */
NODISCARD enum ferry_error value_read(const struct conf_directive *directive, struct bytes text,
                                      struct bytes folder, void *field, struct fault *fault);

/* Reads a default, which may be a list. Errors as value_read. */
NODISCARD enum ferry_error value_read_fallback(const struct conf_directive *directive, void *field,
                                               struct fault *fault);

/* Frees what the field holds and makes it zero. */
void value_clear(const struct conf_directive *directive, void *field);

/* "20s" or "10M" for a limit of the directive; NUL-terminated. */
void value_limit_text(const struct conf_directive *directive, uint64_t limit,
                      char out[VALUE_LIMIT_BYTES]);

#endif
