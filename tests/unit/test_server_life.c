/* A server under bad input, lost connections, limits, time-outs, and its own end: each gets its
 * reply or a clean end, nothing is left over, and the next session is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/server_rig.h"

static int setup(void **state)
{
    static struct server_rig rig;
    server_rig_open(&rig, NULL);
    tempdir_write(&rig.dir, "file", "content");
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    server_rig_close(*state);
    return 0;
}

static void assert_served(struct server_rig *rig)
{
    struct rig_client client;
    struct buf got;
    buf_init(&got, 4096);
    rig_login(&client, rig);
    rig_download(&client, "RETR file", &got);
    assert_true(bytes_equal(buf_view(&got), BYTES_LIT("content")));
    buf_fini(&got);
    rig_close(&client);
}

/* ---- STARTTLS injection (SEC-1, TLS-130, TLS-131) ---- */

static void sec_1_commands_behind_auth_in_one_segment(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_connect(&client, rig);
    rig_expect_reply(&client, 220);
    rig_send(&client,
             BYTES_LIT("AUTH TLS\r\nUSER " RIG_USER "\r\nPASS " RIG_PASSWORD "\r\nDELE file\r\n"));
    rig_expect_reply(&client, 503);
    rig_await_end(&client);
    assert_int_equal(buf_len(&client.control.received), 0);
    assert_true(server_rig_logged(rig, "session.refused", "AUTH", NULL));
    rig_close(&client);
    assert_served(rig);
}

static void sec_1_commands_behind_auth_in_a_second_segment(void **state)
{
    struct server_rig *rig = *state;
    for (unsigned turns = 0; turns < 12; turns++) {
        struct rig_client client;
        rig_connect(&client, rig);
        rig_expect_reply(&client, 220);
        rig_say(&client, "AUTH TLS");
        for (unsigned i = 0; i < turns; i++) /* anywhere from before the 234 to after it */
            loop_turn(rig->net.loop, false);
        rig_send(&client, BYTES_LIT("USER " RIG_USER "\r\nPASS " RIG_PASSWORD "\r\n"
                                    "DELE file\r\n"));
        rig_await_end(&client);
        struct bytes got = buf_view(&client.control.received);
        assert_null(memmem(got.ptr, got.len, "331", 3));
        rig_close(&client);
    }
    assert_served(rig);
}

/* ---- bad input ---- */

static void bad_lines(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    char line[10000];
    rig_login(&client, rig);
    memset(line, 'x', sizeof(line));
    rig_send(&client, bytes_of(line, sizeof(line)));
    rig_send(&client, BYTES_LIT("\r\nDELE file\r\n")); /* SEC-18: its own command, and done */
    rig_expect_reply(&client, 500);
    rig_expect_reply(&client, 250);
    rig_send(&client, BYTES_LIT("NO\0OP\r\n"));
    rig_expect_reply(&client, 501);
    rig_send(&client, BYTES_LIT("NOOP\n")); /* a bare LF */
    rig_expect_reply(&client, 200);
    rig_send(&client, BYTES_LIT("\xff\xf4\xff\xf2NO\xff\xf1OP\r\n")); /* Telnet (FTP-5) */
    rig_expect_reply(&client, 200);
    rig_expect(&client, 500, "FOO bar");
    rig_expect(&client, 500, " ");
    rig_expect(&client, 502, "SMNT x");
    rig_expect(&client, 501, "CWD");
    rig_expect(&client, 200, "NOOP");
    rig_close(&client);
}

static void tls_124_http_is_not_served(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_connect_implicit(&client, rig);
    rig_expect_reply(&client, 220);
    rig_send(&client, BYTES_LIT("GET /secret HTTP/1.1\r\nHost: ftp\r\n\r\n"));
    rig_await_end(&client);
    struct bytes got = buf_view(&client.control.received);
    assert_null(memmem(got.ptr, got.len, "secret", 6));
    rig_close(&client);
    assert_served(rig);
}

