/* Control and data connections that come through a proxy, by a whole server over loopback. The
 * proxy is 127.0.0.1, where the rig's clients connect from; 127.0.0.9 is the client behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/server_rig.h"

#define HEADER "PROXY TCP4 127.0.0.9 198.51.100.1 40000 21\r\n"
#define DATA_HEADER "PROXY TCP4 127.0.0.9 198.51.100.1 40001 50000\r\n"
#define FOREIGN_HEADER "PROXY TCP4 127.0.0.10 198.51.100.1 40001 50000\r\n"
#define BINARY_HEADER                                                                              \
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x09\xc6\x33\x64\x01\x9c\x40\x00\x15"
#define LOCAL_HEADER "\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"
#define CONTENT "content of a file"

struct fixture {
    struct server_rig rig;
    struct rig_client client;
};

static const struct server_rig_options *through_proxy(void)
{
    static struct network proxy;
    static struct server_rig_options options = {.rules = {.proxies = &proxy, .proxy_count = 1}};
    assert_int_equal(network_parse("127.0.0.1", &proxy, NULL), FERRY_OK);
    return &options;
}

static int setup(void **state)
{
    static struct fixture fixture;
    server_rig_open(&fixture.rig, through_proxy());
    tempdir_write(&fixture.rig.dir, "file", CONTENT);
    rig_connect(&fixture.client, &fixture.rig);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    rig_close(&fixture->client);
    server_rig_close(&fixture->rig);
    return 0;
}

static void login(struct fixture *fixture, struct bytes header)
{
    rig_send(&fixture->client, header);
    rig_login_here(&fixture->client, RIG_USER);
}

static void ask_for_port(struct rig_client *client)
{
    rig_expect(client, 229, "EPSV");
    unsigned port = 0;
    assert_int_equal(sscanf(strstr(client->text, "(|||"), "(|||%u|)", &port), 1);
    client->data_port = (uint16_t)port;
}

/* Connects to the client's data port and says something before the handshake. */
static void data_connect(struct rig_client *client, struct rig_data *data, const char *from,
                         struct bytes header)
{
    rig_data_connect(client, data, from);
    rig_data_send(data, header);
}

static void retrieve(struct rig_client *client, struct rig_data *data)
{
    rig_expect(client, 150, "RETR file");
    rig_data_seal(data, client);
    assert_int_equal(rig_data_end(data), STREAM_END_CLOSED);
    rig_expect_reply(client, 226);
    assert_true(bytes_equal(buf_view(&data->end.received), BYTES_LIT(CONTENT)));
    rig_data_close(data);
}

static void sec_22_a_session_is_the_client_s_that_the_header_names(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    login(fixture, BYTES_LIT(HEADER));
    assert_true(server_rig_logged(&fixture->rig, "session.open", "peer=127.0.0.9", NULL));
    struct rig_data data;
    ask_for_port(client);
    data_connect(client, &data, NULL, BYTES_LIT(DATA_HEADER));
    retrieve(client, &data);
}

static void sec_22_the_binary_header_too(void **state)
{
    struct fixture *fixture = *state;
    login(fixture, BYTES_LIT(BINARY_HEADER));
    assert_true(server_rig_logged(&fixture->rig, "session.open", "peer=127.0.0.9", NULL));
    struct rig_data data;
    ask_for_port(&fixture->client);
    data_connect(&fixture->client, &data, NULL, BYTES_LIT(BINARY_HEADER));
    retrieve(&fixture->client, &data);
}

/* TLS-151: 227 tells where the client connected to. */
static void tls_151_pasv_tells_the_address_of_the_proxy(void **state)
{
    struct fixture *fixture = *state;
    login(fixture, BYTES_LIT(HEADER));
    rig_expect(&fixture->client, 227, "PASV");
    rig_assert_text(&fixture->client, "(198,51,100,1,");
}

static void tls_151_a_client_outside_is_told_an_inner_address(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool logged;
    } cases[] = {
        {"PROXY TCP4 203.0.113.9 10.0.0.1 40000 21\r\n", true},
        {"PROXY TCP4 203.0.113.9 127.0.0.1 40000 21\r\n", true},
        {"PROXY TCP4 203.0.113.9 198.51.100.1 40000 21\r\n", false},
        {"PROXY TCP4 10.0.0.9 10.0.0.1 40000 21\r\n", false},
        {"PROXY TCP4 127.0.0.9 10.0.0.1 40000 21\r\n", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        server_rig_open(&fixture.rig, through_proxy());
        rig_connect(&fixture.client, &fixture.rig);
        login(&fixture, bytes_str(cases[i].header));
        rig_expect(&fixture.client, 227, "PASV");
        assert_int_equal(
            server_rig_logged(&fixture.rig, "passive.unreachable", "passive_address", NULL),
            cases[i].logged);
        buf_consume(&fixture.rig.lines, buf_len(&fixture.rig.lines));
        rig_expect(&fixture.client, 227, "PASV");
        assert_false(server_rig_logged(&fixture.rig, "passive.unreachable", NULL)); /* once */
        rig_close(&fixture.client);
        server_rig_close(&fixture.rig);
    }
}

