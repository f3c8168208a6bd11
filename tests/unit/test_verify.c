/* tls/verify and tls/distrust: whom a client trusts, whom a server trusts, and the words when not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/tls_kit.h"

enum { DAY_S = 24 * 3600 };

/* Gives the kit's server another identity. */
static void use_identity(struct tls_kit *kit, struct bytes certificate_pem, struct bytes key_pem)
{
    const struct tls_server_settings settings = {
        .certificate_pem = certificate_pem,
        .key_pem = key_pem,

    };
    struct fault fault = {0};
    tls_context_unref(kit->server);
    assert_int_equal(tls_context_new_server(&settings, &kit->server, &fault), FERRY_OK);
}

/* Mints by the kit's CA and uses it. */
static void use_minted(struct tls_kit *kit, const struct tls_mint_request *request)
{
    struct tls_minted leaf;
    assert_int_equal(tls_mint_leaf(&kit->ca, request, &leaf, NULL), FERRY_OK);
    use_identity(kit, buf_view(&leaf.certificate_pem), buf_view(&leaf.key_pem));
    tls_minted_fini(&leaf);
}

/* A login to `name`, as far as it goes; the caller looks at the client's fault and ends with
 * tls_login_fini. */
static const struct fault *log_in(struct tls_login *login, struct tls_kit *kit, const char *name,
                                  const struct tls_trust *trust)
{
    tls_login_init(login, kit);
    if (trust)
        login->trust = *trust;
    const struct tls_client_role role = {
        .sessions = login->sessions, .server_name = name, .trust = &login->trust};
    tls_engine_free(login->control.client.engine);
    assert_int_equal(tls_engine_new_client(kit->client, &role, &login->control.client.engine),
                     FERRY_OK);
    tls_pair_run(&login->control);
    const struct fault *fault = tls_engine_fault(login->control.client.engine);
    assert_int_equal(login->control.client.open, !fault_is_set(fault));
    assert_int_equal(login->trust.control_seen, !fault_is_set(fault));
    return fault;
}

/* ---- names ---- */

static void tls_90_names(void **state)
{
    (void)state;
    static const struct {
        const char *certified;
        const char *asked;
        bool trusted;
    } cases[] = {
        {"ftp.example.org", "ftp.example.org", true},
        {"ftp.example.org", "FTP.Example.ORG", true},
        {"ftp.example.org", "ftp.example.org.", true}, /* TLS-146 */
        {"ftp.example.org", "example.org", false},
        {"ftp.example.org", "a.ftp.example.org", false},
        {"*.example.org", "ftp.example.org", true},
        {"*.example.org", "example.org", false},
        {"*.example.org", "a.ftp.example.org", false},
        {"f*.example.org", "ftp.example.org", false},
        {"*p.example.org", "ftp.example.org", false},
        {"*", "localhost", false},
        {"ftp.example.org", "192.0.2.7", true}, /* by iPAddress, see below */
        {"ftp.example.org", "192.0.2.8", false},
        {"ftp.example.org", "2001:db8::7", true},
        {"ftp.example.org", "2001:DB8:0::0007", true},
        {"ftp.example.org", "2001:db8::7%eth0", true},
        {"ftp.example.org", "2001:db8::8", false},
        {"192.0.2.9", "192.0.2.9", false}, /* an address as a dNSName is none */
    };
    static const char *const addresses[] = {"192.0.2.7", "2001:db8::7", NULL};
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    int64_t now = tls_kit_now_s();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *names[] = {cases[i].certified, NULL};
        use_minted(&kit, &(struct tls_mint_request){.common_name = cases[i].certified,
                                                    .dns_names = names,
                                                    .ip_addresses = addresses,
                                                    .not_before_s = now - DAY_S,
                                                    .not_after_s = now + DAY_S});
        struct tls_login login;
        const struct fault *fault = log_in(&login, &kit, cases[i].asked, NULL);
        if (fault_is_set(fault) == cases[i].trusted)
            fail_msg("%s for %s: %s", cases[i].certified, cases[i].asked, fault->what);
        assert_int_equal(fault->kind, cases[i].trusted ? FERRY_OK : FERRY_E_TRUST);
        tls_login_fini(&login);
    }
    tls_kit_close(&kit);
}

