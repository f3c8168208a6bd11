/* What an account demands: which certificate is whose, what TLS is enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "embed/users.h"

/* TLS-80, TLS-82, TLS-84 */
static void a_certificate_is_somebodys(void **state)
{
    (void)state;
    static const char *const rules[] = {"email:anna@mail.example", "cn-is-user"};
    static const struct {
        const char *user, *common_name, *email;
        bool fits;
    } rows[] = {
        {"anna", "anna", "", true},
        {"anna", "Anna", "", false},
        {"anna", "", "", false},
        {"bob", "anna", "", false},
        {"bob", "anna", "anna@mail.example", true},
        {"bob", "anna", "anna@mail.example.org", false},
    };
    const struct user_settings settings = {
        .login = ADMISSION_CERTIFICATE, .certificates = rules, .certificate_count = 2};
    struct user_demands demands;
    assert_int_equal(user_demands_init(&demands, &settings, NULL), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static struct tls_identity identity;
        identity = (struct tls_identity){.name_count = rows[i].email[0] ? 1 : 0};
        identity.names[0].kind = TLS_IDENTITY_EMAIL;
        snprintf(identity.names[0].text, sizeof(identity.names[0].text), "%s", rows[i].email);
        snprintf(identity.common_name, sizeof(identity.common_name), "%s", rows[i].common_name);
        const struct login_request request = {.name = bytes_str(rows[i].user),
                                              .identity = &identity};
        assert_int_equal(user_demands_certificate_fits(&demands, &request), rows[i].fits);
    }
    const struct login_request nobody = {.name = BYTES_LIT("anna")};
    assert_false(user_demands_certificate_fits(&demands, &nobody));
    user_demands_fini(&demands);
}

static void tls_is_enough_or_not(void **state)
{
    (void)state;
    static const struct tls_facts facts[] = {
        {.version = TLS_VERSION_1_0, .cipher = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
        {.version = TLS_VERSION_1_2, .cipher = "TLS_RSA_WITH_AES_128_GCM_SHA256"},
        {.version = TLS_VERSION_1_2, .cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {.version = TLS_VERSION_1_2, .cipher = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"},
        {.version = TLS_VERSION_1_3, .cipher = "TLS_AES_256_GCM_SHA384"},
    };
    /* Whether in clear, and each of those, is enough. */
    static const struct {
        enum user_tls tls;
        const char *enough;
    } rows[] = {
        {USER_TLS_LISTENER, "yyyyyy"},
        {USER_TLS_LEGACY, "nyyyyy"},
        {USER_TLS_DEFAULT, "nnnyyy"},
        {USER_TLS_MODERN, "nnnnny"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct user_demands demands = {.tls = rows[i].tls};
        for (size_t k = 0; k <= ARRAY_LEN(facts); k++) {
            const struct login_request request = {.tls = k == 0 ? NULL : &facts[k - 1]};
            bool lacks = user_demands_tls_lacks(&demands, &request) != NULL;
            assert_int_equal(lacks, rows[i].enough[k] == 'n');
        }
    }
}

static void demands_that_cannot_be(void **state)
{
    (void)state;
    static const char *const good[] = {"cn:anna"}, *const bad[] = {"cn:anna", "nick:anna"};
    const struct user_settings rows[] = {
        {.name = "a", .login = ADMISSION_CERTIFICATE},
        {.name = "a", .login = ADMISSION_CERTIFICATE_OR_PASSWORD},
        {.name = "a", .login = ADMISSION_CERTIFICATE, .certificates = bad, .certificate_count = 2},
    };
    struct user_demands demands;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fault fault = {0};
        assert_int_equal(user_demands_init(&demands, &rows[i], &fault), FERRY_E_ARGUMENT);
        assert_true(fault_is_set(&fault));
    }
    const struct user_settings settings = {
        .login = ADMISSION_CERTIFICATE, .certificates = good, .certificate_count = 1};
    alloc_fail_from(1);
    assert_int_equal(user_demands_init(&demands, &settings, NULL), FERRY_E_MEMORY);
    alloc_fail_from(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_somebodys),
        cmocka_unit_test(tls_is_enough_or_not),
        cmocka_unit_test(demands_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
