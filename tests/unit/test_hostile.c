/* tls: what a peer of another make may try on a server's engine, and what is no TLS at all on
 * either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "support/raw_peer.h"
#include "support/tls_kit.h"

struct fixture {
    struct tls_kit kit;
    struct tls_login login;
    struct tls_end server;
    SSL_CTX *context;
    struct raw_peer client;
};

static void open_fixture(struct fixture *fixture, const struct tls_kit_options *options, bool data)
{
    tls_kit_open(&fixture->kit, options);
    tls_login_open(&fixture->login, &fixture->kit);
    tls_login_server_end(&fixture->login, data, &fixture->server);
    fixture->context = raw_client_context();
    raw_peer_init(&fixture->client, fixture->context, &fixture->server);
}

static void close_fixture(struct fixture *fixture)
{
    raw_peer_fini(&fixture->client);
    SSL_CTX_free(fixture->context);
    tls_end_fini(&fixture->server);
    tls_login_fini(&fixture->login);
    tls_kit_close(&fixture->kit);
}

static const struct fault *server_fault(const struct fixture *fixture)
{
    return tls_engine_fault(fixture->server.engine);
}

/* The alert that the client received, or -1. */
static int alert_received;

static void on_info(const SSL *ssl, int where, int value)
{
    (void)ssl;
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        alert_received = value & 0xff;
}

static void watch_alerts(struct raw_peer *client)
{
    alert_received = -1;
    SSL_set_info_callback(client->ssl, on_info);
}

/* ---- ALPN ---- */

