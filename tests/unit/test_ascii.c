/* ftp/ascii: TYPE A both ways, across every border of blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "ftp/ascii.h"

enum { OUT_BYTES = 64 };

typedef size_t convert_fn(struct ascii *ascii, struct bytes *in, char *out, size_t room);

static const struct {
    const char *in, *out;
} to_wire[] = {
    {"", ""},
    {"a", "a"},
    {"a\n", "a\r\n"},
    {"\n", "\r\n"},
    {"\n\n", "\r\n\r\n"},
    {"a\r\n", "a\r\n"},
    {"\r\n\n", "\r\n\r\n"},
    {"a\r", "a\r"},
    {"\r\r\n", "\r\r\n"},
    {"a\rb\n", "a\rb\r\n"},
    {"no end", "no end"},
};

static const struct {
    const char *in, *out;
} from_wire[] = {
    {"", ""},           {"a", "a"},       {"a\r\n", "a\n"}, {"\r\n\r\n", "\n\n"},
    {"a\n", "a\n"},     {"a\r", "a\r"},   {"\r", "\r"},     {"\r\r", "\r\r"},
    {"\r\r\n", "\r\n"}, {"a\rb", "a\rb"}, {"\n\r", "\n\r"}, {"\r\n\r", "\n\r"},
};

/* Converts `in` given in pieces of `step` bytes, with room for `room` bytes at each call. */
static size_t run(convert_fn *convert, struct bytes in, size_t step, size_t room, char *out)
{
    struct ascii ascii = {0};
    size_t len = 0;
    while (in.len > 0) {
        struct bytes piece = bytes_first(in, step);
        in = bytes_skip(in, piece.len);
        while (piece.len > 0) {
            size_t before = piece.len;
            char small[OUT_BYTES];
            size_t written = convert(&ascii, &piece, small, room);
            assert_true(written <= room);
            assert_true(len + written <= OUT_BYTES);
            assert_true(piece.len < before);
            memcpy(out + len, small, written);
            len += written;
        }
    }
    if (convert == ascii_from_wire)
        len += ascii_from_wire_end(&ascii, out + len);
    return len;
}

static void check(convert_fn *convert, const char *in, const char *expected)
{
    for (size_t step = 1; step <= strlen(in) + 1; step++) {
        for (size_t room = 2; room <= 2 * strlen(in) + 2; room++) {
            char out[OUT_BYTES + 1];
            struct bytes actual = bytes_of(out, run(convert, bytes_str(in), step, room, out));
            if (!bytes_equal(actual, bytes_str(expected)))
                fail_msg("pieces of %zu, room %zu: '%.*s' instead of '%s'", step, room,
                         BYTES_FMT(actual), expected);
        }
    }
}

static void ftp_42_lf_goes_out_as_crlf(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(to_wire); i++)
        check(ascii_to_wire, to_wire[i].in, to_wire[i].out);
}

/* By the letter of NVT. */
static void ftp_42_strictly_every_lf_becomes_crlf(void **state)
{
    (void)state;
    struct ascii ascii = {.strict = true};
    struct bytes in = BYTES_LIT("one\ntwo\r\n\r\r\n\n");
    char out[OUT_BYTES];
    size_t len = ascii_to_wire(&ascii, &in, out, sizeof(out));
    assert_int_equal(in.len, 0);
    assert_true(bytes_equal(bytes_of(out, len), BYTES_LIT("one\r\ntwo\r\r\n\r\r\r\n\r\n")));
}

static void ftp_42_crlf_comes_in_as_lf(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(from_wire); i++)
        check(ascii_from_wire, from_wire[i].in, from_wire[i].out);
}

static void the_room_that_is_promised_is_enough(void **state)
{
    (void)state;
    char out[OUT_BYTES];
    struct ascii ascii = {0};
    struct bytes in = BYTES_LIT("\n\n\n");
    assert_int_equal(ascii_to_wire(&ascii, &in, out, 6), 6);
    assert_int_equal(in.len, 0);

    ascii = (struct ascii){.after_cr = true};
    in = BYTES_LIT("abc");
    assert_int_equal(ascii_from_wire(&ascii, &in, out, 4), 4);
    assert_int_equal(in.len, 0);
}

static void nothing_is_held_back_twice(void **state)
{
    (void)state;
    char out[1];
    struct ascii ascii = {0};
    struct bytes in = BYTES_LIT("\r");
    assert_int_equal(ascii_from_wire(&ascii, &in, out, 1), 0);
    assert_int_equal(ascii_from_wire_end(&ascii, out), 1);
    assert_int_equal(out[0], '\r');
    assert_int_equal(ascii_from_wire_end(&ascii, out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_42_lf_goes_out_as_crlf),
        cmocka_unit_test(ftp_42_strictly_every_lf_becomes_crlf),
        cmocka_unit_test(ftp_42_crlf_comes_in_as_lf),
        cmocka_unit_test(the_room_that_is_promised_is_enough),
        cmocka_unit_test(nothing_is_held_back_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
