/* What the parsers of the listing formats share: words, numbers, facts. */
#include "ftp/listing_format.h"

#include "base/text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct bytes listing_word(struct bytes *rest)
{
    listing_skip_blanks(rest, rest->len);
    size_t len = 0;
    while (len < rest->len && !is_blank(rest->ptr[len]))
        len++;
    struct bytes word = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len);
    return word;
}

size_t listing_words(struct bytes line, struct bytes *words, size_t max)
{
    for (size_t count = 0; count <= max; count++) {
        struct bytes word = listing_word(&line);
        if (word.len == 0)
            return count;
        if (count < max)
            words[count] = word;
    }
    return max + 1;
}

void listing_skip_blanks(struct bytes *rest, size_t max)
{
    size_t count = 0;
    while (count < max && count < rest->len && is_blank(rest->ptr[count]))
        count++;
    *rest = bytes_skip(*rest, count);
}

struct bytes listing_span(struct bytes first, struct bytes last)
{
    return bytes_of(first.ptr, (size_t)(last.ptr - first.ptr) + last.len);
}

bool listing_is_number(struct bytes word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (!text_is_digit(word.ptr[i]))
            return false;
    }
    return word.len > 0;
}

void listing_set_size(struct listing_entry *out, struct bytes word)
{
    bool known = text_u64(word, INT64_MAX, &out->size);
    out->size_kind = known ? LISTING_SIZE_EXACT : LISTING_SIZE_UNKNOWN;
}

void listing_add(struct listing_entry *out, const char *key, struct bytes value)
{
    if (value.len > 0 && out->extra_count < LISTING_EXTRA_MAX)
        out->extra[out->extra_count++] = (struct listing_extra){.key = key, .value = value};
}
