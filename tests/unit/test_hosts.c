/* tls/hosts: several hosts behind one listener, by SNI and by HOST. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "support/alloc_fail.h"
#include "support/forge.h"
#include "support/raw_peer.h"
#include "support/tls_kit.h"

enum { ALERT_UNRECOGNIZED_NAME = 112, ALERT_NO_APPLICATION_PROTOCOL = 120 };

/* Two hosts, a.example (also www.a.example) and b.example, and a nameless default one. */
struct rig {
    struct tls_kit kit;
    struct tls_minted leaf[2];
    struct tls_context *context[2];
    struct tls_hosts *hosts;
    struct tls_binding *binding;
};

static struct tls_context *new_context(struct bytes certificate, struct bytes key,
                                       enum tls_version version)
{
    const struct tls_server_settings settings = {
        .certificate_pem = certificate, .key_pem = key, .min = version, .max = version};
    struct tls_context *context = NULL;
    struct fault fault = {0};
    if (tls_context_new_server(&settings, &context, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    return context;
}

static void open_rig(struct rig *rig, enum tls_version version, enum tls_unknown_host unknown)
{
    static const char *const names[] = {"a.example", "b.example"};
    tls_kit_open(&rig->kit, &(struct tls_kit_options){.min = version, .max = version});
    for (size_t i = 0; i < 2; i++) {
        const struct forge_name name = {GEN_DNS, bytes_str(names[i])};
        forge(&(struct forge_request){.issuer = &rig->kit.ca,
                                      .subject = (const char *const[]){"CN", names[i], NULL},
                                      .names = &name,
                                      .name_count = 1},
              &rig->leaf[i]);
        rig->context[i] = new_context(buf_view(&rig->leaf[i].certificate_pem),
                                      buf_view(&rig->leaf[i].key_pem), version);
    }
    const struct tls_host hosts[] = {{"A.example.", rig->context[0]},
                                     {"www.a.example", rig->context[0]},
                                     {"b.example", rig->context[1]}};
    const struct tls_hosts_settings settings = {.fallback = rig->kit.server,
                                                .hosts = hosts,
                                                .host_count = ARRAY_LEN(hosts),
                                                .unknown = unknown};
    struct fault fault = {0};
    if (tls_hosts_new(&settings, &rig->hosts, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    rig->binding = tls_binding_new(rig->kit.master);
}

static void close_rig(struct rig *rig)
{
    tls_binding_free(rig->binding);
    tls_hosts_unref(rig->hosts);
    for (size_t i = 0; i < 2; i++) {
        tls_context_unref(rig->context[i]);
        tls_minted_fini(&rig->leaf[i]);
    }
    tls_kit_close(&rig->kit);
}

static void for_each_version(void (*body)(struct rig *rig), enum tls_unknown_host unknown)
{
    static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct rig rig;
        open_rig(&rig, versions[i], unknown);
        body(&rig);
        close_rig(&rig);
    }
}

/* What became of a client's connection. */
struct outcome {
    bool served;
    bool resumed;
    int alert;
    char host[256], subject[64];
    char fault[FAULT_TEXT_BYTES];
};

static int alert_seen;

static void on_info(const SSL *ssl, int where, int value)
{
    (void)ssl;
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        alert_seen = value & 0xff;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **kept = SSL_get_app_data(ssl);
    if (!kept)
        return 0;
    SSL_SESSION_free(*kept);
    *kept = session;
    return 1;
}

/* A client that says `sni` (NULL: nothing) to an engine of `role`; with a session to offer, or a
 * place for the one it gets. */
static struct outcome visit(const struct tls_server_role *role, const char *sni, SSL_SESSION *offer,
                            SSL_SESSION **kept)
{
    struct outcome outcome = {0};
    struct tls_engine *engine = NULL;
    struct tls_end server;
    struct raw_peer client;
    SSL_CTX *context = raw_client_context();
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    assert_int_equal(tls_engine_new_server(NULL, role, &engine), FERRY_OK);
    tls_end_init(&server, engine);
    raw_peer_init(&client, context, &server);
    SSL_set_app_data(client.ssl, kept);
    SSL_set_info_callback(client.ssl, on_info);
    alert_seen = 0;
    if (sni)
        assert_int_equal(SSL_set_tlsext_host_name(client.ssl, (void *)(uintptr_t)sni), 1);
    if (offer) {
        assert_int_equal(SSL_set_session(client.ssl, offer), 1);
        SSL_set_max_proto_version(client.ssl, SSL_SESSION_get_protocol_version(offer));
    }
    raw_peer_run(&client);

    outcome.served = server.open && client.open;
    outcome.alert = alert_seen;
    snprintf(outcome.fault, sizeof(outcome.fault), "%s", tls_engine_fault(engine)->what);
    if (outcome.served) {
        outcome.resumed = tls_engine_facts(engine)->resumed;
        snprintf(outcome.host, sizeof(outcome.host), "%s", tls_engine_facts(engine)->host);
        X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(client.ssl)),
                                  NID_commonName, outcome.subject, sizeof(outcome.subject));
    }
    raw_peer_fini(&client);
    tls_end_fini(&server);
    SSL_CTX_free(context);
    return outcome;
}

/* ---- which host ---- */

struct visit_case {
    const char *host, *sni;
    const char *chosen, *subject; /* NULL: refused */
};

static void try_visits(const struct rig *rig, const struct visit_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct tls_server_role role = {
            .binding = rig->binding, .hosts = rig->hosts, .host = cases[i].host};
        struct outcome outcome = visit(&role, cases[i].sni, NULL, NULL);
        assert_int_equal(outcome.served, cases[i].chosen != NULL);
        assert_int_equal(outcome.alert, cases[i].chosen ? 0 : ALERT_UNRECOGNIZED_NAME);
        assert_string_equal(outcome.host, cases[i].chosen ? cases[i].chosen : "");
        assert_string_equal(outcome.subject, cases[i].chosen ? cases[i].subject : "");
    }
}

