/* tls: what is never asked for, never taken, and what is borne, with peers of another make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/raw_peer.h"
#include "support/tls_kit.h"

enum { BATCH_BYTES = 256 * 1024 };

/* ---- what messages the peer saw ---- */

static unsigned requests_late; /* CertificateRequest or HelloRequest after the handshake */
static unsigned certificates;  /* Certificate, from our side */

static void on_message(int writing, int version, int content_type, const void *content, size_t len,
                       SSL *ssl, void *ctx)
{
    (void)version;
    (void)ctx;
    const unsigned char *message = content;
    if (writing || content_type != SSL3_RT_HANDSHAKE || len == 0)
        return;
    if (message[0] == SSL3_MT_CERTIFICATE)
        certificates++;
    if (SSL_is_init_finished(ssl) &&
        (message[0] == SSL3_MT_CERTIFICATE_REQUEST || message[0] == SSL3_MT_HELLO_REQUEST))
        requests_late++;
}

static void nobody_asks_later(struct tls_kit *kit)
{
    struct tls_login login;
    struct tls_end server;
    struct raw_peer client;
    SSL_CTX *context = raw_client_context();
    size_t taken = 0;
    tls_login_init(&login, kit);
    tls_login_server_end(&login, false, &server);
    raw_peer_init(&client, context, &server);
    SSL_set_post_handshake_auth(client.ssl, 1);
    SSL_set_msg_callback(client.ssl, on_message);
    requests_late = 0;
    raw_peer_run(&client);
    assert_true(client.open && server.open);
    for (int i = 0; i < 3; i++) {
        tls_engine_refill(server.engine);
        assert_int_equal(tls_engine_write(server.engine, BYTES_LIT("331\r\n"), &taken), TLS_DONE);
        raw_peer_run(&client);
        assert_int_equal(SSL_write(client.ssl, "PASS x\r\n", 8), 8);
        raw_peer_run(&client);
    }
    assert_int_equal(requests_late, 0);
    raw_peer_fini(&client);
    tls_end_fini(&server);
    tls_login_fini(&login);
    SSL_CTX_free(context);
}

static void tls_76_no_certificate_is_asked_for_after_the_handshake(void **state)
{
    (void)state;
    for (enum tls_version version = TLS_VERSION_1_2; version <= TLS_VERSION_1_3; version++) {
        struct tls_kit kit;
        tls_kit_open(&kit,
                     &(struct tls_kit_options){.min = version,
                                               .max = version,
                                               .client_certificates = TLS_CLIENT_CERT_OPTIONAL});
        nobody_asks_later(&kit);
        tls_kit_close(&kit);
    }
}

/* A server of another make that asks our client for a certificate in TLS 1.2; `trusted` tells
 * whether our client knows its CA. */
static void ask_our_client(struct tls_kit *shown, struct tls_kit *client, bool trusted)
{
    struct tls_login login;
    struct tls_end ours;
    struct raw_peer server;
    SSL_CTX *raw = raw_server_context(shown);
    SSL_CTX_set_max_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, NULL);
    tls_login_init(&login, client);
    tls_login_client_end(&login, false, &ours);
    raw_peer_init(&server, raw, &ours);
    SSL_set_msg_callback(server.ssl, on_message);
    certificates = 0;
    raw_peer_run(&server);
    assert_int_equal(tls_engine_fault(ours.engine)->kind,
                     trusted ? FERRY_E_TLS : FERRY_E_TRUST); /* the peer knows no CA of ours */
    assert_int_equal(certificates, trusted);
    raw_peer_fini(&server);
    tls_end_fini(&ours);
    tls_login_fini(&login);
    SSL_CTX_free(raw);
}

static void tls_77_a_server_that_is_not_trusted_sees_no_certificate(void **state)
{
    (void)state;
    struct tls_kit kit, stranger;
    const struct tls_kit_options options = {.client_has_certificate = true};
    tls_kit_open(&kit, &options);
    tls_kit_open(&stranger, &(struct tls_kit_options){0});
    ask_our_client(&kit, &kit, true);
    ask_our_client(&stranger, &kit, false);
    tls_kit_close(&stranger);
    tls_kit_close(&kit);
}

/* ---- resumption ---- */

