/* Names between UTF-8 and another charset, by iconv(3). */
#include "ftp/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/utf8.h"

enum {
    ASCII_COUNT = 0x80,
    C1_LAST = 0x9f,
    GROWTH_MAX = 6, /* bytes that one becomes at most; what needs more is refused */
};

struct charset {
    iconv_t to_utf8;
    iconv_t from_utf8;
};

static bool is_open(iconv_t conversion)
{
    return conversion != (iconv_t)-1; /* as iconv_open(3) has it */
}

/* Converts all of `in` into `*size` bytes at `out` and sets `*size` to how many it became. false: a
 * part of it has no exact counterpart. */
static bool convert_into(iconv_t conversion, struct bytes in, char *out, size_t *size)
{
    char *from = (char *)(uintptr_t)in.ptr; /* iconv only reads it */
    size_t left = in.len, room = *size;
    (void)iconv(conversion, NULL, NULL, NULL, NULL);
    if (iconv(conversion, &from, &left, &out, &room) != 0 ||
        iconv(conversion, NULL, NULL, &out, &room) != 0) /* what it still holds back */
        return false;
    *size -= room;
    return true;
}

/* Appends all of `in`, converted. FERRY_E_ARGUMENT: a part of it has no exact counterpart. */
static enum ferry_error convert(iconv_t conversion, struct bytes in, struct buf *out)
{
    char *space;
    size_t size = in.len * GROWTH_MAX;
    enum ferry_error error = buf_reserve(out, size, &space);
    if (error != FERRY_OK)
        return error;
    if (!convert_into(conversion, in, space, &size))
        return FERRY_E_ARGUMENT;
    buf_commit(out, size);
    return FERRY_OK;
}

/* ---- making one ---- */

/* Whether ASCII is itself, each byte alone: what separates paths does so in the charset, too, and
 * nothing switches to another state. */
static bool keeps_ascii(iconv_t to_utf8)
{
    for (int byte = 0; byte < ASCII_COUNT; byte++) {
        char in = (char)byte, out[GROWTH_MAX];
        size_t size = sizeof(out);
        bool free = byte == '\\' || byte == '~';
        bool same = convert_into(to_utf8, bytes_of(&in, 1), out, &size) &&
                    bytes_equal(bytes_of(out, size), bytes_of(&in, 1));
        if (!free && !same)
            return false;
    }
    return true;
}

/* Nothing that iconv_open reads as more than a name: not "" (the locale's), no "//TRANSLIT", which
 * replaces characters. */
static bool is_name(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = text_upper(name.ptr[i]);
        bool mark = c == '-' || c == '_' || c == '.' || c == ':' || c == '+';
        if (!(c >= 'A' && c <= 'Z') && !text_is_digit(c) && !mark)
            return false;
    }
    return name.len > 0;
}

void charset_free(struct charset *charset)
{
    if (!charset)
        return;
    if (is_open(charset->to_utf8))
        iconv_close(charset->to_utf8);
    if (is_open(charset->from_utf8))
        iconv_close(charset->from_utf8);
    alloc_free(charset);
}

enum ferry_error charset_new(const char *name, struct charset **out, struct fault *fault)
{
    if (!is_name(bytes_str(name)))
        return fault_set(fault, FERRY_E_ARGUMENT, "%s is not the name of a charset", name);
    struct charset *charset = alloc_zero(sizeof(*charset));
    if (!charset)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a charset");
    charset->to_utf8 = iconv_open("UTF-8", name);
    charset->from_utf8 = iconv_open(name, "UTF-8");
    enum ferry_error error = FERRY_OK;
    if (!is_open(charset->to_utf8) || !is_open(charset->from_utf8))
        error = errno == ENOMEM ? fault_set(fault, FERRY_E_MEMORY, "no memory for a charset")
                                : fault_set(fault, FERRY_E_ARGUMENT,
                                            "this system has no charset %s, see iconv -l", name);
    else if (!keeps_ascii(charset->to_utf8))
        error = fault_set(fault, FERRY_E_ARGUMENT,
                          "names cannot be in %s: it does not contain ASCII as it is", name);
    if (error != FERRY_OK) {
        charset_free(charset);
        return error;
    }
    *out = charset;
    return FERRY_OK;
}

/* ---- names ---- */

static bool is_ascii(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.ptr[i] >= ASCII_COUNT)
            return false;
    }
    return true;
}

/* Whether a converted name may be one of a path: no control character, C1 or other, no '/'. */
static bool is_fit(struct bytes name)
{
    while (name.len > 0) {
        int32_t c = utf8_next(&name);
        bool control = c < ' ' || (c > '~' && c <= C1_LAST);
        if (control || c == '/') /* what is not valid is less than a blank, too */
            return false;
    }
    return true;
}

static enum ferry_error decode_name(struct charset *charset, struct bytes name, struct buf *out)
{
    if (utf8_valid(name))
        return buf_append(out, name);
    CLEANUP(buf_fini) struct buf decoded;
    buf_init(&decoded, name.len * GROWTH_MAX);
    enum ferry_error error = convert(charset->to_utf8, name, &decoded);
    if (error == FERRY_OK && !is_fit(buf_view(&decoded)))
        error = FERRY_E_ARGUMENT;
    return error == FERRY_OK ? buf_append(out, buf_view(&decoded)) : error;
}

static enum ferry_error encode_name(struct charset *charset, struct bytes name, struct buf *out)
{
    if (is_ascii(name) || !utf8_valid(name))
        return buf_append(out, name);
    CLEANUP(buf_fini) struct buf encoded;
    CLEANUP(buf_fini) struct buf again;
    buf_init(&encoded, name.len * GROWTH_MAX);
    buf_init(&again, name.len * GROWTH_MAX * GROWTH_MAX);
    enum ferry_error error = convert(charset->from_utf8, name, &encoded);
    if (error == FERRY_OK)
        error = decode_name(charset, buf_view(&encoded), &again);
    if (error == FERRY_E_MEMORY)
        return error;
    bool comes_back = error == FERRY_OK && bytes_equal(buf_view(&again), name);
    return buf_append(out, comes_back ? buf_view(&encoded) : name);
}

typedef enum ferry_error name_fn(struct charset *charset, struct bytes name, struct buf *out);

/* Appends `text` with `each` done to what is between its '/'. */
static enum ferry_error each_name(struct charset *charset, struct bytes text, name_fn *each,
                                  struct buf *out)
{
    CLEANUP(buf_fini) struct buf whole;
    buf_init(&whole, text.len * GROWTH_MAX);
    while (text.len > 0) {
        size_t len = bytes_find(text, '/');
        bool slash = len < text.len;
        enum ferry_error error = each(charset, bytes_first(text, len), &whole);
        if (error == FERRY_OK && slash)
            error = buf_append(&whole, BYTES_LIT("/"));
        if (error != FERRY_OK)
            return error;
        text = bytes_skip(text, slash ? len + 1 : len);
    }
    return buf_append(out, buf_view(&whole));
}

enum ferry_error charset_decode(struct charset *charset, struct bytes text, struct buf *out)
{
    return each_name(charset, text, decode_name, out);
}

enum ferry_error charset_encode(struct charset *charset, struct bytes text, struct buf *out)
{
    return each_name(charset, text, encode_name, out);
}
