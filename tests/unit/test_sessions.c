/* tls/sessions: what a client keeps and offers, through long sessions with our server and with
 * servers made of OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/raw_peer.h"
#include "support/tls_kit.h"

/* ---- a long session ---- */

enum { TRANSFERS = 500 };

static void refill(struct tls_login *login)
{
    tls_engine_refill(login->control.server.engine);
    tls_pair_say(&login->control, &login->control.server, "226 ok\r\n");
}

static void many(struct tls_kit *kit)
{
    struct tls_login login;
    tls_login_open(&login, kit);
    for (int i = 0; i < TRANSFERS; i++) {
        assert_true(tls_sessions_any(login.sessions));
        assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
        refill(&login);
    }
    tls_login_fini(&login);
}

static void tls_108_hundreds_of_data_connections_with_refills(void **state)
{
    (void)state;
    tls_kit_for_each_version(many);
}

static void many_without_refill(struct tls_kit *kit)
{
    struct tls_login login;
    tls_login_open(&login, kit);
    for (int i = 0; i < TRANSFERS; i++)
        assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
    assert_int_equal(tls_sessions_fresh(login.sessions), 0);
    assert_true(tls_sessions_any(login.sessions));
    tls_login_fini(&login);
}

static void tls_109_tls_110_hundreds_without_refills(void **state)
{
    (void)state;
    tls_kit_for_each_version(many_without_refill);
}

/* Several at once, and each freed at another point of its life, with no closing. */
static void abandoned(struct tls_kit *kit)
{
    struct tls_login login;
    tls_login_open(&login, kit);
    for (size_t bytes = 0; bytes < 1200; bytes += 100) {
        struct tls_pair first, second;
        tls_login_data(&login, &login, &first);
        tls_login_data(&login, &login, &second);
        tls_end_turn(&first.client);
        tls_end_feed(&first.server, bytes_first(tls_engine_output(first.client.engine), bytes));
        tls_pair_handshake(&second);
        assert_int_equal(tls_engine_proof(second.server.engine), TLS_PROOF_OWN);
        tls_pair_fini(&first);
        tls_pair_fini(&second);
        assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
    }
    tls_login_fini(&login);
}

static void an_abandoned_data_connection_spoils_nothing(void **state)
{
    (void)state;
    tls_kit_for_each_version(abandoned);
}

static void bad_record(struct tls_kit *kit)
{
    struct tls_login login;
    tls_login_open(&login, kit);
    for (int i = 0; i < 5; i++) {
        struct tls_pair data;
        tls_login_data(&login, &login, &data);
        tls_pair_handshake(&data);
        static const char junk[] = "\x17\x03\x03\x00\x20 no record of this connection...";
        tls_end_feed(&data.server, BYTES_LIT(junk));
        tls_end_feed(&data.client, BYTES_LIT(junk));
        assert_int_equal(data.server.status, TLS_FAILED);
        assert_int_equal(data.client.status, TLS_FAILED);
        tls_pair_fini(&data);
        assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
    }
    tls_login_fini(&login);
}

static void a_bad_record_on_a_data_connection_spoils_nothing(void **state)
{
    (void)state;
    tls_kit_for_each_version(bad_record);
}

/* ---- what is kept ---- */

static void fresh_after_login(struct tls_kit *kit)
{
    struct tls_login login;
    tls_login_init(&login, kit);
    assert_false(tls_sessions_any(login.sessions));
    assert_int_equal(tls_sessions_fresh(login.sessions), 0);
    tls_pair_handshake(&login.control);
    bool modern = tls_engine_facts(login.control.client.engine)->version == TLS_VERSION_1_3;
    unsigned at_login = modern ? 2 : 1;
    assert_int_equal(tls_sessions_fresh(login.sessions), at_login);

    for (unsigned left = at_login; left > 0; left--) {
        assert_int_equal(tls_sessions_fresh(login.sessions), left);
        assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
    }
    assert_int_equal(tls_sessions_fresh(login.sessions), 0);
    assert_true(tls_sessions_any(login.sessions));

    refill(&login);
    assert_int_equal(tls_sessions_fresh(login.sessions), modern);
    tls_login_fini(&login);
}

static void tls_107_sessions_are_collected_and_fresh_ones_used_first(void **state)
{
    (void)state;
    tls_kit_for_each_version(fresh_after_login);
}