/* A client of IPv6 behind a proxy that reaches the server by IPv4. */
static void ftp_52_the_client_s_protocol_counts(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    login(fixture, BYTES_LIT("PROXY TCP6 2001:db8::7 2001:db8::1 40000 21\r\n"));
    rig_expect(client, 500, "PASV");
    rig_expect(client, 504, "EPRT |1|127.0.0.1|40000|");
    struct rig_data data;
    ask_for_port(client);
    data_connect(client, &data, NULL,
                 BYTES_LIT("PROXY TCP6 2001:db8::7 2001:db8::1 40001 50000\r\n"));
    retrieve(client, &data);
}

/* The server's end of the control connection has an IPv4 address, which cannot be connected from.
 */
static void ftp_50_active_mode_by_the_client_s_protocol(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct rig_data data = {.rig = &fixture->rig};
    struct address at;
    assert_int_equal(address_parse("::1", 0, &at), FERRY_OK);
    assert_int_equal(socket_listen(&at, 1, &data.listener, NULL), FERRY_OK);
    assert_int_equal(socket_local(data.listener, &at), FERRY_OK);
    login(fixture, BYTES_LIT("PROXY TCP6 ::1 2001:db8::1 40000 21\r\n"));
    rig_expect(client, 200, "EPRT |2|::1|%u|", (unsigned)address_port(&at));
    rig_expect(client, 150, "RETR file");
    rig_active_accept(&data);
    rig_data_seal(&data, client);
    rig_data_end(&data);
    rig_expect_reply(client, 226);
    rig_data_close(&data);
}

static void sec_22_implicit_tls_begins_behind_the_header(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client client;
    rig_connect_port(&client, &fixture->rig, fixture->rig.implicit_port);
    rig_send(&client, BYTES_LIT(HEADER));
    rig_seal(&client);
    rig_expect_reply(&client, 220);
    assert_true(server_rig_logged(&fixture->rig, "session.open", "peer=127.0.0.9",
                                  "listener=implicit", NULL));
    rig_close(&client);
}

/* A proxy's own connection, say to see whether the server lives. */
static void sec_22_a_proxy_may_come_for_itself(void **state)
{
    struct fixture *fixture = *state;
    rig_send(&fixture->client, BYTES_LIT(LOCAL_HEADER));
    rig_expect_reply(&fixture->client, 220);
    assert_true(server_rig_logged(&fixture->rig, "session.open", "peer=127.0.0.1", NULL));
}

static void sec_22_a_proxy_without_a_header_is_not_served(void **state)
{
    struct fixture *fixture = *state;
    static const struct bytes said[] = {
        {.ptr = "USER anna\r\n", .len = 11},
        {.ptr = "GET / HTTP/1.1\r\n\r\n", .len = 18},
        {.ptr = "\x16\x03\x01\x02\x00\x01", .len = 6},
        {.ptr = "PROXY TCP4 127.0.0.9\r\n", .len = 22},
    };
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        struct rig_client client;
        rig_connect(&client, &fixture->rig);
        rig_send(&client, said[i]);
        rig_await_end(&client);
        assert_int_equal(buf_len(&client.control.received), 0);
        rig_close(&client);
    }
    assert_true(server_rig_logged(&fixture->rig, "proxy.refused", "peer=127.0.0.1", NULL));
    assert_false(server_rig_logged(&fixture->rig, "session.open", NULL));
}

/* Read once: what looks like a second one is a command, and no known one. */
static void sec_22_a_header_is_read_once(void **state)
{
    struct fixture *fixture = *state;
    rig_send(&fixture->client, BYTES_LIT(HEADER FOREIGN_HEADER));
    rig_expect_reply(&fixture->client, 220);
    rig_expect_reply(&fixture->client, 500);
    assert_false(server_rig_logged(&fixture->rig, "peer=127.0.0.10", NULL));
}

static void sec_22_nobody_else_s_header_is_read(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig, NULL);
    rig_connect(&client, &rig);
    rig_send(&client, BYTES_LIT(HEADER));
    rig_expect_reply(&client, 220);
    rig_expect_reply(&client, 500);
    assert_true(server_rig_logged(&rig, "session.open", "peer=127.0.0.1", NULL));
    rig_close(&client);
    server_rig_close(&rig);
}

/* SEC-5: of data connections, too, the header says whose they are. */
static void sec_5_sec_22_data_connections_of_others_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    static const struct {
        const char *from;
        struct bytes header;
        const char *logged;
    } cases[] = {
        {NULL, {FOREIGN_HEADER, sizeof(FOREIGN_HEADER) - 1}, "from=127.0.0.10"},
        {NULL, {LOCAL_HEADER, sizeof(LOCAL_HEADER) - 1}, "not the client"},
        {NULL, {"\x16\x03\x01\x02\x00\x01", 6}, "no PROXY protocol header"},
        {"127.0.0.3", {DATA_HEADER, sizeof(DATA_HEADER) - 1}, "from=127.0.0.3"},
    };
    login(fixture, BYTES_LIT(HEADER));
    ask_for_port(client);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig_data data;
        data_connect(client, &data, cases[i].from, cases[i].header);
        rig_data_end(&data);
        assert_int_equal(buf_len(&data.end.received), 0);
        rig_data_close(&data);
        assert_true(server_rig_logged(&fixture->rig, "data.refused", cases[i].logged, NULL));
    }
    struct rig_data own;
    data_connect(client, &own, NULL, BYTES_LIT(DATA_HEADER));
    retrieve(client, &own);
}

