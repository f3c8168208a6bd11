/* Rights of accounts, folder by folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "account/rights.h"
#include "base/alloc.h"

static void words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned rights;
    } rows[] = {
        {"read", RIGHT_READ},
        {"read list", RIGHTS_READ_ONLY},
        {" Read,LIST ,", RIGHTS_READ_ONLY},
        {"write", RIGHTS_WRITE},
        {"all", RIGHTS_ALL},
        {"read-only delete", RIGHTS_READ_ONLY | RIGHT_DELETE},
        {"only-drop", RIGHT_CREATE},
        {"none", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned rights = 0xdead;
        assert_int_equal(rights_parse(bytes_str(rows[i].text), &rights, NULL), FERRY_OK);
        assert_int_equal(rights, rows[i].rights);
    }
    static const char *const wrong[] = {"", " ,", "reed", "read lis", "read\nlist", "all\x1b[2J"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        unsigned rights = 0xdead;
        struct fault fault = {0};
        assert_int_equal(rights_parse(bytes_str(wrong[i]), &rights, &fault), FERRY_E_ARGUMENT);
        assert_int_equal(rights, 0xdead);
        assert_non_null(strstr(fault.advice, "only-drop"));
        assert_null(strchr(fault.what, '\x1b'));
    }
}

static void the_longest_folder_decides(void **state)
{
    (void)state;
    struct rights rights;
    rights_init(&rights);
    assert_int_equal(rights_at(&rights, "/any/thing"), RIGHTS_ALL);
    assert_int_equal(rights_add(&rights, "/", RIGHTS_READ_ONLY), FERRY_OK);
    assert_int_equal(rights_add(&rights, "/in", RIGHTS_DROP), FERRY_OK);
    assert_int_equal(rights_add(&rights, "/in/done/", RIGHTS_ALL), FERRY_OK);
    assert_int_equal(rights_add(&rights, "relative", RIGHTS_ALL), FERRY_E_ARGUMENT);
    static const struct {
        const char *path;
        unsigned rights;
    } rows[] = {
        {"/", RIGHTS_READ_ONLY},      {"/x", RIGHTS_READ_ONLY},      {"/in", RIGHTS_DROP},
        {"/in/x", RIGHTS_DROP},       {"/inside", RIGHTS_READ_ONLY}, {"/in/done", RIGHTS_ALL},
        {"/in/done/x/y", RIGHTS_ALL}, {"/in/done2", RIGHTS_DROP},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(rights_at(&rights, rows[i].path), rows[i].rights);
    rights_fini(&rights);
}

static void what_no_rule_is_for_is_forbidden(void **state)
{
    (void)state;
    struct rights rights;
    rights_init(&rights);
    assert_int_equal(rights_add(&rights, "/in", RIGHTS_ALL), FERRY_OK);
    assert_int_equal(rights_at(&rights, "/"), RIGHTS_NONE);
    assert_int_equal(rights_at(&rights, "/out/x"), RIGHTS_NONE);
    rights_fini(&rights);
}

static void limits(void **state)
{
    (void)state;
    struct rights rights;
    rights_init(&rights);
    for (unsigned i = 0; i < RIGHTS_RULES_MAX; i++)
        assert_int_equal(rights_add(&rights, "/x", i), FERRY_OK);
    assert_int_equal(rights_add(&rights, "/x", 0), FERRY_E_LIMIT);
    assert_int_equal(rights_at(&rights, "/x"), RIGHTS_RULES_MAX - 1); /* the last one counts */
    rights_fini(&rights);
    for (unsigned long nth = 1; nth <= 2; nth++) {
        alloc_fail_from(nth);
        assert_int_equal(rights_add(&rights, "/x", 0), FERRY_E_MEMORY);
        alloc_fail_from(0);
        rights_fini(&rights);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(the_longest_folder_decides),
        cmocka_unit_test(what_no_rule_is_for_is_forbidden),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
