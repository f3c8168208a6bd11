/* Numeric addresses: text, raw form, the system's form. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/un.h>

#include <cmocka.h>

static void text_is_parsed_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *again; /* NULL: refused */
        int family;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", 1},
        {"255.255.255.255", "255.255.255.255", 1},
        {"::1", "::1", 2},
        {"2001:0db8:0:0:0:0:0:7", "2001:db8::7", 2},
        {"::ffff:192.0.2.7", "192.0.2.7", 1},
        {"::ffff:c000:207", "192.0.2.7", 1},
        {"", NULL, 0},
        {"localhost", NULL, 0},
        {"127.0.0.256", NULL, 0},
        {"127.1", NULL, 0},
        {"0177.0.0.1", NULL, 0}, /* SEC-7: octal tricks */
        {"127.0.0.1 ", NULL, 0},
        {"[::1]", NULL, 0},
        {"fe80::1%lo", NULL, 0},
        {":::1", NULL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct address address;
        enum ferry_error error = address_parse(cases[i].text, 2121, &address);
        assert_int_equal(error, cases[i].again ? FERRY_OK : FERRY_E_ARGUMENT);
        if (error != FERRY_OK)
            continue;
        char text[ADDRESS_TEXT_BYTES];
        address_text(&address, text);
        assert_string_equal(text, cases[i].again);
        assert_int_equal(address_port(&address), 2121);

        int family;
        uint8_t bytes[16];
        uint16_t port;
        address_to_raw(&address, &family, bytes, &port);
        assert_int_equal(family, cases[i].family);
        assert_int_equal(port, 2121);
        struct address again;
        address_from_raw(family, bytes, port, &again);
        assert_int_equal(again.len, address.len);
        assert_memory_equal(&again.storage, &address.storage, address.len);
    }
}

static void raw_bytes_are_in_network_order(void **state)
{
    (void)state;
    static const uint8_t four[16] = {192, 0, 2, 7};
    static const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 9};
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7};
    struct address address;
    char text[ADDRESS_TEXT_BYTES];
    address_from_raw(1, four, 0x1234, &address);
    address_text(&address, text);
    assert_string_equal(text, "192.0.2.7");
    assert_int_equal(address_port(&address), 0x1234);
    address_from_raw(2, six, 65535, &address);
    address_text(&address, text);
    assert_string_equal(text, "2001:db8::9");
    address_set_port(&address, 21);
    assert_int_equal(address_port(&address), 21);
    address_from_raw(2, mapped, 2121, &address);
    address_text(&address, text);
    assert_string_equal(text, "192.0.2.7");
    assert_int_equal(address_port(&address), 2121);
}

static void a_family_nobody_knows_is_nothing(void **state)
{
    (void)state;
    uint8_t bytes[16] = {0};
    struct address address;
    address_from_raw(3, bytes, 21, &address);
    int family = -1;
    uint16_t port = 1;
    address_to_raw(&address, &family, bytes, &port);
    assert_int_equal(family, 0);
    assert_int_equal(port, 0);

    const struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/x"};
    address_from_system((const struct sockaddr *)&local, sizeof(local), &address);
    char text[ADDRESS_TEXT_BYTES] = "x";
    address_text(&address, text);
    assert_string_equal(text, "");
    address_set_port(&address, 7);
    assert_int_equal(address_port(&address), 0);
    assert_false(address_same_host(&address, &address)); /* it is no host at all */
}

static struct address system_ipv6(const char *text, uint16_t port, uint32_t scope)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    in.sin6_scope_id = scope;
    assert_int_equal(inet_pton(AF_INET6, text, &in.sin6_addr), 1);
    struct address out;
    address_from_system((const struct sockaddr *)&in, sizeof(in), &out);
    return out;
}

/* SEC-7: a client on a dual-stack listener is the same host as on an IPv4 one. */
static void sec_7_ipv4_mapped_is_ipv4(void **state)
{
    (void)state;
    struct address mapped = system_ipv6("::ffff:192.0.2.7", 2121, 0);
    struct address plain;
    assert_int_equal(address_parse("192.0.2.7", 21, &plain), FERRY_OK);
    assert_true(address_same_host(&mapped, &plain));
    assert_int_equal(address_port(&mapped), 2121);
    assert_int_equal(mapped.storage.ss_family, AF_INET);
    assert_int_equal(mapped.len, sizeof(struct sockaddr_in));
}

static void hosts_are_compared_without_ports(void **state)
{
    (void)state;
    struct address a, b;
    assert_int_equal(address_parse("192.0.2.7", 1, &a), FERRY_OK);
    assert_int_equal(address_parse("192.0.2.7", 2, &b), FERRY_OK);
    assert_true(address_same_host(&a, &b));
    assert_int_equal(address_parse("192.0.2.8", 1, &b), FERRY_OK);
    assert_false(address_same_host(&a, &b));
    assert_int_equal(address_parse("::1", 1, &b), FERRY_OK);
    assert_false(address_same_host(&a, &b));

    struct address on_one = system_ipv6("fe80::1", 21, 1);
    struct address on_two = system_ipv6("fe80::1", 21, 2);
    struct address on_any = system_ipv6("fe80::1", 21, 0);
    struct address other = system_ipv6("fe80::2", 21, 1);
    assert_true(address_same_host(&on_one, &on_one));
    assert_false(address_same_host(&on_one, &on_two));
    assert_true(address_same_host(&on_one, &on_any));
    assert_false(address_same_host(&on_one, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_parsed_and_written),
        cmocka_unit_test(raw_bytes_are_in_network_order),
        cmocka_unit_test(a_family_nobody_knows_is_nothing),
        cmocka_unit_test(sec_7_ipv4_mapped_is_ipv4),
        cmocka_unit_test(hosts_are_compared_without_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
