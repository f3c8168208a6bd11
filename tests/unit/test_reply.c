/* ftp/reply: replies taken off a stream, judged by their codes, and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ftp/reply.h"
#include "support/alloc_fail.h"

static const struct {
    const char *why;
    struct bytes in;
    size_t used; /* 0: not complete */
    int code;
    bool multi;
    struct bytes text;
} replies[] = {
    {"FTP-8", BYTES_LIT("220 hi\r\n"), 8, 220, false, BYTES_LIT("hi")},
    {"LF alone", BYTES_LIT("220 hi\n"), 7, 220, false, BYTES_LIT("hi")},
    {"code alone", BYTES_LIT("230\r\n"), 5, 230, false, BYTES_LIT("")},
    {"code and blank", BYTES_LIT("230 \r\n"), 6, 230, false, BYTES_LIT("")},
    {"two in one segment (DEV-34)", BYTES_LIT("150 a\r\n226 b\r\n"), 7, 150, false, BYTES_LIT("a")},
    {"blanks are text", BYTES_LIT("257  \"/\" \r\n"), 11, 257, false, BYTES_LIT(" \"/\" ")},
    {"several lines", BYTES_LIT("211-a\r\n b\r\n211 c\r\n"), 18, 211, true,
     BYTES_LIT("a\r\n b\r\n211 c")},
    {"the code on each line", BYTES_LIT("211-a\r\n211-b\r\n211 c\r\n"), 21, 211, true,
     BYTES_LIT("a\r\n211-b\r\n211 c")},
    {"first and last", BYTES_LIT("211-\r\n211 \r\n"), 12, 211, true, BYTES_LIT("\r\n211 ")},
    {"last is the code alone (DEV-59)", BYTES_LIT("230-a\r\n230\r\n"), 12, 230, true,
     BYTES_LIT("a\r\n230")},
    {"LF only (DEV-59)", BYTES_LIT("230-a\nb\n230 c\n"), 14, 230, true, BYTES_LIT("a\nb\n230 c")},
    {"inner lines that look like others (DEV-58)",
     BYTES_LIT("230-a\r\n331 b\r\n221 c\r\n2300 d\r\n230 e\r\n"), 36, 230, true,
     BYTES_LIT("a\r\n331 b\r\n221 c\r\n2300 d\r\n230 e")},
    {"an inner empty line", BYTES_LIT("230-a\r\n\r\n230 b\r\n"), 16, 230, true,
     BYTES_LIT("a\r\n\r\n230 b")},
    {"a NUL in the text", BYTES_LIT("220 a\0b\r\n"), 9, 220, false, BYTES_LIT("a\0b")},
    {"CR inside", BYTES_LIT("220 a\rb\r\n"), 9, 220, false, BYTES_LIT("a\rb")},
    {"6xx", BYTES_LIT("631 x\r\n"), 7, 631, false, BYTES_LIT("x")},
    {"nothing", BYTES_LIT(""), 0, 0, false, BYTES_LIT("")},
    {"no end", BYTES_LIT("220 hi"), 0, 0, false, BYTES_LIT("")},
    {"no LF", BYTES_LIT("220 hi\r"), 0, 0, false, BYTES_LIT("")},
    {"one digit", BYTES_LIT("2"), 0, 0, false, BYTES_LIT("")},
    {"no last line", BYTES_LIT("220-hi\r\n331 x\r\n"), 0, 0, false, BYTES_LIT("")},
    {"inner only", BYTES_LIT("220-hi\r\n220-x\r\n"), 0, 0, false, BYTES_LIT("")},
};

static void replies_are_taken_off_a_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct reply reply = {0};
        size_t used;
        if (reply_parse(replies[i].in, &reply, &used) != FERRY_OK || used != replies[i].used)
            fail_msg("%s: %zu bytes used", replies[i].why, used);
        if (used == 0)
            continue;
        if (reply.code != replies[i].code || reply.multi != replies[i].multi ||
            !bytes_equal(reply.text, replies[i].text))
            fail_msg("%s: %d '%.*s'", replies[i].why, reply.code, BYTES_FMT(reply.text));
    }
}

