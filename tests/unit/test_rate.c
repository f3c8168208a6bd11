/* Token buckets: bursts, refilling, debts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "net/rate.h"

#define S CLOCK_NS_PER_S

static void what_is_taken_comes_back_with_time(void **state)
{
    (void)state;
    static const struct {
        uint64_t at_ns, count;
        bool taken;
    } steps[] = {
        {100 * S, 3, true}, {100 * S, 1, false},         {100 * S + S / 3, 1, true},
        {101 * S, 2, true}, {101 * S, 1, false},         {200 * S, 4, false},
        {200 * S, 3, true}, {200 * S + S / 4, 1, false},
    };
    const struct rate_rule rule = {3, S};
    struct rate rate = {0};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bool has = rate_has(&rate, &rule, steps[i].count, steps[i].at_ns);
        bool taken = rate_take(&rate, &rule, steps[i].count, steps[i].at_ns);
        if (taken != steps[i].taken || has != taken)
            fail_msg("step %zu: %d", i, taken);
    }
}

static void no_limit_is_never_reached(void **state)
{
    (void)state;
    const struct rate_rule rule = {0, S};
    struct rate rate = {0};
    for (int i = 0; i < 1000; i++)
        assert_true(rate_take(&rate, &rule, UINT64_MAX / 2, 5));
    assert_int_equal(rate_spend(&rate, &rule, UINT64_MAX, 7), 7);
}

static void a_debt_is_paid_by_waiting(void **state)
{
    (void)state;
    const struct rate_rule rule = {1000, S};
    struct rate rate = {0};
    assert_true(rate_spend(&rate, &rule, 1000, 10 * S) <= 10 * S);
    assert_int_equal(rate_spend(&rate, &rule, 500, 10 * S), 10 * S + S / 2);
    rate_give(&rate, &rule, 500);
    assert_int_equal(rate_spend(&rate, &rule, 2000, 10 * S), 12 * S);
    struct rate fresh = {0};
    rate_give(&fresh, &rule, 5);
    assert_false(rate_has(&fresh, &rule, 1001, 10 * S)); /* it is no fuller than full */
}

static void ten_gigabytes_a_second_do_not_overflow(void **state)
{
    (void)state;
    const struct rate_rule rule = {UINT64_C(10000000000), S};
    struct rate rate = {0};
    uint64_t due_ns = rate_spend(&rate, &rule, UINT64_C(25000000000), 100 * S);
    assert_int_equal(due_ns, 100 * S + 3 * S / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_comes_back_with_time),
        cmocka_unit_test(no_limit_is_never_reached),
        cmocka_unit_test(a_debt_is_paid_by_waiting),
        cmocka_unit_test(ten_gigabytes_a_second_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