/* TLS-122: on data connections, too. */
static void tls_120_alpn_decides_who_is_served(void **state)
{
    (void)state;
    static const struct {
        const char *offer; /* as on the wire; "": no ALPN */
        bool data;
        const char *chosen; /* NULL: refused */
    } cases[] = {
        {"", false, ""},
        {"\003ftp", false, "ftp"},
        {"\010http/1.1\003ftp", false, "ftp"},
        {"\010http/1.1", false, NULL},
        {"\002h2\010http/1.1", false, NULL},
        {"\010ftp-data", false, NULL},
        {"", true, ""},
        {"\003ftp", true, "ftp"},
        {"\010ftp-data", true, "ftp-data"},
        {"\010http/1.1", true, NULL},
        {"\017x-filezilla-ftp", true, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        open_fixture(&fixture, &(struct tls_kit_options){0}, cases[i].data);
        watch_alerts(&fixture.client);
        if (cases[i].offer[0] != '\0')
            SSL_set_alpn_protos(fixture.client.ssl, (const unsigned char *)cases[i].offer,
                                (unsigned)strlen(cases[i].offer));
        raw_peer_run(&fixture.client);
        assert_int_equal(fixture.client.open, cases[i].chosen != NULL);
        if (cases[i].chosen) {
            assert_string_equal(tls_engine_facts(fixture.server.engine)->alpn, cases[i].chosen);
        } else {
            /* SEC-4: alert 120, and nothing more */
            assert_int_equal(alert_received, 120);
            assert_int_equal(fixture.server.status, TLS_FAILED);
            assert_int_equal(server_fault(&fixture)->kind, FERRY_E_TLS);
        }
        close_fixture(&fixture);
    }
}

/* ---- versions and extensions ---- */

static void tls_104_a_client_without_extended_master_secret_is_refused(void **state)
{
    (void)state;
    static const struct {
        int max;
        enum tls_policy_name policy;
        bool served;
    } cases[] = {
        {TLS1_2_VERSION, TLS_POLICY_DEFAULT, false},
        {TLS1_2_VERSION, TLS_POLICY_LEGACY, true},
        {TLS1_3_VERSION, TLS_POLICY_DEFAULT, true}, /* TLS 1.3 needs none */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        open_fixture(&fixture, &(struct tls_kit_options){.policy = cases[i].policy}, false);
        watch_alerts(&fixture.client);
        SSL_set_max_proto_version(fixture.client.ssl, cases[i].max);
        SSL_set_options(fixture.client.ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
        raw_peer_run(&fixture.client);
        assert_int_equal(fixture.server.open, cases[i].served);
        if (!cases[i].served) {
            assert_int_equal(alert_received, 40);
            assert_string_equal(server_fault(&fixture)->what,
                                "the client does not offer the extended master secret (RFC 7627)");
        }
        close_fixture(&fixture);
    }
}

/* A client that offers TLS 1.3, too, to a server that will not choose it: refused at its hello, as
 * cleanly. */
static void tls_104_nor_when_it_could_speak_1_3_to_others(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, &(struct tls_kit_options){.max = TLS_VERSION_1_2}, false);
    watch_alerts(&fixture.client);
    SSL_set_options(fixture.client.ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    raw_peer_run(&fixture.client);
    assert_int_equal(fixture.server.status, TLS_FAILED);
    assert_false(fixture.client.open);
    assert_int_equal(alert_received, 40);
    assert_string_equal(server_fault(&fixture)->what,
                        "the client does not offer the extended master secret (RFC 7627)");
    close_fixture(&fixture);
}

/* TLS-201 */
static void old_versions_are_served_by_the_legacy_policy_only(void **state)
{
    (void)state;
    for (int legacy = 0; legacy < 2; legacy++) {
        struct fixture fixture;
        open_fixture(
            &fixture,
            &(struct tls_kit_options){.policy = legacy ? TLS_POLICY_LEGACY : TLS_POLICY_DEFAULT},
            false);
        SSL_set_min_proto_version(fixture.client.ssl, TLS1_VERSION);
        SSL_set_max_proto_version(fixture.client.ssl, TLS1_VERSION);
        SSL_set_cipher_list(fixture.client.ssl, "ALL:@SECLEVEL=0");
        raw_peer_run(&fixture.client);
        assert_int_equal(fixture.server.open, legacy);
        if (legacy)
            assert_string_equal(tls_engine_facts(fixture.server.engine)->version_name, "TLSv1.0");
        else
            assert_string_equal(server_fault(&fixture)->what,
                                "the peer speaks only versions of TLS that the policy forbids");
        close_fixture(&fixture);
    }
}

static void tls_95_anonymous_suites_are_refused_even_by_legacy(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, &(struct tls_kit_options){.policy = TLS_POLICY_LEGACY}, false);
    SSL_set_max_proto_version(fixture.client.ssl, TLS1_2_VERSION);
    SSL_set_cipher_list(fixture.client.ssl, "aNULL:eNULL:@SECLEVEL=0");
    raw_peer_run(&fixture.client);
    assert_int_equal(fixture.server.status, TLS_FAILED);
    assert_string_equal(server_fault(&fixture)->what, "there is no cipher that both ends accept");
    close_fixture(&fixture);
}

static void tls_203_renegotiation_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, &(struct tls_kit_options){.max = TLS_VERSION_1_2}, false);
    raw_peer_run(&fixture.client);
    assert_true(fixture.client.open);
    watch_alerts(&fixture.client);
    assert_int_equal(SSL_renegotiate(fixture.client.ssl), 1);
    assert_int_not_equal(SSL_do_handshake(fixture.client.ssl), 1);
    raw_peer_run(&fixture.client);
    assert_int_equal(alert_received, 100); /* no_renegotiation */
    close_fixture(&fixture);
}

/* ---- floods ---- */

static void update_keys(struct raw_peer *client, int times)
{
    for (int i = 0; i < times; i++) {
        assert_int_equal(SSL_key_update(client->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(client->ssl), 1);
    }
}

/* TLS-193 */
static void key_updates_are_answered(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, &(struct tls_kit_options){0}, false);
    raw_peer_run(&fixture.client);
    for (size_t i = 1; i <= 3; i++) {
        size_t taken = 0;
        update_keys(&fixture.client, 1);
        raw_peer_run(&fixture.client);
        assert_int_equal(tls_engine_write(fixture.server.engine, BYTES_LIT("200 ok\r\n"), &taken),
                         TLS_DONE);
        raw_peer_run(&fixture.client);
        assert_int_equal(buf_len(&fixture.client.received), i * taken);
    }
    close_fixture(&fixture);
}

