/* Sessions by account and worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ferryd/auth/seats.h"
#include "support/alloc_fail.h"

static uint64_t take(struct seats *seats, const char *account, uint32_t worker, uint64_t most)
{
    uint64_t grant = 0;
    struct fault fault = {0};
    const struct seats_guest guest = {.account = account, .worker = worker};
    enum ferry_error error = seats_take(seats, &guest, most, &grant, &fault);
    assert_true(error == FERRY_OK || error == FERRY_E_LIMIT);
    assert_int_equal(error == FERRY_OK, !fault_is_set(&fault));
    return grant;
}

static void as_many_as_there_may_be(void **state)
{
    (void)state;
    struct seats seats;
    seats_init(&seats, 100);
    uint64_t first = take(&seats, "anna", 1, 2);
    assert_int_equal(first, 100);
    assert_int_equal(take(&seats, "anna", 2, 2), 101);
    assert_int_equal(take(&seats, "anna", 1, 2), 0);
    assert_int_equal(take(&seats, "bert", 1, 2), 102); /* another account */
    assert_int_equal(take(&seats, "anna", 1, 0), 103); /* 0: any number */
    assert_false(seats_leave(&seats, 2, first));       /* is no session of that worker's */
    assert_true(seats_leave(&seats, 1, first));
    assert_false(seats_leave(&seats, 1, first));
    assert_int_equal(take(&seats, "anna", 1, 3), 104);
    assert_int_equal(take(&seats, "anna", 1, 3), 0);
    seats_fini(&seats);
}

static void a_worker_that_dies(void **state)
{
    (void)state;
    struct seats seats;
    seats_init(&seats, 1);
    take(&seats, "anna", 1, 0);
    take(&seats, "anna", 2, 0);
    take(&seats, "anna", 1, 0);
    seats_leave_all(&seats, 1);
    assert_int_equal(take(&seats, "anna", 3, 1), 0);
    assert_int_equal(take(&seats, "anna", 3, 2), 4);
    seats_fini(&seats);
}

/* They count like those that were granted here. */
static void those_that_another_auth_granted(void **state)
{
    (void)state;
    struct seats seats;
    const struct seats_guest anna = {.account = "anna", .worker = 1, .stamp = 7};
    uint64_t all, own;
    seats_init(&seats, 100);
    assert_true(seats_add(&seats, &anna, 5));
    assert_int_equal(take(&seats, "anna", 2, 1), 0);
    assert_int_equal(take(&seats, "anna", 2, 2), 100);
    assert_int_equal(seats.count, 2);
    seats_count(&seats, "anna", 2, &all, &own);
    assert_int_equal(all, 2);
    assert_int_equal(own, 1);
    assert_int_equal(TAILQ_FIRST(&seats.list)->stamp, 7);
    assert_true(seats_leave(&seats, 1, 5));
    assert_int_equal(seats.count, 1);
    seats_fini(&seats);
}

static enum ferry_error take_one(void *ctx)
{
    struct seats seats;
    uint64_t grant;
    struct fault fault = {0};
    (void)ctx;
    seats_init(&seats, 1);
    const struct seats_guest guest = {.account = "anna", .worker = 1};
    enum ferry_error error = seats_take(&seats, &guest, 1, &grant, &fault);
    seats_fini(&seats);
    return error;
}

static void short_memory(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(take_one, NULL, 10), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_there_may_be),
        cmocka_unit_test(a_worker_that_dies),
        cmocka_unit_test(those_that_another_auth_granted),
        cmocka_unit_test(short_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
