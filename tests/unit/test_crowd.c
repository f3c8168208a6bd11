/* How many may come from where. */
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
#include "net/crowd.h"

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
        enum crowd_limit limit;
    } steps[] = {
        {"192.0.2.1", CROWD_FREE},          {"192.0.2.1", CROWD_FREE},
        {"192.0.2.1", CROWD_ADDRESS},       {"192.0.2.2", CROWD_FREE},
        {"192.0.2.3", CROWD_NETWORK},       {"192.0.3.1", CROWD_FREE},
        {"2001:db8::1", CROWD_FREE},        {"2001:db8::ffff", CROWD_FREE},
        {"2001:db8::1:1", CROWD_ADDRESS},   {"2001:db8:0:1::1", CROWD_FREE},
        {"2001:db8:0:2::1", CROWD_NETWORK}, {"2001:db8:1::1", CROWD_FREE},
    };
    const struct crowd_rules rules = {.sessions_per_address = 2, .sessions_per_network = 3};
    struct crowd crowd;
    crowd_init(&crowd, 10000);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct address from = at(steps[i].from);
        enum crowd_limit limit = crowd_enter(&crowd, &rules, &from, i);
        if (limit != steps[i].limit)
            fail_msg("%s: %d", steps[i].from, (int)limit);
        assert_true((limit == CROWD_FREE) == (strlen(crowd_words(limit)) == 0));
        assert_true((limit == CROWD_FREE) == (strlen(crowd_advice(limit)) == 0));
    }
    struct address first = at("192.0.2.1");
    crowd_leave(&crowd, &first);
    assert_int_equal(crowd_enter(&crowd, &rules, &first, 0), CROWD_FREE);
    assert_int_equal(crowd_enter(&crowd, &rules, &first, 0), CROWD_ADDRESS);
    crowd_fini(&crowd);
}

static void sec_52_connections_have_a_rate(void **state)
{
    (void)state;
    const struct crowd_rules rules = {.connections_per_minute = 2};
    struct crowd crowd;
    struct address from = at("192.0.2.1");
    crowd_init(&crowd, 10000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(crowd_enter(&crowd, &rules, &from, 0), CROWD_FREE);
        crowd_leave(&crowd, &from);
    }
    assert_int_equal(crowd_enter(&crowd, &rules, &from, 29 * S), CROWD_RATE);
    assert_int_equal(crowd_enter(&crowd, &rules, &from, 30 * S), CROWD_FREE);
    crowd_fini(&crowd);
}

/* Memory is bounded, and sessions are never forgotten. */
static void sec_52_a_flood_of_addresses_does_not_grow_the_table(void **state)
{
    (void)state;
    const struct crowd_rules rules = {.sessions_per_address = 1};
    struct crowd crowd;
    struct address stays = at("198.51.100.7");
    crowd_init(&crowd, 10000);
    crowd.ledger.max = 16;
    assert_int_equal(crowd_enter(&crowd, &rules, &stays, 0), CROWD_FREE);
    for (int i = 0; i < 1000; i++) {
        char text[ADDRESS_TEXT_BYTES];
        snprintf(text, sizeof(text), "10.%d.%d.1", i / 250, i % 250);
        struct address from = at(text);
        assert_int_equal(crowd_enter(&crowd, &rules, &from, 0), CROWD_FREE);
        crowd_leave(&crowd, &from);
        assert_true(ledger_count(&crowd.ledger) <= 16);
    }
    assert_int_equal(crowd_enter(&crowd, &rules, &stays, 0), CROWD_ADDRESS);
    /* Full of sessions: nobody else is let in. */
    for (int i = 0; i < 7; i++) {
        char text[ADDRESS_TEXT_BYTES];
        snprintf(text, sizeof(text), "11.0.%d.1", i);
        struct address from = at(text);
        assert_int_equal(crowd_enter(&crowd, &rules, &from, 0), CROWD_FREE);
    }
    struct address last = at("12.0.0.1");
    assert_int_equal(crowd_enter(&crowd, &rules, &last, 0), CROWD_TABLE);
    crowd_fini(&crowd);
}

/* However they came, they are counted; more than the limit if they were there before it. */
static void sec_52_places_are_for_all(void **state)
{
    (void)state;
    const struct crowd_rules rules = {0};
    struct crowd crowd;
    struct address from = at("192.0.2.1");
    crowd_init(&crowd, 4);
    assert_int_equal(crowd_enter(&crowd, &rules, &from, 0), CROWD_FREE);
    assert_true(crowd_add(&crowd, &from));
    assert_int_equal(crowd_enter(&crowd, &rules, &from, 0), CROWD_UNKNOWN);
    crowd.known = 2;
    assert_int_equal(crowd_enter(&crowd, &rules, &from, 0), CROWD_FREE);
    assert_true(crowd_add(&crowd, &from));
    assert_int_equal(crowd_enter(&crowd, &rules, &from, 0), CROWD_FULL);
    assert_true(crowd_add(&crowd, &from));
    crowd_leave(&crowd, &from);
    crowd_leave(&crowd, &from);
    assert_int_equal(crowd_enter(&crowd, &rules, &from, 0), CROWD_FREE);
    crowd_fini(&crowd);
}

static void no_memory_is_a_refusal(void **state)
{
    (void)state;
    const struct crowd_rules rules = {.sessions_per_address = 3};
    struct address from = at("192.0.2.1");
    for (unsigned long nth = 1; nth <= 4; nth++) {
        struct crowd crowd;
        crowd_init(&crowd, 10);
        alloc_fail_from(nth);
        enum crowd_limit limit = crowd_enter(&crowd, &rules, &from, 0);
        bool added = crowd_add(&crowd, &from);
        alloc_fail_from(0);
        assert_int_equal(crowd.count, (limit == CROWD_FREE) + added);
        assert_true(limit == CROWD_TABLE || limit == CROWD_FREE);
        crowd_fini(&crowd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_52_sessions_are_counted_by_address_and_network),
        cmocka_unit_test(sec_52_connections_have_a_rate),
        cmocka_unit_test(sec_52_a_flood_of_addresses_does_not_grow_the_table),
        cmocka_unit_test(sec_52_places_are_for_all),
        cmocka_unit_test(no_memory_is_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
