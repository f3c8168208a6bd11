/* tls/failure: what ends a session, in words: servers that do not suit, and what is no TLS at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/raw_peer.h"
#include "support/tls_kit.h"

/* ---- servers of another make ---- */

/* The fault of our client against a raw server. */
static struct fault against(SSL_CTX *(*make)(const struct tls_kit *kit))
{
    struct tls_kit kit;
    struct tls_login login;
    struct tls_end client;
    struct raw_peer server;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_init(&login, &kit);
    tls_login_client_end(&login, false, &client);
    SSL_CTX *context = make(&kit);
    raw_peer_init(&server, context, &client);
    raw_peer_run(&server);
    struct fault fault = *tls_engine_fault(client.engine);
    assert_int_equal(client.open, !fault_is_set(&fault));
    raw_peer_fini(&server);
    SSL_CTX_free(context);
    tls_end_fini(&client);
    tls_login_fini(&login);
    tls_kit_close(&kit);
    return fault;
}

static int choose_http(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *ctx)
{
    (void)ssl;
    (void)in;
    (void)in_len;
    (void)ctx;
    *out = (const unsigned char *)"http/1.1";
    *out_len = 8;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *server_of_http(const struct tls_kit *kit)
{
    SSL_CTX *context = raw_server_context(kit);
    SSL_CTX_set_alpn_select_cb(context, choose_http, NULL);
    return context;
}

static SSL_CTX *server_without_extended_master_secret(const struct tls_kit *kit)
{
    SSL_CTX *context = raw_server_context(kit);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    return context;
}

static SSL_CTX *server_of_tls_1_1(const struct tls_kit *kit)
{
    SSL_CTX *context = raw_server_context(kit);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    return context;
}

static void tls_121_a_server_that_chooses_nothing_is_accepted(void **state)
{
    (void)state;
    struct fault fault = against(raw_server_context);
    assert_int_equal(fault.kind, FERRY_OK);
}

/* OpenSSL sees to it, since 3.0.15. */
static void tls_121_a_server_that_chooses_what_was_not_offered_is_left(void **state)
{
    (void)state;
    struct fault fault = against(server_of_http);
    assert_int_equal(fault.kind, FERRY_E_TLS);
}

static void tls_104_a_server_without_extended_master_secret_is_left(void **state)
{
    (void)state;
    struct fault fault = against(server_without_extended_master_secret);
    assert_int_equal(fault.kind, FERRY_E_TLS);
    assert_string_equal(
        fault.what, "the server lacks the extended master secret (RFC 7627), which TLS 1.2 needs");
    assert_string_equal(fault.advice, "if the server cannot be updated, use --legacy");
}

static void an_old_server_is_named_with_a_remedy(void **state)
{
    (void)state;
    struct fault fault = against(server_of_tls_1_1);
    assert_int_equal(fault.kind, FERRY_E_TLS);
    assert_string_equal(fault.peer_said, "protocol_version (TLS alert 70)");
    assert_non_null(strstr(fault.advice, "--legacy"));
}

static int alert_received;

static void on_info(const SSL *ssl, int where, int value)
{
    (void)ssl;
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        alert_received = value & 0xff;
}

static void tls_203_a_server_that_renegotiates_is_refused(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    struct tls_end client;
    struct raw_peer server;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_init(&login, &kit);
    tls_login_client_end(&login, false, &client);
    SSL_CTX *context = raw_server_context(&kit);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    raw_peer_init(&server, context, &client);
    raw_peer_run(&server);
    assert_true(client.open);

    alert_received = -1;
    SSL_set_info_callback(server.ssl, on_info);
    assert_int_equal(SSL_renegotiate(server.ssl), 1);
    assert_int_equal(SSL_do_handshake(server.ssl), 1); /* sends HelloRequest */
    raw_peer_run(&server);
    assert_int_equal(alert_received, 100); /* no_renegotiation */
    raw_peer_fini(&server);
    SSL_CTX_free(context);
    tls_end_fini(&client);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* ---- what is no TLS ---- */

static void tls_57_plain_text_to_a_server_is_named(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        const char *what;
    } cases[] = {
        {BYTES_LIT("USER anonymous\r\n"), "the client speaks plain FTP where TLS is expected"},
        {BYTES_LIT("AUTH TLS\r\n"), "the client speaks plain FTP where TLS is expected"},
        {BYTES_LIT("GET / HTTP/1.1\r\n"), "the client speaks HTTP, not FTP over TLS"},
        {BYTES_LIT("U"), "the client sends plain text where TLS is expected"},
        {BYTES_LIT("220 hello\r\n"), "the client sends plain text where TLS is expected"},
        {BYTES_LIT("\0"), "the client sends plain text where TLS is expected"},
        {BYTES_LIT("\x80\x2e\x01\x03\x01"), "the client sends plain text where TLS is expected"},
    };
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_open(&login, &kit);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_end server;
        tls_login_server_end(&login, true, &server);
        tls_end_turn(&server);
        assert_int_equal(server.status, TLS_WANT_INPUT);
        tls_end_feed(&server, cases[i].in);
        assert_int_equal(server.status, TLS_FAILED);
        assert_int_equal(tls_engine_fault(server.engine)->kind, FERRY_E_TLS);
        assert_string_equal(tls_engine_fault(server.engine)->what, cases[i].what);
        assert_int_equal(tls_engine_output(server.engine).len, 0);
        tls_end_fini(&server);
    }
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

static void tls_8_what_answers_in_place_of_tls_is_named(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        const char *what;
        int reply;
        const char *peer_said;
        const char *advice;
    } cases[] = {
        {BYTES_LIT("220 Welcome\r\n220 more\r\n"), "the server speaks plain FTP on this port", 220,
         "Welcome", "try explicit TLS: ftp:// instead of ftps://"},
        {BYTES_LIT("220-Welcome\r\n"), "the server speaks plain FTP on this port", 220, "Welcome",
         "try explicit TLS: ftp:// instead of ftps://"},
        {BYTES_LIT("421 Too many users\r\n"), "the server speaks plain FTP on this port", 421,
         "Too many users", ""},
        {BYTES_LIT("2"), "the server sends plain text where TLS is expected", 0, "", ""},
        {BYTES_LIT("HTTP/1.1 400 Bad Request\r\n"), "a web server answers on this port, not FTP", 0,
         "", ""},
        {BYTES_LIT("<!DOCTYPE html>"), "a web server answers on this port, not FTP", 0, "", ""},
        {BYTES_LIT("SSH-2.0-OpenSSH_9.2\r\n"), "SSH is spoken on this port, not FTP over TLS", 0,
         "", "if files are offered there, it is by SFTP, which is another protocol"},
        {BYTES_LIT("\0\0\0"), "the server sends plain text where TLS is expected", 0, "", ""},
        {BYTES_LIT("99"), "the server sends plain text where TLS is expected", 0, "", ""},
    };
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_login login;
        tls_login_init(&login, &kit);
        struct tls_end *client = &login.control.client;
        tls_end_turn(client);
        tls_end_feed(client, cases[i].in);
        assert_int_equal(client->status, TLS_FAILED);
        const struct fault *fault = tls_engine_fault(client->engine);
        assert_int_equal(fault->kind, FERRY_E_TLS);
        assert_string_equal(fault->what, cases[i].what);
        assert_string_equal(fault->peer_said, cases[i].peer_said);
        assert_string_equal(fault->advice, cases[i].advice);
        assert_int_equal(fault->reply, cases[i].reply);
        tls_login_fini(&login);
    }
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_121_a_server_that_chooses_nothing_is_accepted),
        cmocka_unit_test(tls_121_a_server_that_chooses_what_was_not_offered_is_left),
        cmocka_unit_test(tls_104_a_server_without_extended_master_secret_is_left),
        cmocka_unit_test(an_old_server_is_named_with_a_remedy),
        cmocka_unit_test(tls_203_a_server_that_renegotiates_is_refused),
        cmocka_unit_test(tls_57_plain_text_to_a_server_is_named),
        cmocka_unit_test(tls_8_what_answers_in_place_of_tls_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
