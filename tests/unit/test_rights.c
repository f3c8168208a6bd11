/* Rights of accounts, folder by folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/rights.h"

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
        {"drop", RIGHT_CREATE},
        {"only-drop", RIGHT_CREATE},
        {"rmdir times,chmod", RIGHT_REMOVE_DIRECTORY | RIGHT_TIMES | RIGHT_MODE},
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
        assert_non_null(strstr(fault.advice, "drop"));
        assert_null(strchr(fault.what, '\x1b'));
    }
}

static void the_longest_folder_decides(void **state)
{
    (void)state;
    struct rights rights;
    rights_init(&rights);
    assert_int_equal(rights_at(&rights, "/any/thing"), RIGHTS_ALL);
    assert_int_equal(rights_add(&rights, BYTES_LIT("/"), RIGHTS_READ_ONLY, NULL), FERRY_OK);
    assert_int_equal(rights_add(&rights, BYTES_LIT("/in"), RIGHTS_DROP, NULL), FERRY_OK);
    assert_int_equal(rights_add(&rights, BYTES_LIT("/in/done/"), RIGHTS_ALL, NULL), FERRY_OK);
    assert_int_equal(rights_add(&rights, BYTES_LIT("relative"), RIGHTS_ALL, NULL),
                     FERRY_E_ARGUMENT);
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
    assert_int_equal(rights_add(&rights, BYTES_LIT("/in"), RIGHTS_ALL, NULL), FERRY_OK);
    assert_int_equal(rights_at(&rights, "/"), RIGHTS_NONE);
    assert_int_equal(rights_at(&rights, "/out/x"), RIGHTS_NONE);
    rights_fini(&rights);
}

static void rules_as_text(void **state)
{
    (void)state;
    static const char text[] = "/ = read,list\n/in=drop\n\n /work/** = all \n/in = drop mkdir\n";
    struct rights rights;
    rights_init(&rights);
    assert_int_equal(rights_add_text(&rights, bytes_str(text), NULL), FERRY_OK);
    assert_int_equal(rights_at(&rights, "/a"), RIGHTS_READ_ONLY);
    assert_int_equal(rights_at(&rights, "/in/a"), RIGHTS_DROP | RIGHT_MAKE_DIRECTORY);
    assert_int_equal(rights_at(&rights, "/work"), RIGHTS_ALL);
    assert_int_equal(rights_at(&rights, "/work/a/b"), RIGHTS_ALL);
    rights_fini(&rights);
    static const char *const wrong[] = {"/in",           "/in =",     "in = read",     "= read",
                                        "/a//b = all",   "/.. = all", "/a/./b = read", "/a* = all",
                                        "/a/**/b = all", "// = all"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct fault fault = {0};
        rights_init(&rights);
        enum ferry_error error = rights_add_text(&rights, bytes_str(wrong[i]), &fault);
        if (error != FERRY_E_ARGUMENT)
            fail_msg("%s", wrong[i]);
        rights_fini(&rights);
    }
}

static void what_lies_beneath(void **state)
{
    (void)state;
    struct rights rights;
    rights_init(&rights);
    assert_false(rights_are_for(&rights, "/"));
    assert_int_equal(rights_throughout(&rights, "/a"), RIGHTS_ALL);
    assert_int_equal(
        rights_add_text(&rights, BYTES_LIT("/ = none\n/a/in = drop\n/b/no = none\n/c = all"), NULL),
        FERRY_OK);
    static const struct {
        const char *path;
        bool leads, is_for;
        unsigned throughout;
    } rows[] = {
        {"/", true, true, RIGHTS_NONE},      {"/a", true, true, RIGHTS_NONE},
        {"/a/in", true, true, RIGHTS_DROP},  {"/a/in/x", false, false, RIGHTS_DROP},
        {"/a/i", false, false, RIGHTS_NONE}, {"/b", false, true, RIGHTS_NONE},
        {"/b/no", false, true, RIGHTS_NONE}, {"/c", true, true, RIGHTS_ALL},
        {"/c/d", false, false, RIGHTS_ALL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rights_lead_through(&rights, rows[i].path) != rows[i].leads ||
            rights_are_for(&rights, rows[i].path) != rows[i].is_for ||
            rights_throughout(&rights, rows[i].path) != rows[i].throughout)
            fail_msg("%s", rows[i].path);
    }
    rights_fini(&rights);
}

static void limits(void **state)
{
    (void)state;
    struct rights rights;
    rights_init(&rights);
    for (unsigned i = 0; i < RIGHTS_RULES_MAX; i++)
        assert_int_equal(rights_add(&rights, BYTES_LIT("/x"), i, NULL), FERRY_OK);
    assert_int_equal(rights_add(&rights, BYTES_LIT("/x"), 0, NULL), FERRY_E_LIMIT);
    assert_int_equal(rights_at(&rights, "/x"), RIGHTS_RULES_MAX - 1); /* the last one counts */
    rights_fini(&rights);
    for (unsigned long nth = 1; nth <= 2; nth++) {
        alloc_fail_from(nth);
        assert_int_equal(rights_add(&rights, BYTES_LIT("/x"), 0, NULL), FERRY_E_MEMORY);
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
        cmocka_unit_test(rules_as_text),
        cmocka_unit_test(what_lies_beneath),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