/* The same with one byte more at a time, each time elsewhere in memory. */
static void byte_by_byte_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct reply_scan scan = {0};
        struct reply reply = {0};
        size_t used = 0;
        for (size_t len = 1; len <= replies[i].in.len && used == 0; len++) {
            char *copy = malloc(len);
            assert_non_null(copy);
            memcpy(copy, replies[i].in.ptr, len);
            assert_int_equal(reply_scan(&scan, bytes_of(copy, len), &reply, &used), FERRY_OK);
            if (used != 0 && (used != len || !bytes_equal(reply.text, replies[i].text)))
                fail_msg("%s: %zu of %zu, '%.*s'", replies[i].why, used, len,
                         BYTES_FMT(reply.text));
            free(copy);
        }
        assert_int_equal(used, replies[i].used);
    }
}

/* FTP-9: what can never become a reply is known at once. */
static const struct bytes none[] = {
    BYTES_LIT("SSH-2.0-x"),
    BYTES_LIT("\r\n"),
    BYTES_LIT("\n"),
    BYTES_LIT(" 220 x\r\n"),
    BYTES_LIT("22x hi"),
    BYTES_LIT("2"
              "a"),
    BYTES_LIT("099 x\r\n"),
    BYTES_LIT("000 x\r\n"),
    BYTES_LIT("700 x\r\n"),
    BYTES_LIT("22\r\n"),
    BYTES_LIT("2200 x\r\n"),
    BYTES_LIT("220:x\r\n"),
    BYTES_LIT("220\tx\r\n"),
    BYTES_LIT("220_x\r\n"),
    BYTES_LIT("\x15\x03\x03"),
    BYTES_LIT("+OK ready"),
    BYTES_LIT("999-x\r\n"),
};

static void what_is_no_reply_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct reply reply;
        size_t used;
        if (reply_parse(none[i], &reply, &used) != FERRY_E_PROTOCOL)
            fail_msg("'%.*s' is taken", BYTES_FMT(none[i]));
    }
}

static struct bytes filled(char *space, size_t len, const char *head)
{
    memset(space, 'x', len);
    memcpy(space, head, strlen(head));
    return bytes_of(space, len);
}

static void ftp_9_replies_have_limits(void **state)
{
    (void)state;
    static char space[REPLY_MAX_BYTES + 16];
    struct reply reply;
    size_t used;

    struct bytes line = filled(space, REPLY_LINE_MAX_BYTES, "220 ");
    space[line.len++] = '\n';
    assert_int_equal(reply_parse(line, &reply, &used), FERRY_OK);
    assert_int_equal(used, line.len);
    line = filled(space, REPLY_LINE_MAX_BYTES + 1, "220 ");
    assert_int_equal(reply_parse(line, &reply, &used), FERRY_E_LIMIT);

    struct bytes many = filled(space, sizeof(space), "220-");
    for (size_t at = 1000; at < sizeof(space); at += 1000)
        space[at] = '\n';
    assert_int_equal(reply_parse(bytes_first(many, REPLY_MAX_BYTES - 1), &reply, &used), FERRY_OK);
    assert_int_equal(used, 0);
    assert_int_equal(reply_parse(many, &reply, &used), FERRY_E_LIMIT);

    struct bytes lines = filled(space, 4 + REPLY_MAX_LINES, "220-");
    memset(space + 4, '\n', REPLY_MAX_LINES);
    assert_int_equal(reply_parse(lines, &reply, &used), FERRY_OK);
    space[lines.len++] = '\n';
    assert_int_equal(reply_parse(lines, &reply, &used), FERRY_E_LIMIT);
}

