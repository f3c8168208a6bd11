/* base/text: case, numbers, quoting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/utf8.h"
#include "support/alloc_fail.h"

/* A row of a table: what goes in, what comes out. */
struct pair {
    struct bytes in;
    const char *out;
};

static void assert_text(struct bytes actual, const char *expected)
{
    if (!bytes_equal(actual, bytes_str(expected)))
        fail_msg("'%.*s' instead of '%s'", BYTES_FMT(actual), expected);
}

static void case_is_ascii_only(void **state)
{
    (void)state;
    assert_int_equal(text_upper('a'), 'A');
    assert_int_equal(text_upper('z'), 'Z');
    assert_int_equal(text_upper('@'), '@');
    assert_int_equal(text_upper('{'), '{');
    assert_int_equal(text_upper('\xe4'), '\xe4');
    assert_true(text_same(BYTES_LIT("aUtH"), BYTES_LIT("AUTH")));
    assert_false(text_same(BYTES_LIT("AUTH"), BYTES_LIT("AUTHX")));
    assert_false(text_same(BYTES_LIT("\xe4"), BYTES_LIT("\xc4")));
    assert_true(text_same(bytes_str(NULL), BYTES_LIT("")));
}

static void controls_are_c0_and_del(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        assert_int_equal(text_is_control((char)c), c < 0x20 || c == 0x7f);
}

static void trim_takes_blanks_and_tabs(void **state)
{
    (void)state;
    assert_text(text_trim(BYTES_LIT(" \t a b\t ")), "a b");
    assert_text(text_trim(BYTES_LIT("\ra\n")), "\ra\n");
    assert_text(text_trim(BYTES_LIT(" \t")), "");
    assert_text(text_trim(bytes_str(NULL)), "");
}

static const struct {
    const char *in;
    uint64_t max;
    bool ok;
    uint64_t value;
} decimals[] = {
    {"0", 0, true, 0},
    {"1", 0, false, 0},
    {"007", 7, true, 7},
    {"65535", 65535, true, 65535},
    {"65536", 65535, false, 0},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, false, 0},
    {"99999999999999999999", UINT64_MAX, false, 0},
    {"184467440737095516150", UINT64_MAX, false, 0},
    {"9223372036854775808", INT64_MAX, false, 0},
    {"", 9, false, 0},
    {"-1", 9, false, 0},
    {"+1", 9, false, 0},
    {" 1", 9, false, 0},
    {"1 ", 9, false, 0},
    {"0x1", 99, false, 0},
    {"1/", 99, false, 0},
    {"1:", 99, false, 0},
    {"\xd9\xa1", 9, false, 0}, /* Arabic-Indic one */
};

static void decimal_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(decimals); i++) {
        uint64_t value = 77;
        bool ok = text_u64(bytes_str(decimals[i].in), decimals[i].max, &value);
        if (ok != decimals[i].ok || value != (ok ? decimals[i].value : 77))
            fail_msg("'%s'", decimals[i].in);
    }
    uint64_t value;
    assert_false(text_u64(bytes_of("1\0", 2), 99, &value));
}

static void octal_numbers(void **state)
{
    (void)state;
    uint64_t value;
    assert_true(text_octal(BYTES_LIT("7777"), 07777, &value));
    assert_int_equal(value, 07777);
    assert_false(text_octal(BYTES_LIT("10000"), 07777, &value));
    assert_false(text_octal(BYTES_LIT("8"), 07777, &value));
    assert_false(text_octal(BYTES_LIT(""), 07777, &value));
}

static void hexadecimal(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        assert_int_equal(text_hex_digit(digits[i]), i);
        assert_int_equal(text_hex_digit(text_upper(digits[i])), i);
    }
    assert_int_equal(text_hex_digit('g'), -1);
    assert_int_equal(text_hex_digit('@'), -1);
    assert_int_equal(text_hex_digit('\0'), -1);

    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 100);
    assert_int_equal(text_hex(&out, bytes_of("\0\x7f\xff", 3)), FERRY_OK);
    assert_text(buf_view(&out), "007fff");
}

static void percent_decoding(void **state)
{
    (void)state;
    static const struct pair good[] = {
        {BYTES_LIT(""), ""},
        {BYTES_LIT("a%20b%2Fc%2f"), "a b/c/"},
        {BYTES_LIT("%C3%A9%25"), "\xc3\xa9%"},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 100);
        assert_int_equal(text_percent_decode(&out, good[i].in), FERRY_OK);
        assert_text(buf_view(&out), good[i].out);
    }
    static const char *const bad[] = {"%", "%4", "a%4g", "%%41", "%g1", "%-1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 100);
        assert_int_equal(text_percent_decode(&out, bytes_str(bad[i])), FERRY_E_ARGUMENT);
    }
}

