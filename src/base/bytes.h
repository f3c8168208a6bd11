/* A borrowed view of bytes. It never owns, and dies with what it points into. Header only. */
#ifndef FERRY_BASE_BYTES_H
#define FERRY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* `len` bytes at `ptr`. Not NUL-terminated. `ptr` may be NULL only if `len` is 0. */
struct bytes {
    const char *ptr;
    size_t len;
};

/* The view of a string literal or array of char, without its NUL. */
#define BYTES_LIT(literal) ((struct bytes){.ptr = (literal), .len = sizeof(literal) - 1})

/* For "%.*s": BYTES_FMT(b) gives precision and pointer. Views longer than INT_MAX do not occur: all
 * are capped. */
#define BYTES_FMT(b) (int)(b).len, ((b).ptr ? (b).ptr : "")

static inline struct bytes bytes_of(const void *ptr, size_t len)
{
    return (struct bytes){.ptr = ptr, .len = len};
}

/* The view of a C string; NULL gives the empty view. */
static inline struct bytes bytes_str(const char *text)
{
    return (struct bytes){.ptr = text, .len = text ? strlen(text) : 0};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* `b` without its first `n` bytes; empty if it has fewer. */
static inline struct bytes bytes_skip(struct bytes b, size_t n)
{
    return n >= b.len ? (struct bytes){.ptr = b.ptr ? b.ptr + b.len : NULL, .len = 0}
                      : (struct bytes){.ptr = b.ptr + n, .len = b.len - n};
}

/* The first `n` bytes of `b`, or all of it. */
static inline struct bytes bytes_first(struct bytes b, size_t n)
{
    return (struct bytes){.ptr = b.ptr, .len = n < b.len ? n : b.len};
}

static inline bool bytes_starts(struct bytes b, struct bytes prefix)
{
    return b.len >= prefix.len && bytes_equal(bytes_first(b, prefix.len), prefix);
}

/* Where `c` first stands in `b`; b.len if nowhere. */
static inline size_t bytes_find(struct bytes b, char c)
{
    size_t len = b.len < PTRDIFF_MAX ? b.len : PTRDIFF_MAX; /* gcc -O3 wants to see that */
    const char *at = len > 0 ? memchr(b.ptr, c, len) : NULL;
    return at ? (size_t)(at - b.ptr) : b.len;
}

/* Cuts `*rest` at the first `c`: returns what is before it and leaves in `*rest` what is after.
 * Without `c`, all of it. */
static inline struct bytes bytes_cut(struct bytes *rest, char c)
{
    struct bytes head = bytes_first(*rest, bytes_find(*rest, c));
    *rest = bytes_skip(*rest, head.len + 1);
    return head;
}

#endif
