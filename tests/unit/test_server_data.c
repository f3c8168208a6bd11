/* Who gets the data connection: resumption by policy and scope, wrong addresses, plain
 * bytes, deadlines, and the level that is in force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/socket.h"
#include "support/server_rig.h"

static const char content[] = "what only its owner may have";

static void rig_open(struct server_rig *rig, const struct server_rig_options *options)
{
    server_rig_open(rig, options);
    tempdir_write(&rig->dir, "file", content);
}

static int setup(void **state)
{
    static struct server_rig rig;
    rig_open(&rig, NULL);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    server_rig_close(*state);
    return 0;
}

static bool has_content(const struct rig_data *data)
{
    return bytes_equal(buf_view(&data->end.received), bytes_str(content));
}

/* The rightful client is served as if nothing had been. */
static void assert_served(struct rig_client *client)
{
    struct buf got;
    buf_init(&got, 4096);
    rig_download(client, "RETR file", &got);
    assert_true(bytes_equal(buf_view(&got), bytes_str(content)));
    buf_fini(&got);
}

/* ---- policy and scope (TLS-100, TLS-101, SEC-15) ---- */

enum offer {
    OFFER_OWN,     /* the session of the control connection */
    OFFER_NONE,    /* a full handshake */
    OFFER_SIBLING, /* that of another login of the same account */
    OFFER_FOREIGN, /* that of another account */
};

static const struct {
    enum data_resume policy;
    enum data_resume_scope scope;
    enum offer offer;
    bool served;
    bool resumed;
    const char *words; /* in the 522 */
} policies[] = {
    {DATA_RESUME_REQUIRE, DATA_SCOPE_CONNECTION, OFFER_OWN, true, true, NULL},
    {DATA_RESUME_REQUIRE, DATA_SCOPE_CONNECTION, OFFER_NONE, false, false, "no TLS session"},
    {DATA_RESUME_REQUIRE, DATA_SCOPE_CONNECTION, OFFER_SIBLING, false, false, "session reuse"},
    {DATA_RESUME_REQUIRE, DATA_SCOPE_CONNECTION, OFFER_FOREIGN, false, false, "session reuse"},
    {DATA_RESUME_REQUIRE, DATA_SCOPE_USER, OFFER_OWN, true, true, NULL},
    {DATA_RESUME_REQUIRE, DATA_SCOPE_USER, OFFER_NONE, false, false, "no TLS session"},
    {DATA_RESUME_REQUIRE, DATA_SCOPE_USER, OFFER_SIBLING, true, true, NULL},
    {DATA_RESUME_REQUIRE, DATA_SCOPE_USER, OFFER_FOREIGN, false, false, "session reuse"},
    {DATA_RESUME_PREFER, DATA_SCOPE_CONNECTION, OFFER_OWN, true, true, NULL},
    {DATA_RESUME_PREFER, DATA_SCOPE_CONNECTION, OFFER_NONE, true, false, NULL},
    {DATA_RESUME_PREFER, DATA_SCOPE_CONNECTION, OFFER_FOREIGN, true, false, NULL},
    {DATA_RESUME_OFF, DATA_SCOPE_CONNECTION, OFFER_OWN, true, false, NULL},
    {DATA_RESUME_OFF, DATA_SCOPE_CONNECTION, OFFER_NONE, true, false, NULL},
};

static void offer_session(struct rig_data *data, enum offer offer, struct rig_client *own,
                          struct rig_client *sibling, struct rig_client *foreign)
{
    switch (offer) {
    case OFFER_OWN:
        rig_data_start_tls(data, own);
        break;
    case OFFER_NONE:
        rig_data_start_fresh_tls(data, own);
        break;
    case OFFER_SIBLING:
        rig_data_start_tls(data, sibling);
        break;
    case OFFER_FOREIGN:
        rig_data_start_tls(data, foreign);
        break;
    }
}

