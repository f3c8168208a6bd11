/* tls/identity_rule: which certificate is whose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tls/identity_rule.h"

#define HEX_A "aa00000000000000000000000000000000000000000000000000000000000001"
#define HEX_A_COLONS                                                                               \
    "AA:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"   \
    "00:"                                                                                          \
    "01"
#define PIN_B "sha256//uwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI="

static const struct tls_identity alice = {
    .subject = "CN=Alice,O=Example",
    .issuer = "CN=CA\\, the one,O=Example",
    .serial = "a0b",
    .common_name = "Alice",
    .names = {{TLS_IDENTITY_EMAIL, "Alice@Example.org"},
              {TLS_IDENTITY_EMAIL, "second@example.org"},
              {TLS_IDENTITY_DNS, "alice.example.org"},
              {TLS_IDENTITY_UPN, "alice@corp.example"},
              {TLS_IDENTITY_URI, "spiffe://example.org/alice"}},
    .name_count = 5,
    .sha256 = {[0] = 0xaa, [31] = 1},
    .key_sha256 = {[0] = 0xbb, [31] = 2},
};

static bool matches(const char *text, const struct tls_identity *identity, struct bytes user)
{
    struct tls_identity_rule rule;
    struct fault fault = {0};
    if (tls_identity_rule_parse(bytes_str(text), &rule, &fault) != FERRY_OK)
        fail_msg("%s: %s", text, fault.what);
    return tls_identity_rule_matches(&rule, identity, user);
}

static void tls_80_each_kind_matches_what_it_names_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        bool matches;
    } cases[] = {
        {"fingerprint:" HEX_A, true},
        {"fingerprint:" HEX_A_COLONS, true},
        {"fingerprint:ab00000000000000000000000000000000000000000000000000000000000001", false},
        {"spki:" PIN_B, true},
        {"spki:sha256//ugAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=", false},
        {"issuer-serial:CN=CA\\, the one,O=Example#A0B", true},
        {"issuer-serial:CN=CA\\2C the one, O=example#000a0b", true},
        {"issuer-serial:CN=CA\\, the one,O=Example#a0", false},
        {"issuer-serial:CN=CA\\, the one,O=Example#0", false},
        {"issuer-serial:CN=CA,O=Example#a0b", false},
        {"subject:CN=Alice,O=Example", true},
        {"subject:cn=alice, o=EXAMPLE", true},
        {"subject:CN=Alice", false},
        {"subject:O=Example,CN=Alice", false},
        {"subject:CN=Alice,O=Example,C=DE", false},
        {"email:Alice@Example.org", true},
        {"email:Alice@EXAMPLE.ORG", true},
        {"email:second@example.org", true},
        {"email:alice@example.org", false}, /* the local part is case-sensitive */
        {"email:lice@example.org", false},
        {"email:Alice@example.or", false},
        {"email:alice@corp.example", false}, /* that is a UPN */
        {"dns:ALICE.example.org", true},
        {"dns:alice.example.org.", true},
        {"dns:example.org", false},
        {"upn:alice@CORP.example", true},
        {"upn:Alice@Example.org", false},
        {"uri:spiffe://example.org/alice", true},
        {"uri:spiffe://example.org/Alice", false},
        {"uri:spiffe://example.org/", false},
        {"cn:alice", true},
        {"cn:alic", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (matches(cases[i].rule, &alice, BYTES_LIT("anybody")) != cases[i].matches)
            fail_msg("%s", cases[i].rule);
    }
}

