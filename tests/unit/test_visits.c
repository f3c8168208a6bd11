/* Sessions that a source is told the end of, once each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ferryd/auth/visits.h"

/* The numbers that the source was told, one decimal digit each. */
static uint64_t told;

static void leave(struct source *source, uint64_t visit)
{
    (void)source;
    told = told * 10 + visit;
}

static const struct source_ops ops = {.leave = leave};
static struct source source = {.ops = &ops, .name = "test"};

static void each_ends_once_with_its_grant(void **state)
{
    (void)state;
    struct visits visits;
    told = 0;
    visits_init(&visits);
    visits_begin(&visits, 1, 7, &source, 3);
    visits_begin(&visits, 2, 7, &source, 4);
    visits_begin(&visits, 1, 8, &source, 0); /* the source has no session of it */
    visits_end(&visits, 1, 8);
    visits_end(&visits, 3, 7);
    assert_int_equal(told, 0);
    visits_end(&visits, 1, 7);
    visits_end(&visits, 1, 7);
    assert_int_equal(told, 3);
    visits_end_all(&visits, 2);
    assert_int_equal(told, 34);
}

static void all_of_a_worker_end_with_it(void **state)
{
    (void)state;
    struct visits visits;
    told = 0;
    visits_init(&visits);
    visits_begin(&visits, 1, 1, &source, 5);
    visits_begin(&visits, 2, 2, &source, 6);
    visits_begin(&visits, 1, 3, &source, 7);
    visits_end_all(&visits, 1);
    assert_true(told == 57 || told == 75);
    visits_end_all(&visits, 2);
    assert_int_equal(told % 10, 6);
}

static void without_memory_it_ends_at_once(void **state)
{
    (void)state;
    struct visits visits;
    told = 0;
    visits_init(&visits);
    alloc_fail_from(1);
    visits_begin(&visits, 1, 1, &source, 5);
    alloc_fail_from(0);
    assert_int_equal(told, 5);
    visits_end_all(&visits, 1);
    assert_int_equal(told, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_ends_once_with_its_grant),
        cmocka_unit_test(all_of_a_worker_end_with_it),
        cmocka_unit_test(without_memory_it_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