static void ftp_12_many_commands_in_one_burst(void **state)
{
    enum { COMMANDS = 5000 };
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_login(&client, rig);
    for (int i = 0; i < COMMANDS; i++)
        rig_say(&client, "NOOP");
    for (int i = 0; i < COMMANDS; i++)
        rig_expect_reply(&client, 200);
    rig_close(&client);
}

/* A client that sends for ever and never reads is not served without end. */
static void unread_replies_stop_the_reading(void **state)
{
    enum { ROUNDS = 400 };
    struct server_rig *rig = *state;
    struct rig_client client;
    static const char help[] = "HELP\r\nHELP\r\nHELP\r\nHELP\r\nHELP\r\nHELP\r\nHELP\r\nHELP\r\n";
    rig_login(&client, rig);
    stream_pause(client.control.stream, true);
    uint64_t sent = 0;
    for (int i = 0; i < ROUNDS; i++) {
        size_t taken = 0;
        for (int j = 0; j < 1000; j++) {
            if (stream_write(client.control.stream, BYTES_LIT(help), &taken) != FERRY_OK)
                break;
            sent += taken;
        }
        net_kit_idle(&rig->net);
    }
    assert_true(sent < 64 * 1024 * 1024); /* it stopped taking them */
    assert_served(rig);
    rig_close(&client);
    NET_UNTIL(&rig->net, server_worker_sessions(rig->worker) == 0);
}

/* ---- lost connections ---- */

/* The dialogue of a transfer, lost after any number of turns of the loop. */
static void lose_after(struct server_rig *rig, unsigned turns, const char *command)
{
    struct rig_client client;
    struct rig_data data;
    rig_login(&client, rig);
    rig_passive(&client, &data);
    rig_data_start_tls(&data, &client);
    rig_say(&client, "%s", command);
    for (unsigned i = 0; i < turns; i++)
        loop_turn(rig->net.loop, false);
    stream_abort(client.control.stream);
    if (turns % 2)
        stream_abort(data.end.stream);
    else
        rig_data_close(&data);
    rig_close(&client);
    if (turns % 2)
        rig_data_close(&data);
}

static void a_connection_lost_at_any_point(void **state)
{
    static const char *const commands[] = {"RETR file", "STOR up",   "STOU",  "LIST",    "MLSD",
                                           "STAT .",    "SIZE file", "CWD .", "MKD dir", "DELE up"};
    struct server_rig *rig = *state;
    for (size_t c = 0; c < ARRAY_LEN(commands); c++)
        for (unsigned turns = 0; turns < 16; turns++)
            lose_after(rig, turns, commands[c]);
    NET_UNTIL(&rig->net, server_worker_sessions(rig->worker) == 0);
    assert_served(rig);
}

static void a_control_connection_lost_after_any_byte(void **state)
{
    static const char dialogue[] = "USER " RIG_USER "\r\nPASS " RIG_PASSWORD "\r\nEPSV\r\n";
    struct server_rig *rig = *state;
    for (size_t len = 0; len < sizeof(dialogue); len += 3) {
        struct rig_client client;
        rig_connect_implicit(&client, rig);
        rig_send(&client, bytes_of(dialogue, len));
        for (unsigned i = 0; i < 3; i++)
            loop_turn(rig->net.loop, false);
        rig_close(&client);
    }
    NET_UNTIL(&rig->net, server_worker_sessions(rig->worker) == 0);
    assert_served(rig);
}

static void nothing_is_left_over(void **state)
{
    struct server_rig *rig = *state;
    assert_served(rig);
    NET_UNTIL(&rig->net, server_worker_sessions(rig->worker) == 0);
    net_kit_idle(&rig->net);
    size_t before = net_descriptors();
    for (int i = 0; i < 30; i++) {
        assert_served(rig);
        lose_after(rig, (unsigned)i, "RETR file");
    }
    NET_UNTIL(&rig->net, net_descriptors() <= before);
}

/* ---- limits and time-outs ---- */

