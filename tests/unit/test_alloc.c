/* base/alloc: copies, failures on demand, pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/compiler.h"
#include "support/alloc_fail.h"

static void zero_is_zeroed(void **state)
{
    (void)state;
    unsigned char *memory = alloc_zero(64);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(memory[i], 0);
    alloc_free(memory);
}

static void resize_refuses_overflow_and_keeps_the_old(void **state)
{
    (void)state;
    char *memory = alloc_resize(NULL, 4, 1);
    memory[3] = 'x';
    assert_null(alloc_resize(memory, SIZE_MAX / 2, 3));
    assert_int_equal(memory[3], 'x');
    alloc_free(memory);
}

static void copies_are_terminated(void **state)
{
    (void)state;
    CLEANUP(alloc_free_str) char *text = alloc_str("ferry");
    CLEANUP(alloc_free_str) char *part = alloc_bytes(bytes_of("ferry", 2));
    CLEANUP(alloc_free_str) char *empty = alloc_bytes(bytes_str(NULL));
    assert_string_equal(text, "ferry");
    assert_string_equal(part, "fe");
    assert_string_equal(empty, "");
}

static void pages_are_zeroed_and_writable(void **state)
{
    (void)state;
    char *pages = alloc_pages(5000);
    assert_non_null(pages);
    assert_int_equal(pages[4999], 0);
    pages[4999] = 1;
    alloc_free_pages(pages, 5000);
    alloc_free_pages(NULL, 5000);
}

static void fails_from_the_nth_on(void **state)
{
    (void)state;
    alloc_fail_from(2);
    CLEANUP(alloc_free_str) char *first = alloc_str("a");
    CLEANUP(alloc_free_str) char *second = alloc_str("b");
    void *third = alloc_zero(1);
    void *fourth = alloc_pages(1);
    unsigned long asked = alloc_count();
    alloc_fail_from(0);

    assert_non_null(first);
    assert_null(second);
    assert_null(third);
    assert_null(fourth);
    assert_int_equal(asked, 4);

    CLEANUP(alloc_free_str) char *after = alloc_str("c");
    assert_non_null(after);
}

static enum ferry_error two_strings(void *ctx)
{
    int *runs = ctx;
    ++*runs;
    CLEANUP(alloc_free_str) char *first = alloc_str("a");
    if (!first)
        return FERRY_E_MEMORY;
    CLEANUP(alloc_free_str) char *second = alloc_str("b");
    return second ? FERRY_OK : FERRY_E_MEMORY;
}

static void helper_fails_each_allocation_once(void **state)
{
    (void)state;
    int runs = 0;
    assert_int_equal(alloc_fail_each(two_strings, &runs, 10), 2);
    assert_int_equal(runs, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_zeroed),
        cmocka_unit_test(resize_refuses_overflow_and_keeps_the_old),
        cmocka_unit_test(copies_are_terminated),
        cmocka_unit_test(pages_are_zeroed_and_writable),
        cmocka_unit_test(fails_from_the_nth_on),
        cmocka_unit_test(helper_fails_each_allocation_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