/* What is empty in a certificate is nobody's. */
static void nothing_matches_a_certificate_without_names(void **state)
{
    (void)state;
    static const struct tls_identity nobody;
    static const char *const rules[] = {
        "fingerprint:" HEX_A,
        "spki:" PIN_B,
        "issuer-serial:CN=x#0",
        "subject:CN=x",
        "email:a@b",
        "dns:a",
        "upn:a@b",
        "uri:a",
        "cn:a",
        "cn-is-user",
        "email-is-user",
        "email-local-is-user:b",
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        assert_false(matches(rules[i], &nobody, BYTES_LIT("")));
}

/* TLS-82, TLS-84: alice's certificate is not bob's. */
static void tls_82_tls_84_a_name_is_that_of_the_user_who_said_it(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *user;
        bool matches;
    } cases[] = {
        {"cn-is-user", "Alice", true},
        {"cn-is-user", "alice", false},
        {"cn-is-user", "bob", false},
        {"cn-is-user", "", false},
        {"email-is-user", "Alice@Example.org", true},
        {"email-is-user", "second@example.org", true},
        {"email-is-user", "Alice", false},
        {"email-local-is-user:EXAMPLE.org", "Alice", true},
        {"email-local-is-user:example.org", "second", true},
        {"email-local-is-user:example.org", "alice", false},
        {"email-local-is-user:example.com", "Alice", false},
        {"email-local-is-user:ple.org", "Alice", false},
        {"upn-is-user", "alice@corp.example", true},
        {"upn-local-is-user:corp.example", "alice", true},
        {"upn-local-is-user:corp.example", "bob", false},
        {"dns-is-user", "alice.example.org", true},
        {"dns-is-user", "bob.example.org", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (matches(cases[i].rule, &alice, bytes_str(cases[i].user)) != cases[i].matches)
            fail_msg("%s, user %s", cases[i].rule, cases[i].user);
    }
}

static void tls_81_a_name_with_a_slash_is_no_users(void **state)
{
    (void)state;
    static const struct tls_identity odd = {
        .common_name = "a/b",
        .names = {{TLS_IDENTITY_EMAIL, "a/b@example.org"},
                  {TLS_IDENTITY_DNS, "a/b"},
                  {TLS_IDENTITY_EMAIL, "@example.org"}},
        .name_count = 3,
    };
    assert_false(matches("cn-is-user", &odd, BYTES_LIT("a/b")));
    assert_false(matches("dns-is-user", &odd, BYTES_LIT("a/b")));
    assert_false(matches("email-is-user", &odd, BYTES_LIT("a/b@example.org")));
    assert_false(matches("email-local-is-user:example.org", &odd, BYTES_LIT("a/b")));
    assert_false(matches("email-local-is-user:example.org", &odd, BYTES_LIT("")));
    assert_true(matches("cn:a/b", &odd, BYTES_LIT("a"))); /* there it is only a name */
}

static void what_is_no_rule_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "is no rule for certificates"},
        {"subject", "is no rule for certificates"},
        {"Subject:CN=a", "is no rule for certificates"},
        {"cn-is-user:", "is no rule for certificates"},
        {"email-local-is-user", "is no rule for certificates"},
        {" cn:a", "is no rule for certificates"},
        {"fingerprint:", "64 hexadecimal digits"},
        {"fingerprint:" HEX_A "00", "64 hexadecimal digits"},
        {"fingerprint:" HEX_A ":", "64 hexadecimal digits"},
        {"fingerprint::" HEX_A, "64 hexadecimal digits"},
        {"fingerprint:" PIN_B, "64 hexadecimal digits"},
        {"spki:" HEX_A, "base64"},
        {"issuer-serial:CN=x", "serial"},
        {"issuer-serial:CN=x#", "serial"},
        {"issuer-serial:CN=x#12 ", "serial"},
        {"issuer-serial:x#12", "distinguished name"},
        {"subject:alice", "distinguished name"},
        {"email:alice", "name@domain"},
        {"email:@example.org", "name@domain"},
        {"upn:alice@", "name@domain"},
        {"dns:*.example.org", "no wildcards"},
        {"dns:", "1 to 255 bytes"},
        {"cn:", "1 to 255 bytes"},
        {"cn:a\nb", "without control bytes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_identity_rule rule;
        struct fault fault = {0};
        assert_int_equal(tls_identity_rule_parse(bytes_str(cases[i].text), &rule, &fault),
                         FERRY_E_ARGUMENT);
        if (!strstr(fault.what, cases[i].words))
            fail_msg("%s: %s", cases[i].text, fault.what);
    }
    char longest[400] = "cn:";
    memset(longest + 3, 'a', sizeof(longest) - 3);
    struct tls_identity_rule rule;
    assert_int_equal(tls_identity_rule_parse(bytes_of(longest, 3 + 255), &rule, NULL), FERRY_OK);
    assert_int_equal(tls_identity_rule_parse(bytes_of(longest, 3 + 256), &rule, NULL),
                     FERRY_E_ARGUMENT);
    assert_int_equal(tls_identity_rule_parse(BYTES_LIT("cn:a\0b"), &rule, NULL), FERRY_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_80_each_kind_matches_what_it_names_and_nothing_else),
        cmocka_unit_test(nothing_matches_a_certificate_without_names),
        cmocka_unit_test(tls_82_tls_84_a_name_is_that_of_the_user_who_said_it),
        cmocka_unit_test(tls_81_a_name_with_a_slash_is_no_users),
        cmocka_unit_test(what_is_no_rule_is_refused_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