static void sec_52_beyond_the_most_sessions(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client first, second, sealed;
    server_rig_open(&rig, &(struct server_rig_options){.settings = {.sessions_max = 1}});
    tempdir_write(&rig.dir, "file", "content");
    rig_login(&first, &rig);
    rig_connect(&second, &rig);
    rig_expect_reply(&second, 421);
    rig_await_end(&second);
    rig_connect_port(&sealed, &rig, rig.implicit_port);
    rig_await_end(&sealed);
    assert_int_equal(buf_len(&sealed.control.received), 0);
    rig_expect(&first, 200, "NOOP");
    rig_close(&first);
    rig_close(&second);
    rig_close(&sealed);
    NET_UNTIL(&rig.net, server_worker_sessions(rig.worker) == 0);
    assert_served(&rig);
    server_rig_close(&rig);
}

static void sec_51_time_outs(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client silent, half, idle, handshake, implicit;
    server_rig_open(
        &rig, &(struct server_rig_options){.rules = {.login_timeout_ns = CLOCK_NS_PER_S,
                                                     .idle_timeout_ns = CLOCK_NS_PER_S * 3 / 2,
                                                     .handshake_timeout_ns = CLOCK_NS_PER_S / 2}});
    rig_login(&idle, &rig);
    rig_connect(&silent, &rig);
    rig_connect_implicit(&half, &rig);
    rig_connect(&handshake, &rig);
    rig_connect_port(&implicit, &rig, rig.implicit_port);
    rig_expect_reply(&handshake, 220);
    rig_expect(&handshake, 234, "AUTH TLS");
    rig_await_end(&handshake); /* no ClientHello: an end without a word (tls.md section 4) */
    assert_int_equal(buf_len(&handshake.control.received), 0);
    rig_await_end(&implicit);
    assert_int_equal(buf_len(&implicit.control.received), 0);
    rig_expect_reply(&silent, 220);
    rig_expect_reply(&silent, 421);
    rig_expect_reply(&half, 220);
    rig_expect_reply(&half, 421);
    rig_expect_reply(&idle, 421);
    rig_await_end(&idle);
    rig_close(&silent);
    rig_close(&half);
    rig_close(&idle);
    rig_close(&handshake);
    rig_close(&implicit);
    server_rig_close(&rig);
}

/* ---- the end of the server ---- */

static void drained(void *ctx)
{
    struct server_rig *rig = ctx;
    rig->drained = true;
}

static void draining_lets_transfers_finish(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client idle, busy, late;
    struct rig_data data;
    rig_login(&idle, rig);
    rig_login(&busy, rig);
    rig_passive(&busy, &data);
    rig_expect(&busy, 150, "STOR up");
    rig_data_seal(&data, &busy);
    server_worker_drain(rig->worker, 10 * CLOCK_NS_PER_S, drained, rig);
    rig_expect_reply(&idle, 421);
    rig_await_end(&idle);
    rig_connect(&late, rig);
    rig_await_end(&late);
    rig_expect(&busy, 200, "NOOP");
    assert_false(rig->drained);
    rig_data_send(&data, BYTES_LIT("whole"));
    rig_data_finish(&data);
    rig_expect_reply(&busy, 226);
    rig_expect_reply(&busy, 421);
    rig_await_end(&busy);
    NET_UNTIL(&rig->net, rig->drained);
    tempdir_assert_text(&rig->dir, "up", "whole");
    rig_data_close(&data);
    rig_close(&idle);
    rig_close(&busy);
    rig_close(&late);
}

static void draining_ends_those_that_do_not_finish(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client busy, handshake;
    struct rig_data data;
    rig_login(&busy, rig);
    rig_connect(&handshake, rig);
    rig_expect_reply(&handshake, 220);
    rig_expect(&handshake, 234, "AUTH TLS");
    rig_passive(&busy, &data);
    rig_expect(&busy, 150, "STOR up");
    rig_data_seal(&data, &busy);
    rig_data_send(&data, BYTES_LIT("half"));
    server_worker_drain(rig->worker, CLOCK_NS_PER_S / 5, drained, rig);
    rig_await_end(&handshake);
    rig_expect_reply(&busy, 426);
    rig_expect_reply(&busy, 421);
    NET_UNTIL(&rig->net, rig->drained);
    assert_false(tempdir_has(&rig->dir, "up"));
    rig_data_close(&data);
    rig_close(&busy);
    rig_close(&handshake);
}

