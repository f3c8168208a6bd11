/* Networks in CIDR notation: what is one, and who lies in it. */
#include "net/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct network network_of(const char *text)
{
    struct network network;
    struct fault fault = {0};
    assert_int_equal(network_parse(text, &network, &fault), FERRY_OK);
    return network;
}

static struct address address_of(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(text, 21, &address), FERRY_OK);
    return address;
}

static void text_is_a_network_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *complaint; /* NULL: it is one */
    } cases[] = {
        {"0.0.0.0/0", NULL},
        {"10.0.0.0/8", NULL},
        {"192.0.2.0/25", NULL},
        {"192.0.2.128/25", NULL},
        {"192.0.2.7", NULL},
        {"192.0.2.7/32", NULL},
        {"::/0", NULL},
        {"2001:db8::/32", NULL},
        {"2001:db8::1/128", NULL},
        {"fe80::/10", NULL},
        {"::ffff:10.0.0.0/104", NULL},
        {"::ffff:0:0/96", NULL},
        {"10.1.2.3/8", "bits behind"},
        {"192.0.2.64/25", "bits behind"},
        {"192.0.2.1/0", "bits behind"},
        {"2001:db8::1/127", "bits behind"},
        {"10.0.0.0/33", "prefix"},
        {"10.0.0.0/104", "prefix"},
        {"::/129", "prefix"},
        {"::ffff:10.0.0.0/8", "prefix"},
        {"10.0.0.0/", "prefix"},
        {"10.0.0.0/ 8", "prefix"},
        {"10.0.0.0/+8", "prefix"},
        {"10.0.0.0/8/8", "prefix"},
        {"10.0.0.0/18446744073709551624", "prefix"},
        {"10.0.0.0/255.0.0.0", "prefix"},
        {"", "is no network"},
        {"/8", "is no network"},
        {"10/8", "is no network"},
        {"010.0.0.0/8", "is no network"},
        {"localhost", "is no network"},
        {"[::1]/128", "is no network"},
        {"2001:0db8:0000:0000:0000:0000:0000:00001111111111111111111111111111/32", "is no network"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct network network;
        struct fault fault = {0};
        enum ferry_error error = network_parse(cases[i].text, &network, &fault);
        assert_int_equal(error, cases[i].complaint ? FERRY_E_ARGUMENT : FERRY_OK);
        if (cases[i].complaint)
            assert_non_null(strstr(fault.what, cases[i].complaint));
    }
}

static void addresses_lie_in_networks(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool inside;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.4/30", "192.0.2.7", true},
        {"192.0.2.4/30", "192.0.2.8", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.6", false},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.7", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1", "2001:db8::2", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true}, /* the same host on a listener for both */
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"::ffff:10.0.0.0/104", "11.1.2.3", false},
        {"::ffff:0:0/96", "1.2.3.4", true},
        {"a00::/8", "10.0.0.0", false}, /* the same bytes in another family */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct network network = network_of(cases[i].network);
        struct address address = address_of(cases[i].address);
        assert_int_equal(network_contains(&network, &address), cases[i].inside);
    }
}

static void one_of_a_list_is_enough(void **state)
{
    (void)state;
    const struct network list[] = {network_of("10.0.0.0/8"), network_of("2001:db8::/32")};
    struct address four = address_of("10.1.2.3"), six = address_of("2001:db8::7");
    struct address other = address_of("192.0.2.1");
    assert_true(network_list_contains(list, 2, &four));
    assert_true(network_list_contains(list, 2, &six));
    assert_false(network_list_contains(list, 1, &six));
    assert_false(network_list_contains(list, 2, &other));
    assert_false(network_list_contains(NULL, 0, &four));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_a_network_or_not),
        cmocka_unit_test(addresses_lie_in_networks),
        cmocka_unit_test(one_of_a_list_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