static void check_policy(size_t row, enum tls_version version)
{
    struct server_rig rig;
    struct rig_client own, sibling, foreign;
    struct rig_data data;
    rig_open(&rig, &(struct server_rig_options){
                       .version = version,
                       .rules = {.data_resume = policies[row].policy,
                                 .data_resume_scope = policies[row].scope},
                   });
    rig_login(&sibling, &rig);
    rig_login(&own, &rig);
    rig_login_as(&foreign, &rig, RIG_OTHER_USER);
    rig_passive(&own, &data);
    rig_expect(&own, 150, "RETR file");
    offer_session(&data, policies[row].offer, &own, &sibling, &foreign);
    NET_UNTIL(&rig.net, stream_is_sealed(data.end.stream));
    const struct tls_facts *facts = tls_engine_facts(stream_tls(data.end.stream));
    assert_int_equal(facts->resumed, policies[row].resumed);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED); /* refused in order, too */
    rig_expect_reply(&own, policies[row].served ? 226 : 522);
    assert_int_equal(has_content(&data), policies[row].served);
    if (policies[row].words)
        rig_assert_text(&own, policies[row].words);
    rig_data_close(&data);
    rig_close(&foreign);
    rig_close(&own);
    rig_close(&sibling);
    server_rig_close(&rig);
}

static void tls_100_101_policy_and_scope(void **state)
{
    (void)state;
    static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
            check_policy(i, versions[v]);
        }
}

/* A session whose control connection has ended is dead (TLS-114). */
static void sec_15_a_dead_session_proves_nothing(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client dead, client;
    struct rig_data data;
    rig_login(&dead, rig);
    rig_expect(&dead, 221, "QUIT");
    rig_await_end(&dead);
    rig_login(&client, rig);
    rig_passive(&client, &data);
    rig_expect(&client, 150, "RETR file");
    rig_data_start_tls(&data, &dead);
    rig_expect_reply(&client, 522);
    assert_false(has_content(&data));
    rig_data_close(&data);
    assert_served(&client);
    rig_close(&dead);
    rig_close(&client);
}

static void ftp_24_only_the_control_connections_address(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    struct rig_data elsewhere, data;
    rig_login(&client, rig);
    rig_passive(&client, &data);
    rig_data_close(&data);
    rig_passive(&client, &data);
    rig_data_close(&data); /* connected and gone without a word */
    rig_data_connect(&client, &elsewhere, "127.0.0.3");
    rig_data_end(&elsewhere);
    rig_data_connect(&client, &data, NULL);
    rig_expect(&client, 150, "RETR file");
    rig_data_seal(&data, &client);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(&client, 226);
    assert_true(server_rig_logged(rig, "data.refused", "127.0.0.3", NULL));
    rig_data_close(&elsewhere);
    rig_data_close(&data);
    rig_close(&client);
}

/* curl sends its ClientHello before the command (one-port.md). */
static void the_handshake_does_not_wait_for_the_command(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    struct rig_data data;
    rig_login(&client, rig);
    rig_passive(&client, &data);
    rig_data_seal(&data, &client);
    rig_expect(&client, 150, "RETR file");
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(&client, 226);
    assert_true(has_content(&data));
    rig_data_close(&data);

    rig_passive(&client, &data);
    rig_data_seal(&data, &client);
    rig_data_send(&data, BYTES_LIT("early"));
    rig_data_finish(&data); /* all of the upload is there before its command */
    rig_expect(&client, 150, "STOR early");
    rig_expect_reply(&client, 226);
    tempdir_assert_text(&rig->dir, "early", "early");
    rig_data_close(&data);
    rig_close(&client);
}

