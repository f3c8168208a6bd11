/* Limits of sessions, handshakes, logins, commands and log lines, by a whole server over loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/server_rig.h"

static struct server_rig rig;

static void open_rig(const struct server_limit_rules *limits, uint32_t sessions_max)
{
    const struct server_rig_options options = {
        .rules.limits = *limits,
        .settings.sessions_max = sessions_max,
    };
    server_rig_open(&rig, &options);
}

static int teardown(void **state)
{
    (void)state;
    server_rig_close(&rig);
    return 0;
}

static void expect_served(struct rig_client *client)
{
    rig_expect_reply(client, 220);
}

/* 421 with these words, and the end. */
static void expect_refused(struct rig_client *client, const char *words)
{
    rig_expect_reply(client, 421);
    rig_assert_text(client, words);
    rig_await_end(client);
    rig_close(client);
}

/* In clear, and then under TLS, to the end of the greeting of the handshake. */
static void begin(struct rig_client *client, const char *from)
{
    rig_connect_from(client, &rig, from);
    rig_expect_reply(client, 220);
    rig_expect(client, 234, "AUTH TLS");
    rig_seal(client);
}

static void sec_52_sessions_of_an_address(void **state)
{
    (void)state;
    struct rig_client first, second, third, other, implicit;
    open_rig(&(struct server_limit_rules){.crowd.sessions_per_address = 2}, 0);
    rig_login_from(&first, &rig, "127.0.0.1");
    rig_connect_from(&second, &rig, "127.0.0.1");
    expect_served(&second);
    rig_connect_from(&third, &rig, "127.0.0.1");
    expect_refused(&third, "Too many sessions from your address");
    assert_true(server_rig_logged(&rig, "session.limited", "peer=127.0.0.1", "advice", NULL));
    rig_connect_from(&other, &rig, "127.0.0.2");
    expect_served(&other);
    /* Nothing may be said in clear there. */
    rig_connect_port(&implicit, &rig, rig.implicit_port);
    rig_await_end(&implicit);
    assert_int_equal(buf_len(&implicit.control.received), 0);
    rig_close(&implicit);
    /* Sessions that run do not feel it; when one ends, there is room. */
    rig_expect(&first, 257, "PWD");
    rig_expect(&second, 221, "QUIT");
    rig_await_end(&second);
    rig_close(&second);
    rig_connect_from(&third, &rig, "127.0.0.1");
    expect_served(&third);
    rig_close(&third);
    rig_close(&other);
    rig_close(&first);
}

static void sec_52_sessions_of_a_network(void **state)
{
    (void)state;
    struct rig_client first, second;
    open_rig(&(struct server_limit_rules){.crowd.sessions_per_network = 1}, 0);
    rig_connect_from(&first, &rig, "127.0.0.1");
    expect_served(&first);
    rig_connect_from(&second, &rig, "127.0.0.2");
    expect_refused(&second, "Too many sessions from your network");
    rig_connect_from(&second, &rig, "127.0.1.2");
    expect_served(&second);
    rig_close(&second);
    rig_close(&first);
}

static void sec_52_connections_of_a_minute(void **state)
{
    (void)state;
    struct rig_client client;
    open_rig(&(struct server_limit_rules){.crowd.connections_per_minute = 3}, 0);
    for (int i = 0; i < 3; i++) {
        rig_connect_from(&client, &rig, "127.0.0.1");
        expect_served(&client);
        rig_close(&client);
    }
    rig_connect_from(&client, &rig, "127.0.0.1");
    expect_refused(&client, "Too many connections");
}

static void sec_52_half_of_the_places_are_for_those_who_logged_in(void **state)
{
    (void)state;
    struct rig_client waiting[2], one_more, known[2];
    open_rig(&(struct server_limit_rules){0}, 4);
    for (int i = 0; i < 2; i++) {
        rig_connect(&waiting[i], &rig);
        expect_served(&waiting[i]);
    }
    rig_connect(&one_more, &rig);
    expect_refused(&one_more, "Too many sessions");
    rig_close(&waiting[1]);
    rig_login(&known[0], &rig); /* which ends its waiting */
    rig_login(&known[1], &rig);
    rig_connect(&waiting[1], &rig);
    expect_served(&waiting[1]);
    rig_expect(&known[0], 220, "REIN");
    rig_close(&waiting[1]);
    rig_connect(&one_more, &rig);
    expect_refused(&one_more, "Too many sessions"); /* the one after REIN waits, too */
    rig_close(&waiting[0]);
    rig_close(&known[0]);
    rig_close(&known[1]);
}

