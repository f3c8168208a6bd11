/* ftp/hostport: PORT, PASV, EPRT and EPSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ftp/hostport.h"
#include "support/alloc_fail.h"

/* Arguments and what they mean, as "address port"; NULL: refused. */
static const struct {
    const char *argument, *means;
} ports[] = {
    {"127,0,0,1,4,1", "127.0.0.1 1025"},
    {"1,2,3,4,255,255", "1.2.3.4 65535"},
    {"127,0,0,010,8,1", "127.0.0.10 2049"}, /* SEC-7: zeros in front are decimal */
    {"001,002,003,004,005,006", "1.2.3.4 1286"},
    {"1,2,3,4,0,20", "1.2.3.4 20"}, /* a port under 1024 is the caller's to refuse */
    {"0,0,0,0,4,1", NULL},
    {"0,0,0,1,4,1", NULL},
    {"127,0,0,1,0,0", NULL},
    {"224,0,0,1,4,1", NULL},
    {"239,255,255,255,4,1", NULL},
    {"240,0,0,1,4,1", NULL},
    {"255,255,255,255,4,1", NULL},
    {"256,0,0,1,4,1", NULL},
    {"127,0,0,1,4", NULL},
    {"127,0,0,1,4,1,1", NULL},
    {"127,0,0,1,4,", NULL},
    {"127, 0,0,1,4,1", NULL},
    {"127,0,0,1,4,1 ", NULL},
    {"127.0.0.1,4,1", NULL},
    {"-1,0,0,1,4,1", NULL},
    {"0x7f,0,0,1,4,1", NULL},
    {"99999999999999999999,0,0,1,4,1", NULL},
    {"", NULL},
};

static const struct {
    const char *argument, *means;
    enum ferry_error error;
} eprts[] = {
    {"|1|127.0.0.1|1025|", "127.0.0.1 1025", FERRY_OK},
    {"|2|::1|65535|", "::1 65535", FERRY_OK},
    {"!2!fe80::1!2!", "fe80::1 2", FERRY_OK},
    {"|2|::ffff:127.0.0.1|1025|", "127.0.0.1 1025", FERRY_OK}, /* FTP-54 */
    {"|3|127.0.0.1|1025|", NULL, FERRY_E_UNSUPPORTED},
    {"|0|127.0.0.1|1025|", NULL, FERRY_E_UNSUPPORTED},
    {"|1|::1|1025|", NULL, FERRY_E_ARGUMENT},
    {"|2|127.0.0.1|1025|", NULL, FERRY_E_ARGUMENT},
    {"|2|fe80::1%lo|1025|", NULL, FERRY_E_ARGUMENT}, /* FTP-54: no scope ids */
    {"|1|127.0.0.1|0|", NULL, FERRY_E_ARGUMENT},
    {"|1|127.0.0.1|65536|", NULL, FERRY_E_ARGUMENT},
    {"|1|0.0.0.0|1025|", NULL, FERRY_E_ARGUMENT},
    {"|2|::|1025|", NULL, FERRY_E_ARGUMENT},
    {"|2|ff02::1|1025|", NULL, FERRY_E_ARGUMENT},
    {"|1|224.0.0.1|1025|", NULL, FERRY_E_ARGUMENT},
    {"|2|::ffff:0.0.0.0|1025|", NULL, FERRY_E_ARGUMENT},
    {"|1|127.0.0.1|1025", NULL, FERRY_E_ARGUMENT},
    {"1|127.0.0.1|1025|", NULL, FERRY_E_ARGUMENT},
    {"|1|127.0.0.1|", NULL, FERRY_E_ARGUMENT},
    {"|1|127.0.0.1|1025|x|", NULL, FERRY_E_ARGUMENT},
    {"|1|localhost|1025|", NULL, FERRY_E_ARGUMENT},
    {"||||", NULL, FERRY_E_ARGUMENT},
    {"|", NULL, FERRY_E_ARGUMENT},
    {"", NULL, FERRY_E_ARGUMENT},
    {" 1 127.0.0.1 1025 ", NULL, FERRY_E_ARGUMENT},
};

