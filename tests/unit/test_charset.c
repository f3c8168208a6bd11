/* Names in other charsets than UTF-8 (FTP-15). */
#include "ftp/charset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "support/alloc_fail.h"

static struct charset *open_charset(const char *name)
{
    struct charset *charset = NULL;
    struct fault fault = {0};
    if (charset_new(name, &charset, &fault) != FERRY_OK)
        fail_msg("%s: %s", name, fault.what);
    return charset;
}

/* ---- which charsets ---- */

static void fit_charsets(void **state)
{
    (void)state;
    static const char *const names[] = {
        "windows-1252", "ISO-8859-1", "ISO-8859-15", "CP437", "KOI8-R", "CP932", "Shift_JIS",
        "EUC-JP",       "GBK",        "GB18030",     "BIG5",  "EUC-KR", "UTF-8"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        charset_free(open_charset(names[i]));
}

static void unfit_charsets(void **state)
{
    (void)state;
    static const struct {
        const char *name, *why;
    } rows[] = {
        {"", "not the name"},
        {"latin9//TRANSLIT", "not the name"}, /* it writes '?' */
        {"UTF-8//IGNORE", "not the name"},
        {"latin1,", "not the name"},
        {"x y", "not the name"},
        {"no-such-charset", "has no charset"},
        {"ISO-2022-JP", "ASCII"},
        {"ISO-2022-KR", "ASCII"},
        {"ISO-2022-CN", "ASCII"},
        {"UTF-7", "ASCII"},
        {"UTF-16", "ASCII"},
        {"UTF-16LE", "ASCII"},
        {"UCS-4", "ASCII"},
        {"IBM037", "ASCII"},
        {"IBM930", "ASCII"},
        {"TCVN", "ASCII"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct charset *charset = NULL;
        struct fault fault = {0};
        assert_int_equal(charset_new(rows[i].name, &charset, &fault), FERRY_E_ARGUMENT);
        assert_null(charset);
        if (!strstr(fault.what, rows[i].why))
            fail_msg("%s: %s", rows[i].name, fault.what);
    }
}

/* ---- in ---- */

static const struct {
    const char *charset, *in;
    const char *out; /* NULL: refused */
} decoded[] = {
    {"windows-1252",
     "Gr\xfc\xdf"
     "e",
     "Gr\xc3\xbc\xc3\x9f"
     "e"},
    {"windows-1252",
     "Gr\xc3\xbc\xc3\x9f"
     "e",
     "Gr\xc3\xbc\xc3\x9f"
     "e"}, /* it is UTF-8 */
    {"windows-1252", "\x80", "\xe2\x82\xac"},
    {"ISO-8859-15", "\xa4", "\xe2\x82\xac"},
    {"KOI8-R", "\xd2\xd5\xd3", "\xd1\x80\xd1\x83\xd1\x81"},
    {"CP932", "\x93\xfa\x96\x7b", "\xe6\x97\xa5\xe6\x9c\xac"},
    {"CP932", "\x95\x5c.txt", "\xe8\xa1\xa8.txt"}, /* the second byte is a backslash */
    {"GBK", "\xc4\xe3\xba\xc3", "\xe4\xbd\xa0\xe5\xa5\xbd"},
    {"CP1258", "a\xd2", "\xe1\xba\xa3"}, /* two bytes to one character, which iconv holds back */
    {"windows-1252", "plain", "plain"},
    {"windows-1252", "", ""},
    {"windows-1252", "/", "/"},
    {"windows-1252", "/\xfc//\xe4/", "/\xc3\xbc//\xc3\xa4/"},
    /* Each name by itself. */
    {"windows-1252", "\xfc/\xe6\x97\xa5", "\xc3\xbc/\xe6\x97\xa5"},
    /* Refused. */
    {"windows-1252", "\x81", NULL},  /* not a byte of it */
    {"CP932", "\x93\xfa\x96", NULL}, /* ends within a character */
    {"CP932", "\x93/x", NULL},       /* so does the first name */
    {"CP932", "ok/\x93", NULL},      /* and the last */
    {"EUC-JP", "\x8f\xa2", NULL},
    {"ISO-8859-1",
     "\x9b"
     "31m",
     NULL},                             /* C1: the terminal's CSI */
    {"ISO-8859-1", "\xe4\x1b[m", NULL}, /* C0 beside a byte that is no UTF-8 */
    {"ISO-8859-1", "\xe4\r", NULL},
    {"ISO-8859-1", "\xe4\x7f", NULL},
    {"UTF-8", "\xc0\xaf", NULL}, /* an overlong '/' */
    {"UTF-8", "\xe4", NULL},
};

static void ftp_15_names_come_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(decoded); i++) {
        struct charset *charset = open_charset(decoded[i].charset);
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(buf_append(&out, BYTES_LIT("before ")), FERRY_OK);
        enum ferry_error error = charset_decode(charset, bytes_str(decoded[i].in), &out);
        assert_int_equal(error, decoded[i].out ? FERRY_OK : FERRY_E_ARGUMENT);
        struct bytes added = bytes_skip(buf_view(&out), 7);
        if (!bytes_equal(added, bytes_str(decoded[i].out)))
            fail_msg("row %zu: %.*s", i, BYTES_FMT(added));
        charset_free(charset);
    }
}

static void a_nul_is_no_name(void **state)
{
    (void)state;
    struct charset *charset = open_charset("windows-1252");
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 64);
    assert_int_equal(charset_decode(charset, bytes_of("\xe4\0b", 3), &out), FERRY_E_ARGUMENT);
    assert_int_equal(buf_len(&out), 0);
    charset_free(charset);
}

