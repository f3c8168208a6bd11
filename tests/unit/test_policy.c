/* tls/policy: names of policies and versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls/describe.h"
#include "tls/policy.h"

static void policies_are_found_by_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        bool found;
        enum tls_policy_name name;
    } cases[] = {
        {"default", true, TLS_POLICY_DEFAULT},
        {"modern", true, TLS_POLICY_MODERN},
        {"legacy", true, TLS_POLICY_LEGACY},
        {"", false, 0},
        {"Default", false, 0},
        {"defaul", false, 0},
        {"legacy ", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum tls_policy_name name = TLS_POLICY_DEFAULT;
        assert_int_equal(tls_policy_find(bytes_str(cases[i].word), &name), cases[i].found);
        if (cases[i].found) {
            assert_int_equal(name, cases[i].name);
            assert_string_equal(tls_policy(name)->name, cases[i].word);
        }
    }
}

static void versions_are_found_by_number_and_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        bool found;
        enum tls_version version;
    } cases[] = {
        {"1.0", true, TLS_VERSION_1_0},
        {"1.1", true, TLS_VERSION_1_1},
        {"1.2", true, TLS_VERSION_1_2},
        {"1.3", true, TLS_VERSION_1_3},
        {"TLSv1.2", true, TLS_VERSION_1_2},
        {"tlsv1.3", true, TLS_VERSION_1_3},
        {"TLSv1.0", true, TLS_VERSION_1_0},
        {"", false, 0},
        {"TLSv", false, 0},
        {"1", false, 0},
        {"1.4", false, 0},
        {"SSLv3", false, 0},
        {"1.2 ", false, 0},
        {"TLSv1.2.1", false, 0},
        {"TLSvTLSv1.2", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum tls_version version = TLS_VERSION_ANY;
        assert_int_equal(tls_version_find(bytes_str(cases[i].word), &version), cases[i].found);
        assert_int_equal(version, cases[i].found ? cases[i].version : TLS_VERSION_ANY);
    }
}

static void every_version_name_is_found_again(void **state)
{
    (void)state;
    for (enum tls_version version = TLS_VERSION_1_0; version <= TLS_VERSION_1_3; version++) {
        enum tls_version found = TLS_VERSION_ANY;
        assert_true(tls_version_find(bytes_str(tls_version_name(version)), &found));
        assert_int_equal(found, version);
    }
}

/* TLS-200 and section 15: which words may not occur in which policy. */
static void tls_200_weak_ciphers_are_in_no_policy(void **state)
{
    (void)state;
    static const char *const never[] = {"NULL", "RC4", "DES", "EXP", "MD5", "aNULL", "ADH", "PSK"};
    static const char *const legacy_only[] = {"DHE-RSA-AES128-SHA", ":AES128", "SECLEVEL=0"};
    for (enum tls_policy_name name = TLS_POLICY_DEFAULT; name <= TLS_POLICY_LEGACY; name++) {
        const struct tls_policy *policy = tls_policy(name);
        for (size_t i = 0; i < ARRAY_LEN(never); i++)
            assert_null(strstr(policy->ciphers_1_2, never[i]));
        for (size_t i = 0; i < ARRAY_LEN(legacy_only) && name != TLS_POLICY_LEGACY; i++)
            assert_null(strstr(policy->ciphers_1_2, legacy_only[i]));
        assert_true(policy->min <= policy->max);
    }
    assert_int_equal(tls_policy(TLS_POLICY_DEFAULT)->min, TLS_VERSION_1_2);
    assert_int_equal(tls_policy(TLS_POLICY_MODERN)->min, TLS_VERSION_1_3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_found_by_their_names),
        cmocka_unit_test(versions_are_found_by_number_and_by_name),
        cmocka_unit_test(every_version_name_is_found_again),
        cmocka_unit_test(tls_200_weak_ciphers_are_in_no_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
