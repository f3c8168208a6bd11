/* UTF-8: validity, decoding, columns on a terminal. */
#ifndef FERRY_BASE_UTF8_H
#define FERRY_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Takes one code point from the front of `*in`. Returns it and shortens `*in`; returns -1 and drops
 * one byte if the bytes there are not valid UTF-8 (overlong forms, surrogates and values past
 * U+10FFFF are not). `*in` is not empty. */
int32_t utf8_next(struct bytes *in);

bool utf8_valid(struct bytes in);

/* Columns that `in` takes on a terminal: 0 for combining marks, 2 for wide East Asian ones; an
 * invalid byte counts as the four of its \xNN. */
size_t utf8_columns(struct bytes in);

#endif