/* The first flight of a client that offers `session`. */
static void take_hello(struct raw_peer *client, SSL_SESSION *session, char *out, size_t size,
                       size_t *len)
{
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    assert_int_equal(SSL_set_session(client->ssl, copy), 1);
    SSL_SESSION_free(copy);
    assert_int_equal(SSL_do_handshake(client->ssl), -1);
    assert_int_equal(BIO_read_ex(client->out, out, size, len), 1);
}

/* Whether the server's hello to a hello with this mode of PSK key exchange takes the session. */
static bool takes_session(struct tls_login *login, SSL_SESSION *session, char mode)
{
    static const char modes[] = {0, 45, 0, 2, 1, 1};       /* psk_key_exchange_modes: psk_dhe_ke */
    static const char selected[] = {0, 41, 0, 2, 0, 0};    /* pre_shared_key: the first */
    static const char key_share[] = {0, 51, 0, 36, 0, 29}; /* X25519, 32 bytes */
    struct tls_end server;
    struct raw_peer client;
    SSL_CTX *context = raw_client_context();
    char hello[4096];
    size_t len = 0;
    tls_login_server_end(login, true, &server);
    raw_peer_init(&client, context, &server);
    take_hello(&client, session, hello, sizeof(hello), &len);
    char *at = memmem(hello, len, modes, sizeof(modes));
    assert_non_null(at);
    at[5] = mode;
    tls_end_feed(&server, bytes_of(hello, len));
    struct bytes answer = tls_engine_output(server.engine);
    assert_true(answer.len > 100);
    answer = bytes_first(answer, 5 + ((size_t)(unsigned char)answer.ptr[3] << 8 |
                                      (unsigned char)answer.ptr[4])); /* ServerHello */
    bool taken = memmem(answer.ptr, answer.len, selected, sizeof(selected)) != NULL;
    assert_non_null(memmem(answer.ptr, answer.len, key_share, sizeof(key_share)));
    raw_peer_fini(&client);
    tls_end_fini(&server);
    SSL_CTX_free(context);
    return taken;
}