static void sec_57_key_updates_without_end_are_ended(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, &(struct tls_kit_options){0}, false);
    raw_peer_run(&fixture.client);
    update_keys(&fixture.client, 32);
    raw_peer_run(&fixture.client);
    assert_int_equal(fixture.server.status, TLS_WANT_INPUT);
    update_keys(&fixture.client, 1);
    raw_peer_run(&fixture.client);
    assert_int_equal(fixture.server.status, TLS_FAILED);
    assert_int_equal(server_fault(&fixture)->kind, FERRY_E_LIMIT);
    close_fixture(&fixture);
}

static void sec_57_plaintext_earns_key_updates(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, &(struct tls_kit_options){0}, false);
    raw_peer_run(&fixture.client);
    static const char content[512 * 1024];
    for (int i = 0; i < 4; i++) {
        size_t written = 0;
        update_keys(&fixture.client, 30);
        for (int half = 0; half < 2; half++) {
            assert_int_equal(SSL_write_ex(fixture.client.ssl, content, sizeof(content), &written),
                             1);
            raw_peer_run(&fixture.client);
            assert_int_equal(buf_len(&fixture.server.received), sizeof(content));
            buf_consume(&fixture.server.received, sizeof(content));
        }
        assert_int_equal(fixture.server.status, TLS_WANT_INPUT);
    }
    close_fixture(&fixture);
}

/* RFC 8446 section 7.1, HKDF-Expand-Label over SHA-256 with an empty context. */
static void expand_label(const unsigned char secret[32], const char *label, unsigned char *out,
                         size_t len)
{
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    char digest[] = "SHA256", prefix[] = "tls13 ", copy[16];
    unsigned char key[32], nothing[1] = {0};
    memcpy(key, secret, sizeof(key));
    snprintf(copy, sizeof(copy), "%s", label);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof(key)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, strlen(prefix)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, copy, strlen(copy)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, nothing, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    assert_int_equal(EVP_KDF_derive(context, out, len, params), 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static unsigned char traffic_secret[32];

/* Keeps the client's application traffic secret of "LABEL RANDOM SECRET". */
static void on_keylog(const SSL *ssl, const char *line)
{
    (void)ssl;
    if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) != 0)
        return;
    const char *secret = strrchr(line, ' ') + 1;
    for (size_t i = 0; i < sizeof(traffic_secret); i++)
        assert_int_equal(sscanf(secret + 2 * i, "%2hhx", &traffic_secret[i]), 1);
}

/* Seals a record of no plaintext: type application_data, AES-128-GCM (RFC 8446 section 5.2). */
static void seal_empty_record(unsigned char number, unsigned char out[22])
{
    unsigned char key[16], nonce[12], type = 23;
    expand_label(traffic_secret, "key", key, sizeof(key));
    expand_label(traffic_secret, "iv", nonce, sizeof(nonce));
    nonce[11] ^= number;
    memcpy(out, "\x17\x03\x03\x00\x11", 5);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int len = 0;
    assert_int_equal(EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, key, nonce), 1);
    assert_int_equal(EVP_EncryptUpdate(cipher, NULL, &len, out, 5), 1);
    assert_int_equal(EVP_EncryptUpdate(cipher, out + 5, &len, &type, 1), 1);
    assert_int_equal(EVP_EncryptFinal_ex(cipher, out + 6, &len), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, out + 6), 1);
    EVP_CIPHER_CTX_free(cipher);
}

static void sec_57_empty_records_without_end_are_ended(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, &(struct tls_kit_options){0}, false);
    SSL_CTX_set_keylog_callback(fixture.client.context, on_keylog);
    raw_peer_run(&fixture.client);
    assert_string_equal(tls_engine_facts(fixture.server.engine)->cipher, "TLS_AES_128_GCM_SHA256");
    unsigned char record[22], number = 0;
    for (; number < 20; number++) {
        seal_empty_record(number, record);
        tls_end_feed(&fixture.server, bytes_of(record, sizeof(record)));
        assert_int_equal(fixture.server.status, TLS_WANT_INPUT);
    }
    for (; number < 65; number++) {
        seal_empty_record(number, record);
        tls_end_feed(&fixture.server, bytes_of(record, sizeof(record)));
    }
    assert_int_equal(fixture.server.status, TLS_FAILED);
    assert_int_equal(server_fault(&fixture)->kind, FERRY_E_LIMIT);
    assert_string_equal(server_fault(&fixture)->what, "the peer sends empty records without end");
    close_fixture(&fixture);
}

