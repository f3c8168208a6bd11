/* Numeric addresses in text. */
#include "ftp/ipaddr.h"

#include <stdio.h>

#include "base/text.h"

enum { GROUPS = 8, NO_GAP = -1 };

bool ipaddr_parse_v4(struct bytes text, uint8_t out[IPADDR_V4_BYTES])
{
    uint8_t parsed[IPADDR_V4_BYTES];
    for (size_t i = 0; i < IPADDR_V4_BYTES; i++) {
        bool last = i == IPADDR_V4_BYTES - 1;
        if (!last && bytes_find(text, '.') == text.len)
            return false;
        struct bytes number = last ? text : bytes_cut(&text, '.');
        uint64_t value;
        bool padded = number.len > 1 && number.ptr[0] == '0'; /* some would read it as octal */
        if (padded || !text_u64(number, UINT8_MAX, &value))
            return false;
        parsed[i] = (uint8_t)value;
    }
    memcpy(out, parsed, sizeof(parsed));
    return true;
}

static bool parse_group(struct bytes text, uint8_t out[2])
{
    if (text.len == 0 || text.len > 4)
        return false;
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = text_hex_digit(text.ptr[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (unsigned)digit;
    }
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return true;
}

/* Groups between single colons, up to the end of `text` or to a "::", which is taken, too. Gives
 * their bytes; *len is how many. *gap: there was a "::". */
static bool parse_groups(struct bytes *text, uint8_t out[IPADDR_V6_BYTES], size_t *len, bool *gap)
{
    *len = 0;
    *gap = bytes_starts(*text, BYTES_LIT("::"));
    if (*gap)
        *text = bytes_skip(*text, 2);
    while (!*gap && text->len > 0) {
        bool last = bytes_find(*text, ':') == text->len;
        struct bytes group = bytes_cut(text, ':');
        bool dotted = last && bytes_find(group, '.') < group.len;
        size_t size = dotted ? IPADDR_V4_BYTES : 2;
        if (*len + size > IPADDR_V6_BYTES)
            return false;
        if (dotted ? !ipaddr_parse_v4(group, out + *len) : !parse_group(group, out + *len))
            return false;
        *len += size;
        *gap = text->len > 0 && text->ptr[0] == ':';
        if (*gap)
            *text = bytes_skip(*text, 1);
        else if (!last && text->len == 0)
            return false; /* ends with a single colon */
    }
    return true;
}

bool ipaddr_parse_v6(struct bytes text, uint8_t out[IPADDR_V6_BYTES])
{
    uint8_t head[IPADDR_V6_BYTES];
    uint8_t tail[IPADDR_V6_BYTES];
    size_t head_len;
    size_t tail_len = 0;
    bool gap;
    bool second_gap = false;
    if (!parse_groups(&text, head, &head_len, &gap))
        return false;
    if (gap && !parse_groups(&text, tail, &tail_len, &second_gap))
        return false;

    size_t given = head_len + tail_len;
    if (second_gap || (gap ? given >= IPADDR_V6_BYTES : given != IPADDR_V6_BYTES))
        return false;
    memset(out, 0, IPADDR_V6_BYTES);
    memcpy(out, head, head_len);
    memcpy(out + IPADDR_V6_BYTES - tail_len, tail, tail_len);
    return true;
}

enum ferry_error ipaddr_format_v4(struct buf *out, const uint8_t in[IPADDR_V4_BYTES])
{
    return buf_printf(out, "%d.%d.%d.%d", in[0], in[1], in[2], in[3]);
}

static int group_at(const uint8_t in[IPADDR_V6_BYTES], int group)
{
    return in[2 * group] << 8 | in[2 * group + 1];
}

/* How many groups from `first` on are zero. */
static int zeros_at(const uint8_t in[IPADDR_V6_BYTES], int first)
{
    int count = 0;
    while (first + count < GROUPS && group_at(in, first + count) == 0)
        count++;
    return count;
}

enum ferry_error ipaddr_format_v6(struct buf *out, const uint8_t in[IPADDR_V6_BYTES])
{
    int gap = NO_GAP;
    int gap_len = 1; /* RFC 5952 section 4.2.2: one group alone is not shortened */
    for (int i = 0; i < GROUPS; i++) {
        if (zeros_at(in, i) > gap_len) {
            gap = i;
            gap_len = zeros_at(in, i);
        }
    }

    char text[GROUPS * 5 + 1];
    size_t used = 0;
    for (int i = 0; i < GROUPS; i++) {
        if (i == gap) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "::");
            i += gap_len - 1;
            continue;
        }
        bool first = i == 0 || (gap != NO_GAP && i == gap + gap_len);
        const char *colon = first ? "" : ":";
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%x", colon,
                                 (unsigned)group_at(in, i));
    }
    return buf_append(out, bytes_of(text, used));
}