static void tls_113_psk_without_a_key_exchange_is_not_resumed(void **state)
{
    (void)state;
    enum { PSK_KE = 0, PSK_DHE_KE = 1 };
    struct tls_kit kit;
    struct tls_login login;
    SSL_SESSION *session = NULL;
    tls_kit_open(&kit, &(struct tls_kit_options){.min = TLS_VERSION_1_3});
    tls_login_open(&login, &kit);
    raw_connection(&login, false, (struct raw_kind){0}, NULL, &session);
    assert_true(takes_session(&login, session, PSK_DHE_KE));
    assert_false(takes_session(&login, session, PSK_KE));
    SSL_SESSION_free(session);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* One connection of a client with these suites; gives its session. */
static enum tls_proof connect_with(struct tls_login *login, bool data, const char *suites,
                                   SSL_SESSION *offer, SSL_SESSION **session)
{
    struct tls_end server;
    struct raw_peer client;
    SSL_CTX *context = raw_client_context();
    tls_login_server_end(login, data, &server);
    raw_peer_init(&client, context, &server);
    assert_int_equal(SSL_set_ciphersuites(client.ssl, suites), 1);
    if (offer)
        assert_int_equal(SSL_set_session(client.ssl, offer), 1);
    raw_peer_run(&client);
    assert_true(client.open && server.open);
    if (session)
        *session = SSL_get1_session(client.ssl);
    enum tls_proof proof = tls_engine_proof(server.engine);
    raw_peer_fini(&client);
    tls_end_fini(&server);
    SSL_CTX_free(context);
    return proof;
}

/* The binder's hash is that of the session's suite: another one would cost the session. */
static void tls_115_the_suite_of_the_session_is_chosen_again(void **state)
{
    (void)state;
    static const char all[] =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
    static const char *const suites[] = {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct tls_kit kit;
        struct tls_login login;
        SSL_SESSION *session = NULL;
        tls_kit_open(&kit, &(struct tls_kit_options){.min = TLS_VERSION_1_3});
        tls_login_open(&login, &kit);
        connect_with(&login, false, suites[i], NULL, &session);
        assert_int_equal(connect_with(&login, true, all, session, NULL), TLS_PROOF_OWN);
        SSL_SESSION_free(session);
        tls_login_fini(&login);
        tls_kit_close(&kit);
    }
}

static void anothers_server(struct tls_kit *kit)
{
    /* Of the same CA and name, with another key: good enough for a control connection. */
    struct tls_kit other = *kit;
    struct tls_minted leaf;
    static const char *const dns_names[] = {TLS_KIT_HOST, NULL};
    int64_t now = tls_kit_now_s();
    const struct tls_mint_request request = {.common_name = "other",
                                             .dns_names = dns_names,
                                             .not_before_s = now - 60,
                                             .not_after_s = now + 3600};
    assert_int_equal(tls_mint_leaf(&kit->ca, &request, &leaf, NULL), FERRY_OK);
    const struct tls_server_settings settings = {.certificate_pem = buf_view(&leaf.certificate_pem),
                                                 .key_pem = buf_view(&leaf.key_pem)};
    assert_int_equal(tls_context_new_server(&settings, &other.server, NULL), FERRY_OK);
    struct tls_login mine, theirs;
    struct tls_pair data;
    tls_login_open(&mine, kit);
    tls_login_open(&theirs, &other);
    tls_login_data(&mine, &theirs, &data);
    tls_pair_run(&data);
    assert_false(data.client.open);
    assert_int_equal(tls_engine_fault(data.client.engine)->kind, FERRY_E_TRUST);
    tls_pair_fini(&data);
    assert_int_equal(tls_login_proof(&mine, &mine), TLS_PROOF_OWN);
    assert_int_equal(tls_login_proof(&theirs, &theirs), TLS_PROOF_OWN);
    tls_login_fini(&mine);
    tls_login_fini(&theirs);
    tls_context_unref(other.server);
    tls_minted_fini(&leaf);
}

static void tls_92_data_connections_are_with_their_own_server(void **state)
{
    (void)state;
    tls_kit_for_each_version(anothers_server);
}

/* ---- records ---- */

static void small_records(struct tls_kit *kit)
{
    static char content[BATCH_BYTES];
    struct tls_login login;
    struct tls_end server;
    struct raw_peer client;
    SSL_CTX *context = raw_client_context();
    tls_login_init(&login, kit);
    tls_login_server_end(&login, false, &server);
    raw_peer_init(&client, context, &server);
    assert_int_equal(SSL_set_tlsext_max_fragment_length(client.ssl, TLSEXT_max_fragment_length_512),
                     1);
    raw_peer_run(&client);
    assert_true(client.open && server.open);
    memset(content, 'x', sizeof(content));
    size_t taken = 0;
    assert_int_equal(tls_engine_write(server.engine, bytes_of(content, sizeof(content)), &taken),
                     TLS_DONE);
    struct bytes out = tls_engine_output(server.engine);
    assert_in_range((unsigned char)out.ptr[3] << 8 | (unsigned char)out.ptr[4], 1, 512 + 256);
    assert_in_range(out.len, BATCH_BYTES + 512 * 22, TLS_OUTPUT_MAX_BYTES);
    raw_peer_run(&client);
    assert_true(bytes_equal(buf_view(&client.received), bytes_of(content, sizeof(content))));
    raw_peer_fini(&client);
    tls_end_fini(&server);
    tls_login_fini(&login);
    SSL_CTX_free(context);
}

static void tls_204_small_records_are_borne(void **state)
{
    (void)state;
    tls_kit_for_each_version(small_records);
}

static void heartbeat(struct tls_login *login)
{
    tls_end_feed(&login->control.server,
                 BYTES_LIT("\x18\x03\x03\x00\x03\x01\x40\x00")); /* asks for 16 KiB back */
    assert_int_equal(login->control.server.status, TLS_FAILED);
    assert_in_range(tls_engine_output(login->control.server.engine).len, 0, 64);
}

static void tls_204_a_heartbeat_is_not_answered(void **state)
{
    (void)state;
    tls_login_for_each_version(heartbeat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_76_no_certificate_is_asked_for_after_the_handshake),
        cmocka_unit_test(tls_77_a_server_that_is_not_trusted_sees_no_certificate),
        cmocka_unit_test(tls_113_psk_without_a_key_exchange_is_not_resumed),
        cmocka_unit_test(tls_115_the_suite_of_the_session_is_chosen_again),
        cmocka_unit_test(tls_92_data_connections_are_with_their_own_server),
        cmocka_unit_test(tls_204_small_records_are_borne),
        cmocka_unit_test(tls_204_a_heartbeat_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
