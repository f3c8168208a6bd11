/* The TLS that an account demands (TLS-43, TLS-71). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "account/demand.h"
#include "base/compiler.h"

static void what_a_connection_meets(void **state)
{
    (void)state;
    static const struct {
        enum tls_version version;
        const char *cipher;
        enum demand_tls met;
    } rows[] = {
        {TLS_VERSION_1_3, "TLS_AES_256_GCM_SHA384", DEMAND_TLS_MODERN},
        {TLS_VERSION_1_2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", DEMAND_TLS_DEFAULT},
        {TLS_VERSION_1_2, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", DEMAND_TLS_DEFAULT},
        {TLS_VERSION_1_2, "TLS_RSA_WITH_AES_128_GCM_SHA256", DEMAND_TLS_LEGACY},
        {TLS_VERSION_1_2, "", DEMAND_TLS_LEGACY},
        {TLS_VERSION_1_0, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", DEMAND_TLS_LEGACY},
    };
    assert_int_equal(demand_tls_met(NULL), DEMAND_TLS_LISTENER);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct tls_facts facts = {.version = rows[i].version, .cipher = rows[i].cipher};
        assert_int_equal(demand_tls_met(&facts), rows[i].met);
    }
}

static void what_is_enough(void **state)
{
    (void)state;
    for (int demanded = DEMAND_TLS_LISTENER; demanded <= (int)DEMAND_TLS_MODERN; demanded++)
        for (int met = DEMAND_TLS_LISTENER; met <= (int)DEMAND_TLS_MODERN; met++) {
            const char *lacks = demand_tls_lacks((enum demand_tls)demanded, (enum demand_tls)met);
            assert_int_equal(lacks == NULL, met >= demanded);
        }
}

static void a_word_for_each(void **state)
{
    (void)state;
    for (int i = DEMAND_TLS_LISTENER; i <= (int)DEMAND_TLS_MODERN; i++)
        assert_non_null(demand_tls_words[i]);
    assert_null(demand_tls_words[DEMAND_TLS_MODERN + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_connection_meets),
        cmocka_unit_test(what_is_enough),
        cmocka_unit_test(a_word_for_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