/* TLS-100 holds behind a proxy, too, and the log names the client. */
static void sec_22_a_session_is_still_to_be_resumed(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct rig_data data;
    login(fixture, BYTES_LIT(HEADER));
    ask_for_port(client);
    data_connect(client, &data, NULL, BYTES_LIT(DATA_HEADER));
    rig_expect(client, 150, "RETR file");
    rig_data_start_fresh_tls(&data, client);
    rig_expect_reply(client, 522);
    rig_data_close(&data);
    assert_true(server_rig_logged(&fixture->rig, "data.refused", "from=127.0.0.9", "reuse", NULL));
}

/* The passive ports may be open to the clients, and only the control port be behind the proxy. */
static void sec_22_data_may_come_past_the_proxy(void **state)
{
    struct fixture *fixture = *state;
    struct rig_data data;
    login(fixture, BYTES_LIT(HEADER));
    ask_for_port(&fixture->client);
    data_connect(&fixture->client, &data, "127.0.0.9", BYTES_LIT(""));
    retrieve(&fixture->client, &data);
}

/* SEC-7: the header's client is who may be connected to, and not the proxy. */
static void sec_7_sec_22_tls_160_active_mode_goes_to_the_client(void **state)
{
    struct fixture *fixture = *state;
    login(fixture, BYTES_LIT(HEADER));
    rig_expect(&fixture->client, 504, "PORT 127,0,0,1,156,64");
    rig_expect(&fixture->client, 504, "EPRT |1|198.51.100.1|40000|");
    rig_expect(&fixture->client, 200, "PORT 127,0,0,9,156,64");
}

/* Nobody can hold up a transfer by connections without a header. */
static void sec_22_few_headers_are_awaited_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct rig_data silent[8], own;
    login(fixture, BYTES_LIT(HEADER));
    ask_for_port(client);
    for (size_t i = 0; i < ARRAY_LEN(silent); i++)
        data_connect(client, &silent[i], NULL, BYTES_LIT("PROXY "));
    net_kit_idle(&fixture->rig.net);
    data_connect(client, &own, NULL, BYTES_LIT(DATA_HEADER));
    rig_data_end(&own);
    rig_data_close(&own);
    assert_true(server_rig_logged(&fixture->rig, "data.refused", "too many", NULL));

    rig_data_cut(&silent[0]);
    NET_UNTIL(&fixture->rig.net,
              server_rig_logged(&fixture->rig, "data.refused", "ended before", NULL));
    data_connect(client, &own, NULL, BYTES_LIT(DATA_HEADER));
    retrieve(client, &own);
    for (size_t i = 0; i < ARRAY_LEN(silent); i++)
        rig_data_close(&silent[i]);
}

static void drained(void *ctx)
{
    struct server_rig *rig = ctx;
    rig->drained = true;
}

static void a_server_that_ends_awaits_no_header(void **state)
{
    struct fixture *fixture = *state;
    struct server_rig *rig = &fixture->rig;
    rig_send(&fixture->client, BYTES_LIT("PROXY "));
    net_kit_idle(&rig->net);
    server_worker_drain(rig->worker, CLOCK_NS_PER_S, drained, rig);
    NET_UNTIL(&rig->net, rig->drained);
    rig_await_end(&fixture->client);
    assert_int_equal(buf_len(&fixture->client.control.received), 0);
}

#define PROXY_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROXY_TEST(sec_22_a_session_is_the_client_s_that_the_header_names),
        PROXY_TEST(sec_22_the_binary_header_too),
        PROXY_TEST(tls_151_pasv_tells_the_address_of_the_proxy),
        cmocka_unit_test(tls_151_a_client_outside_is_told_an_inner_address),
        PROXY_TEST(ftp_52_the_client_s_protocol_counts),
        PROXY_TEST(ftp_50_active_mode_by_the_client_s_protocol),
        PROXY_TEST(sec_22_implicit_tls_begins_behind_the_header),
        PROXY_TEST(sec_22_a_proxy_may_come_for_itself),
        PROXY_TEST(sec_22_a_proxy_without_a_header_is_not_served),
        PROXY_TEST(sec_22_a_header_is_read_once),
        cmocka_unit_test(sec_22_nobody_else_s_header_is_read),
        PROXY_TEST(sec_5_sec_22_data_connections_of_others_are_refused),
        PROXY_TEST(sec_22_a_session_is_still_to_be_resumed),
        PROXY_TEST(sec_22_data_may_come_past_the_proxy),
        PROXY_TEST(sec_7_sec_22_tls_160_active_mode_goes_to_the_client),
        PROXY_TEST(sec_22_few_headers_are_awaited_at_a_time),
        PROXY_TEST(a_server_that_ends_awaits_no_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
