/* Accounts: their values as text, and who gets in by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "account/account.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "support/alloc_fail.h"

#define HASH "$y$j9T$kZ5uPzVqK3n1mF7hW2xYb0$pXs1n8Ff4kbBL9h0gHqz3oO2v6r5t7uJwYcAeDiGmK1"

static void names(void **state)
{
    (void)state;
    char longest[ACCOUNT_NAME_BYTES + 1];
    memset(longest, 'x', sizeof(longest));
    const struct {
        struct bytes name;
        bool usable;
    } rows[] = {
        {BYTES_LIT("anna"), true},
        {BYTES_LIT("anna@example.org"), true},
        {BYTES_LIT("J\xc3\xb6rg"), true},
        {bytes_of(longest, ACCOUNT_NAME_BYTES), true},
        {bytes_of(longest, ACCOUNT_NAME_BYTES + 1), false},
        {BYTES_LIT(""), false},
        {BYTES_LIT("a/b"), false},
        {BYTES_LIT("a\0b"), false}, /* SEC-70 */
        {BYTES_LIT("a\nb"), false},
        {BYTES_LIT("a\x7f"), false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct account *account = NULL;
        struct fault fault = {0};
        enum ferry_error error = account_new(rows[i].name, &account, &fault);
        assert_int_equal(error, rows[i].usable ? FERRY_OK : FERRY_E_ARGUMENT);
        assert_int_equal(fault_is_set(&fault), !rows[i].usable);
        account_free(account);
    }
}

static void values(void **state)
{
    (void)state;
    static const struct {
        enum account_field field;
        const char *text;
        bool right;
    } rows[] = {
        {ACCOUNT_PASSWORD_HASH, HASH, true},
        {ACCOUNT_PASSWORD_HASH, "", true},
        {ACCOUNT_PASSWORD_HASH, "hunter2", false},
        {ACCOUNT_HOME, "/srv/anna", true},
        {ACCOUNT_HOME, "srv/anna", false},
        {ACCOUNT_USER, "www-data", true},
        {ACCOUNT_USER, "../x", false},
        {ACCOUNT_READ_ONLY, "yes", true},
        {ACCOUNT_READ_ONLY, "No", true},
        {ACCOUNT_READ_ONLY, "maybe", false},
        {ACCOUNT_UPLOADS, "in-place", true},
        {ACCOUNT_UPLOADS, "yes", false},
        {ACCOUNT_DOTFILES, "hide", true},
        {ACCOUNT_CHARSET, "windows-1252", true},
        {ACCOUNT_DISABLED, "yes", true},
        {ACCOUNT_LOGIN, "cert-and-password", true},
        {ACCOUNT_LOGIN, "certs", false},
        {ACCOUNT_CERTIFICATES, "email-is-user\ncn:Anna\n", true},
        {ACCOUNT_CERTIFICATES, "email-is-user\nname:Anna", false},
        {ACCOUNT_NETWORKS, "10.0.0.0/8\n  2001:db8::/32", true},
        {ACCOUNT_NETWORKS, "10.1.2.3/8", false},
        {ACCOUNT_NETWORKS, "10.0.0.0/8,192.0.2.0/24", false},
        {ACCOUNT_HOURS, "Mon-Fri 08:00-18:00", true},
        {ACCOUNT_HOURS, "sometimes", false},
        {ACCOUNT_EXPIRES, "2027-01-31", true},
        {ACCOUNT_EXPIRES, "2028-02-29", true},
        {ACCOUNT_EXPIRES, "2027-02-29", false},
        {ACCOUNT_EXPIRES, "2027-1-31", false},
        {ACCOUNT_EXPIRES, "2027-00-10", false},
        {ACCOUNT_EXPIRES, "2027-01-31T00:00", false},
        {ACCOUNT_SESSIONS_MAX, "3", true},
        {ACCOUNT_SESSIONS_MAX, "-3", false},
        {ACCOUNT_SESSIONS_MAX, "a few", false},
        {ACCOUNT_HOME, "/srv/\x1b[2J", false},
    };
    CLEANUP(account_drop) struct account *account = NULL;
    assert_int_equal(account_new(BYTES_LIT("anna"), &account, NULL), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fault fault = {0};
        char *before = alloc_str(account_text(account, rows[i].field));
        enum ferry_error error =
            account_set(account, rows[i].field, bytes_str(rows[i].text), &fault);
        assert_int_equal(error, rows[i].right ? FERRY_OK : FERRY_E_ARGUMENT);
        assert_int_equal(fault_is_set(&fault), !rows[i].right);
        if (!rows[i].right)
            assert_string_equal(account_text(account, rows[i].field), before);
        alloc_free(before);
    }
    assert_true(account->upload_in_place && account->hide_dotfiles && account->disabled);
    assert_int_equal(account->certificate_count, 2);
    assert_int_equal(account->network_count, 2);
    assert_int_equal(account->sessions_max, 3);
    assert_int_equal(account->expires_s, 1835481600); /* 2028-03-01 */
    assert_int_equal(account_set(account, ACCOUNT_NETWORKS, BYTES_LIT(""), NULL), FERRY_OK);
    assert_int_equal(account->network_count, 0);
}