static void percent_nul_is_a_byte(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 100);
    assert_int_equal(text_percent_decode(&out, BYTES_LIT("a%00b")), FERRY_OK);
    assert_true(bytes_equal(buf_view(&out), bytes_of("a\0b", 3)));
}

static void percent_encoding(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 100);
    struct bytes name = bytes_of("/a-z_A.Z~0 9%\n\xff\0", 16);
    assert_int_equal(text_percent_encode(&out, name, "/"), FERRY_OK);
    assert_text(buf_view(&out), "/a-z_A.Z~0%209%25%0A%FF%00");
}

/* Every byte but NUL, quoted, read by a real shell, and compared. */
static void shell_reads_back_what_was_quoted(void **state)
{
    (void)state;
    char all[255];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)(i + 1);
    const struct bytes words[] = {bytes_of(all, sizeof(all)), BYTES_LIT(""),  BYTES_LIT("~"),
                                  BYTES_LIT("a'b"),           BYTES_LIT("'"), BYTES_LIT("-n")};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        CLEANUP(buf_fini) struct buf command;
        buf_init(&command, 4096);
        assert_int_equal(buf_append(&command, BYTES_LIT("printf %s ")), FERRY_OK);
        assert_int_equal(text_shell_quote(&command, words[i]), FERRY_OK);
        assert_int_equal(buf_append(&command, bytes_of("", 1)), FERRY_OK);

        FILE *shell = popen(buf_view(&command).ptr, "r");
        assert_non_null(shell);
        char read_back[512];
        size_t len = fread(read_back, 1, sizeof(read_back), shell);
        assert_int_equal(pclose(shell), 0);
        assert_true(bytes_equal(bytes_of(read_back, len), words[i]));
    }
}

static void shell_words_stay_readable(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {BYTES_LIT("ftp://demo@127.0.0.1:2121/a.txt"), "ftp://demo@127.0.0.1:2121/a.txt"},
        {BYTES_LIT("a b"), "'a b'"},
        {BYTES_LIT("A=1"), "'A=1'"},
        {BYTES_LIT("it's"), "'it'\\''s'"},
        {BYTES_LIT(""), "''"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 100);
        assert_int_equal(text_shell_quote(&out, cases[i].in), FERRY_OK);
        assert_text(buf_view(&out), cases[i].out);
    }
}

static const struct pair visible[] = {
    {BYTES_LIT(""), ""},
    {BYTES_LIT("plain text, caf\xc3\xa9 \xe6\x97\xa5"), "plain text, caf\xc3\xa9 \xe6\x97\xa5"},
    {BYTES_LIT("a\r\nb\t\0c"), "a\\x0d\\x0ab\\x09\\x00c"},
    {BYTES_LIT("\x1b]0;title\x07"), "\\x1b]0;title\\x07"},
    {BYTES_LIT("\x7f"), "\\x7f"},
    {BYTES_LIT("\\x41"), "\\x5cx41"},
    {BYTES_LIT("\x9b"), "\\x9b"}, /* C1 as a byte */
    /* C1, both ends and what is next */
    {BYTES_LIT("\xc2\x80"), "\\xc2\\x80"},
    {BYTES_LIT("\xc2\x9f"), "\\xc2\\x9f"},
    {BYTES_LIT("\xc2\xa0"), "\xc2\xa0"},
    /* U+061C */
    {BYTES_LIT("\xd8\x9b\xd8\x9c\xd8\x9d"), "\xd8\x9b\\xd8\\x9c\xd8\x9d"},
    /* U+200D to U+2010: two marks in the middle */
    {BYTES_LIT("\xe2\x80\x8d\xe2\x80\x8e"), "\xe2\x80\x8d\\xe2\\x80\\x8e"},
    {BYTES_LIT("\xe2\x80\x8f\xe2\x80\x90"), "\\xe2\\x80\\x8f\xe2\x80\x90"},
    /* U+2027 to U+202F */
    {BYTES_LIT("\xe2\x80\xa7\xe2\x80\xa8"), "\xe2\x80\xa7\\xe2\\x80\\xa8"},
    {BYTES_LIT("\xe2\x80\xae\xe2\x80\xaf"), "\\xe2\\x80\\xae\xe2\x80\xaf"},
    /* U+2065 to U+206A */
    {BYTES_LIT("\xe2\x81\xa5\xe2\x81\xa6"), "\xe2\x81\xa5\\xe2\\x81\\xa6"},
    {BYTES_LIT("\xe2\x81\xa9\xe2\x81\xaa"), "\\xe2\\x81\\xa9\xe2\x81\xaa"},
    /* not UTF-8 */
    {BYTES_LIT("\xc0\xaf\xed\xa0\x80"), "\\xc0\\xaf\\xed\\xa0\\x80"},
    {BYTES_LIT("\xf0\x9f\x98"), "\\xf0\\x9f\\x98"},
};

