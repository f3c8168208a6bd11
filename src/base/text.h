/* ASCII text: case, numbers, quoting. Nothing here knows a locale.
 * Functions that append to a buf have the errors of buf_append; after one, a part may have been
 * appended. */
#ifndef FERRY_BASE_TEXT_H
#define FERRY_BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"

/* ASCII upper case of one byte; other bytes as they are. */
char text_upper(char c);

static inline bool text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A control byte: below 0x20, or 0x7f. */
static inline bool text_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Equal but for ASCII case. */
bool text_same(struct bytes a, struct bytes b);

/* Without blanks and tabs at either end. */
struct bytes text_trim(struct bytes b);

/* All of `in` as a decimal number of at most `max`. No sign, no blanks.
 * false: empty, a byte that is no digit, or too large; `*out` is then untouched. */
NODISCARD bool text_u64(struct bytes in, uint64_t max, uint64_t *out);

/* As text_u64, for octal. */
NODISCARD bool text_octal(struct bytes in, uint64_t max, uint64_t *out);

/* Value of a hexadecimal digit, or -1. */
int text_hex_digit(char c);

/* Appends `in` in lower-case hexadecimal. */
NODISCARD enum ferry_error text_hex(struct buf *out, struct bytes in);

/* Appends `in` with %XX undone. FERRY_E_ARGUMENT: a % without two hexadecimal digits. */
NODISCARD enum ferry_error text_percent_decode(struct buf *out, struct bytes in);

/* Appends `in` with all but RFC 3986's unreserved characters (section 2.3) and those in `keep`
 * written as %XX. */
NODISCARD enum ferry_error text_percent_encode(struct buf *out, struct bytes in, const char *keep);

/* Appends `in` so that a POSIX shell reads it as one word: as it is, or in single quotes.
 * `in` holds no NUL. */
NODISCARD enum ferry_error text_shell_quote(struct buf *out, struct bytes in);

/* Appends `in` made harmless for a terminal and for one line of a log: C0, DEL, C1, bidirectional
 * controls, line separators, backslash and bytes that are not UTF-8 become \xNN, byte by byte
 * (LST-72, SEC-80, SEC-91). The result is valid UTF-8. */
NODISCARD enum ferry_error text_visible(struct buf *out, struct bytes in);

/* As text_visible, into `size_bytes` (at least 1) at `out`, NUL-terminated, for where no memory may
 * be asked for. What does not fit is left out, whole characters at a time.
 * Returns the length without the NUL. */
size_t text_visible_into(char *out, size_t size_bytes, struct bytes in);

/* Whether text_visible could have made it. */
bool text_is_visible(struct bytes in);

/* A string of its own, NUL-terminated, made by text_visible; NULL if memory is short. The caller
 * frees it with alloc_free. */
char *text_visible_dup(struct bytes in);

#endif
