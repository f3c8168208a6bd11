/* Policies of accounts against what was shown for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "account/admission.h"
#include "base/compiler.h"

enum { PASSWORD_NONE, PASSWORD_WRONG, PASSWORD_RIGHT };

/* TLS-71, TLS-73, TLS-84: each policy, with a certificate that fits or not, and each password. */
static void tls_71_every_policy(void **state)
{
    (void)state;
    const enum admission need = ADMISSION_NEEDS_PASSWORD, no = ADMISSION_REFUSED,
                         yes = ADMISSION_GRANTED;
    const struct {
        enum admission_policy policy;
        enum admission without[3], with[3]; /* a certificate that fits */
    } rows[] = {
        {ADMISSION_PASSWORD, {need, no, yes}, {need, no, yes}},
        {ADMISSION_CERTIFICATE, {need, no, no}, {yes, yes, yes}},
        {ADMISSION_CERTIFICATE_OR_PASSWORD, {need, no, yes}, {yes, yes, yes}},
        {ADMISSION_CERTIFICATE_AND_PASSWORD, {need, no, no}, {need, no, yes}},
        {ADMISSION_ANONYMOUS, {need, yes, yes}, {need, yes, yes}}, /* FTP-35 */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int password = PASSWORD_NONE; password <= PASSWORD_RIGHT; password++) {
            struct admission_evidence evidence = {
                .known = true,
                .password_given = password != PASSWORD_NONE,
                .password_right = password == PASSWORD_RIGHT,
            };
            assert_int_equal(admission_decide(rows[i].policy, &evidence),
                             rows[i].without[password]);
            evidence.certificate_fits = true;
            assert_int_equal(admission_decide(rows[i].policy, &evidence), rows[i].with[password]);
        }
    }
}

/* TLS-73, SEC-84: an account that there is not answers as one whose password is wrong. */
static void sec_84_nobody(void **state)
{
    (void)state;
    for (int policy = 0; policy <= (int)ADMISSION_ANONYMOUS; policy++) {
        struct admission_evidence evidence = {.certificate_fits = true};
        assert_int_equal(admission_decide((enum admission_policy)policy, &evidence),
                         ADMISSION_NEEDS_PASSWORD);
        evidence.password_given = evidence.password_right = true;
        assert_int_equal(admission_decide((enum admission_policy)policy, &evidence),
                         ADMISSION_REFUSED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_71_every_policy),
        cmocka_unit_test(sec_84_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
