/* conf/value: texts to numbers with units, addresses, networks and paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/value.h"

#define S UINT64_C(1000000000)

/* Types whose value is a number. UINT64_MAX: it is none. */
static const struct {
    enum conf_type type;
    const char *text;
    uint64_t value;
} numbers[] = {
    {CONF_UNSIGNED, "0", 0},
    {CONF_UNSIGNED, "18446744073709551614", UINT64_MAX - 1},
    {CONF_UNSIGNED, "18446744073709551616", UINT64_MAX},
    {CONF_UNSIGNED, "", UINT64_MAX},
    {CONF_UNSIGNED, " 1", UINT64_MAX},
    {CONF_UNSIGNED, "+1", UINT64_MAX},
    {CONF_UNSIGNED, "1x", UINT64_MAX},
    {CONF_UNSIGNED, "0x10", UINT64_MAX},
    {CONF_DURATION, "0s", 0},
    {CONF_DURATION, "1ms", 1000000},
    {CONF_DURATION, "90s", 90 * S},
    {CONF_DURATION, "90 s", 90 * S},
    {CONF_DURATION, "10min", 600 * S},
    {CONF_DURATION, "2H", 7200 * S},
    {CONF_DURATION, "7d", 7 * 86400 * S},
    {CONF_DURATION, "213503d", 213503 * (86400 * S)},
    {CONF_DURATION, "213504d", UINT64_MAX}, /* past 2^64 nanoseconds */
    {CONF_DURATION, "10", UINT64_MAX},
    {CONF_DURATION, "10m", UINT64_MAX},
    {CONF_DURATION, "s", UINT64_MAX},
    {CONF_DURATION, "1.5s", UINT64_MAX},
    {CONF_SIZE, "4096", 4096},
    {CONF_SIZE, "1k", 1024},
    {CONF_SIZE, "10M", 10 << 20},
    {CONF_SIZE, "3G", UINT64_C(3) << 30},
    {CONF_SIZE, "16777215T", UINT64_C(16777215) << 40},
    {CONF_SIZE, "16777216T", UINT64_MAX},
    {CONF_SIZE, "1KB", UINT64_MAX},
};

static void units(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        const struct conf_directive directive = {.name = "x", .type = numbers[i].type};
        uint64_t value = 42;
        struct fault fault = {0};
        enum ferry_error error =
            value_read(&directive, bytes_str(numbers[i].text), BYTES_LIT(""), &value, &fault);
        bool good = numbers[i].value != UINT64_MAX;
        if ((error == FERRY_OK) != good || value != (good ? numbers[i].value : 42))
            fail_msg("%s", numbers[i].text);
        assert_int_equal(fault_is_set(&fault), !good);
    }
}

