/* Which roots are swept when (SEC-38). */
#include "ferryd/supervisor/sweeps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"

static const uint64_t DAY_NS = 86400 * CLOCK_NS_PER_S;

static void sec_38_at_the_first_grant_and_daily(void **state)
{
    (void)state;
    struct sweeps sweeps;
    sweeps_init(&sweeps);
    assert_true(sweeps_due(&sweeps, "/home/anna", 5));
    assert_false(sweeps_due(&sweeps, "/home/anna", 6));
    assert_true(sweeps_due(&sweeps, "/home/ann", 6));
    assert_false(sweeps_due(&sweeps, "/home/anna", 4 + DAY_NS));
    assert_true(sweeps_due(&sweeps, "/home/anna", 5 + DAY_NS));
    assert_false(sweeps_due(&sweeps, "/home/anna", 6 + DAY_NS));
    sweeps_fini(&sweeps);
}

static void so_many_are_remembered(void **state)
{
    (void)state;
    struct sweeps sweeps;
    char root[32];
    sweeps_init(&sweeps);
    assert_true(sweeps_due(&sweeps, "/first", 0));
    assert_true(sweeps_due(&sweeps, "/second", 0));
    for (int i = 2; i < SWEEPS_MAX; i++) {
        snprintf(root, sizeof(root), "/%d", i);
        assert_true(sweeps_due(&sweeps, root, 0));
    }
    assert_false(sweeps_due(&sweeps, "/first", 0)); /* now asked for last */
    assert_true(sweeps_due(&sweeps, "/one more", 0));
    assert_false(sweeps_due(&sweeps, "/first", 0));
    assert_true(sweeps_due(&sweeps, "/second", 0)); /* forgotten */
    sweeps_fini(&sweeps);
}

static void without_memory_nothing_is_due(void **state)
{
    (void)state;
    struct sweeps sweeps;
    sweeps_init(&sweeps);
    for (unsigned long nth = 1; nth <= 2; nth++) {
        alloc_fail_from(nth);
        assert_false(sweeps_due(&sweeps, "/home/anna", 0));
        alloc_fail_from(0);
    }
    assert_true(sweeps_due(&sweeps, "/home/anna", 0));
    sweeps_fini(&sweeps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_38_at_the_first_grant_and_daily),
        cmocka_unit_test(so_many_are_remembered),
        cmocka_unit_test(without_memory_nothing_is_due),
    };
    return cmocka_run_group_tests_name("supervisor_sweeps", tests, NULL, NULL);
}