/* ---- out ---- */

static const struct {
    const char *charset, *in, *out;
} encoded[] = {
    {"windows-1252",
     "Gr\xc3\xbc\xc3\x9f"
     "e",
     "Gr\xfc\xdf"
     "e"},
    {"CP932", "/\xe8\xa1\xa8/x", "/\x95\x5c/x"},
    {"windows-1252", "a?b", "a?b"},
    /* What the charset lacks stays UTF-8, the name beside it not. */
    {"windows-1252", "\xc3\xbc/\xe6\x97\xa5", "\xfc/\xe6\x97\xa5"},
    {"windows-1252", "\xc3\xbc\xe6\x97\xa5", "\xc3\xbc\xe6\x97\xa5"},
    /* In the charset it would look like UTF-8 and mean another name. */
    {"windows-1252", "\xc3\x83\xc2\xa9", "\xc3\x83\xc2\xa9"},
    /* The disk's own bytes, no UTF-8, stay (FTP-15). */
    {"windows-1252",
     "Gr\xfc\xdf"
     "e",
     "Gr\xfc\xdf"
     "e"},
    {"CP932", "\xfc\xfc", "\xfc\xfc"},
    /* It would come back as a yen sign. */
    {"Shift_JIS", "\xe6\x97\xa5\\", "\xe6\x97\xa5\\"},
    {"CP1258", "\xe1\xba\xa3", "a\xd2"},
};

static void ftp_15_names_go_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(encoded); i++) {
        struct charset *charset = open_charset(encoded[i].charset);
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(charset_encode(charset, bytes_str(encoded[i].in), &out), FERRY_OK);
        if (!bytes_equal(buf_view(&out), bytes_str(encoded[i].out)))
            fail_msg("row %zu: %.*s", i, BYTES_FMT(buf_view(&out)));
        charset_free(charset);
    }
}

static size_t put_utf8(char *out, int32_t point)
{
    const int marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1;)
        out[i] = (char)(0x80 | (point >> 6 * (int)(len - 1 - i) & 0x3F));
    out[0] = (char)(marks[len] | point >> 6 * (int)(len - 1));
    return len;
}

/* Whatever a name is, the client that sends back what it was given means that name: every character
 * of the plane that charsets know, alone and in pairs. */
static void every_name_comes_back(void **state)
{
    (void)state;
    static const char *const names[] = {"windows-1252", "KOI8-R", "Shift_JIS", "GBK", "CP1258"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct charset *charset = open_charset(names[i]);
        for (int32_t point = 0xA0; point < 0xFFFE; point++) {
            char text[16];
            size_t len = put_utf8(text, point);
            len += put_utf8(text + len, 0xA0 + point % 0x60);
            if (!utf8_valid(bytes_of(text, len)))
                continue;
            CLEANUP(buf_fini) struct buf sent;
            CLEANUP(buf_fini) struct buf back;
            buf_init(&sent, 256);
            buf_init(&back, 256);
            assert_int_equal(charset_encode(charset, bytes_of(text, len), &sent), FERRY_OK);
            assert_int_equal(charset_decode(charset, buf_view(&sent), &back), FERRY_OK);
            if (!bytes_equal(buf_view(&back), bytes_of(text, len)))
                fail_msg("%s: U+%04X", names[i], (unsigned)point);
        }
        charset_free(charset);
    }
}

/* ---- hostile ---- */

/* Every pair of bytes, of which each charset can read some: what is read is a name, or nothing was
 * written. */
static void every_pair_of_bytes(void **state)
{
    (void)state;
    static const char *const names[] = {"windows-1252", "CP932", "GB18030", "BIG5", "EUC-JP"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct charset *charset = open_charset(names[i]);
        for (unsigned pair = 0; pair < 0x10000; pair++) {
            const char in[] = {(char)(pair >> 8), (char)pair};
            CLEANUP(buf_fini) struct buf out;
            buf_init(&out, 64);
            enum ferry_error error = charset_decode(charset, bytes_of(in, 2), &out);
            struct bytes got = buf_view(&out);
            bool slash = in[0] == '/' || in[1] == '/';
            assert_true(error == FERRY_OK || (error == FERRY_E_ARGUMENT && got.len == 0));
            assert_true(utf8_valid(got));
            assert_true(slash || bytes_find(got, '/') == got.len);
        }
        charset_free(charset);
    }
}

static enum ferry_error use_charset(void *ctx)
{
    (void)ctx;
    struct charset *charset = NULL;
    struct fault fault = {0};
    enum ferry_error error = charset_new("windows-1252", &charset, &fault);
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 64);
    if (error == FERRY_OK)
        error = charset_decode(charset, BYTES_LIT("\xfc/\xe4"), &out);
    if (error == FERRY_OK)
        error = charset_encode(charset, BYTES_LIT("\xc3\xbc"), &out);
    if (error == FERRY_OK)
        assert_true(bytes_equal(buf_view(&out), BYTES_LIT("\xc3\xbc/\xc3\xa4\xfc")));
    charset_free(charset);
    return error;
}

static void without_memory(void **state)
{
    (void)state;
    alloc_fail_each(use_charset, NULL, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fit_charsets),         cmocka_unit_test(unfit_charsets),
        cmocka_unit_test(ftp_15_names_come_in), cmocka_unit_test(a_nul_is_no_name),
        cmocka_unit_test(ftp_15_names_go_out),  cmocka_unit_test(every_name_comes_back),
        cmocka_unit_test(every_pair_of_bytes),  cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