static const struct {
    const char *text, *means;
} pasvs[] = {
    {"Entering Passive Mode (127,0,0,1,200,10).", "127.0.0.1 51210"},
    {"Entering Passive Mode 127,0,0,1,200,10", "127.0.0.1 51210"}, /* DEV-20 */
    {"=127,0,0,1,200,10", "127.0.0.1 51210"},
    {"ok (127, 0, 0, 1, 200, 10)", "127.0.0.1 51210"},
    {"RFC 959: 1,2,3 or (10,0,0,2,4,5)", "10.0.0.2 1029"},
    {"(0,0,0,0,4,1)", "0.0.0.0 1025"}, /* DEV-21: the address is not used */
    {"(256,0,0,1,4,1)", NULL},
    {"(1256,1,2,3,4,5,6)", "1.2.3.4 1286"},
    {"127,0,0,1,4,1000", NULL},
    {"(127,0,0,1,0,0)", NULL}, /* DEV-22 */
    {"(127,0,0,1,4)", NULL},
    {"(127;0;0;1;4;1)", NULL},
    {"", NULL},
    {"no numbers at all", NULL},
};

static const struct {
    const char *text;
    uint16_t port; /* 0: none */
} epsvs[] = {
    {"Entering Extended Passive Mode (|||6446|)", 6446},
    {"(|||6446|) and more", 6446},
    {"Extended passive mode OK !!!6446!", 6446}, /* DEV-24 */
    {"(|||6446 |)", 6446},
    {"(|1|10.0.0.1|6446|)", 6446}, /* FTP-52: the address is not used */
    {"(|2|::1|65535|)", 65535},
    {"(|||0|)", 0}, /* DEV-22 */
    {"(|||65536|)", 0},
    {"(|||-1|)", 0},
    {"(||6446|)", 0},
    {"(|||6446)", 0},
    {"Entering Passive Mode (127,0,0,1,200,10)", 0},
    {"", 0},
    {"|", 0},
};

static void assert_means(const struct hostport *parsed, const char *means, const char *from)
{
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 64);
    assert_int_equal(hostport_text(&out, parsed), FERRY_OK);
    assert_int_equal(buf_printf(&out, " %d", parsed->port), FERRY_OK);
    if (!bytes_equal(buf_view(&out), bytes_str(means)))
        fail_msg("'%s': '%.*s'", from, BYTES_FMT(buf_view(&out)));
}

static const struct hostport untouched = {.family = ADDRESS_V6, .port = 7};

static void assert_parsed(enum ferry_error error, enum ferry_error refusal,
                          const struct hostport *parsed, const char *means, const char *from)
{
    if (error != (means ? FERRY_OK : refusal))
        fail_msg("'%s': %d", from, (int)error);
    if (means)
        assert_means(parsed, means, from);
    else
        assert_memory_equal(parsed, &untouched, sizeof(untouched));
}

static void ftp_48_port_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        struct hostport out = untouched;
        enum ferry_error error = hostport_parse_port(bytes_str(ports[i].argument), &out);
        assert_parsed(error, FERRY_E_ARGUMENT, &out, ports[i].means, ports[i].argument);
    }
}

static void ftp_54_eprt_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(eprts); i++) {
        struct hostport out = untouched;
        enum ferry_error error = hostport_parse_eprt(bytes_str(eprts[i].argument), &out);
        assert_parsed(error, eprts[i].error, &out, eprts[i].means, eprts[i].argument);
    }
}

static void ftp_51_pasv_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pasvs); i++) {
        struct hostport out = untouched;
        enum ferry_error error = hostport_parse_pasv(bytes_str(pasvs[i].text), &out);
        assert_parsed(error, FERRY_E_PROTOCOL, &out, pasvs[i].means, pasvs[i].text);
    }
}

static void ftp_52_epsv_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(epsvs); i++) {
        uint16_t port = 7;
        enum ferry_error error = hostport_parse_epsv(bytes_str(epsvs[i].text), &port);
        bool good = epsvs[i].port != 0;
        if (error != (good ? FERRY_OK : FERRY_E_PROTOCOL) || port != (good ? epsvs[i].port : 7))
            fail_msg("'%s': %d", epsvs[i].text, port);
    }
}

