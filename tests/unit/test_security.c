/* ftp/security: mechanisms and the machine of tls.md section 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "ftp/security.h"

static const struct {
    const char *name;
    enum auth_mechanism mechanism;
    enum protection level; /* once sealed, before any PROT */
} mechanisms[] = {
    {"TLS", AUTH_TLS, PROTECTION_CLEAR},       {"tls", AUTH_TLS, PROTECTION_CLEAR},
    {"TLS-C", AUTH_TLS_C, PROTECTION_CLEAR},   {"Tls-c", AUTH_TLS_C, PROTECTION_CLEAR},
    {"SSL", AUTH_SSL, PROTECTION_PRIVATE},     {"ssl", AUTH_SSL, PROTECTION_PRIVATE},
    {"TLS-P", AUTH_TLS_P, PROTECTION_PRIVATE}, {"tls-P", AUTH_TLS_P, PROTECTION_PRIVATE},
};

static void tls_2_names_in_any_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
        assert_int_equal(auth_mechanism_find(bytes_str(mechanisms[i].name)),
                         mechanisms[i].mechanism);
    static const char *const others[] = {"", "TLSX", "TL", "GSSAPI", "KERBEROS_V4", "TLS-", "TLS "};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(auth_mechanism_find(bytes_str(others[i])), AUTH_UNKNOWN);
    assert_string_equal(auth_mechanism_name(AUTH_TLS_P), "TLS-P");
}

static void tls_3_and_4_the_initial_level_is_the_mechanism_s(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
        struct security security;
        security_init(&security, false);
        assert_int_equal(security.state, SECURITY_PLAIN);
        assert_int_equal(security.level, PROTECTION_CLEAR);
        security_auth(&security, mechanisms[i].mechanism);
        assert_int_equal(security.state, SECURITY_HANDSHAKE);
        security_sealed(&security);
        assert_int_equal(security.state, SECURITY_SEALED);
        assert_int_equal(security.level, mechanisms[i].level);
        assert_int_equal(auth_implies_private(mechanisms[i].mechanism),
                         mechanisms[i].level == PROTECTION_PRIVATE);
    }
}

static void tls_6_implicit_begins_private(void **state)
{
    (void)state;
    struct security security;
    security_init(&security, true);
    assert_int_equal(security.state, SECURITY_HANDSHAKE);
    security_sealed(&security);
    assert_int_equal(security.level, PROTECTION_PRIVATE);
}

static void a_new_handshake_forgets_pbsz_and_prot(void **state)
{
    (void)state;
    struct security security;
    security_init(&security, false);
    security_auth(&security, AUTH_TLS);
    security_sealed(&security);
    security.pbsz_done = true;
    security.level = PROTECTION_PRIVATE;
    security_auth(&security, AUTH_TLS);
    security_sealed(&security);
    assert_false(security.pbsz_done);
    assert_int_equal(security.level, PROTECTION_CLEAR);
}

static void rein_is_plain_again(void **state)
{
    (void)state;
    struct security security;
    security_init(&security, true);
    security_sealed(&security);
    security.pbsz_done = true;
    security_reset(&security);
    assert_int_equal(security.state, SECURITY_PLAIN);
    assert_false(security.pbsz_done);
    assert_int_equal(security.level, PROTECTION_CLEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_2_names_in_any_case),
        cmocka_unit_test(tls_3_and_4_the_initial_level_is_the_mechanism_s),
        cmocka_unit_test(tls_6_implicit_begins_private),
        cmocka_unit_test(a_new_handshake_forgets_pbsz_and_prot),
        cmocka_unit_test(rein_is_plain_again),
    };
    return cmocka_run_group_tests_name("security", tests, NULL, NULL);
}
