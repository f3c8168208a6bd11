/* ASCII text: case, numbers, quoting. */
#include "base/text.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

char text_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool text_same(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (text_upper(a.ptr[i]) != text_upper(b.ptr[i]))
            return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct bytes text_trim(struct bytes b)
{
    while (b.len > 0 && is_blank(b.ptr[0]))
        b = bytes_skip(b, 1);
    while (b.len > 0 && is_blank(b.ptr[b.len - 1]))
        b.len--;
    return b;
}

static bool number(struct bytes in, unsigned base, uint64_t max, uint64_t *out)
{
    if (in.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < in.len; i++) {
        unsigned digit = (unsigned char)in.ptr[i] - (unsigned)'0';
        if (digit >= base)
            return false;
        if (value > max / base || digit > max - value * base)
            return false;
        value = value * base + digit;
    }
    *out = value;
    return true;
}

bool text_u64(struct bytes in, uint64_t max, uint64_t *out)
{
    return number(in, 10, max, out);
}

bool text_octal(struct bytes in, uint64_t max, uint64_t *out)
{
    return number(in, 8, max, out);
}

int text_hex_digit(char c)
{
    if (text_is_digit(c))
        return c - '0';
    char upper = text_upper(c);
    return upper >= 'A' && upper <= 'F' ? upper - 'A' + 10 : -1;
}

enum ferry_error text_hex(struct buf *out, struct bytes in)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < in.len && error == FERRY_OK; i++)
        error = buf_printf(out, "%02x", (unsigned char)in.ptr[i]);
    return error;
}

enum ferry_error text_percent_decode(struct buf *out, struct bytes in)
{
    while (in.len > 0) {
        struct bytes plain = bytes_first(in, bytes_find(in, '%'));
        enum ferry_error error = buf_append(out, plain);
        if (error != FERRY_OK)
            return error;
        in = bytes_skip(in, plain.len);
        if (in.len == 0)
            break;

        int high = in.len >= 3 ? text_hex_digit(in.ptr[1]) : -1;
        int low = in.len >= 3 ? text_hex_digit(in.ptr[2]) : -1;
        if (high < 0 || low < 0)
            return FERRY_E_ARGUMENT;
        char byte = (char)(high << 4 | low);
        error = buf_append(out, bytes_of(&byte, 1));
        if (error != FERRY_OK)
            return error;
        in = bytes_skip(in, 3);
    }
    return FERRY_OK;
}

/* RFC 3986 section 2.3. */
static bool is_unreserved(char c)
{
    char upper = text_upper(c);
    return (upper >= 'A' && upper <= 'Z') || text_is_digit(c) || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

enum ferry_error text_percent_encode(struct buf *out, struct bytes in, const char *keep)
{
    struct bytes kept = bytes_str(keep);
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < in.len && error == FERRY_OK; i++) {
        char c = in.ptr[i];
        if (is_unreserved(c) || bytes_find(kept, c) < kept.len)
            error = buf_append(out, bytes_of(&c, 1));
        else
            error = buf_printf(out, "%%%02X", (unsigned char)c);
    }
    return error;
}

static bool is_shell_word(struct bytes in)
{
    struct bytes harmless = BYTES_LIT("-._/:@%+,");
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        bool plain = (is_unreserved(c) && c != '~') || bytes_find(harmless, c) < harmless.len;
        if (!plain)
            return false;
    }
    return in.len > 0;
}

enum ferry_error text_shell_quote(struct buf *out, struct bytes in)
{
    if (is_shell_word(in))
        return buf_append(out, in);

    enum ferry_error error = buf_append(out, BYTES_LIT("'"));
    for (size_t i = 0; i < in.len && error == FERRY_OK; i++) {
        bool quote = in.ptr[i] == '\'';
        error = buf_append(out, quote ? BYTES_LIT("'\\''") : bytes_of(&in.ptr[i], 1));
    }
    return error == FERRY_OK ? buf_append(out, BYTES_LIT("'")) : error;
}

/* Code points that a terminal or a reader of logs must never meet; -1 is a byte that is not UTF-8.
 */
static const struct {
    int32_t first, last;
} harmful[] = {
    {-1, 0x1F},       /* C0 */
    {'\\', '\\'},     /* the escape itself */
    {0x7F, 0x9F},     /* DEL, C1 */
    {0x061C, 0x061C}, /* Arabic letter mark */
    {0x200E, 0x200F}, /* left-to-right and right-to-left marks */
    {0x2028, 0x202E}, /* line and paragraph separators, embeddings and overrides */
    {0x2066, 0x2069}, /* isolates */
};

static bool is_harmful(int32_t point)
{
    for (size_t i = 0; i < ARRAY_LEN(harmful); i++) {
        if (point >= harmful[i].first && point <= harmful[i].last)
            return true;
    }
    return false;
}

enum { SHOWN_MAX_BYTES = 4 * 4 }; /* \xNN for each byte of a character */

/* Takes one character from the front of `*in` and writes what is shown for it; returns its length.
 */
static size_t show_next(struct bytes *in, char shown[static SHOWN_MAX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    struct bytes raw = *in;
    bool escape = is_harmful(utf8_next(in));
    raw.len -= in->len;

    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char byte = (unsigned char)raw.ptr[i];
        if (escape) {
            shown[len++] = '\\';
            shown[len++] = 'x';
            shown[len++] = digits[byte >> 4];
            shown[len++] = digits[byte & 0x0F];
        } else {
            shown[len++] = raw.ptr[i];
        }
    }
    return len;
}

enum ferry_error text_visible(struct buf *out, struct bytes in)
{
    enum ferry_error error = FERRY_OK;
    while (in.len > 0 && error == FERRY_OK) {
        char shown[SHOWN_MAX_BYTES];
        size_t len = show_next(&in, shown);
        error = buf_append(out, bytes_of(shown, len));
    }
    return error;
}

size_t text_visible_into(char *out, size_t size_bytes, struct bytes in)
{
    size_t used = 0;
    while (in.len > 0) {
        char shown[SHOWN_MAX_BYTES];
        size_t len = show_next(&in, shown);
        if (len >= size_bytes - used)
            break;
        memcpy(out + used, shown, len);
        used += len;
    }
    out[used] = '\0';
    return used;
}

bool text_is_visible(struct bytes in)
{
    while (in.len > 0) {
        int32_t point = utf8_next(&in);
        if (point != '\\' && is_harmful(point))
            return false;
    }
    return true;
}

char *text_visible_dup(struct bytes in)
{
    size_t size_bytes = 4 * in.len + 1;
    char *copy = alloc_resize(NULL, size_bytes, 1);
    if (copy)
        text_visible_into(copy, size_bytes, in);
    return copy;
}