static void strict(struct rig *rig)
{
    static const struct visit_case cases[] = {
        {NULL, "a.example", "A.example", "a.example"},
        {NULL, "WWW.a.EXAMPLE", "A.example", "a.example"},
        {NULL, "b.example", "b.example", "b.example"},
        {NULL, NULL, "", "ferry test server"},
        {NULL, "c.example", NULL, NULL},
        {NULL, "example", NULL, NULL},
        /* TLS-44: HOST came before; TLS-141: an SNI then says the same or nothing. */
        {"b.example", NULL, "b.example", "b.example"},
        {"b.example", "B.example", "b.example", "b.example"},
        {"a.example", "www.a.example", "A.example", "a.example"},
        {"b.example", "a.example", NULL, NULL},
        {"b.example", "c.example", NULL, NULL},
        {"", "b.example", "b.example", "b.example"},
    };
    try_visits(rig, cases, ARRAY_LEN(cases));
}

static void tls_123_tls_141_the_host_is_the_one_that_was_named(void **state)
{
    (void)state;
    for_each_version(strict, TLS_UNKNOWN_HOST_AUTO);
}

static void lenient(struct rig *rig)
{
    static const struct visit_case cases[] = {
        {NULL, "a.example", "A.example", "a.example"},
        {NULL, "c.example", "", "ferry test server"},
        {"b.example", "c.example", NULL, NULL},
    };
    try_visits(rig, cases, ARRAY_LEN(cases));
}

static void tls_123_an_unknown_name_gets_the_default_host_where_that_is_set(void **state)
{
    (void)state;
    for_each_version(lenient, TLS_UNKNOWN_HOST_DEFAULT);
}

static void tls_123_one_host_alone_is_not_strict_unless_told(void **state)
{
    (void)state;
    static const struct {
        enum tls_unknown_host unknown;
        bool served;
    } cases[] = {{TLS_UNKNOWN_HOST_AUTO, true},
                 {TLS_UNKNOWN_HOST_DEFAULT, true},
                 {TLS_UNKNOWN_HOST_REJECT, false}};
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    struct tls_binding *binding = tls_binding_new(kit.master);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tls_host host = {TLS_KIT_HOST, kit.server};
        const struct tls_hosts_settings settings = {
            .fallback = kit.server, .hosts = &host, .host_count = 1, .unknown = cases[i].unknown};
        struct tls_hosts *hosts = NULL;
        assert_int_equal(tls_hosts_new(&settings, &hosts, NULL), FERRY_OK);
        const struct tls_server_role role = {.binding = binding, .hosts = hosts};
        struct outcome outcome = visit(&role, "other.example", NULL, NULL);
        assert_int_equal(outcome.served, cases[i].served);
        assert_string_equal(outcome.fault,
                            cases[i].served ? ""
                                            : "the client asks for a host that is not here (SNI)");
        /* The default host has a name here. */
        outcome = visit(&role, NULL, NULL, NULL);
        assert_string_equal(outcome.host, TLS_KIT_HOST);
        tls_hosts_unref(hosts);
    }
    tls_binding_free(binding);
    tls_kit_close(&kit);
}

