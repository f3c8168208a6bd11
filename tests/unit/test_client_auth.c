/* tls/client_auth: which certificates of clients a server accepts: CRLs, pins, purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/forge.h"
#include "support/tls_kit.h"
#include "tls/certificate.h"

static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

static struct tls_kit kit;

static int open_kit(void **state)
{
    (void)state;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    tls_kit_close(&kit);
    return 0;
}

/* The kit's server with other settings for clients; the rest of `settings` is filled here. */
static void use_server(struct tls_server_settings settings)
{
    struct fault fault = {0};
    settings.certificate_pem = buf_view(&kit.server_leaf.certificate_pem);
    settings.key_pem = buf_view(&kit.server_leaf.key_pem);
    if (settings.client_certificates == TLS_CLIENT_CERT_NONE)
        settings.client_certificates = TLS_CLIENT_CERT_REQUIRED;
    tls_context_unref(kit.server);
    if (tls_context_new_server(&settings, &kit.server, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
}

static void use_client(const struct tls_minted *shown)
{
    const struct tls_client_settings settings = {
        .policy = TLS_POLICY_LEGACY, /* so that nothing of its own is too weak for the client */
        .min = TLS_VERSION_1_2,
        .ca_pem = buf_view(&kit.ca.certificate_pem),
        .certificate_pem = buf_view(&shown->certificate_pem),
        .key_pem = buf_view(&shown->key_pem),
    };
    tls_context_unref(kit.client);
    assert_int_equal(tls_context_new_client(&settings, &kit.client, NULL), FERRY_OK);
}

/* What a server of `settings` says of the certificate, and what the client hears of it: "" where
 * it is accepted. */
static void assert_verdict(const struct tls_server_settings *settings,
                           const struct tls_minted *shown, const char *words, const char *alert)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_server_settings one_version = *settings;
        struct tls_login login;
        one_version.min = one_version.max = versions[i];
        use_server(one_version);
        use_client(shown);
        tls_login_init(&login, &kit);
        tls_pair_run(&login.control);
        const struct fault *fault = tls_engine_fault(login.control.server.engine);
        if (strcmp(fault->what, words) != 0)
            fail_msg("\"%s\", not \"%s\"", fault->what, words);
        assert_int_equal(fault->kind, words[0] ? FERRY_E_TRUST : FERRY_OK);
        assert_string_equal(tls_engine_fault(login.control.client.engine)->peer_said, alert);

        /* TLS-191: nothing was said to it that is not of the handshake. */
        assert_int_equal(login.control.server.open, words[0] == '\0');
        assert_true(login.control.server.open || tls_engine_room(login.control.server.engine) == 0);
        assert_int_equal(buf_len(&login.control.client.received), 0);
        tls_login_fini(&login);
    }
}

static struct bytes ca_pem(void)
{
    return buf_view(&kit.ca.certificate_pem);
}

/* TLS-191: in TLS 1.3 the client's own handshake is over before. */
static void tls_75_tls_191_dates_use_and_chain(void **state)
{
    (void)state;
    static const char *const alice[] = {"CN", "alice", NULL};
    const struct {
        struct forge_request request;
        const char *words, *alert;
    } cases[] = {
        {{.issuer = &kit.ca, .extended_key_usage = "clientAuth"}, "", ""},
        {{.issuer = &kit.ca}, "", ""}, /* no EKU is any EKU */
        {{.issuer = &kit.ca, .extended_key_usage = "clientAuth,serverAuth"}, "", ""},
        {{.issuer = &kit.ca, .extended_key_usage = "serverAuth"},
         "the client's certificate is not made for this use",
         "unsupported_certificate (TLS alert 43)"},
        {{.issuer = &kit.ca, .days = {.from = -3, .to = -1}},
         NULL,
         "certificate_expired (TLS alert 45)"},
        {{.issuer = NULL}, "the client's certificate is self-signed", "unknown_ca (TLS alert 48)"},
        {{.issuer = &kit.ca, .rsa_bits = 1024},
         "the client's certificate has a key that is too short",
         NULL},
    };
    const struct tls_server_settings settings = {.client_ca_pem = ca_pem()};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct forge_request request = cases[i].request;
        struct tls_minted shown;
        request.subject = alice;
        forge(&request, &shown);
        char words[FAULT_TEXT_BYTES], date[CERTIFICATE_DATE_BYTES];
        X509 *certificate = forge_read(&shown);
        certificate_date_text(X509_get0_notAfter(certificate), date);
        snprintf(words, sizeof(words), "the client's certificate expired on %s", date);
        assert_verdict(&settings, &shown, cases[i].words ? cases[i].words : words,
                       cases[i].alert ? cases[i].alert : "bad_certificate (TLS alert 42)");
        X509_free(certificate);
        tls_minted_fini(&shown);
    }
}

