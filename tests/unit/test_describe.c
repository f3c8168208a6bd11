/* tls/describe: facts of a session, at both ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "support/raw_peer.h"
#include "support/tls_kit.h"
#include "tls/digest.h"

/* TLS-210: version, suite, resumed, ALPN, SNI, subject of the client's certificate. */
static void tls_210_facts_of_a_session_at_both_ends(struct tls_kit *kit)
{
    struct tls_login login;
    tls_login_open(&login, kit);
    const struct tls_facts *client = tls_engine_facts(login.control.client.engine);
    const struct tls_facts *server = tls_engine_facts(login.control.server.engine);
    bool modern = client->version == TLS_VERSION_1_3;

    assert_int_equal(client->version, server->version);
    assert_string_equal(client->version_name, modern ? "TLSv1.3" : "TLSv1.2");
    assert_string_equal(client->cipher, modern ? "TLS_AES_128_GCM_SHA256"
                                               : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    assert_string_equal(server->cipher, client->cipher);
    assert_false(client->resumed);
    assert_string_equal(client->alpn, "ftp");
    assert_string_equal(server->alpn, "ftp");
    assert_string_equal(client->server_name, TLS_KIT_HOST);
    assert_string_equal(server->server_name, TLS_KIT_HOST);
    assert_string_equal(client->peer_subject, "CN=ferry test server");
    assert_string_equal(server->peer_subject, "");
    assert_string_equal(server->peer_sha256, "");
    assert_string_equal(server->peer_spki_pin, "");
    tls_login_fini(&login);
}

static void facts_of_both_versions(void **state)
{
    (void)state;
    tls_kit_for_each_version(tls_210_facts_of_a_session_at_both_ends);
}

static void a_data_connection_tells_that_it_resumed(struct tls_kit *kit)
{
    struct tls_login login;
    struct tls_pair data;
    tls_login_open(&login, kit);
    tls_login_data(&login, &login, &data);
    tls_pair_handshake(&data);
    const struct tls_facts *client = tls_engine_facts(data.client.engine);
    const struct tls_facts *server = tls_engine_facts(data.server.engine);
    assert_true(client->resumed);
    assert_true(server->resumed);
    assert_string_equal(client->server_name, TLS_KIT_HOST);
    assert_string_equal(server->server_name, TLS_KIT_HOST);
    assert_string_equal(server->alpn, "ftp");
    assert_string_equal(client->peer_subject, "CN=ferry test server");
    tls_pair_fini(&data);
    tls_login_fini(&login);
}

static void facts_of_resumed_sessions(void **state)
{
    (void)state;
    tls_kit_for_each_version(a_data_connection_tells_that_it_resumed);
}

static void sha256_text(struct bytes in, char out[65])
{
    struct digest *digest = digest_new(DIGEST_SHA256);
    uint8_t value[DIGEST_MAX_BYTES];
    size_t len = 0;
    assert_int_equal(digest_update(digest, in), FERRY_OK);
    assert_int_equal(digest_final(digest, value, &len), FERRY_OK);
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", value[i]);
    digest_free(digest);
}

static void fingerprint_and_pin_are_those_of_the_certificate(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_open(&login, &kit);
    const struct tls_facts *facts = tls_engine_facts(login.control.client.engine);

    struct bytes pem = buf_view(&kit.server_leaf.certificate_pem);
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    unsigned char *der = NULL, *key_der = NULL;
    int der_len = i2d_X509(certificate, &der);
    int key_len = i2d_PUBKEY(X509_get0_pubkey(certificate), &key_der);
    char expected[65];
    sha256_text(bytes_of(der, (size_t)der_len), expected);
    assert_string_equal(facts->peer_sha256, expected);

    struct tls_pin pin;
    char pinned[65];
    assert_int_equal(tls_pin_parse(bytes_str(facts->peer_spki_pin), &pin), FERRY_OK);
    sha256_text(bytes_of(key_der, (size_t)key_len), expected);
    for (size_t i = 0; i < TLS_PIN_BYTES; i++)
        snprintf(pinned + 2 * i, 3, "%02x", pin.bytes[i]);
    assert_string_equal(pinned, expected);

    OPENSSL_free(key_der);
    OPENSSL_free(der);
    X509_free(certificate);
    BIO_free(bio);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

static void addresses_are_not_sent_as_server_names(void **state)
{
    (void)state;
    static const char *const addresses[] = {"192.0.2.7", "2001:db8::7"};
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct tls_login login;
        tls_login_init(&login, &kit);
        const struct tls_client_role role = {
            .sessions = login.sessions, .server_name = addresses[i], .trust = &login.trust};
        tls_engine_free(login.control.client.engine);
        assert_int_equal(tls_engine_new_client(kit.client, &role, &login.control.client.engine),
                         FERRY_OK);
        tls_pair_handshake(&login.control);
        assert_string_equal(tls_engine_facts(login.control.server.engine)->server_name, "");
        tls_login_fini(&login);
    }
    tls_kit_close(&kit);
}

static void a_hostile_server_name_is_made_visible(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    struct tls_end server;
    struct raw_peer client;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_open(&login, &kit);
    tls_login_server_end(&login, false, &server);
    SSL_CTX *context = raw_client_context();
    raw_peer_init(&client, context, &server);
    char name[] = "a\r\n226 \x1b[2J";
    assert_int_equal(SSL_set_tlsext_host_name(client.ssl, name), 1);
    raw_peer_run(&client);
    assert_string_equal(tls_engine_facts(server.engine)->server_name, "a\\x0d\\x0a226 \\x1b[2J");
    raw_peer_fini(&client);
    SSL_CTX_free(context);
    tls_end_fini(&server);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_both_versions),
        cmocka_unit_test(facts_of_resumed_sessions),
        cmocka_unit_test(fingerprint_and_pin_are_those_of_the_certificate),
        cmocka_unit_test(addresses_are_not_sent_as_server_names),
        cmocka_unit_test(a_hostile_server_name_is_made_visible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
