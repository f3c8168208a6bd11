/* ftp/line: the same lines from the same bytes, however they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ftp/line.h"
#include "support/alloc_fail.h"

enum { MAX_BYTES = 20 }; /* of a line, in the table */

/* What comes out is written as a script: each line in angle brackets, "!" for one that is too long,
 * "X" for a broken stream, and at the end "..." if a line is unfinished. */
static const struct {
    const char *why;
    struct bytes in;
    struct bytes out;
} streams[] = {
    {"FTP-1", BYTES_LIT("NOOP\r\nQUIT\r\n"), BYTES_LIT("<NOOP><QUIT>")},
    {"FTP-1: bare LF", BYTES_LIT("NOOP\nQUIT\n"), BYTES_LIT("<NOOP><QUIT>")},
    {"both", BYTES_LIT("NOOP\nQUIT\r\nPWD\n"), BYTES_LIT("<NOOP><QUIT><PWD>")},
    {"empty lines", BYTES_LIT("\r\n\n\r\n"), BYTES_LIT("<><><>")},
    {"unfinished", BYTES_LIT("NOOP"), BYTES_LIT("...")},
    {"unfinished behind CR", BYTES_LIT("NOOP\r"), BYTES_LIT("...")},
    {"a CR alone is data", BYTES_LIT("a\rb\r\n"), BYTES_LIT("<a\rb>")},
    {"two CRs", BYTES_LIT("a\r\r\n"), BYTES_LIT("<a\r>")},
    {"FTP-4: CR NUL is CR", BYTES_LIT("a\r\0b\r\n"), BYTES_LIT("<a\rb>")},
    {"FTP-4: CR NUL at the end", BYTES_LIT("a\r\0\r\n"), BYTES_LIT("<a\r>")},
    {"FTP-4: CR NUL, LF", BYTES_LIT("a\r\0\n"), BYTES_LIT("<a\r>")},
    {"FTP-4: a NUL stays to be refused", BYTES_LIT("a\0b\r\n"), BYTES_LIT("<a\0b>")},
    {"CR NUL NUL", BYTES_LIT("a\r\0\0\r\n"), BYTES_LIT("<a\r\0>")},
    {"FTP-5: IP, DM, ABOR",
     BYTES_LIT("\xff\xf4\xff\xf2"
               "ABOR\r\n"),
     BYTES_LIT("<ABOR>")},
    {"IAC IAC", BYTES_LIT("a\xff\xff\r\n"), BYTES_LIT("<a\xff>")},
    {"IAC between CR and LF", BYTES_LIT("a\r\xff\xf1\n"), BYTES_LIT("<a>")},
    {"IAC before the line end", BYTES_LIT("a\xff\r\nb\r\n"), BYTES_LIT("<a\xff><b>")},
    {"IAC DO inside a verb",
     BYTES_LIT("NO\xff\xfd\x01"
               "OP\r\n"),
     BYTES_LIT("<NOOP>")},
    {"an option that is LF", BYTES_LIT("A\xff\xfb\nB\r\n"), BYTES_LIT("<AB>")},
    {"unfinished IAC", BYTES_LIT("\xff"), BYTES_LIT("...")},
    {"20 bytes", BYTES_LIT("123456789012345678\r\n"), BYTES_LIT("<123456789012345678>")},
    {"20 bytes with LF", BYTES_LIT("123456789012345678\n"), BYTES_LIT("<123456789012345678>")},
    {"FTP-3: 21 bytes", BYTES_LIT("1234567890123456789\r\n"), BYTES_LIT("!")},
    {"SEC-18", BYTES_LIT("12345678901234567890 DELE x\r\nNOOP\r\n"), BYTES_LIT("!<NOOP>")},
    {"SEC-18: no end yet", BYTES_LIT("12345678901234567890 DELE x"), BYTES_LIT("...")},
    {"SEC-18: CRs count", BYTES_LIT("\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\n"), BYTES_LIT("!")},
    {"two too long", BYTES_LIT("12345678901234567890\n12345678901234567890\n"), BYTES_LIT("!!")},
    {"doubled IACs count once", BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\r\n"),
     BYTES_LIT("<\xff\xff\xff\xff\xff\xff>")},
};

