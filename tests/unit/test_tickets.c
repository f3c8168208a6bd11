/* tls/resume: what a server issues for resumption, where, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/raw_peer.h"
#include "support/tls_kit.h"

static unsigned issued;

static int count_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    (void)session;
    issued++;
    return 0;
}

/* A raw connection whose sessions are counted. */
struct counted {
    SSL_CTX *context;
    struct tls_end server;
    struct raw_peer client;
};

static void counted_open(struct counted *counted, struct tls_login *login, bool data, bool ids_only)
{
    issued = 0;
    counted->context = raw_client_context();
    SSL_CTX_set_session_cache_mode(counted->context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(counted->context, count_session);
    tls_login_server_end(login, data, &counted->server);
    raw_peer_init(&counted->client, counted->context, &counted->server);
    if (ids_only)
        SSL_set_options(counted->client.ssl, SSL_OP_NO_TICKET);
    raw_peer_run(&counted->client);
    assert_true(counted->client.open);
}

static void counted_close(struct counted *counted)
{
    raw_peer_fini(&counted->client);
    tls_end_fini(&counted->server);
    SSL_CTX_free(counted->context);
}

static void tls_108_two_tickets_at_login_and_one_more_per_refill(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    struct counted control;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_open(&login, &kit);
    counted_open(&control, &login, false, false);
    assert_int_equal(issued, 2);
    for (unsigned i = 1; i <= 3; i++) {
        size_t taken = 0;
        tls_engine_refill(control.server.engine);
        assert_int_equal(tls_engine_write(control.server.engine, BYTES_LIT("226 ok\r\n"), &taken),
                         TLS_DONE);
        raw_peer_run(&control.client);
        assert_int_equal(issued, 2 + i);
        assert_int_equal(buf_len(&control.client.received), i * 8);
    }
    counted_close(&control);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

static void nothing_on_data(struct tls_kit *kit)
{
    struct tls_login login;
    struct counted data;
    size_t taken = 0;
    tls_login_open(&login, kit);
    counted_open(&data, &login, true, false);
    tls_engine_refill(data.server.engine);
    assert_int_equal(tls_engine_write(data.server.engine, BYTES_LIT("x"), &taken), TLS_DONE);
    raw_peer_run(&data.client);
    assert_int_equal(buf_len(&data.client.received), 1);
    assert_int_equal(issued, 0);
    assert_int_equal(SSL_SESSION_has_ticket(SSL_get_session(data.client.ssl)), 0);
    counted_close(&data);
    tls_login_fini(&login);
}

static void tls_111_no_ticket_is_issued_on_data_connections(void **state)
{
    (void)state;
    tls_kit_for_each_version(nothing_on_data);
}

/* OpenSSL gives TLS 1.2 sessions an id all the same. */
static void tls_111_the_id_of_a_data_connection_resumes_nothing(void **state)
{
    (void)state;
    const struct raw_kind by_id = {.ids_only = true};
    struct tls_kit kit;
    struct tls_login login;
    SSL_SESSION *session = NULL;
    tls_kit_open(&kit, &(struct tls_kit_options){.max = TLS_VERSION_1_2});
    tls_login_open(&login, &kit);
    raw_connection(&login, true, by_id, NULL, &session);
    assert_int_equal(SSL_SESSION_has_ticket(session), 0);
    assert_int_equal(raw_connection(&login, true, by_id, session, NULL), TLS_PROOF_FOREIGN);
    SSL_SESSION_free(session);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

static void nothing_on_resumed_data(struct tls_kit *kit)
{
    struct tls_login login;
    SSL_SESSION *session = NULL;
    tls_login_open(&login, kit);
    raw_connection(&login, false, (struct raw_kind){0}, NULL, &session);
    SSL_CTX *context = raw_client_context();
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(context, count_session);
    struct tls_end server;
    struct raw_peer client;
    tls_login_server_end(&login, true, &server);
    raw_peer_init(&client, context, &server);
    assert_int_equal(SSL_set_session(client.ssl, session), 1);
    issued = 0;
    raw_peer_run(&client);
    assert_int_equal(tls_engine_proof(server.engine), TLS_PROOF_OWN);
    assert_int_equal(issued, 0);
    raw_peer_fini(&client);
    tls_end_fini(&server);
    SSL_CTX_free(context);
    SSL_SESSION_free(session);
    tls_login_fini(&login);
}

static void tls_111_nor_when_they_resume(void **state)
{
    (void)state;
    tls_kit_for_each_version(nothing_on_resumed_data);
}

static void lifetime(struct tls_kit *kit)
{
    enum { DAY_S = 24 * 3600 };
    struct tls_login login;
    SSL_SESSION *session = NULL;
    tls_login_open(&login, kit);
    raw_connection(&login, false, (struct raw_kind){0}, NULL, &session);
    unsigned long lifetime_s = SSL_SESSION_get_ticket_lifetime_hint(session);
    if (SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION)
        assert_int_equal(lifetime_s, DAY_S);
    else
        assert_true(lifetime_s >= 300UL * DAY_S);
    SSL_SESSION_free(session);
    tls_login_fini(&login);
}

static void tls_105_tls_114_how_long_sessions_last(void **state)
{
    (void)state;
    tls_kit_for_each_version(lifetime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_108_two_tickets_at_login_and_one_more_per_refill),
        cmocka_unit_test(tls_111_no_ticket_is_issued_on_data_connections),
        cmocka_unit_test(tls_111_the_id_of_a_data_connection_resumes_nothing),
        cmocka_unit_test(tls_111_nor_when_they_resume),
        cmocka_unit_test(tls_105_tls_114_how_long_sessions_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
