/* tls/staple: OCSP responses, stapled and judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "support/alloc_fail.h"
#include "support/forge.h"
#include "support/raw_peer.h"
#include "support/tls_kit.h"
#include "tls/certificate.h"

enum { ALERT_BAD_STATUS = 113, RESPONSE_MAX_BYTES = 65536, STALE_LIMIT_S = 60 };

static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

static struct tls_kit kit;
static struct tls_minted plain, demanding, stranger; /* servers of the kit's CA; another CA */

static void forge_server(bool must_staple, const char *serial, struct tls_minted *out)
{
    static const struct forge_name name = {GEN_DNS, BYTES_LIT(TLS_KIT_HOST)};
    forge(&(struct forge_request){.issuer = &kit.ca,
                                  .subject = (const char *const[]){"CN", "server", NULL},
                                  .names = &name,
                                  .name_count = 1,
                                  .serial = serial,
                                  .must_staple = must_staple},
          out);
}

static int open_kit(void **state)
{
    (void)state;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    forge_server(false, "10", &plain);
    forge_server(true, "11", &demanding);
    forge(&(struct forge_request){.subject = (const char *const[]){"CN", "stranger", NULL},
                                  .authority = true},
          &stranger);
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    tls_minted_fini(&plain);
    tls_minted_fini(&demanding);
    tls_minted_fini(&stranger);
    tls_kit_close(&kit);
    return 0;
}

/* ---- loading ---- */

static enum ferry_error new_server(const struct tls_minted *leaf, struct bytes der,
                                   struct tls_context **out, struct fault *fault)
{
    const struct tls_server_settings settings = {.certificate_pem =
                                                     buf_view(&leaf->certificate_pem),
                                                 .key_pem = buf_view(&leaf->key_pem),
                                                 .ocsp_der = der};
    return tls_context_new_server(&settings, out, fault);
}

static void tls_208_a_response_that_is_of_no_use_is_refused_at_load(void **state)
{
    (void)state;
    const struct {
        const struct tls_minted *about;
        int status;
        struct forge_days days;
        const char *what; /* NULL: fine */
    } cases[] = {
        {&plain, V_OCSP_CERTSTATUS_GOOD, {0}, NULL},
        {&plain,
         V_OCSP_CERTSTATUS_GOOD,
         {.from = -9, .to = -2},
         "the OCSP response is stale, or not yet good"},
        {&plain, V_OCSP_CERTSTATUS_GOOD, {.seconds = -5}, "the OCSP response is stale"},
        {&plain,
         V_OCSP_CERTSTATUS_GOOD,
         {.from = 2, .to = 9},
         "the OCSP response is stale, or not yet good"},
        {&demanding,
         V_OCSP_CERTSTATUS_GOOD,
         {0},
         "the OCSP response is not about this certificate"},
        {&plain, V_OCSP_CERTSTATUS_UNKNOWN, {0}, "the OCSP response does not know the certificate"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_fini) struct buf der;
        buf_init(&der, RESPONSE_MAX_BYTES);
        forge_ocsp(&kit.ca, &kit.ca, cases[i].about, cases[i].status, cases[i].days, &der);
        struct tls_context *context = NULL;
        struct fault fault = {0};
        enum ferry_error error = new_server(&plain, buf_view(&der), &context, &fault);
        assert_string_equal(fault.what, cases[i].what ? cases[i].what : "");
        assert_int_equal(error, cases[i].what ? FERRY_E_ARGUMENT : FERRY_OK);
        tls_context_unref(context);
    }
}

static void bytes_that_are_no_response_are_refused(void **state)
{
    (void)state;
    static char much[TLS_STAPLE_MAX_BYTES + 1];
    CLEANUP(buf_fini) struct buf der;
    buf_init(&der, RESPONSE_MAX_BYTES);
    forge_ocsp(&kit.ca, &kit.ca, &plain, V_OCSP_CERTSTATUS_GOOD, (struct forge_days){0}, &der);
    struct bytes good = buf_view(&der);
    struct tls_context *context = NULL;
    struct fault fault = {0};
    assert_int_equal(new_server(&plain, bytes_of(much, sizeof(much)), &context, &fault),
                     FERRY_E_ARGUMENT);
    assert_string_equal(fault.what, "the OCSP response is longer than 16384 bytes");
    fault_clear(&fault);
    assert_int_equal(new_server(&plain, BYTES_LIT("\x30\x03\x0a\x01\x06"), &context, &fault),
                     FERRY_E_ARGUMENT);
    assert_string_equal(fault.what, "the OCSP response says that the responder failed");
    for (size_t len = 1; len < good.len; len += 7) {
        fault_clear(&fault);
        assert_int_equal(new_server(&plain, bytes_first(good, len), &context, &fault),
                         FERRY_E_ARGUMENT);
        assert_string_equal(fault.what, "the OCSP response cannot be read (DER)");
    }
    assert_int_equal(buf_append(&der, BYTES_LIT("x")), FERRY_OK);
    assert_int_equal(new_server(&plain, buf_view(&der), &context, NULL), FERRY_E_ARGUMENT);
    assert_null(context);
}