static void tls_75_sec_16_a_crl_says_who_is_revoked(void **state)
{
    (void)state;
    static const char *const names[] = {"CN", "alice", NULL};
    struct tls_minted good, bad, stranger;
    forge(&(struct forge_request){.issuer = &kit.ca, .subject = names, .serial = "10"}, &good);
    forge(&(struct forge_request){.issuer = &kit.ca, .subject = names, .serial = "11"}, &bad);
    forge(&(struct forge_request){.subject = (const char *const[]){"CN", "another CA", NULL},
                                  .authority = true},
          &stranger);
    CLEANUP(buf_fini) struct buf current, stale, others;
    buf_init(&current, 65536);
    buf_init(&stale, 65536);
    buf_init(&others, 65536);
    forge_crl(&kit.ca, &bad, (struct forge_days){0}, &current);
    forge_crl(&kit.ca, &bad, (struct forge_days){.from = -9, .to = -2}, &stale);
    forge_crl(&stranger, NULL, (struct forge_days){0}, &others);

    struct tls_server_settings settings = {.client_ca_pem = ca_pem(),
                                           .client_crl_pem = buf_view(&current)};
    assert_verdict(&settings, &good, "", "");
    assert_verdict(&settings, &bad, "the client's certificate is revoked",
                   "certificate_revoked (TLS alert 44)");
    settings.client_crl_pem = buf_view(&others);
    assert_verdict(
        &settings, &good,
        "the client's certificate cannot be looked up for revocation: there is no CRL of "
        "its CA here",
        "unknown_ca (TLS alert 48)");
    settings.client_crl_pem = buf_view(&stale);
    /* Not certificate_expired, which would send the client's user after the wrong thing. */
    assert_verdict(
        &settings, &good,
        "the client's certificate cannot be looked up for revocation: the CRL of its CA is stale",
        "bad_certificate (TLS alert 42)");
    tls_minted_fini(&good);
    tls_minted_fini(&bad);
    tls_minted_fini(&stranger);
}

/* `client_crl_chain`: an intermediate CA that was revoked takes its certificates along. */
static void sec_16_a_revoked_intermediate_ca(void **state)
{
    (void)state;
    struct tls_minted middle, leaf;
    forge(&(struct forge_request){.issuer = &kit.ca,
                                  .subject = (const char *const[]){"CN", "middle CA", NULL},
                                  .authority = true,
                                  .serial = "20"},
          &middle);
    forge(&(struct forge_request){.issuer = &middle,
                                  .subject = (const char *const[]){"CN", "alice", NULL}},
          &leaf);
    assert_int_equal(buf_append(&leaf.certificate_pem, buf_view(&middle.certificate_pem)),
                     FERRY_OK);
    CLEANUP(buf_fini) struct buf crls;
    buf_init(&crls, 65536);
    forge_crl(&kit.ca, &middle, (struct forge_days){0}, &crls);
    forge_crl(&middle, NULL, (struct forge_days){0}, &crls);
    struct tls_server_settings settings = {.client_ca_pem = ca_pem(),
                                           .client_crl_pem = buf_view(&crls)};
    assert_verdict(&settings, &leaf, "", "");
    settings.client_crl_chain = true;
    assert_verdict(&settings, &leaf, "the client's certificate is revoked",
                   "certificate_revoked (TLS alert 44)");
    tls_minted_fini(&middle);
    tls_minted_fini(&leaf);
}

static void pin_of(const struct tls_minted *minted, bool key, struct tls_pin *out)
{
    X509 *certificate = forge_read(minted);
    assert_true(key ? certificate_key_sha256(certificate, out->bytes)
                    : certificate_sha256(certificate, out->bytes));
    X509_free(certificate);
}