static void tls_146_names_are_found_in_any_case_and_with_a_dot(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, TLS_VERSION_ANY, TLS_UNKNOWN_HOST_AUTO);
    assert_string_equal(tls_hosts_find(rig.hosts, BYTES_LIT("a.example")), "A.example");
    assert_string_equal(tls_hosts_find(rig.hosts, BYTES_LIT("WWW.A.example.")), "A.example");
    assert_null(tls_hosts_find(rig.hosts, BYTES_LIT("a.example..")));
    assert_null(tls_hosts_find(rig.hosts, BYTES_LIT("")));
    assert_null(tls_hosts_find(rig.hosts, BYTES_LIT(".")));
    assert_null(tls_hosts_find(rig.hosts, BYTES_LIT("a.example\0")));
    struct tls_engine *engine = NULL;
    const struct tls_server_role role = {
        .binding = rig.binding, .hosts = rig.hosts, .host = "c.example"};
    assert_int_equal(tls_engine_new_server(NULL, &role, &engine), FERRY_E_ARGUMENT);
    close_rig(&rig);
}

/* ---- sessions ---- */

static void sessions_of_hosts(struct rig *rig)
{
    const struct tls_server_role control = {.binding = rig->binding, .hosts = rig->hosts};
    SSL_SESSION *session = NULL;
    assert_string_equal(visit(&control, "a.example", NULL, &session).host, "A.example");
    assert_non_null(session);

    static const struct {
        const char *host, *sni;
        bool resumed;
    } cases[] = {
        {"A.example", "a.example", true},
        {"A.example", NULL, true},
        {NULL, "a.example", true},
        {NULL, "www.a.example", true}, /* a name of the same host */
        {"b.example", "b.example", false},
        {"b.example", NULL, false},
        {NULL, NULL, false}, /* the default host */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tls_server_role data = {
            .binding = rig->binding, .data = true, .hosts = rig->hosts, .host = cases[i].host};
        SSL_SESSION *copy = SSL_SESSION_dup(session);
        if (cases[i].sni)
            SSL_SESSION_set1_hostname(copy, cases[i].sni);
        struct outcome outcome = visit(&data, cases[i].sni, copy, NULL);
        assert_true(outcome.served);
        assert_int_equal(outcome.resumed, cases[i].resumed);
        SSL_SESSION_free(copy);
    }
    SSL_SESSION_free(session);
}

static void tls_145_a_session_of_one_host_does_not_resume_in_another(void **state)
{
    (void)state;
    for_each_version(sessions_of_hosts, TLS_UNKNOWN_HOST_AUTO);
}

/* ---- what a host decides ---- */

/* A host that demands certificates, behind a default host that does not. */
static void tls_71_a_host_asks_for_certificates_of_its_own_ca(void **state)
{
    (void)state;
    struct tls_kit plain, demanding;
    tls_kit_open(&plain, &(struct tls_kit_options){0});
    tls_kit_open(&demanding,
                 &(struct tls_kit_options){.client_certificates = TLS_CLIENT_CERT_REQUIRED,
                                           .client_has_certificate = true});
    const struct tls_host host = {TLS_KIT_HOST, demanding.server};
    const struct tls_hosts_settings settings = {
        .fallback = plain.server, .hosts = &host, .host_count = 1};
    struct tls_hosts *hosts = NULL;
    assert_int_equal(tls_hosts_new(&settings, &hosts, NULL), FERRY_OK);

    struct tls_login login;
    tls_login_init(&login, &demanding); /* for its client; the server's end is replaced */
    tls_engine_free(login.control.server.engine);
    const struct tls_server_role role = {.binding = login.binding, .hosts = hosts};
    assert_int_equal(tls_engine_new_server(NULL, &role, &login.control.server.engine), FERRY_OK);
    tls_pair_handshake(&login.control);
    struct tls_identity identity;
    assert_int_equal(tls_engine_identity(login.control.server.engine, &identity), FERRY_OK);
    assert_string_equal(identity.subject, "CN=alice");
    tls_login_fini(&login);

    struct tls_binding *binding = tls_binding_new(plain.master);
    const struct tls_server_role again = {.binding = binding, .hosts = hosts};
    struct outcome outcome = visit(&again, TLS_KIT_HOST, NULL, NULL);
    assert_string_equal(outcome.fault, "the client shows no certificate");
    assert_true(visit(&again, NULL, NULL, NULL).served);
    tls_binding_free(binding);
    tls_hosts_unref(hosts);
    tls_kit_close(&plain);
    tls_kit_close(&demanding);
}

