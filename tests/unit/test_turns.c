/* Whose turn it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ferryd/auth/turns.h"

enum { NONE = 99 };

struct asker {
    struct turn turn;
    unsigned number;
};

static void on_turn(void *ctx, unsigned number)
{
    struct asker *asker = ctx;
    assert_int_equal(asker->number, NONE);
    asker->number = number;
}

/* Whether it has to wait. */
static bool asks(struct turns *turns, struct asker *asker)
{
    *asker = (struct asker){.turn = {.fn = on_turn, .ctx = asker}, .number = NONE};
    bool waits = turns_ask(turns, &asker->turn);
    assert_int_equal(waits, asker->turn.waits);
    assert_int_equal(waits, asker->number == NONE);
    return waits;
}

static void as_many_as_the_limit_and_each_with_its_own_number(void **state)
{
    (void)state;
    struct turns turns;
    struct asker a, b, c, d;
    turns_init(&turns, 2);
    assert_false(asks(&turns, &a));
    assert_false(asks(&turns, &b));
    assert_int_equal(a.number, 0);
    assert_int_equal(b.number, 1);
    assert_true(asks(&turns, &c));
    assert_true(asks(&turns, &d));
    turns_give(&turns, b.number);
    assert_int_equal(c.number, 1); /* the first to come */
    assert_int_equal(d.number, NONE);
    turns_give(&turns, a.number);
    assert_int_equal(d.number, 0);
    turns_give(&turns, 0);
    assert_false(asks(&turns, &a));
    assert_int_equal(a.number, 0);
    assert_true(asks(&turns, &b));
}

static void who_leaves_is_passed_over(void **state)
{
    (void)state;
    struct turns turns;
    struct asker a, b, c;
    turns_init(&turns, 1);
    assert_false(asks(&turns, &a));
    assert_true(asks(&turns, &b));
    assert_true(asks(&turns, &c));
    turns_leave(&turns, &b.turn);
    turns_leave(&turns, &b.turn); /* waits no more: nothing happens */
    turns_give(&turns, 0);
    assert_int_equal(b.number, NONE);
    assert_int_equal(c.number, 0);
}

static void without_a_limit_nobody_waits(void **state)
{
    (void)state;
    struct turns turns;
    struct asker askers[40];
    turns_init(&turns, 0);
    for (size_t i = 0; i < 40; i++) {
        assert_false(asks(&turns, &askers[i]));
        assert_int_equal(askers[i].number, 0);
    }
    for (size_t i = 0; i < 40; i++)
        turns_give(&turns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_the_limit_and_each_with_its_own_number),
        cmocka_unit_test(who_leaves_is_passed_over),
        cmocka_unit_test(without_a_limit_nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
