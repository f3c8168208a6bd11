/* Accounts that are put together from what a directory or a database has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ferryd/directory/draft.h"
#include "support/alloc_fail.h"

struct value {
    unsigned target;
    const char *text;
};

/* The account of values, "anna"'s, NULL if it is none; `error` is what the first failure was. */
static struct account *made(const struct value *values, size_t count,
                            const struct draft_rules *rules, enum ferry_error *error)
{
    struct account *account = NULL;
    CLEANUP(draft_fini) struct draft draft;
    *error = draft_init(&draft, BYTES_LIT("anna"), NULL);
    for (size_t i = 0; i < count && *error == FERRY_OK; i++)
        *error = draft_put(&draft, values[i].target, bytes_str(values[i].text), NULL);
    if (*error == FERRY_OK)
        *error = draft_finish(&draft, rules, &account, NULL);
    return account;
}

static const struct conf_texts no_defaults;
static const struct draft_rules plain = {.defaults = &no_defaults, .uid_min = 1000};

static void values_become_fields(void **state)
{
    (void)state;
    static const struct value values[] = {
        {ACCOUNT_HOME, "/srv/anna"},
        {ACCOUNT_DISABLED, "TRUE"},
        {ACCOUNT_READ_ONLY, "f"},
        {ACCOUNT_NETWORKS, "10.0.0.0/8"},
        {ACCOUNT_NETWORKS, "192.0.2.0/24"},
        {ACCOUNT_QUOTA, ""},
        {ACCOUNT_EXPIRES, "20849"},
        {DRAFT_UID, "1001"},
        {DRAFT_GID, "1000"},
        {DRAFT_NAME, "anna"},
    };
    enum ferry_error error;
    CLEANUP(account_drop) struct account *account = made(values, ARRAY_LEN(values), &plain, &error);
    assert_int_equal(error, FERRY_OK);
    assert_non_null(account);
    assert_true(account->disabled);
    assert_false(account->read_only);
    assert_int_equal(account->network_count, 2);
    assert_string_equal(account_text(account, ACCOUNT_EXPIRES), "2027-01-30"); /* the last day */
    assert_string_equal(account_text(account, ACCOUNT_USER), "1001:1000");
}

static void what_is_wrong_with_a_value_is_no_account(void **state)
{
    (void)state;
    static const struct value rows[][2] = {
        {{ACCOUNT_HOME, "/a"}, {ACCOUNT_HOME, "/b"}},
        {{ACCOUNT_HOME, "srv"}},
        {{ACCOUNT_HOME, "/a\n/b"}},
        {{ACCOUNT_HOME, "/a"}, {ACCOUNT_QUOTA, "much"}},
        {{ACCOUNT_HOME, "/a"}, {ACCOUNT_DISABLED, "perhaps"}},
        {{ACCOUNT_HOME, "/a"}, {ACCOUNT_EXPIRES, "20270131235959Z"}},
        {{ACCOUNT_HOME, "/a"}, {DRAFT_UID, "1001"}},
        {{DRAFT_UID, "-1"}, {DRAFT_GID, "1000"}},
        {{DRAFT_UID, "4294967295"}, {DRAFT_GID, "1000"}},
        {{ACCOUNT_CERTIFICATES, "nonsense"}},
        {{ACCOUNT_QUOTA, "1"}}, /* no home */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum ferry_error error;
        assert_null(made(rows[i], rows[i][1].text ? 2 : 1, &plain, &error));
        assert_int_equal(error, FERRY_E_ARGUMENT);
    }
}