/* ---- stapling ---- */

/* A client of another make that asks, or does not. The length of what it got, or -1. */
static long ask(struct tls_context *context, bool asks, int version)
{
    struct tls_context *kept = kit.server;
    struct tls_login login;
    struct tls_end server;
    struct raw_peer client;
    SSL_CTX *raw = raw_client_context();
    kit.server = context;
    tls_login_init(&login, &kit);
    tls_login_server_end(&login, false, &server);
    raw_peer_init(&client, raw, &server);
    SSL_set_max_proto_version(client.ssl, version);
    if (asks)
        SSL_set_tlsext_status_type(client.ssl, TLSEXT_STATUSTYPE_ocsp);
    raw_peer_run(&client);
    assert_true(client.open);
    const unsigned char *got = NULL;
    long len = SSL_get_tlsext_status_ocsp_resp(client.ssl, &got);
    raw_peer_fini(&client);
    tls_end_fini(&server);
    tls_login_fini(&login);
    SSL_CTX_free(raw);
    kit.server = kept;
    return len;
}

static void tls_208_it_is_sent_to_those_who_ask(void **state)
{
    (void)state;
    static const int wire_versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    CLEANUP(buf_fini) struct buf der;
    buf_init(&der, RESPONSE_MAX_BYTES);
    forge_ocsp(&kit.ca, &kit.ca, &plain, V_OCSP_CERTSTATUS_GOOD, (struct forge_days){0}, &der);
    struct tls_context *with = NULL, *without = NULL;
    assert_int_equal(new_server(&plain, buf_view(&der), &with, NULL), FERRY_OK);
    assert_int_equal(new_server(&plain, bytes_of(NULL, 0), &without, NULL), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(wire_versions); i++) {
        assert_int_equal(ask(with, true, wire_versions[i]), (long)buf_len(&der));
        assert_int_equal(ask(with, false, wire_versions[i]), -1);
        assert_int_equal(ask(without, true, wire_versions[i]), -1);
    }
    tls_context_unref(with);
    tls_context_unref(without);
}

static void tls_208_what_has_become_stale_is_no_longer_sent(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf der;
    buf_init(&der, RESPONSE_MAX_BYTES);
    forge_ocsp(&kit.ca, &kit.ca, &plain, V_OCSP_CERTSTATUS_GOOD, (struct forge_days){.seconds = 5},
               &der);
    struct tls_context *context = NULL;
    assert_int_equal(new_server(&plain, buf_view(&der), &context, NULL), FERRY_OK);
    assert_int_equal(ask(context, true, TLS1_3_VERSION), (long)buf_len(&der));
    time_t limit = time(NULL) + STALE_LIMIT_S;
    while (ask(context, true, TLS1_3_VERSION) != -1) /* OpenSSL asks the system's clock */
        assert_true(time(NULL) < limit);
    tls_context_unref(context);
}

static enum ferry_error try_server(void *ctx)
{
    const struct tls_server_settings *settings = ctx;
    struct tls_context *context = NULL;
    enum ferry_error error = tls_context_new_server(settings, &context, NULL);
    tls_context_unref(context);
    return error;
}

static void short_memory_is_reported(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf der;
    buf_init(&der, RESPONSE_MAX_BYTES);
    forge_ocsp(&kit.ca, &kit.ca, &plain, V_OCSP_CERTSTATUS_GOOD, (struct forge_days){0}, &der);
    static const struct tls_pin pin;
    struct tls_server_settings settings = {
        .certificate_pem = buf_view(&plain.certificate_pem),
        .key_pem = buf_view(&plain.key_pem),
        .client_certificates = TLS_CLIENT_CERT_OPTIONAL,
        .client_pins = {.keys = &pin, .key_count = 1},
        .ocsp_der = buf_view(&der),
    };
    /* The context, the pins, the response. */
    assert_int_equal(alloc_fail_each(try_server, &settings, 10), 3);
}

/* ---- the client ---- */

/* The server's status callback of a peer that staples whatever the test says. */
static int staple_anything(SSL *ssl, void *ctx)
{
    const struct bytes *der = ctx;
    if (der->len == 0)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(der->ptr, der->len), (long)der->len);
    return SSL_TLSEXT_ERR_OK;
}

static int alert_seen;

static void on_info(const SSL *ssl, int where, int value)
{
    (void)ssl;
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        alert_seen = value & 0xff;
}