static void tls_90_the_common_name_counts_in_legacy_only(void **state)
{
    (void)state;
    for (int legacy = 0; legacy < 2; legacy++) {
        struct tls_kit kit;
        tls_kit_open(&kit, &(struct tls_kit_options){.policy = legacy ? TLS_POLICY_LEGACY
                                                                      : TLS_POLICY_DEFAULT});
        int64_t now = tls_kit_now_s();
        use_minted(&kit, &(struct tls_mint_request){.common_name = TLS_KIT_HOST,
                                                    .not_before_s = now - DAY_S,
                                                    .not_after_s = now + DAY_S});
        struct tls_login login;
        const struct fault *fault = log_in(&login, &kit, TLS_KIT_HOST, NULL);
        assert_int_equal(fault->kind, legacy ? FERRY_OK : FERRY_E_TRUST);
        if (!legacy)
            assert_string_equal(fault->what, "the server's certificate is not for " TLS_KIT_HOST
                                             "; it is valid for no host name");
        tls_login_fini(&login);
        tls_kit_close(&kit);
    }
}

/* ---- words ---- */

static void assert_starts(const char *text, const char *start)
{
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("\"%s\" does not start with \"%s\"", text, start);
}

/* The fault of one refused login: kind, words and advice; and what the server heard of it. */
static void assert_refused(struct tls_kit *kit, const char *name, const char *what,
                           const char *advice, const char *server_heard)
{
    struct tls_login login;
    const struct fault *fault = log_in(&login, kit, name, NULL);
    assert_int_equal(fault->kind, FERRY_E_TRUST);
    assert_string_equal(fault->what, what);
    assert_starts(fault->advice, advice);
    assert_int_equal(login.control.server.status, TLS_FAILED);
    assert_string_equal(tls_engine_fault(login.control.server.engine)->peer_said, server_heard);
    tls_login_fini(&login);
}

static void a_wrong_name_lists_the_right_ones(struct tls_kit *kit)
{
    assert_refused(
        kit, "other.example.org",
        "the server's certificate is not for other.example.org; it is valid for "
        "ftp.example.org, 192.0.2.7, 2001:db8:0:0:0:0:0:7",
        "use a name the certificate is for; or ask the server's operator whether this is "
        "its key and use --pin sha256//",
        "bad_certificate (TLS alert 42)");
}

static void a_self_signed_one_is_called_so(struct tls_kit *kit)
{
    struct tls_minted self;
    int64_t now = tls_kit_now_s();
    assert_int_equal(tls_mint_ca(TLS_KIT_HOST, now - DAY_S, now + DAY_S, &self, NULL), FERRY_OK);
    use_identity(kit, buf_view(&self.certificate_pem), buf_view(&self.key_pem));
    assert_refused(
        kit, TLS_KIT_HOST, "the server's certificate is self-signed",
        "use --ca FILE with its CA; or ask the server's operator whether this is its key "
        "and use --pin sha256//",
        "unknown_ca (TLS alert 48)");
    tls_minted_fini(&self);
}

static void an_unknown_ca_is_told(struct tls_kit *kit)
{
    struct tls_minted ca, leaf;
    int64_t now = tls_kit_now_s();
    assert_int_equal(tls_mint_ca("Other CA", now - DAY_S, now + DAY_S, &ca, NULL), FERRY_OK);
    const struct tls_mint_request request = {
        .common_name = "x", .not_before_s = now - DAY_S, .not_after_s = now + DAY_S};
    assert_int_equal(tls_mint_leaf(&ca, &request, &leaf, NULL), FERRY_OK);
    use_identity(kit, buf_view(&leaf.certificate_pem), buf_view(&leaf.key_pem));
    assert_refused(kit, TLS_KIT_HOST,
                   "the server's certificate is signed by a CA that is not known here, or comes "
                   "without its intermediate certificates",
                   "use --ca FILE", "unknown_ca (TLS alert 48)");

    /* With the CA in the chain: known to exist, and not trusted. */
    struct buf chain;
    buf_init(&chain, TLS_MINT_PEM_MAX_BYTES);
    assert_int_equal(buf_append(&chain, buf_view(&leaf.certificate_pem)), FERRY_OK);
    assert_int_equal(buf_append(&chain, buf_view(&ca.certificate_pem)), FERRY_OK);
    use_identity(kit, buf_view(&chain), buf_view(&leaf.key_pem));
    assert_refused(kit, TLS_KIT_HOST,
                   "the server's certificate is signed by a CA that is not trusted here",
                   "use --ca FILE", "unknown_ca (TLS alert 48)");
    buf_fini(&chain);
    tls_minted_fini(&leaf);
    tls_minted_fini(&ca);
}