static void dev_59_another_code_at_the_end_is_noticed(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        int other_code;
    } cases[] = {
        {BYTES_LIT("230-a\r\n"), 0},
        {BYTES_LIT("230-a\r\n220 b\r\n"), 220},
        {BYTES_LIT("230-a\r\n220\r\n"), 220},
        {BYTES_LIT("230-a\r\n220-b\r\n"), 0},
        {BYTES_LIT("230-a\r\n220 b\r\nmore\r\n"), 0},
        {BYTES_LIT("230-a\r\n220 b\r\nmo"), 220},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reply_scan scan = {0};
        struct reply reply;
        size_t used;
        assert_int_equal(reply_scan(&scan, cases[i].in, &reply, &used), FERRY_OK);
        assert_int_equal(used, 0);
        assert_int_equal(scan.other_code, cases[i].other_code);
    }
    struct reply_scan scan = {0};
    struct reply reply;
    size_t used;
    struct bytes in = cases[1].in;
    assert_int_equal(reply_scan(&scan, in, &reply, &used), FERRY_OK);
    reply_scan_end(&scan, in, &reply, &used);
    assert_int_equal(used, in.len);
    assert_int_equal(reply.code, 230);
    assert_true(reply.multi);
    assert_true(bytes_equal(reply.text, BYTES_LIT("a\r\n220 b")));
}

static void the_lines_of_a_text_come_one_by_one(void **state)
{
    (void)state;
    struct bytes text = BYTES_LIT("a\r\n\r\n b\n211 c");
    static const char *const expected[] = {"a", "", " b", "211 c"};
    struct bytes line;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_true(reply_next_line(&text, &line));
        assert_true(bytes_equal(line, bytes_str(expected[i])));
    }
    assert_false(reply_next_line(&text, &line));
}

static void failures_go_by_the_code(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum ferry_error kind;
    } cases[] = {
        {421, FERRY_E_TEMPORARY},   {425, FERRY_E_CONNECT},   {426, FERRY_E_CUT},
        {431, FERRY_E_TLS},         {450, FERRY_E_TEMPORARY}, {452, FERRY_E_SPACE},
        {500, FERRY_E_UNSUPPORTED}, {501, FERRY_E_REFUSED},   {502, FERRY_E_UNSUPPORTED},
        {504, FERRY_E_UNSUPPORTED}, {522, FERRY_E_TLS},       {530, FERRY_E_AUTH},
        {534, FERRY_E_TLS},         {550, FERRY_E_REFUSED},   {552, FERRY_E_SPACE},
        {553, FERRY_E_DENIED},      {499, FERRY_E_TEMPORARY}, {599, FERRY_E_REFUSED}, /* REP-3 */
        {226, FERRY_E_PROTOCOL},    {350, FERRY_E_PROTOCOL},  {631, FERRY_E_PROTOCOL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(reply_failure(cases[i].code), cases[i].kind);
}

static void every_code_of_the_table_has_words(void **state)
{
    (void)state;
    static const int known[] = {
#define CODE(number, kind, words) number,
#include "ftp/codes.def"
#undef CODE
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        assert_true(strlen(reply_stock_text(known[i])) > 0);
        assert_true(i == 0 || known[i] > known[i - 1]);
    }
    assert_string_equal(reply_stock_text(299), "");
}

static const struct {
    const char *why;
    enum reply_words words;
    struct bytes text, line;
} written[] = {
    {"plain", REPLY_WORDS, BYTES_LIT("hi"), BYTES_LIT("257 hi\r\n")},
    {"empty", REPLY_WORDS, BYTES_LIT(""), BYTES_LIT("257 \r\n")},
    {"FTP-16", REPLY_WORDS,
     BYTES_LIT("a\r\n\0\x1b[31m\x7f"
               "b\t"),
     BYTES_LIT("257 a???\?[31m?b?\r\n")},
    {"FTP-6", REPLY_WORDS, BYTES_LIT("\xff"), BYTES_LIT("257 \xff\xff\r\n")},
    {"names are whole", REPLY_NAMES, BYTES_LIT("\"/a\x1b\t\xff\""),
     BYTES_LIT("257 \"/a\x1b\t\xff\xff\"\r\n")},
    {"FTP-4: CR NUL", REPLY_NAMES, BYTES_LIT("\"/a\rb\""), BYTES_LIT("257 \"/a\r\0b\"\r\n")},
    {"no name ends a line", REPLY_NAMES, BYTES_LIT("\"/a\n257 x\0\""),
     BYTES_LIT("257 \"/a?257 x?\"\r\n")},
};

static void texts_are_written_as_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(written); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 256);
        assert_int_equal(reply_format(&out, 257, written[i].words, written[i].text), FERRY_OK);
        if (!bytes_equal(buf_view(&out), written[i].line))
            fail_msg("%s: '%.*s'", written[i].why, BYTES_FMT(buf_view(&out)));
    }
}