static void lst_72_sec_91_visible_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(visible); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 100);
        assert_int_equal(text_visible(&out, visible[i].in), FERRY_OK);
        assert_text(buf_view(&out), visible[i].out);
        assert_true(text_is_visible(buf_view(&out)));
        if (memchr(visible[i].in.ptr, '\\', visible[i].in.len) == NULL)
            assert_int_equal(text_is_visible(visible[i].in),
                             bytes_equal(visible[i].in, buf_view(&out)));

        CLEANUP(alloc_free_str) char *copy = text_visible_dup(visible[i].in);
        assert_string_equal(copy, visible[i].out);
    }
}

static void any_bytes_become_valid_utf8_without_controls(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char in[] = {(char)(pair >> 8), (char)pair};
        char out[64];
        size_t len = text_visible_into(out, sizeof(out), bytes_of(in, sizeof(in)));
        assert_true(utf8_valid(bytes_of(out, len)));
        for (size_t i = 0; i < len; i++)
            assert_false(text_is_control(out[i]));
    }
}

static void visible_into_cuts_between_characters(void **state)
{
    (void)state;
    static const struct {
        size_t size_bytes;
        const char *out;
    } cases[] = {{1, ""},
                 {2, "a"},
                 {3, "a"},
                 {4, "a\xc3\xa9"},
                 {7, "a\xc3\xa9"},
                 {8, "a\xc3\xa9\\x1b"},
                 {9, "a\xc3\xa9\\x1b"
                     "b"},
                 {64, "a\xc3\xa9\\x1b"
                      "b"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[64];
        memset(out, '#', sizeof(out));
        size_t len = text_visible_into(out, cases[i].size_bytes,
                                       BYTES_LIT("a\xc3\xa9\x1b"
                                                 "b"));
        assert_string_equal(out, cases[i].out);
        assert_int_equal(len, strlen(cases[i].out));
    }
}

static enum ferry_error every_appender(void *ctx)
{
    (void)ctx;
    struct bytes in = BYTES_LIT("it's %41\x1b");
    CLEANUP(alloc_free_str) char *copy = text_visible_dup(in);
    if (!copy)
        return FERRY_E_MEMORY;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1000);
    enum ferry_error error = text_hex(&out, in);
    if (error == FERRY_OK)
        error = text_percent_decode(&out, in);
    if (error == FERRY_OK)
        error = text_percent_encode(&out, in, "");
    if (error == FERRY_OK)
        error = text_shell_quote(&out, in);
    if (error == FERRY_OK)
        error = text_visible(&out, in);
    return error;
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    alloc_fail_each(every_appender, NULL, 20);
}

static void caps_are_reported(void **state)
{
    (void)state;
    struct bytes in = BYTES_LIT("'''''");
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 4);
    assert_int_equal(text_hex(&out, in), FERRY_E_LIMIT);
    assert_int_equal(text_percent_decode(&out, in), FERRY_E_LIMIT);
    assert_int_equal(text_percent_encode(&out, in, ""), FERRY_E_LIMIT);
    assert_int_equal(text_shell_quote(&out, in), FERRY_E_LIMIT);
    assert_int_equal(text_visible(&out, in), FERRY_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_is_ascii_only),
        cmocka_unit_test(controls_are_c0_and_del),
        cmocka_unit_test(trim_takes_blanks_and_tabs),
        cmocka_unit_test(decimal_numbers),
        cmocka_unit_test(octal_numbers),
        cmocka_unit_test(hexadecimal),
        cmocka_unit_test(percent_decoding),
        cmocka_unit_test(percent_nul_is_a_byte),
        cmocka_unit_test(percent_encoding),
        cmocka_unit_test(shell_reads_back_what_was_quoted),
        cmocka_unit_test(shell_words_stay_readable),
        cmocka_unit_test(lst_72_sec_91_visible_text),
        cmocka_unit_test(any_bytes_become_valid_utf8_without_controls),
        cmocka_unit_test(visible_into_cuts_between_characters),
        cmocka_unit_test(failing_memory_is_reported),
        cmocka_unit_test(caps_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
