/* The PROXY protocol's header: what is one, whole and byte by byte, and where it ends. */
#include "net/proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TCP4_ENDS "\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x00\x15"
#define TCP6_HOST "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0"
#define TCP6_ENDS TCP6_HOST "\x07" TCP6_HOST "\x01\xdc\x04\x00\x15"
#define FOUR_ENDS "192.0.2.7:56324 198.51.100.1:21"
#define SIX_ENDS "2001:db8::7:56324 2001:db8::1:21"
#define CASE(bytes, ...)                                                                           \
    {                                                                                              \
        BYTES_LIT(bytes), __VA_ARGS__                                                              \
    }

/* What it says: both ends, "local" or, for what is none, a part of the complaint. */
static const struct {
    struct bytes header;
    const char *says;
    bool refused;
} cases[] = {
    /* Version 1, section 2.1. */
    CASE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 21\r\n", FOUR_ENDS, false),
    CASE("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
         "255.255.255.255:65535 255.255.255.255:65535", false),
    CASE("PROXY TCP4 192.0.2.7 198.51.100.1 0 0\r\n", "192.0.2.7:0 198.51.100.1:0", false),
    CASE("PROXY TCP6 2001:db8::7 2001:db8::1 56324 21\r\n", SIX_ENDS, false),
    CASE("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:65535 "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:65535",
         false),
    CASE("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 56324 21\r\n", FOUR_ENDS, false),
    CASE("PROXY UNKNOWN\r\n", "local", false),
    CASE("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
         "local", false),
    CASE("PROXY UNKNOWN any thing\r\n", "local", false),
    CASE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 21\n", "line feed", true),
    CASE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 21\r\r\n", "carriage return", true),
    CASE("PROXY UNKNOWN\rX", "carriage return", true),
    CASE("PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n", "malformed", true),
    CASE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 21 \r\n", "malformed", true),
    CASE("PROXY TCP4  192.0.2.7 198.51.100.1 56324 21\r\n", "malformed", true),
    CASE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 65536\r\n", "malformed", true),
    CASE("PROXY TCP4 192.0.2.7 198.51.100.1 056324 21\r\n", "malformed", true),
    CASE("PROXY TCP4 192.0.2.7 198.51.100.1 -1 21\r\n", "malformed", true),
    CASE("PROXY TCP4 192.0.2.07 198.51.100.1 56324 21\r\n", "malformed", true),
    CASE("PROXY TCP4 192.0.2.7\0 198.51.100.1 56324 21\r\n", "malformed", true),
    CASE("PROXY TCP4 2001:db8::7 2001:db8::1 56324 21\r\n", "malformed", true),
    CASE("PROXY TCP6 192.0.2.7 198.51.100.1 56324 21\r\n", "malformed", true),
    CASE("PROXY TCP5 192.0.2.7 198.51.100.1 56324 21\r\n", "malformed", true),
    CASE("PROXY UNKNOWNX\r\n", "malformed", true),
    CASE("PROXY \r\n", "malformed", true),
    CASE("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535 \r\n",
         "too long", true),
    CASE("proxy TCP4 192.0.2.7 198.51.100.1 56324 21\r\n", "begins otherwise", true),
    CASE("PROXX", "begins otherwise", true),
    CASE("USER demo\r\n", "begins otherwise", true),
    CASE("\x16\x03\x01\x02\x00", "begins otherwise", true), /* a ClientHello */
    CASE("GET / HTTP/1.1\r\n", "begins otherwise", true),

    /* Version 2, section 2.2. */
    CASE(SIGNATURE "\x21\x11\x00\x0c" TCP4_ENDS, FOUR_ENDS, false),
    CASE(SIGNATURE "\x21\x21\x00\x24" TCP6_ENDS, SIX_ENDS, false),
    CASE(SIGNATURE "\x20\x00\x00\x00", "local", false),
    CASE(SIGNATURE "\x20\x11\x00\x0c" TCP4_ENDS, "local", false), /* the block is discarded */
    CASE(SIGNATURE "\x20\xff\x00\x02zz", "local", false),
    CASE(SIGNATURE "\x21\x00\x00\x03zzz", "local", false),
    CASE(SIGNATURE "\x21\x12\x00\x0c" TCP4_ENDS, "local", false), /* UDP is nothing to us */
    CASE(SIGNATURE "\x21\x11\x00\x0b\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x00", "too short",
         true),
    CASE(SIGNATURE "\x21\x21\x00\x0c" TCP4_ENDS, "too short", true),
    CASE(SIGNATURE "\x11", "version or command", true),
    CASE(SIGNATURE "\x22", "version or command", true),
    CASE(SIGNATURE "\x31", "version or command", true),
    CASE(SIGNATURE "\x21\x41", "address family", true),
    CASE(SIGNATURE "\x21\x13", "address family", true),
    CASE(SIGNATURE "\x21\x11\x07\xf1", "too long", true), /* 2049 bytes */
    CASE(SIGNATURE "\x21\x11\xff\xff", "too long", true),
    CASE("\r\n\r\n\0\r\nQUIT\r", "begins otherwise", true),
    CASE("\r\nUSER", "begins otherwise", true),

    /* Its TLVs: NOOP, an authority, a checksum. */
    CASE(SIGNATURE "\x21\x11\x00\x0f" TCP4_ENDS "\x04\x00\x00", FOUR_ENDS, false),
    CASE(SIGNATURE "\x21\x11\x00\x14" TCP4_ENDS "\x02\x00\x05"
                   "a.xyz",
         FOUR_ENDS, false),
    CASE(SIGNATURE "\x21\x11\x00\x13" TCP4_ENDS "\x03\x00\x04\x68\xef\x71\xb3", FOUR_ENDS, false),
    CASE(SIGNATURE "\x21\x11\x00\x13" TCP4_ENDS "\x03\x00\x04\x68\xef\x71\xb2", "checksum is wrong",
         true),
    CASE(SIGNATURE "\x21\x11\x00\x11" TCP4_ENDS "\x03\x00\x02\x2f\x62", "no CRC32c", true),
    CASE(SIGNATURE "\x21\x11\x00\x0d" TCP4_ENDS "\x04", "cut off", true),
    CASE(SIGNATURE "\x21\x11\x00\x0e" TCP4_ENDS "\x04\x00", "cut off", true),
    CASE(SIGNATURE "\x21\x11\x00\x10" TCP4_ENDS "\x04\x00\x02z", "longer than the rest", true),
    CASE(SIGNATURE "\x21\x11\x00\x0f" TCP4_ENDS "\x04\xff\xff", "longer than the rest", true),
};

