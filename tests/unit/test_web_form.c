/* Posted forms, hosts, and the texts of numbers: what the operator's page reads and prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ferryd/ops/web/form.h"
#include "ferryd/ops/web/format.h"
#include "ferryd/ops/web/host.h"

static void fields_of_forms(void **state)
{
    (void)state;
    static const struct {
        const char *form, *value;
        enum ferry_error error;
    } rows[] = {
        {"user=anna", "anna", FERRY_OK},
        {"a=1&user=anna&b=2", "anna", FERRY_OK},
        {"%75ser=%61n+n%2Ba", "an n+a", FERRY_OK},
        {"user=a=b", "a=b", FERRY_OK},
        {"user=", "", FERRY_OK},
        {"user", "", FERRY_OK},
        {"&&user=x&&", "x", FERRY_OK},
        {"user=%C3%BC", "ü", FERRY_OK},
        {"", "", FERRY_E_NOT_FOUND},
        {"users=x", "", FERRY_E_NOT_FOUND},
        {"=user", "", FERRY_E_NOT_FOUND},
        {"USER=x", "", FERRY_E_NOT_FOUND},
        {"user=a&user=b", "", FERRY_E_ARGUMENT},
        {"user=a&%75ser=b", "", FERRY_E_ARGUMENT},
        {"user=%00", "", FERRY_E_ARGUMENT},
        {"user=%", "", FERRY_E_ARGUMENT},
        {"user=%4", "", FERRY_E_ARGUMENT},
        {"user=%zz", "", FERRY_E_ARGUMENT},
        {"%=x&user=a", "", FERRY_E_ARGUMENT},
        {"user=%+1", "", FERRY_E_ARGUMENT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        buf_init(&out, 64);
        assert_int_equal(form_field(bytes_str(rows[i].form), "user", &out), rows[i].error);
        if (rows[i].error == FERRY_OK) {
            assert_int_equal(buf_len(&out), strlen(rows[i].value));
            assert_true(bytes_equal(buf_view(&out), bytes_str(rows[i].value)));
        }
        buf_fini(&out);
    }
}

static void long_forms(void **state)
{
    (void)state;
    static char form[FORM_MAX_BYTES + 1];
    struct buf out;
    memset(form, 'x', sizeof(form));
    memcpy(form, "user=", 5);
    buf_init(&out, 64);
    assert_int_equal(form_field(bytes_of(form, sizeof(form)), "user", &out), FERRY_E_LIMIT);
    assert_int_equal(form_field(bytes_of(form, 5 + 65), "user", &out), FERRY_E_LIMIT);
    assert_int_equal(form_field(bytes_of(form, 5 + 64), "user", &out), FERRY_OK);
    buf_fini(&out);
}

/* A name of somebody else's that leads here must not read the page (DNS rebinding). */
static void hosts(void **state)
{
    (void)state;
    static char proxy[] = "ops.example.net";
    static char *const own[] = {proxy};
    static const struct {
        const char *host;
        enum host_kind kind;
    } rows[] = {
        {"localhost", HOST_LOOPBACK},
        {"localhost:8443", HOST_LOOPBACK},
        {"LocalHost:1", HOST_LOOPBACK},
        {"127.0.0.1:8443", HOST_LOOPBACK},
        {"[::1]:8443", HOST_LOOPBACK},
        {"[::1]", HOST_LOOPBACK},
        {"ops.example.net", HOST_NAMED},
        {"OPS.example.net:443", HOST_NAMED},
        {"", HOST_FOREIGN},
        {":80", HOST_FOREIGN},
        {"example.net", HOST_FOREIGN},
        {"localhost.example.net", HOST_FOREIGN},
        {"localhost:x", HOST_FOREIGN},
        {"localhost:70000", HOST_FOREIGN},
        {"[::1]x", HOST_FOREIGN},
        {"[::1", HOST_FOREIGN},
        {"127.0.0.1.evil", HOST_FOREIGN},
        {"127.0.0.1@evil", HOST_FOREIGN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(host_kind(bytes_str(rows[i].host), own, 1), rows[i].kind);
}

static void origins(void **state)
{
    (void)state;
    static const struct {
        const char *host, *origin;
        bool same;
    } rows[] = {
        {"localhost:1", "http://localhost:1", true},
        {"localhost:1", "https://localhost:1", true},
        {"localhost:1", "", true},
        {"localhost:1", "null", false},
        {"localhost:1", "http://localhost:2", false},
        {"localhost:1", "http://localhost", false},
        {"localhost:1", "http://evil.example", false},
        {"localhost:1", "localhost:1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(host_is_origin(bytes_str(rows[i].host), bytes_str(rows[i].origin)),
                         rows[i].same);
}

static void numbers(void **state)
{
    (void)state;
    char out[FORMAT_BYTES];
    static const struct {
        uint64_t number;
        const char *size, *span;
    } rows[] = {
        {0, "0 B", "0 s"},
        {59, "59 B", "59 s"},
        {999, "999 B", "16 min"},
        {1000, "1.0 kB", "16 min"},
        {3600, "3.6 kB", "1 h 00 min"},
        {10999, "10 kB", "3 h 03 min"},
        {172800, "172 kB", "2 days"},
        {1500000000, "1.5 GB", "17361 days"},
        {UINT64_MAX, "18 EB", "213503982334601 days"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(format_size(rows[i].number, out), rows[i].size);
        assert_string_equal(format_span(rows[i].number, out), rows[i].span);
    }
    assert_string_equal(format_time(0, out), "1970-01-01 00:00:00 UTC");
    assert_string_equal(format_time(1795378507, out), "2026-11-22 20:15:07 UTC");
    assert_string_equal(format_time(INT64_MAX, out), "never");
    assert_string_equal(format_count(1, "time", out), "1 time");
    assert_string_equal(format_count(2, "time", out), "2 times");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_forms), cmocka_unit_test(long_forms), cmocka_unit_test(hosts),
        cmocka_unit_test(origins),         cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
