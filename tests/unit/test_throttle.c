/* Failed logins by address: delays that grow, bans that end, bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ferryd/auth/throttle.h"

static const struct throttle_settings settings = {
    .kept_ns = 600 * CLOCK_NS_PER_S,
    .ban_after = 20,
    .ban_ns = 900 * CLOCK_NS_PER_S,
};

static struct address from(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(text, 4711, &address), FERRY_OK);
    return address;
}

/* Fails `count` times at `now_ns`; returns the last delay. */
static uint64_t fail_from(struct throttle *throttle, const char *peer, unsigned count,
                          uint64_t now_ns)
{
    struct address address = from(peer);
    uint64_t delay_ns = 0;
    bool banned;
    for (unsigned i = 0; i < count; i++)
        delay_ns = throttle_failed(throttle, &address, now_ns, &banned);
    return delay_ns;
}

static void delays_double_up_to_the_most(void **state)
{
    (void)state;
    static const uint64_t delays_ms[] = {0, 0, 0, 500, 1000, 2000, 4000, 8000, 16000, 16000, 16000};
    struct throttle throttle;
    throttle_init(&throttle, &settings);
    for (size_t i = 0; i < ARRAY_LEN(delays_ms); i++)
        assert_int_equal(fail_from(&throttle, "192.0.2.1", 1, 1), delays_ms[i] * CLOCK_NS_PER_MS);
    assert_int_equal(fail_from(&throttle, "192.0.2.2", 1, 1), 0); /* another one */
    throttle_fini(&throttle);
}

static void quiet_heals(void **state)
{
    (void)state;
    struct throttle throttle;
    throttle_init(&throttle, &settings);
    assert_true(fail_from(&throttle, "192.0.2.1", 10, 1) > 0);
    assert_true(fail_from(&throttle, "192.0.2.1", 1, settings.kept_ns) > 0);
    assert_int_equal(fail_from(&throttle, "192.0.2.1", 1, 2 * settings.kept_ns), 0);
    throttle_fini(&throttle);
}

static void a_ban_ends(void **state)
{
    (void)state;
    struct throttle throttle;
    struct address peer = from("192.0.2.1");
    bool banned;
    throttle_init(&throttle, &settings);
    fail_from(&throttle, "192.0.2.1", 18, 5);
    throttle_failed(&throttle, &peer, 5, &banned);
    assert_false(banned);
    assert_int_equal(throttle_banned_until(&throttle, &peer, 5), 0);
    throttle_failed(&throttle, &peer, 6, &banned);
    assert_true(banned);
    uint64_t until_ns = 6 + settings.ban_ns;
    assert_int_equal(throttle_banned_until(&throttle, &peer, 7), until_ns);
    throttle_failed(&throttle, &peer, 8, &banned); /* one that was under way: it is no longer */
    assert_false(banned);
    assert_int_equal(throttle_banned_until(&throttle, &peer, until_ns - 1), until_ns);
    assert_int_equal(throttle_banned_until(&throttle, &peer, until_ns), 0);
    assert_int_equal(fail_from(&throttle, "192.0.2.1", 1, until_ns), 0); /* all is forgotten */
    throttle_fini(&throttle);
}

static void no_bans(void **state)
{
    (void)state;
    struct throttle_settings never = settings;
    struct throttle throttle;
    struct address peer = from("192.0.2.1");
    never.ban_after = 0;
    throttle_init(&throttle, &never);
    fail_from(&throttle, "192.0.2.1", 1000, 1);
    assert_int_equal(throttle_banned_until(&throttle, &peer, 1), 0);
    throttle_fini(&throttle);
}

/* One subscriber has 2^64 addresses of IPv6. */
static void who_is_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},          {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},   {"2001:db8::1", "2001:db8::ffff:2", true},
        {"2001:db8::1", "2001:db8:0:1::1", false}, {"c000:201::", "192.0.2.1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct throttle throttle;
        struct address b = from(rows[i].b);
        throttle_init(&throttle, &settings);
        fail_from(&throttle, rows[i].a, 20, 1);
        assert_int_equal(throttle_banned_until(&throttle, &b, 1) > 0, rows[i].same);
        throttle_fini(&throttle);
    }
}

static void many_addresses_cost_bounded_memory(void **state)
{
    (void)state;
    struct throttle throttle;
    struct address banned = from("192.0.2.1");
    char text[32];
    throttle_init(&throttle, &settings);
    fail_from(&throttle, "192.0.2.1", 20, 1);
    for (unsigned i = 0; i < THROTTLE_MAX + 100; i++) {
        snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
        fail_from(&throttle, text, 4, 2 + i);
    }
    assert_int_equal(throttle.count, THROTTLE_MAX);
    assert_true(throttle_banned_until(&throttle, &banned, 5) > 0); /* is not forgotten */
    assert_true(fail_from(&throttle, text, 1, 2 + THROTTLE_MAX + 100) > 0);
    assert_int_equal(fail_from(&throttle, "10.0.0.0", 1, 3 + THROTTLE_MAX + 100), 0);
    throttle_fini(&throttle);
}

static void short_memory(void **state)
{
    (void)state;
    struct throttle throttle;
    throttle_init(&throttle, &settings);
    alloc_fail_from(1);
    assert_int_equal(fail_from(&throttle, "192.0.2.1", 30, 1), 0);
    alloc_fail_from(0);
    throttle_fini(&throttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_double_up_to_the_most),
        cmocka_unit_test(quiet_heals),
        cmocka_unit_test(a_ban_ends),
        cmocka_unit_test(no_bans),
        cmocka_unit_test(who_is_the_same),
        cmocka_unit_test(many_addresses_cost_bounded_memory),
        cmocka_unit_test(short_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