static void too_many_networks(void **state)
{
    (void)state;
    CLEANUP(account_drop) struct account *account = NULL;
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, ACCOUNT_TEXT_BYTES);
    assert_int_equal(account_new(BYTES_LIT("anna"), &account, NULL), FERRY_OK);
    for (int i = 0; i < ACCOUNT_LIST_MAX; i++)
        assert_int_equal(buf_printf(&text, "10.0.0.%d\n", i), FERRY_OK);
    assert_int_equal(account_set(account, ACCOUNT_NETWORKS, buf_view(&text), NULL), FERRY_OK);
    assert_int_equal(buf_printf(&text, "10.0.1.0\n"), FERRY_OK);
    assert_int_equal(account_set(account, ACCOUNT_NETWORKS, buf_view(&text), NULL), FERRY_E_LIMIT);
    assert_int_equal(account->network_count, ACCOUNT_LIST_MAX);
}

static void what_an_account_lacks(void **state)
{
    (void)state;
    static const struct {
        const char *login, *home, *hash, *certificates, *lacks;
    } rows[] = {
        {"password", "/srv", HASH, "", NULL},
        {"password", "", HASH, "", "home"},
        {"password", "/srv", "", "cn-is-user", "password_hash"},
        {"cert", "/srv", HASH, "", "certificates"},
        {"cert", "/srv", "", "cn-is-user", NULL},
        {"cert-or-password", "/srv", "", "cn-is-user", NULL},
        {"cert-or-password", "/srv", "", "", "password_hash"},
        {"cert-and-password", "/srv", HASH, "", "certificates"},
        {"cert-and-password", "/srv", HASH, "cn-is-user", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(account_drop) struct account *account = NULL;
        struct fault fault = {0};
        const struct {
            enum account_field field;
            const char *text;
        } set[] = {{ACCOUNT_LOGIN, rows[i].login},
                   {ACCOUNT_HOME, rows[i].home},
                   {ACCOUNT_PASSWORD_HASH, rows[i].hash},
                   {ACCOUNT_CERTIFICATES, rows[i].certificates}};
        assert_int_equal(account_new(BYTES_LIT("anna"), &account, NULL), FERRY_OK);
        for (size_t j = 0; j < ARRAY_LEN(set); j++)
            assert_int_equal(account_set(account, set[j].field, bytes_str(set[j].text), NULL),
                             FERRY_OK);
        enum ferry_error error = account_check(account, &fault);
        assert_int_equal(error, rows[i].lacks ? FERRY_E_ARGUMENT : FERRY_OK);
        if (rows[i].lacks)
            assert_non_null(strstr(fault.what, rows[i].lacks));
    }
}

static void when_and_from_where(void **state)
{
    (void)state;
    static const struct {
        enum account_field field;
        const char *text;
        struct account_time now;
        const char *peer;
        enum account_bar bar;
    } rows[] = {
        {ACCOUNT_READ_ONLY, "no", {0, 0, 0}, "192.0.2.1", ACCOUNT_FREE},
        {ACCOUNT_DISABLED, "yes", {0, 0, 0}, "192.0.2.1", ACCOUNT_IS_DISABLED},
        {ACCOUNT_EXPIRES, "1970-01-02", {172799, 0, 0}, "192.0.2.1", ACCOUNT_FREE},
        {ACCOUNT_EXPIRES, "1970-01-02", {172800, 0, 0}, "192.0.2.1", ACCOUNT_HAS_EXPIRED},
        {ACCOUNT_HOURS, "Mon 08:00-09:00", {0, 1, 8 * 60}, "192.0.2.1", ACCOUNT_FREE},
        {ACCOUNT_HOURS, "Mon 08:00-09:00", {0, 1, 9 * 60}, "192.0.2.1", ACCOUNT_BAD_HOUR},
        {ACCOUNT_NETWORKS, "192.0.2.0/24", {0, 0, 0}, "192.0.2.1", ACCOUNT_FREE},
        {ACCOUNT_NETWORKS, "192.0.2.0/24", {0, 0, 0}, "192.0.3.1", ACCOUNT_BAD_NETWORK},
        {ACCOUNT_NETWORKS, "0.0.0.0/0", {0, 0, 0}, "2001:db8::1", ACCOUNT_BAD_NETWORK},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(account_drop) struct account *account = NULL;
        struct address peer;
        assert_int_equal(account_new(BYTES_LIT("anna"), &account, NULL), FERRY_OK);
        assert_int_equal(account_set(account, rows[i].field, bytes_str(rows[i].text), NULL),
                         FERRY_OK);
        assert_int_equal(address_parse(rows[i].peer, 0, &peer), FERRY_OK);
        assert_int_equal(account_bar(account, &rows[i].now, &peer), rows[i].bar);
        assert_true(account_bar_words(rows[i].bar)[0]);
    }
}

/* TLS-82, TLS-84: the certificate of one is not that of another. */
static void whose_certificate(void **state)
{
    (void)state;
    static const struct tls_identity anna = {.common_name = "anna"};
    static const struct {
        const char *name, *rules;
        bool fits;
    } rows[] = {
        {"anna", "cn-is-user", true}, {"bob", "cn-is-user", false},      {"bob", "cn:anna", true},
        {"anna", "", false},          {"anna", "cn:bob\ncn:anna", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(account_drop) struct account *account = NULL;
        assert_int_equal(account_new(bytes_str(rows[i].name), &account, NULL), FERRY_OK);
        assert_int_equal(account_set(account, ACCOUNT_CERTIFICATES, bytes_str(rows[i].rules), NULL),
                         FERRY_OK);
        assert_int_equal(account_certificate_fits(account, &anna), rows[i].fits);
        assert_false(account_certificate_fits(account, NULL));
    }
}

static enum ferry_error set_all(void *ctx)
{
    CLEANUP(account_drop) struct account *account = NULL;
    struct fault fault = {0};
    (void)ctx;
    enum ferry_error error = account_new(BYTES_LIT("anna"), &account, &fault);
    if (error == FERRY_OK)
        error = account_set(account, ACCOUNT_CERTIFICATES, BYTES_LIT("cn:a\ncn:b"), &fault);
    if (error == FERRY_OK)
        error = account_set(account, ACCOUNT_NETWORKS, BYTES_LIT("10.0.0.0/8"), &fault);
    return error;
}

static void short_memory(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(set_all, NULL, 100) >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(values),
        cmocka_unit_test(too_many_networks),
        cmocka_unit_test(what_an_account_lacks),
        cmocka_unit_test(when_and_from_where),
        cmocka_unit_test(whose_certificate),
        cmocka_unit_test(short_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