/* ---- early data ---- */

/* A session of a login made by the raw client that claims that early data is welcome. */
static SSL_SESSION *session_with_early_data(struct tls_login *login)
{
    struct tls_end server;
    struct raw_peer client;
    SSL_CTX *context = raw_client_context();
    tls_login_server_end(login, false, &server);
    raw_peer_init(&client, context, &server);
    raw_peer_run(&client);
    size_t taken = 0;
    assert_int_equal(tls_engine_write(server.engine, BYTES_LIT("220\r\n"), &taken), TLS_DONE);
    raw_peer_run(&client);
    SSL_SESSION *session = SSL_SESSION_dup(SSL_get_session(client.ssl));
    assert_non_null(session);
    SSL_SESSION_set_max_early_data(session, 1000);
    raw_peer_fini(&client);
    SSL_CTX_free(context);
    tls_end_fini(&server);
    return session;
}

/* TLS-190 */
static void sec_14_early_data_is_not_taken(void **state)
{
    (void)state;
    for (int data = 0; data < 2; data++) {
        struct fixture fixture;
        open_fixture(&fixture, &(struct tls_kit_options){0}, data);
        SSL_SESSION *session = session_with_early_data(&fixture.login);
        assert_int_equal(SSL_set_session(fixture.client.ssl, session), 1);
        size_t written = 0;
        assert_int_equal(SSL_write_early_data(fixture.client.ssl, "DELE x\r\n", 8, &written), 1);
        raw_peer_run(&fixture.client);
        assert_true(fixture.client.open);
        assert_true(fixture.server.open);
        assert_int_equal(SSL_get_early_data_status(fixture.client.ssl), SSL_EARLY_DATA_REJECTED);
        assert_int_equal(buf_len(&fixture.server.received), 0);

        assert_int_equal(SSL_write_ex(fixture.client.ssl, "NOOP\r\n", 6, &written), 1);
        raw_peer_run(&fixture.client);
        assert_true(bytes_equal(buf_view(&fixture.server.received), BYTES_LIT("NOOP\r\n")));
        SSL_SESSION_free(session);
        close_fixture(&fixture);
    }
}

/* TLS-191: nothing is said to a client that has not finished. */
static void tls_191_there_is_no_room_before_the_handshake_is_done(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, &(struct tls_kit_options){0}, false);
    assert_int_not_equal(SSL_do_handshake(fixture.client.ssl), 1);
    char hello[4096];
    size_t len = 0;
    assert_int_equal(BIO_read_ex(fixture.client.out, hello, sizeof(hello), &len), 1);
    tls_end_feed(&fixture.server, bytes_of(hello, len));
    assert_int_equal(fixture.server.status, TLS_WANT_INPUT);
    assert_true(tls_engine_output(fixture.server.engine).len > 0);
    assert_int_equal(tls_engine_room(fixture.server.engine), 0);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_120_alpn_decides_who_is_served),
        cmocka_unit_test(tls_104_a_client_without_extended_master_secret_is_refused),
        cmocka_unit_test(tls_104_nor_when_it_could_speak_1_3_to_others),
        cmocka_unit_test(old_versions_are_served_by_the_legacy_policy_only),
        cmocka_unit_test(tls_95_anonymous_suites_are_refused_even_by_legacy),
        cmocka_unit_test(tls_203_renegotiation_is_refused),
        cmocka_unit_test(key_updates_are_answered),
        cmocka_unit_test(sec_57_key_updates_without_end_are_ended),
        cmocka_unit_test(sec_57_plaintext_earns_key_updates),
        cmocka_unit_test(sec_57_empty_records_without_end_are_ended),
        cmocka_unit_test(sec_14_early_data_is_not_taken),
        cmocka_unit_test(tls_191_there_is_no_room_before_the_handshake_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
