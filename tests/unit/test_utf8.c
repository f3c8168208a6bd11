/* base/utf8: what is valid, what it decodes to, how wide it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/utf8.h"

/* One character each; -1: its first byte is not valid UTF-8. */
static const struct {
    const char *bytes;
    int32_t point;
} cases[] = {
    {"a", 'a'},
    {"\x7f", 0x7F},
    {"\xc2\x80", 0x80},
    {"\xc3\xa9", 0xE9},
    {"\xdf\xbf", 0x7FF},
    {"\xe0\xa0\x80", 0x800},
    {"\xed\x9f\xbf", 0xD7FF},
    {"\xee\x80\x80", 0xE000},
    {"\xef\xbf\xbf", 0xFFFF},
    {"\xf0\x90\x80\x80", 0x10000},
    {"\xf4\x8f\xbf\xbf", 0x10FFFF},
    {"\x80", -1},             /* a continuation alone */
    {"\xc0\x80", -1},         /* overlong NUL */
    {"\xc1\xbf", -1},         /* overlong 7f */
    {"\xe0\x9f\xbf", -1},     /* overlong 7ff */
    {"\xf0\x8f\xbf\xbf", -1}, /* overlong ffff */
    {"\xed\xa0\x80", -1},     /* first surrogate */
    {"\xed\xbf\xbf", -1},     /* last surrogate */
    {"\xf4\x90\x80\x80", -1}, /* U+110000 */
    {"\xf8\x88\x80\x80", -1}, /* five bytes */
    {"\xff", -1},
    {"\xc3", -1},         /* cut */
    {"\xe2\x82", -1},     /* cut */
    {"\xf0\x9f\x98", -1}, /* cut */
    {"\xc3(", -1},        /* second byte is no continuation */
    {"\xe2\x82(", -1},
};

static void decodes_one_character(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes in = bytes_str(cases[i].bytes);
        size_t expected_left = cases[i].point < 0 ? in.len - 1 : 0;
        assert_int_equal(utf8_valid(in), cases[i].point >= 0);
        assert_int_equal(utf8_next(&in), cases[i].point);
        assert_int_equal(in.len, expected_left);
    }
}

static void nul_is_a_character(void **state)
{
    (void)state;
    struct bytes in = bytes_of("\0x", 2);
    assert_int_equal(utf8_next(&in), 0);
    assert_int_equal(utf8_next(&in), 'x');
    assert_true(utf8_valid(bytes_of("\0", 1)));
    assert_true(utf8_valid(bytes_str("")));
}

/* Every code point there is, encoded here and read back. */
static void reads_back_every_code_point(void **state)
{
    (void)state;
    for (int32_t point = 0x80; point <= 0x10FFFF; point++) {
        char bytes[4];
        size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        for (size_t i = len; i-- > 0;)
            bytes[i] = (char)(0x80 | (point >> 6 * (int)(len - 1 - i) & 0x3F));
        const int marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
        bytes[0] = (char)(marks[len] | point >> 6 * (int)(len - 1));

        struct bytes in = bytes_of(bytes, len);
        bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        if (utf8_next(&in) != (surrogate ? -1 : point))
            fail_msg("U+%04X", (unsigned)point);
    }
}

static const struct {
    const char *text;
    size_t columns;
} widths[] = {
    {"", 0},
    {"abc", 3},
    {"caf\xc3\xa9", 4},
    {"cafe\xcc\x81", 4},                         /* a combining acute */
    {"\xe6\x97\xa5\xe6\x9c\xac", 4},             /* two ideographs */
    {"\xef\xbc\xa1", 2},                         /* full-width A */
    {"\xf0\x9f\x98\x80", 2},                     /* an emoji */
    {"\xe2\x80\x8b|", 1},                        /* zero-width space */
    {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", 2}, /* a Hangul syllable of three jamo */
    {"a\xff", 5},
    {"\xe2\x82", 8},
};

static void columns_as_a_terminal_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(widths); i++)
        assert_int_equal(utf8_columns(bytes_str(widths[i].text)), widths[i].columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_one_character),
        cmocka_unit_test(nul_is_a_character),
        cmocka_unit_test(reads_back_every_code_point),
        cmocka_unit_test(columns_as_a_terminal_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
