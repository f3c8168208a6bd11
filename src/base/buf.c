/* An owned queue of bytes with a hard cap. */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { FIRST_CAPACITY = 64 };

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

void buf_init(struct buf *buf, size_t cap_bytes)
{
    *buf = (struct buf){.cap_bytes = cap_bytes};
}

void buf_fini(struct buf *buf)
{
    alloc_free(buf->data);
    buf_init(buf, buf->cap_bytes);
}

void buf_wipe(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->capacity);
    buf_fini(buf);
}

struct bytes buf_view(const struct buf *buf)
{
    return bytes_of(buf->data ? buf->data + buf->start : NULL, buf_len(buf));
}

size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}

size_t buf_room(const struct buf *buf)
{
    return buf->cap_bytes - buf_len(buf);
}

/* Moves the queue to a larger block that takes `len` bytes more. The block may be twice the cap:
 * buf_reserve can then always wait until half of it is consumed before it moves the rest to the
 * front, which keeps the cost of moving below one copy per byte. */
static enum ferry_error grow(struct buf *buf, size_t len)
{
    size_t used = buf_len(buf);
    size_t wanted = max_size(FIRST_CAPACITY, 2 * buf->capacity);
    size_t capacity = max_size(min_size(wanted, 2 * buf->cap_bytes), used + len);

    char *data = alloc_resize(NULL, capacity + 1, 1); /* 1: the NUL that vsnprintf writes */
    if (!data)
        return FERRY_E_MEMORY;
    if (used > 0)
        memcpy(data, buf->data + buf->start, used);
    if (buf->data)
        explicit_bzero(buf->data, buf->capacity); /* no copy of a password is left behind */
    alloc_free(buf->data);
    buf->data = data;
    buf->start = 0;
    buf->end = used;
    buf->capacity = capacity;
    return FERRY_OK;
}

enum ferry_error buf_reserve(struct buf *buf, size_t len, char **space)
{
    if (len > buf_room(buf))
        return FERRY_E_LIMIT;

    size_t used = buf_len(buf);
    bool fits = buf->data && len <= buf->capacity - buf->end;
    bool fits_moved = buf->data && used <= buf->start && used + len <= buf->capacity;
    if (!fits && fits_moved) {
        memcpy(buf->data, buf->data + buf->start, used);
        buf->start = 0;
        buf->end = used;
    } else if (!fits) {
        enum ferry_error error = grow(buf, len);
        if (error != FERRY_OK)
            return error;
    }
    *space = buf->data + buf->end;
    return FERRY_OK;
}

void buf_commit(struct buf *buf, size_t len)
{
    buf->end += len;
}

enum ferry_error buf_append(struct buf *buf, struct bytes in)
{
    if (in.len == 0)
        return FERRY_OK;
    char *space;
    enum ferry_error error = buf_reserve(buf, in.len, &space);
    if (error != FERRY_OK)
        return error;
    memcpy(space, in.ptr, in.len);
    buf_commit(buf, in.len);
    return FERRY_OK;
}

enum ferry_error buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum ferry_error error = buf_vprintf(buf, format, args);
    va_end(args);
    return error;
}

enum ferry_error buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list measured;
    va_copy(measured, args);
    int len = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    if (len < 0)
        return FERRY_E_LIMIT; /* longer than INT_MAX */

    char *space;
    enum ferry_error error = buf_reserve(buf, (size_t)len, &space);
    if (error != FERRY_OK)
        return error;
    vsnprintf(space, (size_t)len + 1, format, args);
    buf_commit(buf, (size_t)len);
    return FERRY_OK;
}

void buf_consume(struct buf *buf, size_t len)
{
    buf->start += min_size(len, buf_len(buf));
    if (buf->start == buf->end)
        buf_fini(buf);
}
