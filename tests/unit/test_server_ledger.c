/* Limits by address, network and account, and floods of the log, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
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

/* ---- sessions ---- */

static void sec_52_sessions_are_counted_by_address_and_network(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        enum server_limit limit;
    } steps[] = {
        {"192.0.2.1", SERVER_LIMIT_NONE},          {"192.0.2.1", SERVER_LIMIT_NONE},
        {"192.0.2.1", SERVER_LIMIT_ADDRESS},       {"192.0.2.2", SERVER_LIMIT_NONE},
        {"192.0.2.3", SERVER_LIMIT_NETWORK},       {"192.0.3.1", SERVER_LIMIT_NONE},
        {"2001:db8::1", SERVER_LIMIT_NONE},        {"2001:db8::ffff", SERVER_LIMIT_NONE},
        {"2001:db8::1:1", SERVER_LIMIT_ADDRESS},   {"2001:db8:0:1::1", SERVER_LIMIT_NONE},
        {"2001:db8:0:2::1", SERVER_LIMIT_NETWORK}, {"2001:db8:1::1", SERVER_LIMIT_NONE},
    };
    const struct server_limit_rules rules = {.sessions_per_address = 2, .sessions_per_network = 3};
    struct server_limits limits;
    server_limits_init(&limits);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct address from = at(steps[i].from);
        enum server_limit limit = server_limits_enter(&limits, &rules, &from, i);
        if (limit != steps[i].limit)
            fail_msg("%s: %d", steps[i].from, (int)limit);
        assert_true((limit == SERVER_LIMIT_NONE) == (strlen(server_limit_words(limit)) == 0));
        assert_true((limit == SERVER_LIMIT_NONE) == (strlen(server_limit_advice(limit)) == 0));
    }
    struct address first = at("192.0.2.1");
    server_limits_leave(&limits, &first);
    assert_int_equal(server_limits_enter(&limits, &rules, &first, 0), SERVER_LIMIT_NONE);
    assert_int_equal(server_limits_enter(&limits, &rules, &first, 0), SERVER_LIMIT_ADDRESS);
    server_limits_fini(&limits);
}

static void sec_52_connections_have_a_rate(void **state)
{
    (void)state;
    const struct server_limit_rules rules = {.connections_per_minute = 2};
    struct server_limits limits;
    struct address from = at("192.0.2.1");
    server_limits_init(&limits);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(server_limits_enter(&limits, &rules, &from, 0), SERVER_LIMIT_NONE);
        server_limits_leave(&limits, &from);
    }
    assert_int_equal(server_limits_enter(&limits, &rules, &from, 29 * S), SERVER_LIMIT_RATE);
    assert_int_equal(server_limits_enter(&limits, &rules, &from, 30 * S), SERVER_LIMIT_NONE);
    server_limits_fini(&limits);
}