static void tls_120_alpn_may_be_demanded_of_control_connections(void **state)
{
    (void)state;
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    const struct tls_server_settings settings = {
        .certificate_pem = buf_view(&kit.server_leaf.certificate_pem),
        .key_pem = buf_view(&kit.server_leaf.key_pem),
        .alpn_required = true,
    };
    tls_context_unref(kit.server);
    assert_int_equal(tls_context_new_server(&settings, &kit.server, NULL), FERRY_OK);
    const struct tls_hosts_settings one = {.fallback = kit.server};
    struct tls_hosts *hosts = NULL;
    assert_int_equal(tls_hosts_new(&one, &hosts, NULL), FERRY_OK);
    struct tls_binding *binding = tls_binding_new(kit.master);
    struct tls_server_role role = {.binding = binding, .hosts = hosts};
    struct outcome outcome = visit(&role, NULL, NULL, NULL); /* offers none */
    assert_false(outcome.served);
    assert_int_equal(outcome.alert, ALERT_NO_APPLICATION_PROTOCOL);
    role.data = true;
    assert_true(visit(&role, NULL, NULL, NULL).served);
    struct tls_login login;
    tls_login_open(&login, &kit); /* ours offers it */
    assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
    tls_login_fini(&login);
    tls_binding_free(binding);
    tls_hosts_unref(hosts);
    tls_kit_close(&kit);
}

static void hosts_that_cannot_be_are_refused_in_words(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, TLS_VERSION_1_3, TLS_UNKNOWN_HOST_AUTO);
    struct tls_context *other = new_context(buf_view(&rig.leaf[0].certificate_pem),
                                            buf_view(&rig.leaf[0].key_pem), TLS_VERSION_1_2);
    const struct {
        struct tls_host hosts[2];
        const char *what;
    } cases[] = {
        {{{"a.example", rig.context[0]}, {"A.EXAMPLE.", rig.context[1]}},
         "the host \"A.EXAMPLE\" is there twice"},
        {{{"*.example", rig.context[0]}, {"b", rig.context[1]}},
         "\"*.example\" is not the name of a host"},
        {{{"", rig.context[0]}, {"b", rig.context[1]}}, "\"\" is not the name of a host"},
        {{{"a b", rig.context[0]}, {"b", rig.context[1]}}, "\"a b\" is not the name of a host"},
        {{{"a", rig.context[0]}, {"b", other}},
         "the host \"b\" has another TLS policy or other versions than the hosts beside it"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tls_hosts_settings settings = {
            .fallback = rig.kit.server, .hosts = cases[i].hosts, .host_count = 2};
        struct tls_hosts *hosts = NULL;
        struct fault fault = {0};
        assert_int_equal(tls_hosts_new(&settings, &hosts, &fault), FERRY_E_ARGUMENT);
        assert_string_equal(fault.what, cases[i].what);
    }
    tls_context_unref(other);
    close_rig(&rig);
}

static enum ferry_error try_hosts(void *ctx)
{
    const struct tls_hosts_settings *settings = ctx;
    struct tls_hosts *hosts = NULL;
    enum ferry_error error = tls_hosts_new(settings, &hosts, NULL);
    tls_hosts_unref(hosts);
    return error;
}

static void short_memory_is_reported(void **state)
{
    (void)state;
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    const struct tls_host host = {TLS_KIT_HOST, kit.server};
    struct tls_hosts_settings settings = {.fallback = kit.server, .hosts = &host, .host_count = 1};
    assert_int_equal(alloc_fail_each(try_hosts, &settings, 10), 1);
    tls_hosts_unref(NULL);
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_123_tls_141_the_host_is_the_one_that_was_named),
        cmocka_unit_test(tls_123_an_unknown_name_gets_the_default_host_where_that_is_set),
        cmocka_unit_test(tls_123_one_host_alone_is_not_strict_unless_told),
        cmocka_unit_test(tls_146_names_are_found_in_any_case_and_with_a_dot),
        cmocka_unit_test(tls_145_a_session_of_one_host_does_not_resume_in_another),
        cmocka_unit_test(tls_71_a_host_asks_for_certificates_of_its_own_ca),
        cmocka_unit_test(tls_120_alpn_may_be_demanded_of_control_connections),
        cmocka_unit_test(hosts_that_cannot_be_are_refused_in_words),
        cmocka_unit_test(short_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