static void dates_are_told(struct tls_kit *kit)
{
    static const char *const names[] = {TLS_KIT_HOST, NULL};
    struct tls_mint_request request = {.common_name = "x", .dns_names = names};
    request.not_before_s = 1500000000;
    request.not_after_s = 1600000000;
    use_minted(kit, &request);
    assert_refused(kit, TLS_KIT_HOST, "the server's certificate expired on 2020-09-13",
                   "look at this machine's clock", "certificate_expired (TLS alert 45)");
    request.not_before_s = 4000000000;
    request.not_after_s = 4100000000;
    use_minted(kit, &request);
    assert_refused(kit, TLS_KIT_HOST, "the server's certificate is not valid before 2096-10-02",
                   "look at this machine's clock", "bad_certificate (TLS alert 42)");
}

static void a_clients_certificate_is_no_servers(struct tls_kit *kit)
{
    use_identity(kit, buf_view(&kit->client_leaf.certificate_pem),
                 buf_view(&kit->client_leaf.key_pem));
    assert_refused(kit, TLS_KIT_HOST, "the server's certificate is not made for this use", "",
                   "unsupported_certificate (TLS alert 43)");
}

static void tls_90_what_is_wrong_is_said_in_words(void **state)
{
    (void)state;
    static void (*const cases[])(struct tls_kit * kit) = {
        a_wrong_name_lists_the_right_ones,
        a_self_signed_one_is_called_so,
        an_unknown_ca_is_told,
        dates_are_told,
        a_clients_certificate_is_no_servers,
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_kit kit;
        tls_kit_open(&kit, &(struct tls_kit_options){0});
        cases[i](&kit);
        tls_kit_close(&kit);
    }
}

/* A name cannot forge a line of the log (SEC-80). */
static void hostile_names_in_certificates_are_made_visible(void **state)
{
    (void)state;
    static const char *const names[] = {"evil\r\n226 done", "\x1b[2J", NULL};
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    int64_t now = tls_kit_now_s();
    use_minted(&kit, &(struct tls_mint_request){.common_name = "a\r\nb",
                                                .dns_names = names,
                                                .not_before_s = now - DAY_S,
                                                .not_after_s = now + DAY_S});
    struct tls_login login;
    const struct fault *fault = log_in(&login, &kit, TLS_KIT_HOST, NULL);
    assert_null(strpbrk(fault->what, "\r\n\x1b"));
    assert_non_null(strstr(fault->what, "226 done"));
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* ---- pins ---- */

static void tls_94_pins_are_written_in_one_way(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", true},
        {"sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", true},
        {"", false},
        {"sha256//", false},
        {"sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
        {"SHA256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", false}, /* stray bits */
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false}, /* 33 bytes */
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", false}, /* 31 bytes */
        {"sha256// AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-=", false},
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ", false},
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_pin pin;
        enum ferry_error expected = cases[i].good ? FERRY_OK : FERRY_E_ARGUMENT;
        if (tls_pin_parse(bytes_str(cases[i].text), &pin) != expected)
            fail_msg("%s", cases[i].text);
    }
    /* SHA-256 of nothing, byte by byte. */
    static const uint8_t nothing[TLS_PIN_BYTES] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                                   0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                                   0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                                   0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    struct tls_pin pin;
    assert_int_equal(tls_pin_parse(bytes_str(cases[1].text), &pin), FERRY_OK);
    assert_memory_equal(pin.bytes, nothing, sizeof(nothing));
}

/* The pin of the kit's server, as the facts tell it. */
static struct tls_pin learn_pin(struct tls_kit *kit)
{
    struct tls_login login;
    struct tls_pin pin;
    tls_login_open(&login, kit);
    const char *text = tls_engine_facts(login.control.client.engine)->peer_spki_pin;
    assert_int_equal(tls_pin_parse(bytes_str(text), &pin), FERRY_OK);
    tls_login_fini(&login);
    return pin;
}

static void tls_94_a_pinned_key_is_trusted_whatever_chain_and_name_say(void **state)
{
    (void)state;
    struct tls_kit kit, stranger;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_kit_open(&stranger, &(struct tls_kit_options){0});
    struct tls_trust trust = {.pin_count = 2};
    memset(trust.pins[0].bytes, 7, TLS_PIN_BYTES);
    trust.pins[1] = learn_pin(&stranger);

    use_identity(&kit, buf_view(&stranger.server_leaf.certificate_pem),
                 buf_view(&stranger.server_leaf.key_pem));
    struct tls_login login;
    assert_int_equal(log_in(&login, &kit, "any.name", NULL)->kind, FERRY_E_TRUST);
    tls_login_fini(&login);
    assert_int_equal(log_in(&login, &kit, "any.name", &trust)->kind, FERRY_OK);
    tls_login_fini(&login);
    tls_kit_close(&stranger);
    tls_kit_close(&kit);
}