/* RFC 2428: the delimiter is any of ASCII 33 to 126; a digit cannot be told from the port. */
static void ftp_52_any_delimiter(void **state)
{
    (void)state;
    for (int c = 33; c <= 126; c++) {
        if (c >= '0' && c <= '9')
            continue;
        CLEANUP(buf_fini) struct buf text;
        buf_init(&text, 64);
        assert_int_equal(buf_printf(&text, "(%c%c%c1234%c)", c, c, c, c), FERRY_OK);
        uint16_t port;
        assert_int_equal(hostport_parse_epsv(buf_view(&text), &port), FERRY_OK);
        assert_int_equal(port, 1234);
    }
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    const struct hostport v4 = {.family = ADDRESS_V4, .address = {192, 0, 2, 1}, .port = 51210};
    const struct hostport v6 = {.family = ADDRESS_V6, .address = {0xfe, 0x80, [15] = 1}, .port = 2};
    const struct hostport none = {.family = ADDRESS_NONE};
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 128);
    struct hostport again;

    assert_int_equal(hostport_format_port(&out, &v4), FERRY_OK);
    assert_true(bytes_equal(buf_view(&out), BYTES_LIT("192,0,2,1,200,10")));
    assert_int_equal(hostport_parse_port(buf_view(&out), &again), FERRY_OK);
    assert_memory_equal(&again, &v4, sizeof(v4));
    buf_fini(&out);

    assert_int_equal(hostport_format_eprt(&out, &v4), FERRY_OK);
    assert_true(bytes_equal(buf_view(&out), BYTES_LIT("|1|192.0.2.1|51210|")));
    buf_fini(&out);

    assert_int_equal(hostport_format_eprt(&out, &v6), FERRY_OK);
    assert_true(bytes_equal(buf_view(&out), BYTES_LIT("|2|fe80::1|2|")));
    assert_int_equal(hostport_parse_eprt(buf_view(&out), &again), FERRY_OK);
    assert_memory_equal(&again, &v6, sizeof(v6));
    buf_fini(&out);

    assert_int_equal(hostport_format_port(&out, &v6), FERRY_E_ARGUMENT);
    assert_int_equal(hostport_format_eprt(&out, &none), FERRY_E_ARGUMENT);
    assert_int_equal(buf_len(&out), 0);
}

static void addresses_are_compared_without_their_ports(void **state)
{
    (void)state;
    const struct hostport a = {.family = ADDRESS_V4, .address = {127, 0, 0, 1}, .port = 1};
    const struct hostport b = {.family = ADDRESS_V4, .address = {127, 0, 0, 1}, .port = 2};
    const struct hostport c = {.family = ADDRESS_V4, .address = {127, 0, 0, 2}, .port = 1};
    const struct hostport d = {.family = ADDRESS_V6, .address = {127, 0, 0, 1}, .port = 1};
    const struct hostport none = {.family = ADDRESS_NONE};
    assert_true(hostport_same_address(&a, &b));
    assert_false(hostport_same_address(&a, &c));
    assert_false(hostport_same_address(&a, &d));
    assert_false(hostport_same_address(&none, &none));
}

static enum ferry_error write_one(void *ctx)
{
    (void)ctx;
    const struct hostport v6 = {.family = ADDRESS_V6, .address = {[15] = 1}, .port = 2};
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 128);
    return hostport_format_eprt(&out, &v6);
}

static void memory_may_fail(void **state)
{
    (void)state;
    alloc_fail_each(write_one, NULL, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_48_port_arguments),
        cmocka_unit_test(ftp_54_eprt_arguments),
        cmocka_unit_test(ftp_51_pasv_replies),
        cmocka_unit_test(ftp_52_epsv_replies),
        cmocka_unit_test(ftp_52_any_delimiter),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(addresses_are_compared_without_their_ports),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests_name("hostport", tests, NULL, NULL);
}
