/* An owned queue of bytes with a hard cap: appended at the end, consumed at the front. */
#ifndef FERRY_BASE_BUF_H
#define FERRY_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

/* Fields are private to buf.c. */
struct buf {
    char *data;
    size_t start, end, capacity; /* the queue is data[start..end) */
    size_t cap_bytes;            /* never holds more than this */
};

/* Makes an empty queue that will never hold more than `cap_bytes`; its block may become twice as
 * large, so that little has to be moved. Allocates nothing yet. */
void buf_init(struct buf *buf, size_t cap_bytes);

/* Frees what it holds. The queue is then empty and may be used again. */
void buf_fini(struct buf *buf);

/* As buf_fini, but overwrites what was held first: for passwords and keys. */
void buf_wipe(struct buf *buf);

/* What is queued; valid until the queue is next changed. */
struct bytes buf_view(const struct buf *buf);

size_t buf_len(const struct buf *buf);

/* How many bytes may still be appended before the cap. */
size_t buf_room(const struct buf *buf);

/* Appends a copy. FERRY_E_LIMIT: it would pass the cap; FERRY_E_MEMORY. On failure nothing was
 * appended. */
NODISCARD enum ferry_error buf_append(struct buf *buf, struct bytes in);

/* Appends formatted text, without a NUL. Errors as buf_append. */
NODISCARD enum ferry_error buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
NODISCARD enum ferry_error buf_vprintf(struct buf *buf, const char *format, va_list args)
    PRINTF_LIKE(2, 0);

/* Makes room for `len` bytes at the end and points `*space` at them; write there, then call
 * buf_commit. Errors as buf_append. */
NODISCARD enum ferry_error buf_reserve(struct buf *buf, size_t len, char **space);

/* Takes into the queue `len` bytes that were written into the space of the last buf_reserve. */
void buf_commit(struct buf *buf, size_t len);

/* Drops `len` bytes from the front. An emptied queue gives its memory back, so that idle ones cost
 * nothing. */
void buf_consume(struct buf *buf, size_t len);

#endif