static void limits(void **state)
{
    (void)state;
    const struct conf_directive directive = {
        .name = "x", .type = CONF_DURATION, .min = S, .max = 60 * S};
    static const struct {
        const char *text;
        bool good;
    } cases[] = {{"999ms", false}, {"1s", true}, {"60s", true}, {"1min", true}, {"61s", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t value;
        assert_int_equal(value_read(&directive, bytes_str(cases[i].text), BYTES_LIT(""), &value,
                                    NULL) == FERRY_OK,
                         cases[i].good);
    }
}

static void words_that_stand_for_numbers(void **state)
{
    (void)state;
    static const struct conf_word words[] = {{"auto", 0}, {"all", 64}, {NULL, 0}};
    static const struct conf_directive directive = {
        .name = "x", .type = CONF_UNSIGNED, .words = words, .min = 1, .max = 9};
    static const struct {
        const char *text;
        uint64_t value; /* UINT64_MAX: it is none, and the value stays */
    } cases[] = {
        {"auto", 0},        {"all", 64},         {"1", 1},        {"9", 9}, {"0", UINT64_MAX},
        {"64", UINT64_MAX}, {"aut", UINT64_MAX}, {"", UINT64_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t value = UINT64_MAX;
        enum ferry_error error =
            value_read(&directive, bytes_str(cases[i].text), BYTES_LIT(""), &value, NULL);
        assert_int_equal(error == FERRY_OK, cases[i].value != UINT64_MAX);
        assert_true(value == cases[i].value);
    }
}

static void limits_as_text(void **state)
{
    (void)state;
    static const struct {
        enum conf_type type;
        uint64_t limit;
        const char *text;
    } cases[] = {
        {CONF_UNSIGNED, 0, "0"},          {CONF_UNSIGNED, 77, "77"},
        {CONF_DURATION, 0, "0s"},         {CONF_DURATION, 90 * S, "90s"},
        {CONF_DURATION, 120 * S, "2min"}, {CONF_DURATION, 86400 * S, "1d"},
        {CONF_DURATION, S / 2, "500ms"},  {CONF_SIZE, 0, "0"},
        {CONF_SIZE, 1536, "1536"},        {CONF_SIZE, 2048, "2K"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct conf_directive directive = {.name = "x", .type = cases[i].type};
        char text[VALUE_LIMIT_BYTES];
        value_limit_text(&directive, cases[i].limit, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* Types that are right or wrong. */
static const struct {
    enum conf_type type;
    const char *text;
    bool good;
} shapes[] = {
    {CONF_ADDRESS, "192.0.2.1", true},
    {CONF_ADDRESS, "2001:db8::1", true},
    {CONF_ADDRESS, "::ffff:192.0.2.1", true},
    {CONF_ADDRESS, "192.0.2", false},
    {CONF_ADDRESS, "192.0.2.256", false},
    {CONF_ADDRESS, "localhost", false},
    {CONF_ADDRESS, "[::1]", false},
    {CONF_ADDRESS, "", false},
    {CONF_ADDRESS, "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", false},
    {CONF_ENDPOINT, "0.0.0.0:21", true},
    {CONF_ENDPOINT, "[::]:65535", true},
    {CONF_ENDPOINT, "[::]:65536", false},
    {CONF_ENDPOINT, "[::]21", false},
    {CONF_ENDPOINT, "[::]", false},
    {CONF_ENDPOINT, "[192.0.2.1]:21", false},
    {CONF_ENDPOINT, "192.0.2.1", false},
    {CONF_ENDPOINT, "192.0.2.1:", false},
    {CONF_ENDPOINT, ":21", false},
    {CONF_PORT, "1", true},
    {CONF_PORT, "65535", true},
    {CONF_PORT, "0", false},
    {CONF_PORT, "65536", false},
    {CONF_PORTS, "1-65535", true},
    {CONF_PORTS, "21-21", true},
    {CONF_PORTS, "0-5", false},
    {CONF_PORTS, "6-5", false},
    {CONF_PORTS, "5", false},
    {CONF_PORTS, "5-", false},
    {CONF_PORTS, "1-2-3", false},
    {CONF_NETWORKS, "0.0.0.0/0", true},
    {CONF_NETWORKS, "::/0", true},
    {CONF_NETWORKS, "10.0.0.0/8", true},
    {CONF_NETWORKS, "10.1.0.0/8", false}, /* bits behind the prefix */
    {CONF_NETWORKS, "10.0.0.0/33", false},
    {CONF_NETWORKS, "10.0.0.0/", false},
    {CONF_NETWORKS, "2001:db8::/32", true},
    {CONF_NETWORKS, "2001:db8::1/127", false},
    {CONF_NETWORKS, "::1/129", false},
    {CONF_NETWORKS, "192.0.2.7", true},
    {CONF_TEXT, "", true},
    {CONF_TEXT, "\xc3\xa9", true},
    {CONF_TEXT, "a\tb", false},
    {CONF_TEXT, "a\x7f", false},
    {CONF_PATH, "", false},
};

static void well_formed_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        const struct conf_directive directive = {.name = "x", .type = shapes[i].type};
        _Alignas(max_align_t) char field[128] = {0};
        struct fault fault = {0};
        enum ferry_error error =
            value_read(&directive, bytes_str(shapes[i].text), BYTES_LIT(""), field, &fault);
        if ((error == FERRY_OK) != shapes[i].good)
            fail_msg("%s: %s", shapes[i].text, fault.what);
        value_clear(&directive, field);
    }
}

/* A path starts at the folder of the file that names it. */
static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *text, *path;
    } cases[] = {
        {"/etc/ferry", "a/b", "/etc/ferry/a/b"}, {"/etc/ferry", "/a", "/a"}, {"", "a", "a"}};
    const struct conf_directive directive = {.name = "x", .type = CONF_PATH};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path = NULL;
        assert_int_equal(value_read(&directive, bytes_str(cases[i].text),
                                    bytes_str(cases[i].folder), &path, NULL),
                         FERRY_OK);
        assert_string_equal(path, cases[i].path);
        value_clear(&directive, &path);
        assert_null(path);
    }
}

/* The raw form: bytes in network order, IPv4 as 4 of them. */
static void networks(void **state)
{
    (void)state;
    const struct conf_directive directive = {
        .name = "x",
        .type = CONF_NETWORKS,
        .fallback = "10.0.0.0/8, 2001:db8::/32,192.0.2.7, ::ffff:10.1.0.0/112"};
    struct conf_networks list = {0};
    assert_int_equal(value_read_fallback(&directive, &list, NULL), FERRY_OK);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.list[0].len, 4);
    assert_int_equal(list.list[0].prefix_bits, 8);
    assert_int_equal(list.list[0].bytes[0], 10);
    assert_int_equal(list.list[1].len, 16);
    assert_int_equal(list.list[1].prefix_bits, 32);
    assert_int_equal(list.list[1].bytes[3], 0xb8);
    assert_int_equal(list.list[2].len, 4);
    assert_int_equal(list.list[2].prefix_bits, 32);
    assert_int_equal(list.list[2].bytes[3], 7);
    assert_int_equal(list.list[3].len, 4);
    assert_int_equal(list.list[3].prefix_bits, 16);
    assert_int_equal(list.list[3].bytes[1], 1);
    assert_int_equal(list.list[3].bytes[10], 0);
    value_clear(&directive, &list);
    assert_null(list.list);
}

static void lists_have_an_end(void **state)
{
    (void)state;
    const struct conf_directive directive = {.name = "x", .type = CONF_TEXTS};
    struct conf_texts texts = {0};
    for (size_t i = 0; i < VALUE_LIST_MAX; i++)
        assert_int_equal(value_read(&directive, BYTES_LIT("t"), BYTES_LIT(""), &texts, NULL),
                         FERRY_OK);
    assert_int_equal(value_read(&directive, BYTES_LIT("t"), BYTES_LIT(""), &texts, NULL),
                     FERRY_E_LIMIT);
    value_clear(&directive, &texts);
    static char long_text[VALUE_MAX_BYTES + 1];
    char *text = NULL;
    const struct conf_directive of_text = {.name = "x", .type = CONF_TEXT};
    assert_int_equal(
        value_read(&of_text, bytes_of(long_text, sizeof(long_text)), BYTES_LIT(""), &text, NULL),
        FERRY_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units),
        cmocka_unit_test(limits),
        cmocka_unit_test(words_that_stand_for_numbers),
        cmocka_unit_test(limits_as_text),
        cmocka_unit_test(well_formed_or_not),
        cmocka_unit_test(paths),
        cmocka_unit_test(networks),
        cmocka_unit_test(lists_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
