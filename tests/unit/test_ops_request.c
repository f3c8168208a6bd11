/* ferryd/ops/control_request: what ferryctl asks, and what nobody may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ferryd/ops/control_request.h"

static enum ferry_error parse(const char *text, struct control_request *out)
{
    struct fault fault = {0};
    enum ferry_error error = control_request_parse(bytes_str(text), out, &fault);
    assert_int_equal(error != FERRY_OK, fault_is_set(&fault));
    return error;
}

static void words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum control_word word;
    } cases[] = {
        {"{\"v\":1,\"word\":\"status\"}", CONTROL_STATUS},
        {"{\"word\":\"sessions\",\"v\":1}", CONTROL_SESSIONS},
        {"{\"v\":1,\"word\":\"kick\",\"target\":\"anna\"}", CONTROL_KICK},
        {"{\"v\":1,\"word\":\"reload\"}", CONTROL_RELOAD},
        {"{\"v\":1,\"word\":\"drain\"}", CONTROL_DRAIN},
        {"{\"v\":1,\"word\":\"accounts\"}", CONTROL_ACCOUNTS},
        {"{\"v\":1,\"word\":\"log\"}", CONTROL_LOG},
        {"{\"v\":1,\"word\":\"bans\"}", CONTROL_BANS},
        {"{\"v\":1,\"word\":\"ban\",\"target\":\"::1\",\"seconds\":1}", CONTROL_BAN},
        {"{\"v\":1,\"word\":\"unban\",\"target\":\"::1\"}", CONTROL_UNBAN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct control_request request;
        assert_int_equal(parse(cases[i].text, &request), FERRY_OK);
        assert_int_equal(request.word, cases[i].word);
    }
}

static void arguments(void **state)
{
    (void)state;
    struct control_request request;
    assert_int_equal(parse("{\"v\":1,\"word\":\"drain\",\"grace\":7}", &request), FERRY_OK);
    assert_true(request.has_grace && request.grace_s == 7);
    assert_int_equal(
        parse("{\"v\":1,\"word\":\"log\",\"follow\":true,\"failures\":true,\"count\":0}", &request),
        FERRY_OK);
    assert_true(request.follow && request.failures && request.count == 0);
    assert_int_equal(parse("{\"v\":1,\"word\":\"kick\",\"target\":\"10.0.0.1\"}", &request),
                     FERRY_OK);
    assert_string_equal(request.target, "10.0.0.1");
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ferry_error error;
    } cases[] = {
        {"", FERRY_E_PROTOCOL},
        {"status", FERRY_E_PROTOCOL},
        {"[1]", FERRY_E_PROTOCOL},
        {"{}", FERRY_E_PROTOCOL},
        {"{\"v\":2,\"word\":\"status\"}", FERRY_E_PROTOCOL},
        {"{\"v\":1,\"v\":1,\"word\":\"status\"}", FERRY_E_PROTOCOL},
        {"{\"v\":1}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"stop\"}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":5}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"status\",\"target\":\"a\"}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"status\",\"other\":1}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"kick\"}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"kick\",\"target\":\"\"}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"kick\",\"target\":1}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"ban\",\"target\":\"a\"}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"ban\",\"target\":\"a\",\"seconds\":0}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"drain\",\"grace\":-1}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"drain\",\"grace\":1e3}", FERRY_E_ARGUMENT},
        {"{\"v\":1,\"word\":\"log\",\"follow\":1}", FERRY_E_ARGUMENT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct control_request request;
        assert_int_equal(parse(cases[i].text, &request), cases[i].error);
    }
}

static void too_long(void **state)
{
    (void)state;
    struct control_request request;
    char text[CONTROL_LINE_BYTES + 64];
    snprintf(text, sizeof(text), "{\"v\":1,\"word\":\"kick\",\"target\":\"%0*d\"}",
             CONTROL_TARGET_BYTES, 1);
    assert_int_equal(parse(text, &request), FERRY_E_ARGUMENT);
    snprintf(text, sizeof(text), "{\"v\":1,\"word\":\"status\"%*s}", CONTROL_LINE_BYTES, "");
    assert_int_equal(parse(text, &request), FERRY_E_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(arguments),
        cmocka_unit_test(refused),
        cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