static void sec_52_sessions_of_an_account(void **state)
{
    (void)state;
    struct rig_client first, second, other;
    struct fault fault = {0};
    open_rig(&(struct server_limit_rules){0}, 0);
    const struct user_settings carl = {
        .name = "carl", .password = RIG_PASSWORD, .root = rig.dir.path, .sessions_max = 1};
    assert_int_equal(users_add(rig.users, &carl, &fault), FERRY_OK);
    rig_login_as(&first, &rig, "carl");
    begin(&second, "127.0.0.1");
    rig_expect(&second, 331, "USER carl");
    rig_expect(&second, 421, "PASS " RIG_PASSWORD);
    rig_assert_text(&second, "Too many sessions of this account");
    rig_await_end(&second);
    rig_close(&second);
    rig_login(&other, &rig);
    rig_close(&other);
    /* REIN gives the place back. */
    rig_expect(&first, 220, "REIN");
    rig_login_as(&second, &rig, "carl");
    rig_close(&second);
    rig_close(&first);
}

static void sec_59_handshakes_at_once(void **state)
{
    (void)state;
    struct rig_client slow, client;
    open_rig(&(struct server_limit_rules){.handshakes_max = 1}, 0);
    rig_connect(&slow, &rig);
    rig_expect_reply(&slow, 220);
    rig_expect(&slow, 234, "AUTH TLS"); /* and no ClientHello */
    rig_connect(&client, &rig);
    rig_expect_reply(&client, 220);
    rig_say(&client, "AUTH TLS");
    rig_await_end(&client);
    rig_close(&client);
    assert_true(server_rig_logged(&rig, "session.limited", "handshakes", NULL));
    rig_seal(&slow);
    rig_login(&client, &rig);
    rig_close(&client);
    rig_close(&slow);
}

static enum ferry_error never_answer(void *accounts, const struct login_request *request,
                                     login_fn *done, void *ctx)
{
    (void)accounts;
    (void)request;
    (void)done;
    (void)ctx;
    return FERRY_OK;
}

static unsigned cancels;

static void count_cancel(void *accounts, void *ctx)
{
    (void)accounts;
    (void)ctx;
    cancels++;
}

static void sec_51_accounts_that_do_not_answer_are_given_up(void **state)
{
    (void)state;
    static const struct account_ops mute = {.login = never_answer, .cancel = count_cancel};
    const struct server_rig_options options = {
        .settings = {.account_ops = &mute, .answer_ns = 200 * CLOCK_NS_PER_MS},
    };
    struct rig_client client;
    server_rig_open(&rig, &options);
    begin(&client, "127.0.0.1");
    cancels = 0;
    rig_expect(&client, 421, "USER " RIG_USER);
    rig_await_end(&client);
    rig_close(&client);
    assert_int_equal(cancels, 1);
    assert_true(server_rig_logged(&rig, "session.login-unavailable", "does not answer", NULL));
}

static uint64_t now_ns(void)
{
    return clock_monotonic_ns(&clock_system);
}

/* A pipelined flood is taken no faster than the rule has it, and all of it is answered. */
static void commands_wait_for_their_turn(void **state)
{
    (void)state;
    struct rig_client client;
    open_rig(&(struct server_limit_rules){.commands_per_second = 10}, 0);
    rig_login(&client, &rig);
    uint64_t began_ns = now_ns();
    for (int i = 0; i < 15; i++)
        rig_say(&client, "NOOP");
    for (int i = 0; i < 15; i++)
        rig_expect_reply(&client, 200);
    rig_expect(&client, 257, "PWD");
    uint64_t took_ns = now_ns() - began_ns;
    assert_true(took_ns > 300 * CLOCK_NS_PER_MS);
    assert_true(took_ns < 5 * CLOCK_NS_PER_S);
    rig_close(&client);
}

/* Both directions, over two sessions that share the rate: 64 KiB at once, the rest at 64 KiB/s. */
static void transfers_of_an_account_have_a_rate(void **state)
{
    enum { RATE = 64 * 1024, SIZE = 80 * 1024 };
    (void)state;
    static char content[SIZE];
    struct rig_client first, second;
    struct fault fault = {0};
    struct buf got;
    buf_init(&got, SIZE);
    open_rig(&(struct server_limit_rules){0}, 0);
    const struct user_settings carl = {.name = "carl",
                                       .password = RIG_PASSWORD,
                                       .root = rig.dir.path,
                                       .rate_up = RATE,
                                       .rate_down = RATE};
    assert_int_equal(users_add(rig.users, &carl, &fault), FERRY_OK);
    rig_login_as(&first, &rig, "carl");
    rig_login_as(&second, &rig, "carl");
    uint64_t began_ns = now_ns();
    rig_upload(&first, "STOR a", bytes_of(content, SIZE));
    rig_upload(&second, "STOR b", bytes_of(content, SIZE / 2));
    uint64_t up_ns = now_ns() - began_ns;
    rig_download(&second, "RETR a", &got);
    buf_consume(&got, buf_len(&got));
    rig_download(&first, "RETR a", &got);
    uint64_t down_ns = now_ns() - began_ns - up_ns;
    assert_int_equal(buf_len(&got), SIZE);
    assert_true(up_ns > 500 * CLOCK_NS_PER_MS && up_ns < 10 * CLOCK_NS_PER_S);
    assert_true(down_ns > 500 * CLOCK_NS_PER_MS && down_ns < 10 * CLOCK_NS_PER_S);
    buf_fini(&got);
    rig_close(&first);
    rig_close(&second);
}