static void end_text(const struct address *address, char *out, size_t size)
{
    char host[ADDRESS_TEXT_BYTES];
    address_text(address, host);
    snprintf(out, size, "%s:%u", host, (unsigned)address_port(address));
}

static void assert_says(const struct proxy_header *header, const char *expected)
{
    char source[80], destination[80], both[161] = "local";
    end_text(&header->source, source, sizeof(source));
    end_text(&header->destination, destination, sizeof(destination));
    if (header->relayed)
        snprintf(both, sizeof(both), "%s %s", source, destination);
    assert_string_equal(both, expected);
}

/* Feeds `in` in pieces of `step`; returns how much of it was used, at most up to the end or the
 * complaint. */
static size_t feed(struct bytes in, size_t step, bool *done, struct proxy_header *header,
                   struct fault *fault)
{
    struct proxy_header_parser parser = {0};
    size_t total = 0;
    *done = false;
    while (!*done && total < in.len) {
        struct bytes piece = bytes_first(bytes_skip(in, total), step);
        size_t used = 0;
        if (proxy_header_feed(&parser, piece, &used, done, header, fault) != FERRY_OK)
            return total;
        assert_true(*done || used == piece.len);
        total += used;
    }
    return total;
}

static void sec_22_headers_are_read_whole_and_byte_by_byte(void **state)
{
    (void)state;
    static const size_t steps[] = {4096, 1, 2, 7};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
            bool done;
            struct proxy_header header;
            struct fault fault = {0};
            size_t used = feed(cases[i].header, steps[k], &done, &header, &fault);
            if (cases[i].refused) {
                assert_false(done);
                assert_int_equal(fault.kind, FERRY_E_PROTOCOL);
                assert_non_null(strstr(fault.what, cases[i].says));
                continue;
            }
            assert_false(fault_is_set(&fault));
            assert_true(done);
            assert_int_equal(used, cases[i].header.len);
            assert_says(&header, cases[i].says);
        }
    }
}

/* Every beginning of a good header is incomplete, not wrong. */
static void what_is_cut_off_is_not_done(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t len = 1; !cases[i].refused && len < cases[i].header.len; len++) {
            bool done;
            struct proxy_header header;
            struct fault fault = {0};
            assert_int_equal(feed(bytes_first(cases[i].header, len), len, &done, &header, &fault),
                             len);
            assert_false(done);
            assert_false(fault_is_set(&fault));
        }
    }
}

/* What follows is the connection's: a command, or a ClientHello. */
static void sec_22_bytes_behind_the_header_are_left(void **state)
{
    (void)state;
    static const char behind[] = "USER demo\r\nPROXY UNKNOWN\r\n";
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].refused)
            continue;
        char all[512];
        struct bytes header = cases[i].header;
        memcpy(all, header.ptr, header.len);
        memcpy(all + header.len, behind, sizeof(behind));
        bool done;
        struct proxy_header out;
        struct fault fault = {0};
        size_t used =
            feed(bytes_of(all, header.len + sizeof(behind)), sizeof(all), &done, &out, &fault);
        assert_true(done);
        assert_int_equal(used, header.len);
        assert_says(&out, cases[i].says);
    }
}

/* The longest header that is taken, and a line that never ends. */
static void lengths_are_bounded(void **state)
{
    (void)state;
    static char longest[PROXY_HEADER_MAX_BYTES] = SIGNATURE "\x21\x11\x07\xf0" TCP4_ENDS;
    const size_t noop = PROXY_HEADER_MAX_BYTES - 28 - 3;
    longest[28] = 4;
    longest[29] = (char)(noop >> 8);
    longest[30] = (char)(noop & 0xff);
    bool done;
    struct proxy_header header;
    struct fault fault = {0};
    assert_int_equal(feed(bytes_of(longest, sizeof(longest)), 100, &done, &header, &fault),
                     sizeof(longest));
    assert_true(done);
    assert_says(&header, FOUR_ENDS);

    char endless[300] = "PROXY UNKNOWN ";
    memset(endless + 14, 'x', sizeof(endless) - 14);
    assert_int_equal(feed(bytes_of(endless, sizeof(endless)), 1, &done, &header, &fault), 106);
    assert_int_equal(fault.kind, FERRY_E_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_22_headers_are_read_whole_and_byte_by_byte),
        cmocka_unit_test(what_is_cut_off_is_not_done),
        cmocka_unit_test(sec_22_bytes_behind_the_header_are_left),
        cmocka_unit_test(lengths_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
