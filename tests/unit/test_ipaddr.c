/* ftp/ipaddr: numeric addresses in text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "ftp/ipaddr.h"
#include "support/alloc_fail.h"

/* The text, and how it is written again; NULL: it is none. */
static const struct {
    const char *in, *out;
} v4[] = {
    {"127.0.0.1", "127.0.0.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"1.2.3", NULL},
    {"1.2.3.4.5", NULL},
    {"1.2.3.256", NULL},
    {"1.2.3.04", NULL},
    {"01.2.3.4", NULL},
    {"1.2.3.", NULL},
    {".1.2.3", NULL},
    {"", NULL},
    {"1.2.3.4 ", NULL},
    {"1.2.3.-4", NULL},
    {"0x7f.0.0.1", NULL},
    {"1..2.3", NULL},
};

static const struct {
    const char *in, *out;
} v6[] = {
    {"::", "::"},
    {"::1", "::1"},
    {"1::", "1::"},
    {"fe80::1", "fe80::1"},
    {"2001:DB8::ABCD", "2001:db8::abcd"},
    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
    {"0001:0:0:0:0:0:0:0008", "1::8"},
    {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
    {"1:0:0:2:3:0:0:4", "1::2:3:0:0:4"},
    {"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
    {"0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"},
    {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
    {"::ffff:1.2.3.4", "::ffff:102:304"},
    {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
    {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    {"", NULL},
    {":", NULL},
    {":::", NULL},
    {"1:2:3:4:5:6:7", NULL},
    {"1:2:3:4:5:6:7:8:9", NULL},
    {"1:2:3:4:5:6:7:8:", NULL},
    {":1:2:3:4:5:6:7", NULL},
    {"1:2:3:4:5:6:7:8::", NULL},
    {"1::2::3", NULL},
    {"1:::2", NULL},
    {"12345::", NULL},
    {"g::", NULL},
    {"1.2.3.4", NULL},
    {"1.2.3.4::", NULL},
    {"::1.2.3.4:5", NULL},
    {"::1.2.3", NULL},
    {"1:2:3:4:5:6:7:1.2.3.4", NULL},
    {"fe80::1%eth0", NULL},
    {"::1 ", NULL},
    {" ::1", NULL},
};

static void v4_addresses_are_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(v4); i++) {
        uint8_t address[IPADDR_V4_BYTES];
        bool read = ipaddr_parse_v4(bytes_str(v4[i].in), address);
        if (read != (v4[i].out != NULL))
            fail_msg("'%s'", v4[i].in);
        if (!read)
            continue;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 64);
        assert_int_equal(ipaddr_format_v4(&out, address), FERRY_OK);
        assert_true(bytes_equal(buf_view(&out), bytes_str(v4[i].out)));
    }
}

static void v6_addresses_are_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
        uint8_t address[IPADDR_V6_BYTES];
        bool read = ipaddr_parse_v6(bytes_str(v6[i].in), address);
        if (read != (v6[i].out != NULL))
            fail_msg("'%s'", v6[i].in);
        if (!read)
            continue;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 64);
        assert_int_equal(ipaddr_format_v6(&out, address), FERRY_OK);
        if (!bytes_equal(buf_view(&out), bytes_str(v6[i].out)))
            fail_msg("'%s': '%.*s'", v6[i].in, BYTES_FMT(buf_view(&out)));
    }
}

/* Each way of zero and other groups, read back, and read by the C library, too. */
static void what_is_written_is_read_alike(void **state)
{
    (void)state;
    for (unsigned pattern = 0; pattern < 256; pattern++) {
        uint8_t address[IPADDR_V6_BYTES] = {0};
        for (unsigned group = 0; group < 8; group++) {
            if (pattern & 1U << group)
                address[2 * group + 1] = (uint8_t)(group + 1);
        }
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 64);
        assert_int_equal(ipaddr_format_v6(&out, address), FERRY_OK);

        uint8_t again[IPADDR_V6_BYTES];
        assert_true(ipaddr_parse_v6(buf_view(&out), again));
        assert_memory_equal(address, again, sizeof(address));
        assert_int_equal(buf_append(&out, bytes_of("", 1)), FERRY_OK);
        assert_int_equal(inet_pton(AF_INET6, buf_view(&out).ptr, again), 1);
        assert_memory_equal(address, again, sizeof(address));
    }
}

static enum ferry_error write_one(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 64);
    return ipaddr_format_v6(&out, (const uint8_t[IPADDR_V6_BYTES]){[15] = 1});
}

static void memory_may_fail(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(write_one, NULL, 4), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4_addresses_are_read_and_written),
        cmocka_unit_test(v6_addresses_are_read_and_written),
        cmocka_unit_test(what_is_written_is_read_alike),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests_name("ipaddr", tests, NULL, NULL);
}
