/* Limits by account, and floods of the log, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "server/floods.h"
#include "server/limits.h"

#define S CLOCK_NS_PER_S

static struct address at(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(text, 4711, &address), FERRY_OK);
    return address;
}

static void sec_52_sessions_are_counted_by_account(void **state)
{
    (void)state;
    struct server_limits limits;
    server_limits_init(&limits);
    assert_true(server_limits_join(&limits, BYTES_LIT("anna"), 2));
    assert_true(server_limits_join(&limits, BYTES_LIT("anna"), 2));
    assert_false(server_limits_join(&limits, BYTES_LIT("anna"), 2));
    assert_true(server_limits_join(&limits, BYTES_LIT("bert"), 2));
    server_limits_part(&limits, BYTES_LIT("anna"));
    assert_true(server_limits_join(&limits, BYTES_LIT("anna"), 2));
    assert_true(server_limits_join(&limits, BYTES_LIT("anna"), 0));
    server_limits_fini(&limits);
}

/* ---- floods ---- */

struct lines {
    int count;
    char last[1024];
};

static void keep_line(void *ctx, enum log_level level, struct bytes line)
{
    struct lines *lines = ctx;
    (void)level;
    lines->count++;
    snprintf(lines->last, sizeof(lines->last), "%.*s", BYTES_FMT(line));
}

static void sec_60_a_flood_is_cut_and_counted(void **state)
{
    (void)state;
    struct lines lines = {0};
    const struct log log = {
        .write = keep_line, .ctx = &lines, .level = LOG_LEVEL_NOTICE, .clock = &clock_system};
    struct server_floods floods;
    struct address noisy = at("192.0.2.1"), other = at("192.0.2.2");
    int passed = 0;
    server_floods_init(&floods, &log);
    for (int i = 0; i < 100; i++)
        passed += server_floods_pass(&floods, &noisy, "session.open", 10, 0);
    assert_int_equal(passed, 10);
    assert_int_equal(lines.count, 0);
    assert_true(server_floods_pass(&floods, &noisy, "session.close", 10, 0));
    assert_true(server_floods_pass(&floods, &other, "session.open", 10, 0));
    assert_true(server_floods_pass(&floods, &noisy, "session.open", 10, 6 * S));
    assert_int_equal(lines.count, 1);
    assert_non_null(strstr(lines.last, "log.suppressed peer=192.0.2.1 name=session.open count=90"));
    assert_false(server_floods_pass(&floods, &noisy, "session.open", 10, 6 * S));
    server_floods_tell(&floods);
    assert_non_null(strstr(lines.last, "count=1 "));
    server_floods_tell(&floods);
    assert_int_equal(lines.count, 2);
    assert_false(server_floods_pass(&floods, &noisy, "session.open", 10, 6 * S));
    server_floods_fini(&floods);
    assert_int_equal(lines.count, 3);
}

static void sec_60_no_limit_is_none(void **state)
{
    (void)state;
    struct server_floods floods;
    struct address noisy = at("192.0.2.1");
    server_floods_init(&floods, NULL);
    for (int i = 0; i < 1000; i++)
        assert_true(server_floods_pass(&floods, &noisy, "session.open", 0, 0));
    server_floods_fini(&floods);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_52_sessions_are_counted_by_account),
        cmocka_unit_test(sec_60_a_flood_is_cut_and_counted),
        cmocka_unit_test(sec_60_no_limit_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
