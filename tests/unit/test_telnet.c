/* ftp/telnet: commands taken out of the stream, options refused, data written as an NVT sends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ftp/telnet.h"
#include "support/alloc_fail.h"

/* Codes of RFC 854, as strings of one byte. */
#define SE "\xf0"
#define NOP "\xf1"
#define DM "\xf2"
#define IP "\xf4"
#define GA "\xf9"
#define SB "\xfa"
#define WILL "\xfb"
#define WONT "\xfc"
#define DO "\xfd"
#define DONT "\xfe"
#define IAC "\xff"

static const struct {
    struct bytes in, data, answers;
} streams[] = {
    {BYTES_LIT("NOOP"), BYTES_LIT("NOOP"), BYTES_LIT("")},
    {BYTES_LIT("a" IAC IAC "b"), BYTES_LIT("a" IAC "b"), BYTES_LIT("")},
    {BYTES_LIT(IAC IP IAC DM "ABOR"), BYTES_LIT("ABOR"), BYTES_LIT("")},
    {BYTES_LIT(IAC NOP IAC GA "x"), BYTES_LIT("x"), BYTES_LIT("")},
    {BYTES_LIT(IAC "\xee" IAC "\xef"
                   "x"),
     BYTES_LIT("x"), BYTES_LIT("")},
    {BYTES_LIT(IAC WILL "\x03"
                        "x"),
     BYTES_LIT("x"), BYTES_LIT(IAC DONT "\x03")},
    {BYTES_LIT(IAC WONT "\x03"
                        "x"),
     BYTES_LIT("x"), BYTES_LIT(IAC DONT "\x03")},
    {BYTES_LIT(IAC DO "\x06"
                      "x"),
     BYTES_LIT("x"), BYTES_LIT(IAC WONT "\x06")},
    {BYTES_LIT(IAC DONT "\x06"
                        "x"),
     BYTES_LIT("x"), BYTES_LIT(IAC WONT "\x06")},
    {BYTES_LIT(IAC DO IAC "x"), BYTES_LIT("x"), BYTES_LIT(IAC WONT IAC)},
    {BYTES_LIT(IAC SB "\x18"
                      "anything" IAC IAC "\r\n" IAC SE "x"),
     BYTES_LIT("x"), BYTES_LIT("")},
    /* An IAC that was not doubled: no line end behind it may be lost. */
    {BYTES_LIT("a" IAC "b"), BYTES_LIT("a" IAC "b"), BYTES_LIT("")},
    {BYTES_LIT(IAC "\r\n"), BYTES_LIT(IAC "\r\n"), BYTES_LIT("")},
    {BYTES_LIT(IAC "\n"), BYTES_LIT(IAC "\n"), BYTES_LIT("")},
};

static enum ferry_error decode(struct telnet *telnet, struct bytes in, struct buf *data,
                               struct buf *answers)
{
    for (size_t i = 0; i < in.len; i++) {
        char out[2];
        size_t len;
        enum ferry_error error = telnet_decode(telnet, in.ptr[i], out, &len, answers);
        if (error == FERRY_OK)
            error = buf_append(data, bytes_of(out, len));
        if (error != FERRY_OK)
            return error;
    }
    return FERRY_OK;
}

static void ftp_5_commands_are_skipped_and_options_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        CLEANUP(buf_fini) struct buf data;
        CLEANUP(buf_fini) struct buf answers;
        buf_init(&data, 256);
        buf_init(&answers, 256);
        struct telnet telnet = {0};
        assert_int_equal(decode(&telnet, streams[i].in, &data, &answers), FERRY_OK);
        assert_true(bytes_equal(buf_view(&data), streams[i].data));
        assert_true(bytes_equal(buf_view(&answers), streams[i].answers));
        assert_int_equal(telnet.state, TELNET_DATA);
    }
}

static void sec_19_a_flood_of_requests_gets_16_answers(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf data;
    CLEANUP(buf_fini) struct buf answers;
    buf_init(&data, 256);
    buf_init(&answers, 1024);
    struct telnet telnet = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(decode(&telnet, BYTES_LIT(IAC DO "\x01"), &data, &answers), FERRY_OK);
    assert_int_equal(buf_len(&answers), 3 * TELNET_MAX_ANSWERS);
    assert_int_equal(buf_len(&data), 0);
}

static void requests_may_stay_unanswered(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf data;
    buf_init(&data, 16);
    struct telnet telnet = {0};
    assert_int_equal(decode(&telnet,
                            BYTES_LIT(IAC DO "\x01"
                                             "x"),
                            &data, NULL),
                     FERRY_OK);
    assert_int_equal(buf_len(&data), 1);
}

static void ftp_5_a_subnegotiation_has_a_limit(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf data;
    buf_init(&data, 16);
    struct telnet telnet = {0};
    assert_int_equal(decode(&telnet, BYTES_LIT(IAC SB), &data, NULL), FERRY_OK);
    for (int i = 0; i < TELNET_MAX_SUBNEGOTIATION_BYTES; i++)
        assert_int_equal(decode(&telnet, BYTES_LIT("x"), &data, NULL), FERRY_OK);
    assert_int_equal(decode(&telnet, BYTES_LIT("x"), &data, NULL), FERRY_E_PROTOCOL);
}

static void ftp_6_iac_is_doubled_and_cr_is_cr_nul(void **state)
{
    (void)state;
    char out[16];
    char *end = telnet_encode(out, BYTES_LIT("a" IAC "b\rc"));
    assert_true(bytes_equal(bytes_of(out, (size_t)(end - out)), BYTES_LIT("a" IAC IAC "b\r\0c")));
}

static enum ferry_error answer_one(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf data;
    CLEANUP(buf_fini) struct buf answers;
    buf_init(&data, 16);
    buf_init(&answers, 16);
    struct telnet telnet = {0};
    return decode(&telnet,
                  BYTES_LIT(IAC WILL "\x01"
                                     "x"),
                  &data, &answers);
}

static void memory_may_fail(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(answer_one, NULL, 8), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_5_commands_are_skipped_and_options_refused),
        cmocka_unit_test(sec_19_a_flood_of_requests_gets_16_answers),
        cmocka_unit_test(requests_may_stay_unanswered),
        cmocka_unit_test(ftp_5_a_subnegotiation_has_a_limit),
        cmocka_unit_test(ftp_6_iac_is_doubled_and_cr_is_cr_nul),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests_name("telnet", tests, NULL, NULL);
}