/* What our client says of a server that shows `leaf` and staples `der`. */
static void assert_client(const struct tls_minted *leaf, struct bytes der, bool pinned,
                          const char *what)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_login login;
        struct tls_end ours;
        struct raw_peer server;
        struct tls_kit shown = kit;
        shown.server_leaf = *leaf;
        SSL_CTX *raw = raw_server_context(&shown);
        SSL_CTX_set_max_proto_version(raw, versions[i] == TLS_VERSION_1_2 ? TLS1_2_VERSION
                                                                          : TLS1_3_VERSION);
        SSL_CTX_set_tlsext_status_cb(raw, staple_anything);
        SSL_CTX_set_tlsext_status_arg(raw, &der);
        tls_login_init(&login, &kit);
        if (pinned) {
            X509 *certificate = forge_read(leaf);
            assert_true(certificate_key_sha256(certificate, login.trust.pins[0].bytes));
            login.trust.pin_count = 1;
            X509_free(certificate);
        }
        tls_login_client_end(&login, false, &ours);
        raw_peer_init(&server, raw, &ours);
        SSL_set_info_callback(server.ssl, on_info);
        alert_seen = 0;
        raw_peer_run(&server);
        const struct fault *fault = tls_engine_fault(ours.engine);
        if (strcmp(fault->what, what) != 0)
            fail_msg("\"%s\", not \"%s\"", fault->what, what);
        assert_int_equal(ours.open, what[0] == '\0');
        assert_int_equal(fault->kind, what[0] ? FERRY_E_TRUST : FERRY_OK);
        assert_int_equal(alert_seen, what[0] ? ALERT_BAD_STATUS : 0);
        raw_peer_fini(&server);
        tls_end_fini(&ours);
        tls_login_fini(&login);
        SSL_CTX_free(raw);
    }
}

#define STAPLED "the OCSP response that the server stapled "

static void tls_208_the_client_judges_what_is_stapled(void **state)
{
    (void)state;
    const struct {
        const struct tls_minted *shown, *signer, *about;
        int status;
        struct forge_days days;
        const char *what;
    } cases[] = {
        {&plain, &kit.ca, &plain, V_OCSP_CERTSTATUS_GOOD, {0}, ""},
        {&demanding, &kit.ca, &demanding, V_OCSP_CERTSTATUS_GOOD, {0}, ""},
        {&plain,
         &kit.ca,
         &plain,
         V_OCSP_CERTSTATUS_UNKNOWN,
         {0},
         STAPLED "does not know the certificate"},
        {&plain,
         &kit.ca,
         &plain,
         V_OCSP_CERTSTATUS_GOOD,
         {.from = -9, .to = -2},
         STAPLED "is stale, or not yet good"},
        {&demanding,
         &kit.ca,
         &plain,
         V_OCSP_CERTSTATUS_GOOD,
         {0},
         STAPLED "is not about this certificate"},
        {&demanding,
         &stranger,
         &demanding,
         V_OCSP_CERTSTATUS_GOOD,
         {0},
         STAPLED "is not signed by the certificate's CA"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_fini) struct buf der;
        buf_init(&der, RESPONSE_MAX_BYTES);
        forge_ocsp(&kit.ca, cases[i].signer, cases[i].about, cases[i].status, cases[i].days, &der);
        assert_client(cases[i].shown, buf_view(&der), false, cases[i].what);
    }
    assert_client(&plain, BYTES_LIT("rubbish"), false, STAPLED "cannot be read (DER)");
}

static void tls_208_must_staple_is_honoured(void **state)
{
    (void)state;
    assert_client(&plain, bytes_of(NULL, 0), false, "");
    assert_client(&demanding, bytes_of(NULL, 0), false,
                  "the server's certificate demands a stapled OCSP response, and none came");
    assert_client(&demanding, bytes_of(NULL, 0), true, ""); /* trusted for its key (TLS-94) */
}

static void tls_208_data_connections_resume_without_a_response(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf der;
    buf_init(&der, RESPONSE_MAX_BYTES);
    forge_ocsp(&kit.ca, &kit.ca, &demanding, V_OCSP_CERTSTATUS_GOOD, (struct forge_days){0}, &der);
    struct tls_context *kept = kit.server;
    assert_int_equal(new_server(&demanding, buf_view(&der), &kit.server, NULL), FERRY_OK);
    struct tls_login login;
    tls_login_open(&login, &kit);
    assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
    assert_int_equal(tls_login_full_data(&login, &kit), FERRY_OK);
    tls_login_fini(&login);
    tls_context_unref(kit.server);
    kit.server = kept;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_208_a_response_that_is_of_no_use_is_refused_at_load),
        cmocka_unit_test(bytes_that_are_no_response_are_refused),
        cmocka_unit_test(tls_208_it_is_sent_to_those_who_ask),
        cmocka_unit_test(tls_208_what_has_become_stale_is_no_longer_sent),
        cmocka_unit_test(short_memory_is_reported),
        cmocka_unit_test(tls_208_the_client_judges_what_is_stapled),
        cmocka_unit_test(tls_208_must_staple_is_honoured),
        cmocka_unit_test(tls_208_data_connections_resume_without_a_response),
    };
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