static void tls_94_a_key_that_is_not_pinned_is_refused_whatever_chain_and_name_say(void **state)
{
    (void)state;
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    struct tls_trust trust = {.pin_count = 1};
    memset(trust.pins[0].bytes, 7, TLS_PIN_BYTES);
    struct tls_login login;
    const struct fault *fault = log_in(&login, &kit, TLS_KIT_HOST, &trust);
    assert_int_equal(fault->kind, FERRY_E_TRUST);
    assert_starts(fault->what, "the server's key is none of those pinned; it is sha256//");
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* ---- data connections ---- */

static void same_certificate(struct tls_kit *kit)
{
    struct tls_login login;
    tls_login_open(&login, kit);
    assert_int_equal(tls_login_full_data(&login, kit), FERRY_OK);

    /* Another certificate of the same name by the same CA is another server. */
    static const char *const names[] = {TLS_KIT_HOST, NULL};
    int64_t now = tls_kit_now_s();
    use_minted(kit, &(struct tls_mint_request){.common_name = "ferry test server",
                                               .dns_names = names,
                                               .not_before_s = now - DAY_S,
                                               .not_after_s = now + DAY_S});
    assert_int_equal(tls_login_full_data(&login, kit), FERRY_E_TRUST);
    tls_login_fini(&login);
}

static void tls_91_a_data_connection_shows_the_same_certificate(void **state)
{
    (void)state;
    tls_kit_for_each_version(same_certificate);
}

static void tls_91_a_pinned_server_is_the_same_on_data_connections(void **state)
{
    (void)state;
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    struct tls_trust trust = {.pin_count = 1, .pins[0] = learn_pin(&kit)};
    struct tls_login login;
    assert_int_equal(log_in(&login, &kit, "any.name", &trust)->kind, FERRY_OK);
    assert_int_equal(tls_login_full_data(&login, &kit), FERRY_OK);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* ---- limits ---- */

static void sec_59_long_chains_are_refused(void **state)
{
    (void)state;
    static const struct {
        int authorities;
        enum ferry_error kind;
        const char *what;
    } cases[] = {
        {9, FERRY_OK, ""},
        {10, FERRY_E_LIMIT, /* eleven with the server's own */
         "the peer's certificates are more than 10 or have a key of more than 8192 bits"},
        {200, FERRY_E_LIMIT, /* more than 64 KiB: refused before it is parsed */
         "the peer's handshake message, most likely its certificates, is too large"},
    };
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf chain;
        buf_init(&chain, 1024 * 1024);
        assert_int_equal(buf_append(&chain, buf_view(&kit.server_leaf.certificate_pem)), FERRY_OK);
        for (int j = 0; j < cases[i].authorities; j++)
            assert_int_equal(buf_append(&chain, buf_view(&kit.ca.certificate_pem)), FERRY_OK);
        use_identity(&kit, buf_view(&chain), buf_view(&kit.server_leaf.key_pem));
        struct tls_login login;
        const struct fault *fault = log_in(&login, &kit, TLS_KIT_HOST, NULL);
        assert_int_equal(fault->kind, cases[i].kind);
        assert_string_equal(fault->what, cases[i].what);
        tls_login_fini(&login);
        buf_fini(&chain);
    }
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_90_names),
        cmocka_unit_test(tls_90_the_common_name_counts_in_legacy_only),
        cmocka_unit_test(tls_90_what_is_wrong_is_said_in_words),
        cmocka_unit_test(hostile_names_in_certificates_are_made_visible),
        cmocka_unit_test(tls_94_pins_are_written_in_one_way),
        cmocka_unit_test(tls_94_a_pinned_key_is_trusted_whatever_chain_and_name_say),
        cmocka_unit_test(tls_94_a_key_that_is_not_pinned_is_refused_whatever_chain_and_name_say),
        cmocka_unit_test(tls_91_a_data_connection_shows_the_same_certificate),
        cmocka_unit_test(tls_91_a_pinned_server_is_the_same_on_data_connections),
        cmocka_unit_test(sec_59_long_chains_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
