/* The quotas of the accounts whose files a process serves (SEC-39). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ferryd/files/quotas.h"

static struct quotas quotas;

static int setup(void **state)
{
    (void)state;
    quotas_init(&quotas);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    quotas_fini(&quotas);
    return 0;
}

static void one_for_all_sessions_of_an_account(void **state)
{
    (void)state;
    struct quota *anna = quotas_find(&quotas, BYTES_LIT("anna"), "/srv/a", "", 100, 0);
    assert_non_null(anna);
    assert_true(quota_take(anna, 60, 1));
    assert_ptr_equal(quotas_find(&quotas, BYTES_LIT("anna"), "/srv/a", "", 100, 0), anna);
    assert_int_equal(quota_bytes_left(anna), 40);
    /* Another limit holds at once, for sessions that there are, too. */
    assert_ptr_equal(quotas_find(&quotas, BYTES_LIT("anna"), "/srv/a", "", 50, 0), anna);
    assert_int_equal(quota_bytes_left(anna), 0);
}

static void others_have_their_own(void **state)
{
    (void)state;
    struct quota *anna = quotas_find(&quotas, BYTES_LIT("anna"), "/srv/a", "", 100, 0);
    struct quota *others[] = {
        quotas_find(&quotas, BYTES_LIT("bert"), "/srv/a", "", 100, 0),
        quotas_find(&quotas, BYTES_LIT("anna"), "/srv/b", "", 100, 0),
        quotas_find(&quotas, BYTES_LIT("anna"), "/srv/a", "/s = /srv/s", 100, 0),
    };
    assert_true(quota_take(anna, 100, 0));
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_ptr_not_equal(others[i], anna);
        assert_int_equal(quota_bytes_left(others[i]), 100);
    }
}

static void memory_is_short(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth <= 5; nth++) {
        alloc_fail_from(nth);
        assert_null(quotas_find(&quotas, BYTES_LIT("anna"), "/srv/a", "/s = /srv/s", 100, 0));
        alloc_fail_from(0);
    }
    assert_non_null(quotas_find(&quotas, BYTES_LIT("anna"), "/srv/a", "/s = /srv/s", 100, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_for_all_sessions_of_an_account),
        TEST(others_have_their_own),
        TEST(memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