static void tickets_without_end_are_not_all_kept(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_open(&login, &kit);
    for (int i = 0; i < 100; i++)
        refill(&login);
    assert_in_range(tls_sessions_fresh(login.sessions), 2, 16);
    assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* ---- other servers ---- */

/* A connection of our client to a raw server; tells whether it resumed. */
static bool to_raw_server(struct tls_login *login, bool data, SSL_CTX *context, int max_version)
{
    struct tls_end client;
    struct raw_peer server;
    tls_login_client_end(login, data, &client);
    raw_peer_init(&server, context, &client);
    SSL_set_max_proto_version(server.ssl, max_version);
    raw_peer_run(&server);
    if (!client.open)
        fail_msg("client: %s", tls_engine_fault(client.engine)->what);
    bool resumed = tls_engine_facts(client.engine)->resumed;
    assert_int_equal(SSL_session_reused(server.ssl), resumed);
    raw_peer_fini(&server);
    tls_end_fini(&client);
    return resumed;
}

/* An OpenSSL server as it is: two tickets after a full handshake, one after a resumed one, on
 * whatever connection. */
static void tls_112_tickets_of_data_connections_are_kept(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_init(&login, &kit);
    SSL_CTX *server = raw_server_context(&kit);
    assert_false(to_raw_server(&login, false, server, TLS1_3_VERSION));
    assert_int_equal(tls_sessions_fresh(login.sessions), 2);
    for (int i = 0; i < 20; i++) {
        assert_true(to_raw_server(&login, true, server, TLS1_3_VERSION));
        assert_int_equal(tls_sessions_fresh(login.sessions), 2);
    }
    SSL_CTX_free(server);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* SSL_OP_NO_TICKET in TLS 1.3: each ticket opens once. */
static void tls_109_a_server_of_single_use_tickets_is_served_fresh_ones(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_init(&login, &kit);
    SSL_CTX *server = raw_server_context(&kit);
    SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
    assert_false(to_raw_server(&login, false, server, TLS1_3_VERSION));
    for (int i = 0; i < 20; i++)
        assert_true(to_raw_server(&login, true, server, TLS1_3_VERSION));
    SSL_CTX_free(server);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

static void tls_1_2_servers_are_resumed_by_ticket_and_by_id(void **state)
{
    (void)state;
    for (int ids_only = 0; ids_only < 2; ids_only++) {
        struct tls_kit kit;
        struct tls_login login;
        tls_kit_open(&kit, &(struct tls_kit_options){0});
        tls_login_init(&login, &kit);
        SSL_CTX *server = raw_server_context(&kit);
        if (ids_only)
            SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
        assert_false(to_raw_server(&login, false, server, TLS1_2_VERSION));
        for (int i = 0; i < 20; i++)
            assert_true(to_raw_server(&login, true, server, TLS1_2_VERSION));
        SSL_CTX_free(server);
        tls_login_fini(&login);
        tls_kit_close(&kit);
    }
}

/* A data connection that did not resume brings a session of its own, from nobody knows whom. */
static void tls_106_a_session_of_an_unbound_data_connection_is_not_taken(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_init(&login, &kit);
    SSL_CTX *control = raw_server_context(&kit);
    SSL_CTX *stranger = raw_server_context(&kit);
    assert_false(to_raw_server(&login, false, control, TLS1_2_VERSION));
    assert_false(to_raw_server(&login, true, stranger, TLS1_2_VERSION));
    assert_int_equal(tls_sessions_fresh(login.sessions), 0);
    /* The one of the control connection is still there and still good. */
    assert_true(to_raw_server(&login, true, control, TLS1_2_VERSION));
    SSL_CTX_free(control);
    SSL_CTX_free(stranger);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* Were TLS 1.3 offered, the server would take it, and nothing could be resumed. */
static void tls_116_data_connections_use_the_version_of_their_control_connection(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_init(&login, &kit);
    SSL_CTX *server = raw_server_context(&kit);
    assert_false(to_raw_server(&login, false, server, TLS1_2_VERSION));
    assert_true(to_raw_server(&login, true, server, TLS1_3_VERSION));
    SSL_CTX_free(server);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_108_hundreds_of_data_connections_with_refills),
        cmocka_unit_test(tls_109_tls_110_hundreds_without_refills),
        cmocka_unit_test(an_abandoned_data_connection_spoils_nothing),
        cmocka_unit_test(a_bad_record_on_a_data_connection_spoils_nothing),
        cmocka_unit_test(tls_107_sessions_are_collected_and_fresh_ones_used_first),
        cmocka_unit_test(tickets_without_end_are_not_all_kept),
        cmocka_unit_test(tls_112_tickets_of_data_connections_are_kept),
        cmocka_unit_test(tls_109_a_server_of_single_use_tickets_is_served_fresh_ones),
        cmocka_unit_test(tls_1_2_servers_are_resumed_by_ticket_and_by_id),
        cmocka_unit_test(tls_106_a_session_of_an_unbound_data_connection_is_not_taken),
        cmocka_unit_test(tls_116_data_connections_use_the_version_of_their_control_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