static void rep_8_texts_are_cut_between_characters(void **state)
{
    (void)state;
    static char text[2000];
    memset(text, 'x', sizeof(text));
    memcpy(text + 511, "\xc3\xa4", 2); /* would end at 513 */
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 8192);
    assert_int_equal(reply_format(&out, 550, REPLY_WORDS, bytes_of(text, sizeof(text))), FERRY_OK);
    assert_int_equal(buf_len(&out), 4 + 511 + 2);
    buf_fini(&out);
    memcpy(text + 510, "\xc3\xa4", 2);
    assert_int_equal(reply_format(&out, 550, REPLY_WORDS, bytes_of(text, sizeof(text))), FERRY_OK);
    assert_int_equal(buf_len(&out), 4 + 512 + 2);
    buf_fini(&out);
    assert_int_equal(reply_format(&out, 257, REPLY_NAMES, bytes_of(text, sizeof(text))), FERRY_OK);
    assert_int_equal(buf_len(&out), 4 + sizeof(text) + 2);
}

static enum ferry_error write_several(struct buf *out)
{
    enum ferry_error error = reply_format_first(out, 211, BYTES_LIT("Features:"));
    if (error == FERRY_OK)
        error = reply_format_inner(out, REPLY_WORDS, BYTES_LIT("211 UTF8"));
    if (error == FERRY_OK)
        error = reply_format(out, 211, REPLY_WORDS, BYTES_LIT("End"));
    return error;
}

static void ftp_8_no_inner_line_is_an_end(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 256);
    assert_int_equal(write_several(&out), FERRY_OK);
    assert_true(
        bytes_equal(buf_view(&out), BYTES_LIT("211-Features:\r\n 211 UTF8\r\n211 End\r\n")));
    struct reply reply;
    size_t used;
    assert_int_equal(reply_parse(buf_view(&out), &reply, &used), FERRY_OK);
    assert_int_equal(used, buf_len(&out));
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 16);
    assert_int_equal(reply_format(&out, 200, REPLY_WORDS, BYTES_LIT("OK")), FERRY_OK);
    assert_int_equal(reply_format(&out, 200, REPLY_WORDS, BYTES_LIT("OK")), FERRY_E_LIMIT);
    assert_true(bytes_equal(buf_view(&out), BYTES_LIT("200 OK\r\n")));
}

static enum ferry_error write_fresh(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 256);
    return write_several(&out);
}

static void memory_may_fail(void **state)
{
    (void)state;
    alloc_fail_each(write_fresh, NULL, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_taken_off_a_stream),
        cmocka_unit_test(byte_by_byte_is_the_same),
        cmocka_unit_test(what_is_no_reply_is_refused),
        cmocka_unit_test(ftp_9_replies_have_limits),
        cmocka_unit_test(dev_59_another_code_at_the_end_is_noticed),
        cmocka_unit_test(the_lines_of_a_text_come_one_by_one),
        cmocka_unit_test(failures_go_by_the_code),
        cmocka_unit_test(every_code_of_the_table_has_words),
        cmocka_unit_test(texts_are_written_as_one_line),
        cmocka_unit_test(rep_8_texts_are_cut_between_characters),
        cmocka_unit_test(ftp_8_no_inner_line_is_an_end),
        cmocka_unit_test(a_full_buffer_is_left_as_it_was),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