/* One that is proven has the slot: nobody comes after it, not even with the same proof. */
static void the_slot_is_taken_once(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    struct rig_data late, first;
    rig_login(&client, rig);
    rig_passive(&client, &late);
    rig_data_connect(&client, &first, NULL);
    rig_data_seal(&first, &client);
    rig_data_start_tls(&late, &client);
    rig_data_end(&late);
    assert_int_equal(buf_len(&late.end.received), 0);
    rig_expect(&client, 150, "RETR file");
    assert_int_equal(rig_data_end(&first), STREAM_END_CLOSED);
    rig_expect_reply(&client, 226);
    assert_true(has_content(&first));
    rig_data_close(&first);
    rig_data_close(&late);
    rig_close(&client);
}

/* A client that uses each ticket once never runs dry. */
static void tls_108_tickets_are_refilled(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_login(&client, rig);
    for (int i = 0; i < 10; i++) {
        assert_served(&client);
        assert_true(tls_sessions_fresh(client.sessions) > 0);
    }
    rig_close(&client);
}

/* ---- plain bytes (SEC-13, TLS-57) ---- */

static void sec_13_plain_bytes_under_prot_p(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    struct rig_data data;
    rig_login(&client, rig);
    for (int before = 0; before < 2; before++) {
        rig_passive(&client, &data);
        if (before)
            rig_data_send(&data, BYTES_LIT("plain text"));
        rig_expect(&client, 150, "STOR plain");
        if (!before)
            rig_data_send(&data, BYTES_LIT("plain text"));
        rig_expect_reply(&client, 522);
        rig_assert_text(&client, "plain");
        rig_data_close(&data);
    }
    assert_int_equal(tempdir_count(&rig->dir, "."), 1);
    assert_served(&client);
    rig_close(&client);
}

/* ---- active mode ---- */

static void sec_7_bounce(void **state)
{
    static const struct {
        const char *command;
        int code;
    } rows[] = {
        {"PORT 127,0,0,9,200,1", 504},
        {"PORT 127,0,0,1,3,255", 504},
        {"EPRT |1|127.0.0.9|51201|", 504},
        {"EPRT |1|127.0.0.1|1023|", 504},
        {"EPRT |2|::ffff:127.0.0.9|51201|", 504},
        {"EPRT |2|::1|51201|", 504},
        {"EPRT |3|x|51201|", 522},
        {"PORT 127,0,0,1,0,0", 501},
        {"PORT 127,0,0,010,200,1", 504},
        {"PORT 0,0,0,0,200,1", 501},
        {"PORT 127,0,0,1,200", 501},
        {"EPRT |1|127.0.0.1|", 501},
    };
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_login(&client, rig);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_expect(&client, rows[i].code, "%s", rows[i].command);
        rig_expect(&client, 425, "LIST");
    }
    rig_close(&client);
}

static void active_connections_prove_themselves_too(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    struct rig_data data;
    rig_login(&client, rig);
    rig_active(&client, &data);
    rig_expect(&client, 150, "RETR file");
    rig_active_accept(&data);
    rig_data_start_fresh_tls(&data, &client);
    rig_expect_reply(&client, 522);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    assert_false(has_content(&data));
    rig_data_close(&data);

    rig_active(&client, &data);
    close(data.listener); /* nobody listens any more */
    data.listener = -1;
    rig_expect(&client, 150, "RETR file");
    rig_expect_reply(&client, 425);
    rig_data_close(&data);
    assert_served(&client);
    rig_close(&client);
}

/* ---- time ---- */

static void ftp_57_tls_65_deadlines(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    struct rig_data data;
    rig_open(&rig,
             &(struct server_rig_options){.rules = {.data_timeout_ns = CLOCK_NS_PER_S / 4,
                                                    .handshake_timeout_ns = CLOCK_NS_PER_S / 2}});
    rig_login(&client, &rig);
    rig_expect(&client, 229, "EPSV");
    rig_expect(&client, 150, "RETR file");
    rig_expect_reply(&client, 425); /* nobody came */
    rig_passive(&client, &data);
    rig_expect(&client, 150, "RETR file");
    rig_expect_reply(&client, 522); /* somebody came and said nothing */
    rig_assert_text(&client, "handshake");
    rig_data_close(&data);
    assert_served(&client);
    rig_close(&client);
    server_rig_close(&rig);
}