static void ids_of_the_system_are_nobodys(void **state)
{
    (void)state;
    static const struct value rows[][3] = {
        {{ACCOUNT_HOME, "/a"}, {DRAFT_UID, "0"}, {DRAFT_GID, "1000"}},
        {{ACCOUNT_HOME, "/a"}, {DRAFT_UID, "1000"}, {DRAFT_GID, "0"}},
        {{ACCOUNT_HOME, "/a"}, {DRAFT_UID, "999"}, {DRAFT_GID, "1000"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum ferry_error error;
        assert_null(made(rows[i], 3, &plain, &error));
        assert_int_equal(error, FERRY_E_ARGUMENT);
    }
}

static void another_name_is_another_account(void **state)
{
    (void)state;
    static const struct {
        struct value values[3];
        bool found;
    } rows[] = {
        {{{ACCOUNT_HOME, "/a"}, {DRAFT_NAME, "Anna"}, {DRAFT_NAME, "anna"}}, true},
        {{{ACCOUNT_HOME, "/a"}, {DRAFT_NAME, "anna"}, {DRAFT_NAME, "berta"}}, true},
        {{{ACCOUNT_HOME, "/a"}, {DRAFT_NAME, "Anna"}, {DRAFT_NAME, "anna "}}, false},
        {{{ACCOUNT_HOME, "/a"}, {ACCOUNT_QUOTA, "1"}, {DRAFT_NAME, "ANNA"}}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum ferry_error error;
        CLEANUP(account_drop) struct account *account = made(rows[i].values, 3, &plain, &error);
        assert_int_equal(error, FERRY_OK);
        assert_int_equal(account != NULL, rows[i].found);
    }
}

static void defaults_hold_where_nothing_came(void **state)
{
    (void)state;
    static char home[] = "home=/srv/%u/100%%", quota[] = "quota=10", one[] = "networks=10.0.0.0/8",
                two[] = "networks=192.0.2.0/24", uid[] = "uid=2000", gid[] = "gid=2001";
    char *list[] = {home, quota, one, two, uid, gid};
    const struct conf_texts defaults = {list, ARRAY_LEN(list)};
    const struct draft_rules rules = {.defaults = &defaults, .uid_min = 1000};
    static const struct value values[] = {{ACCOUNT_QUOTA, "20"}, {DRAFT_UID, "3000"}};
    enum ferry_error error;
    CLEANUP(account_drop) struct account *account = made(values, 2, &rules, &error);
    assert_int_equal(error, FERRY_OK);
    assert_string_equal(account_text(account, ACCOUNT_HOME), "/srv/anna/100%");
    assert_int_equal(account->quota_bytes, 20);
    assert_int_equal(account->network_count, 2);
    assert_string_equal(account_text(account, ACCOUNT_USER), "3000:2001");
}

static void a_certificate_is_its_hash(void **state)
{
    (void)state;
    CLEANUP(draft_fini) struct draft draft;
    assert_int_equal(draft_init(&draft, BYTES_LIT("anna"), NULL), FERRY_OK);
    assert_int_equal(draft_put(&draft, ACCOUNT_CERTIFICATES, BYTES_LIT("\x30\x82\x00\x01"), NULL),
                     FERRY_OK);
    assert_int_equal(draft_put(&draft, ACCOUNT_CERTIFICATES, BYTES_LIT("cn:anna"), NULL), FERRY_OK);
    assert_int_equal(draft.account->certificate_count, 2);
    assert_non_null(strstr(account_text(draft.account, ACCOUNT_CERTIFICATES), "fingerprint:"));
}

static void names_that_are_none(void **state)
{
    (void)state;
    static const struct {
        struct bytes name;
        bool usable;
    } rows[] = {
        {BYTES_LIT("anna"), true},  {BYTES_LIT("a b\xc3\xa4'"), true}, {BYTES_LIT("..."), true},
        {BYTES_LIT(""), false},     {BYTES_LIT("."), false},           {BYTES_LIT(".."), false},
        {BYTES_LIT("a/b"), false},  {BYTES_LIT("a\nb"), false},        {BYTES_LIT("a\0b"), false},
        {BYTES_LIT("\xff"), false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(draft_name_is_usable(rows[i].name), rows[i].usable);
}

static enum ferry_error make_one(void *ctx)
{
    (void)ctx;
    static const struct value values[] = {{ACCOUNT_HOME, "/srv/anna"},
                                          {ACCOUNT_NETWORKS, "10.0.0.0/8"},
                                          {ACCOUNT_NETWORKS, "192.0.2.0/24"},
                                          {DRAFT_UID, "1001"},
                                          {DRAFT_GID, "1001"}};
    enum ferry_error error;
    struct account *account = made(values, ARRAY_LEN(values), &plain, &error);
    account_drop(&account);
    return error;
}

static void memory_may_be_short_at_any_point(void **state)
{
    (void)state;
    alloc_fail_each(make_one, NULL, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_fields),
        cmocka_unit_test(what_is_wrong_with_a_value_is_no_account),
        cmocka_unit_test(ids_of_the_system_are_nobodys),
        cmocka_unit_test(another_name_is_another_account),
        cmocka_unit_test(defaults_hold_where_nothing_came),
        cmocka_unit_test(a_certificate_is_its_hash),
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(memory_may_be_short_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