static void self_signed_certificates_are_accepted_by_pin_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"CN", "alice", NULL};
    struct tls_minted known, unknown, expired, server;
    forge(&(struct forge_request){.subject = names}, &known);
    forge(&(struct forge_request){.subject = names}, &unknown);
    forge(&(struct forge_request){.subject = names, .days = {.from = -5, .to = -1}}, &expired);
    forge(&(struct forge_request){.subject = names, .extended_key_usage = "serverAuth"}, &server);
    for (int by_key = 0; by_key < 2; by_key++) {
        struct tls_pin pins[3];
        pin_of(&known, by_key, &pins[0]);
        pin_of(&expired, by_key, &pins[1]);
        pin_of(&server, by_key, &pins[2]);
        CLEANUP(buf_fini) struct buf crl;
        buf_init(&crl, 65536);
        forge_crl(&kit.ca, NULL, (struct forge_days){0}, &crl);
        struct tls_server_settings settings = {0};
        if (by_key)
            settings.client_pins = (struct tls_client_pins){.keys = pins, .key_count = 3};
        else
            settings.client_pins =
                (struct tls_client_pins){.certificates = pins, .certificate_count = 3};
        assert_verdict(&settings, &known, "", "");
        assert_verdict(&settings, &unknown, "the client's certificate is self-signed",
                       "unknown_ca (TLS alert 48)");
        assert_verdict(&settings, &server, "the client's certificate is not made for this use",
                       "unsupported_certificate (TLS alert 43)");

        /* Beside a CA and its CRL, too. */
        settings.client_ca_pem = ca_pem();
        settings.client_crl_pem = buf_view(&crl);
        assert_verdict(&settings, &known, "", "");
        assert_verdict(&settings, &kit.client_leaf, "", "");

        use_server(settings);
        use_client(&expired);
        struct tls_login login;
        tls_login_init(&login, &kit);
        tls_pair_run(&login.control);
        assert_non_null(strstr(tls_engine_fault(login.control.server.engine)->what, "expired on"));
        tls_login_fini(&login);

        /* The hash of the one is not the hash of the other. */
        settings.client_pins =
            by_key ? (struct tls_client_pins){.certificates = pins, .certificate_count = 3}
                   : (struct tls_client_pins){.keys = pins, .key_count = 3};
        assert_verdict(&settings, &known, "the client's certificate is self-signed",
                       "unknown_ca (TLS alert 48)");
    }
    tls_minted_fini(&known);
    tls_minted_fini(&unknown);
    tls_minted_fini(&expired);
    tls_minted_fini(&server);
}

static void what_cannot_be_used_is_refused_at_once(void **state)
{
    (void)state;
    struct tls_context *context = NULL;
    struct fault fault = {0};
    struct tls_server_settings settings = {
        .certificate_pem = buf_view(&kit.server_leaf.certificate_pem),
        .key_pem = buf_view(&kit.server_leaf.key_pem),
        .client_certificates = TLS_CLIENT_CERT_OPTIONAL,
        .client_ca_pem = ca_pem(),
        .client_crl_pem = BYTES_LIT("rubbish"),
    };
    assert_int_equal(tls_context_new_server(&settings, &context, &fault), FERRY_E_ARGUMENT);
    assert_string_equal(fault.what, "the CRL of client certificates holds no CRL in PEM form");
    fault_clear(&fault);
    settings.client_crl_pem = bytes_of(NULL, 0);
    settings.client_pins.key_count = TLS_CLIENT_PINS_MAX + 1;
    assert_int_equal(tls_context_new_server(&settings, &context, &fault), FERRY_E_ARGUMENT);
    assert_string_equal(fault.what, "more than 4096 pins of clients");
}

/* A legacy server forgives much (security level 0), but not that. */
static void even_legacy_demands_rsa_keys_of_1024_bits(void **state)
{
    (void)state;
    static const char *const names[] = {"CN", "alice", NULL};
    static const int sizes[] = {768, 1024};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct tls_minted shown;
        forge(&(struct forge_request){.issuer = &kit.ca, .subject = names, .rsa_bits = sizes[i]},
              &shown);
        const struct tls_server_settings settings = {.policy = TLS_POLICY_LEGACY,
                                                     .client_ca_pem = ca_pem()};
        assert_verdict(&settings, &shown,
                       sizes[i] < 1024
                           ? "a certificate of the peer's has an RSA key of less than 1024 bits"
                           : "",
                       sizes[i] < 1024 ? "bad_certificate (TLS alert 42)" : "");
        tls_minted_fini(&shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_75_tls_191_dates_use_and_chain),
        cmocka_unit_test(tls_75_sec_16_a_crl_says_who_is_revoked),
        cmocka_unit_test(sec_16_a_revoked_intermediate_ca),
        cmocka_unit_test(self_signed_certificates_are_accepted_by_pin_alone),
        cmocka_unit_test(what_cannot_be_used_is_refused_at_once),
        cmocka_unit_test(even_legacy_demands_rsa_keys_of_1024_bits),
    };
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