/* ---- level and port ---- */

static void tls_32_53_the_level_is_that_of_the_command(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    struct rig_data data;
    rig_open(&rig, &(struct server_rig_options){.rules = {.plaintext_allowed = true}});
    rig_login(&client, &rig);

    /* Connected in clear, then PROT P: the handshake is due. */
    rig_expect(&client, 200, "PROT C");
    rig_passive(&client, &data);
    net_kit_idle(&rig.net);
    rig_expect(&client, 200, "PROT P");
    rig_expect(&client, 150, "RETR file");
    rig_data_seal(&data, &client);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(&client, 226);
    assert_true(has_content(&data));
    rig_data_close(&data);

    /* Sealed, then PROT C: not what was asked for. */
    rig_passive(&client, &data);
    rig_data_seal(&data, &client);
    rig_expect(&client, 200, "PROT C");
    rig_expect(&client, 150, "RETR file");
    rig_expect_reply(&client, 425);
    rig_data_end(&data);
    assert_false(has_content(&data));
    rig_data_close(&data);

    /* Level C from beginning to end. */
    rig_passive(&client, &data);
    rig_expect(&client, 150, "RETR file");
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(&client, 226);
    assert_true(has_content(&data));
    rig_data_close(&data);
    rig_close(&client);
    server_rig_close(&rig);
}

static void tls_33_no_clear_data_by_default(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_connect(&client, rig);
    rig_expect_reply(&client, 220);
    rig_expect(&client, 234, "AUTH TLS");
    rig_seal(&client);
    rig_expect(&client, 331, "USER " RIG_USER);
    rig_expect(&client, 230, "PASS " RIG_PASSWORD);
    rig_expect(&client, 229, "EPSV");
    rig_expect(&client, 522, "RETR file"); /* the level is C until PROT P (TLS-3) */
    rig_expect(&client, 200, "PBSZ 0");
    rig_expect(&client, 534, "PROT C");
    rig_close(&client);
}

static void ftp_58_passive_ports_of_the_range(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client first, second;
    rig_open(&rig,
             &(struct server_rig_options){.rules = {.passive_low = 42137, .passive_high = 42137}});
    rig_login(&first, &rig);
    rig_login(&second, &rig);
    rig_expect(&first, 229, "EPSV");
    rig_assert_text(&first, "(|||42137|)");
    rig_expect(&second, 425, "EPSV");
    rig_expect(&first, 227, "PASV"); /* its own old port is given up first */
    rig_assert_text(&first, "(127,0,0,1,164,153)");
    rig_expect(&first, 221, "QUIT");
    rig_await_end(&first);
    rig_expect(&second, 229, "EPSV"); /* FTP-24: QUIT closed it */
    assert_served(&second);
    rig_close(&first);
    rig_close(&second);
    server_rig_close(&rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_100_101_policy_and_scope),
        TEST(sec_15_a_dead_session_proves_nothing),
        TEST(ftp_24_only_the_control_connections_address),
        TEST(the_handshake_does_not_wait_for_the_command),
        TEST(the_slot_is_taken_once),
        TEST(tls_108_tickets_are_refilled),
        TEST(sec_13_plain_bytes_under_prot_p),
        TEST(sec_7_bounce),
        TEST(active_connections_prove_themselves_too),
        cmocka_unit_test(ftp_57_tls_65_deadlines),
        cmocka_unit_test(tls_32_53_the_level_is_that_of_the_command),
        TEST(tls_33_no_clear_data_by_default),
        cmocka_unit_test(ftp_58_passive_ports_of_the_range),
    };
    return cmocka_run_group_tests_name("server_data", tests, NULL, NULL);
}