/* Memory is bounded, and sessions are never forgotten. */
static void sec_52_a_flood_of_addresses_does_not_grow_the_table(void **state)
{
    (void)state;
    const struct server_limit_rules rules = {.sessions_per_address = 1};
    struct server_limits limits;
    struct address stays = at("198.51.100.7");
    server_limits_init(&limits);
    limits.ledger.max = 16;
    assert_int_equal(server_limits_enter(&limits, &rules, &stays, 0), SERVER_LIMIT_NONE);
    for (int i = 0; i < 1000; i++) {
        char text[ADDRESS_TEXT_BYTES];
        snprintf(text, sizeof(text), "10.%d.%d.1", i / 250, i % 250);
        struct address from = at(text);
        assert_int_equal(server_limits_enter(&limits, &rules, &from, 0), SERVER_LIMIT_NONE);
        server_limits_leave(&limits, &from);
        assert_true(server_ledger_count(&limits.ledger) <= 16);
    }
    assert_int_equal(server_limits_enter(&limits, &rules, &stays, 0), SERVER_LIMIT_ADDRESS);
    /* Full of sessions: nobody else is let in. */
    for (int i = 0; i < 7; i++) {
        char text[ADDRESS_TEXT_BYTES];
        snprintf(text, sizeof(text), "11.0.%d.1", i);
        struct address from = at(text);
        assert_int_equal(server_limits_enter(&limits, &rules, &from, 0), SERVER_LIMIT_NONE);
    }
    struct address last = at("12.0.0.1");
    assert_int_equal(server_limits_enter(&limits, &rules, &last, 0), SERVER_LIMIT_TABLE);
    server_limits_fini(&limits);
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

static void no_memory_is_a_refusal(void **state)
{
    (void)state;
    const struct server_limit_rules rules = {.login_failures = 3};
    struct address from = at("192.0.2.1");
    for (unsigned long nth = 1; nth <= 4; nth++) {
        struct server_limits limits;
        server_limits_init(&limits);
        alloc_fail_from(nth);
        enum server_limit limit = server_limits_enter(&limits, &rules, &from, 0);
        bool tried = server_limits_try(&limits, &rules, &from, BYTES_LIT("anna"), 0);
        alloc_fail_from(0);
        assert_true(limit == SERVER_LIMIT_TABLE || limit == SERVER_LIMIT_NONE);
        assert_false(tried);
        server_limits_fini(&limits);
    }
}

/* ---- logins ---- */

struct tries {
    struct server_limits limits;
    struct server_limit_rules rules;
    uint64_t now_ns;
};

/* How many of `most` tries are let through. */
static int count_tries(struct tries *tries, const char *from, const char *account, int most)
{
    struct address peer = at(from);
    int count = 0;
    while (count < most && server_limits_try(&tries->limits, &tries->rules, &peer,
                                             bytes_str(account), tries->now_ns))
        count++;
    return count;
}

static void log_in(struct tries *tries, const char *from, const char *account)
{
    struct address peer = at(from);
    assert_int_equal(count_tries(tries, from, account, 1), 1);
    server_limits_tried(&tries->limits, &tries->rules, &peer, bytes_str(account), true);
}

static struct tries tries_of_five(void)
{
    struct tries tries = {
        .rules = {.login_failures = 5, .login_failures_ns = 100 * S},
        .now_ns = 1000 * S,
    };
    server_limits_init(&tries.limits);
    return tries;
}

static void sec_50_a_pair_is_locked_and_nobody_else(void **state)
{
    (void)state;
    struct tries tries = tries_of_five();
    assert_int_equal(count_tries(&tries, "192.0.2.1", "anna", 100), 5);
    assert_int_equal(count_tries(&tries, "192.0.2.2", "anna", 1), 1);
    assert_int_equal(count_tries(&tries, "192.0.2.1", "bert", 1), 1);
    tries.now_ns += 20 * S;
    assert_int_equal(count_tries(&tries, "192.0.2.1", "anna", 100), 1);
    tries.now_ns += 1000 * S;
    assert_int_equal(count_tries(&tries, "192.0.2.1", "anna", 100), 5);
    server_limits_fini(&tries.limits);
}

static void sec_50_right_passwords_do_not_count(void **state)
{
    (void)state;
    struct tries tries = tries_of_five();
    for (int i = 0; i < 200; i++)
        log_in(&tries, "192.0.2.1", "anna");
    assert_int_equal(count_tries(&tries, "192.0.2.1", "anna", 100), 5);
    server_limits_fini(&tries.limits);
}

static void sec_50_an_address_that_guesses_names_is_locked(void **state)
{
    (void)state;
    struct tries tries = tries_of_five();
    int count = 0;
    log_in(&tries, "192.0.2.1", "anna");
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof(name), "guess-%d", i);
        count += count_tries(&tries, "192.0.2.1", name, 1);
    }
    assert_int_equal(count, 20);
    /* Who logged in from there before still may. */
    log_in(&tries, "192.0.2.1", "anna");
    assert_int_equal(count_tries(&tries, "192.0.2.1", "guess-again", 1), 0);
    server_limits_fini(&tries.limits);
}

static void sec_50_others_cannot_lock_a_user_out(void **state)
{
    (void)state;
    struct tries tries = tries_of_five();
    int count = 0;
    log_in(&tries, "192.0.2.1", "anna");
    for (int i = 0; i < 100; i++) {
        char from[ADDRESS_TEXT_BYTES];
        snprintf(from, sizeof(from), "198.51.100.%d", i);
        count += count_tries(&tries, from, "anna", 2);
    }
    assert_int_equal(count, 80);
    log_in(&tries, "192.0.2.1", "anna");
    assert_int_equal(count_tries(&tries, "203.0.113.1", "anna", 1), 0);
    server_limits_fini(&tries.limits);
}

static void sec_50_no_limit_is_none(void **state)
{
    (void)state;
    struct tries tries = tries_of_five();
    tries.rules.login_failures = 0;
    assert_int_equal(count_tries(&tries, "192.0.2.1", "anna", 1000), 1000);
    server_limits_fini(&tries.limits);
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
        cmocka_unit_test(sec_52_sessions_are_counted_by_address_and_network),
        cmocka_unit_test(sec_52_connections_have_a_rate),
        cmocka_unit_test(sec_52_a_flood_of_addresses_does_not_grow_the_table),
        cmocka_unit_test(sec_52_sessions_are_counted_by_account),
        cmocka_unit_test(no_memory_is_a_refusal),
        cmocka_unit_test(sec_50_a_pair_is_locked_and_nobody_else),
        cmocka_unit_test(sec_50_right_passwords_do_not_count),
        cmocka_unit_test(sec_50_an_address_that_guesses_names_is_locked),
        cmocka_unit_test(sec_50_others_cannot_lock_a_user_out),
        cmocka_unit_test(sec_50_no_limit_is_none),
        cmocka_unit_test(sec_60_a_flood_is_cut_and_counted),
        cmocka_unit_test(sec_60_no_limit_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
