/* store/namelist: order, caps, memory (LST-85). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/namelist.h"
#include "support/alloc_fail.h"

/* In the order of their bytes. */
static const char *const names[] = {
    "\x01",
    " ",
    "-rf",
    "10", /* not by number */
    "9",
    "Z", /* capitals first */
    "a", /* before those that begin with it */
    "a\n",
    "a b",
    "ab",
    "az",
    "a\xcc\x88", /* an umlaut of two code points */
    "b",
    "\x7f",
    "\xc3\xa4",         /* the same umlaut as one */
    "\xef\xbd\x9e",     /* U+FF5E */
    "\xf0\x9f\x98\x80", /* U+1F600, before U+FF5E in UTF-16 */
    "\xfe",             /* no UTF-8 */
    "\xff",
};

static void lst_85_names_come_in_the_order_of_their_bytes(void **state)
{
    (void)state;
    enum { COUNT = ARRAY_LEN(names) };
    for (size_t step = 1; step < COUNT; step++) { /* COUNT is a prime: each step meets them all */
        struct namelist list;
        namelist_init(&list, COUNT, 1024);
        for (size_t i = 1; i <= COUNT; i++)
            assert_int_equal(namelist_add(&list, names[i * step % COUNT]), FERRY_OK);
        assert_int_equal(namelist_sort(&list), FERRY_OK);
        for (size_t i = 0; i < COUNT; i++)
            assert_string_equal(namelist_next(&list), names[i]);
        assert_null(namelist_next(&list));
        assert_null(namelist_next(&list));
        namelist_fini(&list);
    }
}

static void caps_are_exact_and_nothing_is_added_beyond(void **state)
{
    static const struct {
        size_t max_count, max_bytes;
        size_t taken; /* of "aaa", "bbb", "ccc", ... */
    } cases[] = {
        {0, 100, 0}, {3, 100, 3}, {100, 12, 3}, {100, 11, 2}, {100, 15, 3}, {100, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct namelist list;
        namelist_init(&list, cases[i].max_count, cases[i].max_bytes);
        for (size_t j = 0; j < 10; j++) {
            char letter = (char)('a' + j);
            const char name[] = {letter, letter, letter, '\0'};
            assert_int_equal(namelist_add(&list, name),
                             j < cases[i].taken ? FERRY_OK : FERRY_E_LIMIT);
        }
        assert_int_equal(namelist_sort(&list), FERRY_OK);
        for (size_t j = 0; j < cases[i].taken; j++)
            assert_int_equal(namelist_next(&list)[0], 'a' + (char)j);
        assert_null(namelist_next(&list));
        namelist_fini(&list);
    }
}

static void list_may_be_used_again(void **state)
{
    (void)state;
    struct namelist list;
    namelist_init(&list, 2, 100);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(namelist_add(&list, "b"), FERRY_OK);
        assert_int_equal(namelist_add(&list, "a"), FERRY_OK);
        assert_int_equal(namelist_add(&list, "c"), FERRY_E_LIMIT);
        assert_int_equal(namelist_sort(&list), FERRY_OK);
        assert_string_equal(namelist_next(&list), "a");
        namelist_fini(&list);
        assert_null(namelist_next(&list));
    }
}

static enum ferry_error fill_and_sort(void *ctx)
{
    (void)ctx;
    struct namelist list;
    namelist_init(&list, 1000, 100000);
    enum ferry_error error = FERRY_OK;
    for (int i = 999; i >= 0 && error == FERRY_OK; i--) {
        char name[16];
        snprintf(name, sizeof(name), "%03d", i);
        error = namelist_add(&list, name);
    }
    if (error == FERRY_OK)
        error = namelist_sort(&list);
    const char *first = namelist_next(&list);
    if (error == FERRY_OK)
        assert_string_equal(first, "000");
    else
        assert_null(first);
    namelist_fini(&list);
    return error;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(fill_and_sort, NULL, 20), 8); /* 64 to 4096 bytes, the order */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lst_85_names_come_in_the_order_of_their_bytes),
        cmocka_unit_test(caps_are_exact_and_nothing_is_added_beyond),
        cmocka_unit_test(list_may_be_used_again),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests_name("store/namelist", tests, NULL, NULL);
}