/* Feeds `in` in chunks of `chunk` bytes, and appends the script of what comes out to `out`. */
static enum ferry_error script(struct line_reader *reader, struct bytes in, size_t chunk,
                               struct buf *out, struct buf *answers)
{
    enum ferry_error error = FERRY_OK;
    while (in.len > 0 && error == FERRY_OK) {
        struct bytes piece = bytes_first(in, chunk);
        in = bytes_skip(in, chunk);
        while (piece.len > 0 && error == FERRY_OK) {
            struct bytes line;
            switch (line_next(reader, &piece, &line, answers)) {
            case LINE_WANTED:
                break;
            case LINE_READY:
                error = buf_printf(out, "<");
                if (error == FERRY_OK)
                    error = buf_append(out, line);
                if (error == FERRY_OK)
                    error = buf_printf(out, ">");
                break;
            case LINE_TOO_LONG:
                error = buf_printf(out, "!");
                break;
            case LINE_BROKEN:
                return buf_printf(out, "X");
            case LINE_NO_MEMORY:
                return FERRY_E_MEMORY;
            }
        }
    }
    if (error == FERRY_OK && line_is_partial(reader))
        error = buf_printf(out, "...");
    return error;
}

static void any_chunks_give_the_same_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        for (size_t chunk = 1; chunk <= streams[i].in.len; chunk++) {
            struct line_reader reader;
            line_init(&reader, MAX_BYTES);
            CLEANUP(buf_fini) struct buf out;
            CLEANUP(buf_fini) struct buf answers;
            buf_init(&out, 1024);
            buf_init(&answers, 1024);
            assert_int_equal(script(&reader, streams[i].in, chunk, &out, &answers), FERRY_OK);
            if (!bytes_equal(buf_view(&out), streams[i].out))
                fail_msg("%s, chunks of %zu: '%.*s'", streams[i].why, chunk,
                         BYTES_FMT(buf_view(&out)));
            line_fini(&reader);
        }
    }
}

static void requests_are_answered_beside_the_lines(void **state)
{
    (void)state;
    struct line_reader reader;
    line_init(&reader, 0);
    CLEANUP(buf_fini) struct buf out;
    CLEANUP(buf_fini) struct buf answers;
    buf_init(&out, 64);
    buf_init(&answers, 64);
    assert_int_equal(script(&reader,
                            BYTES_LIT("\xff\xfd\x01"
                                      "NOOP\r\n"),
                            1, &out, &answers),
                     FERRY_OK);
    assert_true(bytes_equal(buf_view(&answers), BYTES_LIT("\xff\xfc\x01")));
    line_fini(&reader);
}

static void the_default_cap_is_8192(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        enum line_result result;
    } cases[] = {{8190, LINE_READY}, {8191, LINE_TOO_LONG}, {100000, LINE_TOO_LONG}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct line_reader reader;
        line_init(&reader, 0);
        CLEANUP(buf_fini) struct buf answers;
        buf_init(&answers, 64);
        struct bytes line;
        for (size_t n = 0; n < cases[i].len; n++) {
            struct bytes in = BYTES_LIT("x");
            assert_int_equal(line_next(&reader, &in, &line, &answers), LINE_WANTED);
        }
        struct bytes end = BYTES_LIT("\r\n");
        assert_int_equal(line_next(&reader, &end, &line, &answers), cases[i].result);
        line_fini(&reader);
    }
}

static void an_endless_subnegotiation_breaks_the_stream(void **state)
{
    (void)state;
    struct line_reader reader;
    line_init(&reader, 0);
    CLEANUP(buf_fini) struct buf answers;
    buf_init(&answers, 64);
    struct bytes line;
    struct bytes in = BYTES_LIT("\xff\xfa");
    enum line_result result = line_next(&reader, &in, &line, &answers);
    for (int i = 0; i < 2000 && result == LINE_WANTED; i++) {
        in = BYTES_LIT("x");
        result = line_next(&reader, &in, &line, &answers);
    }
    assert_int_equal(result, LINE_BROKEN);
    line_fini(&reader);
}

static enum ferry_error read_two(void *ctx)
{
    (void)ctx;
    struct line_reader reader;
    line_init(&reader, 0);
    CLEANUP(buf_fini) struct buf out;
    CLEANUP(buf_fini) struct buf answers;
    buf_init(&out, 64);
    buf_init(&answers, 64);
    enum ferry_error error = script(&reader,
                                    BYTES_LIT("\xff\xfd\x01"
                                              "NOOP\r\nQUIT\r\n"),
                                    100, &out, &answers);
    line_fini(&reader);
    return error;
}

static void memory_may_fail(void **state)
{
    (void)state;
    alloc_fail_each(read_two, NULL, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_chunks_give_the_same_lines),
        cmocka_unit_test(requests_are_answered_beside_the_lines),
        cmocka_unit_test(the_default_cap_is_8192),
        cmocka_unit_test(an_endless_subnegotiation_breaks_the_stream),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
