/* base/buf: order, cap, growth, failing memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "support/alloc_fail.h"

static void assert_holds(const struct buf *buf, const char *expected)
{
    struct bytes view = buf_view(buf);
    assert_int_equal(view.len, strlen(expected));
    if (view.len > 0)
        assert_memory_equal(view.ptr, expected, view.len);
}

static void new_one_is_empty(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    assert_int_equal(buf_len(&buf), 0);
    assert_int_equal(buf_room(&buf), 10);
    assert_int_equal(buf_view(&buf).len, 0);
    buf_fini(&buf);
}

static void appends_and_consumes_in_order(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf buf;
    buf_init(&buf, 100);
    assert_int_equal(buf_append(&buf, BYTES_LIT("one ")), FERRY_OK);
    assert_int_equal(buf_append(&buf, bytes_str(NULL)), FERRY_OK);
    assert_int_equal(buf_printf(&buf, "%s %d", "two", 3), FERRY_OK);
    assert_holds(&buf, "one two 3");
    buf_consume(&buf, 4);
    assert_holds(&buf, "two 3");
    buf_consume(&buf, 99);
    assert_holds(&buf, "");
}

static void cap_is_exact_and_a_failure_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf buf;
    buf_init(&buf, 5);
    assert_int_equal(buf_append(&buf, BYTES_LIT("123456")), FERRY_E_LIMIT);
    assert_int_equal(buf_append(&buf, BYTES_LIT("1234")), FERRY_OK);
    assert_int_equal(buf_printf(&buf, "%d", 56), FERRY_E_LIMIT);
    assert_holds(&buf, "1234");
    assert_int_equal(buf_printf(&buf, "%d", 5), FERRY_OK);
    assert_int_equal(buf_append(&buf, BYTES_LIT("6")), FERRY_E_LIMIT);
    assert_int_equal(buf_append(&buf, BYTES_LIT("")), FERRY_OK);
    assert_holds(&buf, "12345");
    assert_int_equal(buf_room(&buf), 0);

    /* What was consumed is room again. */
    buf_consume(&buf, 2);
    assert_int_equal(buf_append(&buf, BYTES_LIT("67")), FERRY_OK);
    assert_holds(&buf, "34567");
}

static void cap_of_zero_takes_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf buf;
    buf_init(&buf, 0);
    char *space;
    assert_int_equal(buf_append(&buf, BYTES_LIT("1")), FERRY_E_LIMIT);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX, &space), FERRY_E_LIMIT);
    assert_int_equal(buf_printf(&buf, "%s", ""), FERRY_OK);
    assert_holds(&buf, "");
}

static void reserve_gives_space_and_commit_takes_it(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf buf;
    buf_init(&buf, 1000);
    char *space;
    assert_int_equal(buf_reserve(&buf, 1000, &space), FERRY_OK);
    memset(space, 'x', 1000);
    assert_int_equal(buf_len(&buf), 0);
    buf_commit(&buf, 3);
    assert_holds(&buf, "xxx");
    assert_int_equal(buf_reserve(&buf, 998, &space), FERRY_E_LIMIT);
}

/* A queue that is always nearly full, every length of step, against a plain model of it. */
static void stays_right_when_kept_full(void **state)
{
    (void)state;
    enum { CAP = 300 };
    for (size_t step = 1; step <= 70; step++) {
        CLEANUP(buf_fini) struct buf buf;
        buf_init(&buf, CAP);
        unsigned char next_in = 0, next_out = 0;
        for (int turn = 0; turn < 200; turn++) {
            while (buf_room(&buf) >= step) {
                char *space;
                assert_int_equal(buf_reserve(&buf, step, &space), FERRY_OK);
                for (size_t i = 0; i < step; i++)
                    space[i] = (char)next_in++;
                buf_commit(&buf, step);
            }
            struct bytes out = bytes_first(buf_view(&buf), step + 1);
            for (size_t i = 0; i < out.len; i++)
                assert_int_equal((unsigned char)out.ptr[i], next_out++);
            buf_consume(&buf, out.len);
            assert_true(buf.capacity <= 2 * CAP);
        }
    }
}

static void emptied_one_holds_no_memory(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    assert_int_equal(buf_append(&buf, BYTES_LIT("abc")), FERRY_OK);
    buf_consume(&buf, 3);
    assert_null(buf.data);

    /* Nothing to free here: the leak sanitizer would say so. */
    assert_int_equal(buf_append(&buf, BYTES_LIT("abc")), FERRY_OK);
    buf_wipe(&buf);
    assert_null(buf.data);
    assert_int_equal(buf_room(&buf), 100);
}

static enum ferry_error fill(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf buf;
    buf_init(&buf, 10000);
    size_t whole = 0;
    for (int i = 0; i < 100; i++) {
        enum ferry_error error = buf_printf(&buf, "%050d", i);
        if (error != FERRY_OK) {
            assert_int_equal(buf_len(&buf), whole);
            return error;
        }
        whole += 50;
    }
    return FERRY_OK;
}

static void failing_memory_is_reported_and_changes_nothing(void **state)
{
    (void)state;
    unsigned long allocations = alloc_fail_each(fill, NULL, 50);
    assert_in_range(allocations, 2, 10); /* it grows by doubling */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_one_is_empty),
        cmocka_unit_test(appends_and_consumes_in_order),
        cmocka_unit_test(cap_is_exact_and_a_failure_changes_nothing),
        cmocka_unit_test(cap_of_zero_takes_nothing),
        cmocka_unit_test(reserve_gives_space_and_commit_takes_it),
        cmocka_unit_test(stays_right_when_kept_full),
        cmocka_unit_test(emptied_one_holds_no_memory),
        cmocka_unit_test(failing_memory_is_reported_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
