/* What accounts have of groups and templates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "account/account.h"
#include "base/alloc.h"

static struct account *make(const char *name)
{
    struct account *account = NULL;
    assert_int_equal(account_new(bytes_str(name), &account, NULL), FERRY_OK);
    return account;
}

static void set(struct account *account, enum account_field field, const char *text)
{
    struct fault fault = {0};
    if (account_set(account, field, bytes_str(text), &fault) != FERRY_OK)
        fail_msg("%s: %s", text, fault.what);
}

static void a_value_of_its_own_counts(void **state)
{
    (void)state;
    CLEANUP(account_drop) struct account *anna = make("anna");
    CLEANUP(account_drop) struct account *group = make("staff");
    set(anna, ACCOUNT_QUOTA, "1M");
    set(anna, ACCOUNT_READ_ONLY, "no");
    set(group, ACCOUNT_QUOTA, "2M");
    set(group, ACCOUNT_READ_ONLY, "yes");
    set(group, ACCOUNT_HOME, "/srv/staff");
    set(group, ACCOUNT_NETWORKS, "192.0.2.0/24");
    assert_int_equal(account_inherit(anna, group, NULL), FERRY_OK);
    assert_int_equal(anna->quota_bytes, 1 << 20);
    assert_false(anna->read_only);
    assert_string_equal(account_text(anna, ACCOUNT_HOME), "/srv/staff");
    assert_int_equal(anna->network_count, 1);
}

static void what_only_an_account_has(void **state)
{
    (void)state;
    CLEANUP(account_drop) struct account *anna = make("anna");
    CLEANUP(account_drop) struct account *group = make("staff");
    set(group, ACCOUNT_GROUP, "others");
    set(group, ACCOUNT_TEMPLATE, "others");
    assert_int_equal(account_inherit(anna, group, NULL), FERRY_OK);
    assert_string_equal(account_text(anna, ACCOUNT_GROUP), "");
    assert_string_equal(account_text(anna, ACCOUNT_TEMPLATE), "");
    assert_false(account_field_is_shared(ACCOUNT_PASSWORD_HASH));
}

static void rights_and_roots_add_up(void **state)
{
    (void)state;
    CLEANUP(account_drop) struct account *anna = make("anna");
    CLEANUP(account_drop) struct account *first = make("first");
    CLEANUP(account_drop) struct account *second = make("second");
    set(anna, ACCOUNT_RIGHTS, "/own = all");
    set(anna, ACCOUNT_ROOTS, "/a = /srv/own");
    set(first, ACCOUNT_RIGHTS, "/first = read");
    set(first, ACCOUNT_ROOTS, "/a=/srv/first\n/b = /srv/first");
    set(second, ACCOUNT_RIGHTS, "/second = list");
    set(second, ACCOUNT_ROOTS, "/b = /srv/second\n/c = /srv/second");
    assert_int_equal(account_inherit(anna, first, NULL), FERRY_OK);
    assert_int_equal(account_inherit(anna, second, NULL), FERRY_OK);
    assert_string_equal(account_text(anna, ACCOUNT_RIGHTS),
                        "/second = list\n/first = read\n/own = all");
    assert_string_equal(account_text(anna, ACCOUNT_ROOTS),
                        "/c = /srv/second\n/b = /srv/first\n/a = /srv/own");
}

static void values_that_are_none(void **state)
{
    static const struct {
        enum account_field field;
        const char *text;
    } rows[] = {
        {ACCOUNT_RIGHTS, "/in"},         {ACCOUNT_RIGHTS, "/in = reed"},
        {ACCOUNT_RIGHTS, "in = read"},   {ACCOUNT_ROOTS, "/shared"},
        {ACCOUNT_ROOTS, "/ = /srv"},     {ACCOUNT_ROOTS, "/a = srv"},
        {ACCOUNT_ROOTS, "/a/../b = /b"}, {ACCOUNT_GROUP, "a/b"},
        {ACCOUNT_TEMPLATE, "a/b"},
    };
    (void)state;
    CLEANUP(account_drop) struct account *anna = make("anna");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fault fault = {0};
        if (account_set(anna, rows[i].field, bytes_str(rows[i].text), &fault) != FERRY_E_ARGUMENT)
            fail_msg("%s", rows[i].text);
        assert_true(fault_is_set(&fault));
    }
    char many[ACCOUNT_GROUPS_MAX * 3 + 8] = "";
    for (int i = 0; i <= ACCOUNT_GROUPS_MAX; i++)
        strcat(many, "a\n");
    assert_int_equal(account_set(anna, ACCOUNT_GROUP, bytes_str(many), NULL), FERRY_E_LIMIT);
}

static void nobody_in_particular(void **state)
{
    static const struct {
        const char *rights, *read_only;
        bool fit;
    } rows[] = {
        {"", "yes", true},
        {"", "no", false},
        {"/ = read-only\n/in = drop", "no", true},
        {"/ = list\n/in = none", "no", true},
        {"/ = read-only\n/in = create list", "no", false},
        {"/ = all", "no", false},
        {"/ = all", "yes", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(account_drop) struct account *anonymous = make("anonymous");
        set(anonymous, ACCOUNT_HOME, "/srv");
        set(anonymous, ACCOUNT_LOGIN, "anonymous");
        set(anonymous, ACCOUNT_RIGHTS, rows[i].rights);
        set(anonymous, ACCOUNT_READ_ONLY, rows[i].read_only);
        struct fault fault = {0};
        assert_int_equal(account_check(anonymous, &fault) == FERRY_OK, rows[i].fit);
    }
}

static void copies(void **state)
{
    (void)state;
    CLEANUP(account_drop) struct account *anna = make("anna");
    struct account *copy = NULL;
    set(anna, ACCOUNT_HOME, "/srv/anna");
    set(anna, ACCOUNT_RIGHTS, "/ = read");
    assert_int_equal(account_copy(anna, &copy, NULL), FERRY_OK);
    assert_string_equal(account_text(copy, ACCOUNT_RIGHTS), "/ = read");
    account_drop(&copy);
    for (unsigned long nth = 1; nth <= 4; nth++) {
        alloc_fail_from(nth);
        assert_int_equal(account_copy(anna, &copy, NULL), FERRY_E_MEMORY);
        alloc_fail_from(0);
        assert_null(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_of_its_own_counts), cmocka_unit_test(what_only_an_account_has),
        cmocka_unit_test(rights_and_roots_add_up),   cmocka_unit_test(values_that_are_none),
        cmocka_unit_test(nobody_in_particular),      cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
