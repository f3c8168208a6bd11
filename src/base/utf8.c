/* UTF-8: validity (RFC 3629 section 4), decoding, columns. */
#include "base/utf8.h"

#include <stddef.h>

#include "base/compiler.h"

struct range {
    int32_t first, last;
};

/* Marks that take no column, of the scripts most names are written in. The marks of other scripts
 * count as one column each; only the alignment of a listing suffers. */
static const struct range combining[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05BF}, {0x05C1, 0x05C2},
    {0x05C4, 0x05C5}, {0x05C7, 0x05C7}, {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0670, 0x0670},
    {0x06D6, 0x06DC}, {0x06DF, 0x06E4}, {0x06E7, 0x06E8}, {0x06EA, 0x06ED}, {0x0900, 0x0902},
    {0x093A, 0x093A}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0951, 0x0957},
    {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1160, 0x11FF}, {0x1AB0, 0x1AFF},
    {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F}, {0x20D0, 0x20F0},
    {0x302A, 0x302D}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
};

/* Wide and full-width characters (Unicode Standard Annex 11); blocks of pictures are taken whole.
 */
static const struct range wide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
    {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26AA, 0x26AB},   {0x26BD, 0x26BE},
    {0x26C4, 0x26C5},   {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2B1B, 0x2B1C},
    {0x2E80, 0x303E},   {0x3041, 0x3247},   {0x3250, 0x4DBF},   {0x4E00, 0xA4C6},
    {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAD9},   {0xFE10, 0xFE19},
    {0xFE30, 0xFE6B},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x1B2FB},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FC}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF},
    {0x20000, 0x3134A},
};

static bool in_ranges(const struct range *ranges, size_t count, int32_t point)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (point > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && point >= ranges[low].first;
}

/* What a first byte promises: the length of the sequence, the bits it holds of the value, and the
 * smallest value that needs this length. */
struct lead {
    unsigned char mask, pattern, bits;
    unsigned char length;
    int32_t smallest;
};

static const struct lead leads[] = {
    {0x80, 0x00, 0x7F, 1, 0},
    {0xE0, 0xC0, 0x1F, 2, 0x80},
    {0xF0, 0xE0, 0x0F, 3, 0x800},
    {0xF8, 0xF0, 0x07, 4, 0x10000},
};

/* The code point at the front of `in` and in `*length` its bytes, or -1. */
static int32_t decode(struct bytes in, size_t *length)
{
    const unsigned char *byte = (const unsigned char *)in.ptr;
    const struct lead *lead = NULL;
    for (size_t i = 0; i < ARRAY_LEN(leads) && !lead; i++) {
        if ((byte[0] & leads[i].mask) == leads[i].pattern)
            lead = &leads[i];
    }
    if (!lead || lead->length > in.len)
        return -1;

    int32_t point = byte[0] & lead->bits;
    for (size_t i = 1; i < lead->length; i++) {
        if ((byte[i] & 0xC0) != 0x80)
            return -1;
        point = point << 6 | (byte[i] & 0x3F);
    }
    if (point < lead->smallest || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return -1;
    *length = lead->length;
    return point;
}

int32_t utf8_next(struct bytes *in)
{
    size_t length = 1;
    int32_t point = decode(*in, &length);
    *in = bytes_skip(*in, length);
    return point;
}

bool utf8_valid(struct bytes in)
{
    while (in.len > 0) {
        if (utf8_next(&in) < 0)
            return false;
    }
    return true;
}

static size_t columns_of(int32_t point)
{
    if (point < 0)
        return 4;
    if (in_ranges(combining, ARRAY_LEN(combining), point))
        return 0;
    return in_ranges(wide, ARRAY_LEN(wide), point) ? 2 : 1;
}

size_t utf8_columns(struct bytes in)
{
    size_t columns = 0;
    while (in.len > 0)
        columns += columns_of(utf8_next(&in));
    return columns;
}