static void sec_60_a_noisy_address_does_not_fill_the_log(void **state)
{
    (void)state;
    struct rig_client client;
    open_rig(&(struct server_limit_rules){.log_events_per_minute = 5}, 0);
    for (int i = 0; i < 20; i++) {
        rig_connect_from(&client, &rig, "127.0.0.1");
        expect_served(&client);
        rig_expect(&client, 221, "QUIT");
        rig_await_end(&client);
        rig_close(&client);
    }
    struct bytes all = buf_view(&rig.lines);
    int opened = 0;
    for (size_t i = 0; i + 12 < all.len; i++)
        opened += memcmp(all.ptr + i, "session.open", 12) == 0;
    assert_int_equal(opened, 5);
    rig_connect_from(&client, &rig, "127.0.0.2");
    expect_served(&client);
    assert_true(server_rig_logged(&rig, "session.open", "peer=127.0.0.2", NULL));
    rig_close(&client);
    server_worker_free(rig.worker);
    rig.worker = NULL;
    assert_true(server_rig_logged(&rig, "log.suppressed", "peer=127.0.0.1", "name=session.open",
                                  "count=15", NULL));
}

/* What anonymous users give as a password, an e-mail address, is logged nowhere; nor what clients
 * say of themselves, but where all is logged. */
static void sec_86_addresses_of_people_are_not_logged(void **state)
{
    (void)state;
    struct rig_client client;
    open_rig(&(struct server_limit_rules){0}, 0);
    begin(&client, "127.0.0.1");
    rig_expect(&client, 331, "USER anonymous");
    rig_expect(&client, 530, "PASS someone@example.org");
    rig_expect(&client, 331, "USER " RIG_USER);
    rig_expect(&client, 230, "PASS " RIG_PASSWORD);
    rig_expect(&client, 200, "CLNT someones-client");
    rig_expect(&client, 200, "CSID Name=someones-other-client;");
    rig_close(&client);
    assert_true(server_rig_logged(&rig, "account=anonymous", NULL));
    assert_false(server_rig_logged(&rig, "someone@example.org", NULL));
    assert_true(server_rig_logged(&rig, "debug client.named", "someones-client", NULL));
    assert_false(server_rig_logged(&rig, "notice", "someones", NULL));
}

/* TLS or not, the 220 tells nothing of program, version or machine before TLS. */
static void sec_87_the_greeting_is_minimal(void **state)
{
    (void)state;
    struct rig_client client;
    open_rig(&(struct server_limit_rules){0}, 0);
    rig_connect(&client, &rig);
    rig_expect_reply(&client, 220);
    assert_string_equal(client.text, "FTP server ready.");
    rig_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sec_52_sessions_of_an_address, teardown),
        cmocka_unit_test_teardown(sec_52_sessions_of_a_network, teardown),
        cmocka_unit_test_teardown(sec_52_connections_of_a_minute, teardown),
        cmocka_unit_test_teardown(sec_52_half_of_the_places_are_for_those_who_logged_in, teardown),
        cmocka_unit_test_teardown(sec_52_sessions_of_an_account, teardown),
        cmocka_unit_test_teardown(sec_59_handshakes_at_once, teardown),
        cmocka_unit_test_teardown(sec_51_accounts_that_do_not_answer_are_given_up, teardown),
        cmocka_unit_test_teardown(commands_wait_for_their_turn, teardown),
        cmocka_unit_test_teardown(transfers_of_an_account_have_a_rate, teardown),
        cmocka_unit_test_teardown(sec_60_a_noisy_address_does_not_fill_the_log, teardown),
        cmocka_unit_test_teardown(sec_86_addresses_of_people_are_not_logged, teardown),
        cmocka_unit_test_teardown(sec_87_the_greeting_is_minimal, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
