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

/* A sign of life while a long transfer leaves the control connection idle: in TLS 1.3 a ticket,
 * which no user-PI sees; in TLS 1.2 nothing can be sent. */
static void alive(struct tls_kit *kit)
{
    struct tls_login login;
    struct counted control, data;
    tls_login_open(&login, kit);
    counted_open(&control, &login, false, false);
    unsigned at_login = issued;
    bool modern = tls_engine_facts(control.server.engine)->version == TLS_VERSION_1_3;
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(tls_engine_keepalive(control.server.engine), modern);
        assert_int_equal(tls_engine_output(control.server.engine).len > 0, modern);
        raw_peer_run(&control.client);
        assert_int_equal(issued, at_login + (modern ? i : 0));
        assert_int_equal(buf_len(&control.client.received), 0);
    }
    tls_engine_close(control.server.engine);
    assert_false(tls_engine_keepalive(control.server.engine));
    counted_close(&control);

    counted_open(&data, &login, true, false);
    assert_false(tls_engine_keepalive(data.server.engine));
    counted_close(&data);
    tls_login_fini(&login);
}

static void tls_158_a_ticket_is_a_sign_of_life(void **state)
{
    (void)state;
    tls_kit_for_each_version(alive);
}

static void keepalive_needs_room_and_an_open_connection(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_init(&login, &kit);
    assert_false(tls_engine_keepalive(login.control.server.engine));
    tls_pair_handshake(&login.control);
    static char content[512 * 1024];
    struct tls_engine *server = login.control.server.engine;
    while (tls_engine_room(server) > 0) {
        size_t taken = 0;
        assert_int_equal(tls_engine_write(server, bytes_of(content, sizeof(content)), &taken),
                         TLS_WANT_OUTPUT);
    }
    assert_false(tls_engine_keepalive(login.control.server.engine));
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* ---- the master key ---- */

/* A control connection outlives every master key: its tickets and ids go on (TLS-105). */
static void rotated(struct tls_kit *kit)
{
    struct tls_login old, new;
    tls_login_open(&old, kit);
    for (int i = 0; i < 3; i++) {
        assert_true(tls_master_rotate(kit->master));
        assert_int_equal(tls_login_proof(&old, &old), TLS_PROOF_OWN);
    }
    tls_login_open(&new, kit);
    assert_int_equal(tls_login_proof(&new, &new), TLS_PROOF_OWN);
    assert_int_equal(tls_login_proof(&old, &new), TLS_PROOF_FOREIGN);
    tls_login_fini(&old);
    tls_login_fini(&new);
}

static void tls_205_rotation_takes_no_live_connections_tickets(void **state)
{
    (void)state;
    tls_kit_for_each_version(rotated);
}

/* The key before is kept for one period and then gone: an id of a dead connection is known for one
 * of ours until then. */
static void tls_205_the_previous_key_is_kept_for_one_period(void **state)
{
    (void)state;
    static const enum tls_proof proofs[] = {TLS_PROOF_FOREIGN, TLS_PROOF_FOREIGN, TLS_PROOF_NONE};
    const struct raw_kind by_id = {.ids_only = true, .modern_hello = true};
    struct tls_kit kit;
    struct tls_login dead, login;
    SSL_SESSION *session = NULL;
    tls_kit_open(&kit, &(struct tls_kit_options){.max = TLS_VERSION_1_2});
    tls_login_open(&dead, &kit);
    raw_connection(&dead, false, by_id, NULL, &session);
    assert_int_equal(raw_connection(&dead, true, by_id, session, NULL), TLS_PROOF_OWN);
    for (size_t i = 0; i < ARRAY_LEN(proofs); i++) {
        if (i > 0)
            assert_true(tls_master_rotate(kit.master));
        tls_login_open(&login, &kit);
        assert_int_equal(raw_connection(&login, true, by_id, session, NULL), proofs[i]);
        tls_login_fini(&login);
    }
    assert_int_equal(raw_connection(&dead, true, by_id, session, NULL), TLS_PROOF_OWN);
    SSL_SESSION_free(session);
    tls_login_fini(&dead);
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
        cmocka_unit_test(tls_158_a_ticket_is_a_sign_of_life),
        cmocka_unit_test(keepalive_needs_room_and_an_open_connection),
        cmocka_unit_test(tls_205_rotation_takes_no_live_connections_tickets),
        cmocka_unit_test(tls_205_the_previous_key_is_kept_for_one_period),
        cmocka_unit_test(tls_111_no_ticket_is_issued_on_data_connections),
        cmocka_unit_test(tls_111_the_id_of_a_data_connection_resumes_nothing),
        cmocka_unit_test(tls_111_nor_when_they_resume),
        cmocka_unit_test(tls_105_tls_114_how_long_sessions_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
