/* tls/verify: clients' certificates, asked for by a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/tls_kit.h"

enum { DAY_S = 24 * 3600 };

static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

static void tls_71_tls_74_a_required_certificate_that_is_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_kit kit;
        struct tls_login login;
        tls_kit_open(&kit, &(struct tls_kit_options){
                               .min = versions[i],
                               .max = versions[i],
                               .client_certificates = TLS_CLIENT_CERT_REQUIRED,
                           });
        tls_login_init(&login, &kit);
        tls_pair_run(&login.control);
        assert_false(login.control.server.open);
        assert_string_equal(tls_engine_fault(login.control.server.engine)->what,
                            "the client shows no certificate");
        /* In TLS 1.3 its handshake is over before the client learns it. */
        bool modern = versions[i] == TLS_VERSION_1_3;
        assert_int_equal(login.control.client.open, modern);
        assert_int_equal(login.control.client.status, TLS_FAILED);
        const struct fault *fault = tls_engine_fault(login.control.client.engine);
        assert_int_equal(fault->kind, FERRY_E_TLS);
        assert_string_equal(fault->peer_said, modern ? "certificate_required (TLS alert 116)"
                                                     : "handshake_failure (TLS alert 40)");
        assert_non_null(strstr(fault->advice, "--cert and --key"));
        tls_login_fini(&login);
        tls_kit_close(&kit);
    }
}

static void tls_71_an_optional_certificate_may_be_missing(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){.client_certificates = TLS_CLIENT_CERT_OPTIONAL});
    tls_login_open(&login, &kit);
    assert_string_equal(tls_engine_facts(login.control.server.engine)->peer_subject, "");
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

static void tls_78_a_resumed_session_brings_its_certificate(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_kit kit;
        struct tls_login login;
        tls_kit_open(&kit, &(struct tls_kit_options){
                               .min = versions[i],
                               .max = versions[i],
                               .client_certificates = TLS_CLIENT_CERT_REQUIRED,
                               .client_has_certificate = true,
                           });
        tls_login_open(&login, &kit);
        struct tls_pair data;
        tls_login_data(&login, &login, &data);
        tls_pair_handshake(&data);
        assert_int_equal(tls_engine_proof(data.server.engine), TLS_PROOF_OWN);
        assert_string_equal(tls_engine_facts(data.server.engine)->peer_subject, "CN=alice");
        tls_pair_fini(&data);
        tls_login_fini(&login);
        tls_kit_close(&kit);
    }
}

/* The kit's client as another one: of the same CA, of none, of no certificate. */
static void use_client_identity(struct tls_kit *kit, struct bytes certificate_pem,
                                struct bytes key_pem)
{
    const struct tls_client_settings settings = {
        .ca_pem = buf_view(&kit->ca.certificate_pem),
        .certificate_pem = certificate_pem,
        .key_pem = key_pem,
    };
    tls_context_unref(kit->client);
    assert_int_equal(tls_context_new_client(&settings, &kit->client, NULL), FERRY_OK);
}

static void tls_78_data_connections_show_the_same_client_certificate(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){
                           .client_certificates = TLS_CLIENT_CERT_OPTIONAL,
                           .client_has_certificate = true,
                       });
    tls_login_open(&login, &kit);
    assert_int_equal(tls_login_full_data(&login, &kit), FERRY_OK);

    struct tls_minted bob;
    int64_t now = tls_kit_now_s();
    const struct tls_mint_request request = {.common_name = "bob",
                                             .client = true,
                                             .not_before_s = now - DAY_S,
                                             .not_after_s = now + DAY_S};
    assert_int_equal(tls_mint_leaf(&kit.ca, &request, &bob, NULL), FERRY_OK);
    use_client_identity(&kit, buf_view(&bob.certificate_pem), buf_view(&bob.key_pem));
    assert_int_equal(tls_login_full_data(&login, &kit), FERRY_E_TRUST);
    use_client_identity(&kit, bytes_of(NULL, 0), bytes_of(NULL, 0));
    assert_int_equal(tls_login_full_data(&login, &kit), FERRY_E_TRUST);
    tls_minted_fini(&bob);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

static void tls_75_a_client_certificate_of_another_ca_or_use_is_refused(void **state)
{
    (void)state;
    struct tls_kit kit, stranger;
    tls_kit_open(&kit, &(struct tls_kit_options){.client_certificates = TLS_CLIENT_CERT_OPTIONAL});
    tls_kit_open(&stranger, &(struct tls_kit_options){0});
    const struct {
        const struct tls_minted *shown;
        const char *what;
        const char *client_heard;
    } cases[] = {
        {&stranger.client_leaf,
         "the client's certificate is signed by a CA that is not known here, or comes without its "
         "intermediate certificates",
         "unknown_ca (TLS alert 48)"},
        {&kit.server_leaf, "the client's certificate is not made for this use",
         "unsupported_certificate (TLS alert 43)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        use_client_identity(&kit, buf_view(&cases[i].shown->certificate_pem),
                            buf_view(&cases[i].shown->key_pem));
        struct tls_login login;
        tls_login_init(&login, &kit);
        tls_pair_run(&login.control);
        const struct fault *fault = tls_engine_fault(login.control.server.engine);
        assert_int_equal(fault->kind, FERRY_E_TRUST);
        assert_string_equal(fault->what, cases[i].what);
        assert_string_equal(fault->advice, "");
        assert_string_equal(tls_engine_fault(login.control.client.engine)->peer_said,
                            cases[i].client_heard);
        tls_login_fini(&login);
    }
    tls_kit_close(&stranger);
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_71_tls_74_a_required_certificate_that_is_missing),
        cmocka_unit_test(tls_71_an_optional_certificate_may_be_missing),
        cmocka_unit_test(tls_78_a_resumed_session_brings_its_certificate),
        cmocka_unit_test(tls_78_data_connections_show_the_same_client_certificate),
        cmocka_unit_test(tls_75_a_client_certificate_of_another_ca_or_use_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