/* Everything is in the middle of something when the server is freed. */
static void a_server_freed_in_the_middle(void **state)
{
    static const char *const commands[] = {"RETR file", "STOR up", "LIST", "STAT .", "CWD ."};
    (void)state;
    for (unsigned turns = 0; turns < 12; turns++) {
        struct server_rig rig;
        struct rig_client clients[ARRAY_LEN(commands)];
        struct rig_data data[ARRAY_LEN(commands)];
        server_rig_open(&rig, NULL);
        tempdir_write(&rig.dir, "file", "content");
        for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
            rig_login(&clients[i], &rig);
            rig_passive(&clients[i], &data[i]);
            rig_data_start_tls(&data[i], &clients[i]);
        }
        for (size_t i = 0; i < ARRAY_LEN(commands); i++)
            rig_say(&clients[i], "%s", commands[i]);
        for (unsigned i = 0; i < turns; i++)
            loop_turn(rig.net.loop, false);
        server_worker_free(rig.worker);
        rig.worker = NULL;
        for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
            rig_data_close(&data[i]);
            rig_close(&clients[i]);
        }
        server_rig_close(&rig);
    }
}

static void rules_that_contradict_each_other(void **state)
{
    struct server_rig *rig = *state;
    const struct server_rules rows[] = {
        {0}, /* no TLS, and clear not allowed */
        {.kind = LISTEN_IMPLICIT, .plaintext_allowed = true},
        {.tls = rig->tls.server, .passive_high = 10},
        {.tls = rig->tls.server, .passive_low = 11, .passive_high = 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server_rules *rules = NULL;
        struct fault fault = {0};
        assert_int_equal(server_rules_new(&rows[i], &rules, &fault), FERRY_E_ARGUMENT);
        assert_true(fault.what[0] != '\0');
    }
}

static void settings_that_lack_something(void **state)
{
    struct server_rig *rig = *state;
    struct server_worker *worker = NULL;
    struct server_rules *rules = NULL;
    struct fault fault = {0};
    const struct server_rules sealed = {.tls = rig->tls.server};
    const struct server_settings no_accounts = {.master = rig->tls.master};
    const struct server_settings no_master = {.account_ops = &users_ops, .accounts = rig->users};
    assert_int_equal(server_worker_new(rig->net.loop, &no_accounts, &worker, &fault),
                     FERRY_E_ARGUMENT);
    assert_int_equal(server_worker_new(rig->net.loop, &no_master, &worker, &fault), FERRY_OK);
    assert_int_equal(server_rules_new(&sealed, &rules, &fault), FERRY_OK);
    assert_int_equal(server_worker_listen(worker, -1, rules, NULL, &fault), FERRY_E_ARGUMENT);
    server_rules_unref(rules);
    server_worker_free(worker);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sec_1_commands_behind_auth_in_one_segment),
        TEST(sec_1_commands_behind_auth_in_a_second_segment),
        TEST(bad_lines),
        TEST(tls_124_http_is_not_served),
        TEST(ftp_12_many_commands_in_one_burst),
        TEST(unread_replies_stop_the_reading),
        TEST(a_connection_lost_at_any_point),
        TEST(a_control_connection_lost_after_any_byte),
        TEST(nothing_is_left_over),
        cmocka_unit_test(sec_52_beyond_the_most_sessions),
        cmocka_unit_test(sec_51_time_outs),
        TEST(draining_lets_transfers_finish),
        TEST(draining_ends_those_that_do_not_finish),
        cmocka_unit_test(a_server_freed_in_the_middle),
        TEST(rules_that_contradict_each_other),
        TEST(settings_that_lack_something),
    };
    return cmocka_run_group_tests_name("server_life", tests, NULL, NULL);
}
