/* Rules of data ports, of sessions beside each other and of names, by a whole server over loopback.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "support/server_rig.h"

struct fixture {
    struct server_rig rig;
    struct rig_client client;
};

static void fixture_open(struct fixture *fixture, const struct server_rig_options *options)
{
    server_rig_open(&fixture->rig, options);
    rig_login(&fixture->client, &fixture->rig);
}

static void fixture_close(struct fixture *fixture)
{
    rig_close(&fixture->client);
    server_rig_close(&fixture->rig);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture_open(&fixture, NULL);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

/* Whether anything listens on the port of the server's address. */
static bool is_open(uint16_t port)
{
    struct address to;
    assert_int_equal(address_parse("127.0.0.1", port, &to), FERRY_OK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    bool open = connect(fd, (const struct sockaddr *)&to.storage, to.len) == 0;
    close(fd);
    return open;
}

static uint16_t epsv(struct rig_client *client)
{
    rig_expect(client, 229, "EPSV");
    const char *port = strstr(client->text, "(|||");
    assert_non_null(port);
    unsigned value = 0;
    assert_int_equal(sscanf(port, "(|||%u|)", &value), 1);
    return (uint16_t)value;
}

/* ---- data ports ---- */

/* TLS-125: the address counts also where a session need not be resumed. */
static void ftp_24_sec_5_a_data_connection_comes_from_the_client_s_address(void **state)
{
    (void)state;
    static const enum data_resume policies[] = {DATA_RESUME_REQUIRE, DATA_RESUME_PREFER,
                                                DATA_RESUME_OFF};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        struct fixture fixture;
        fixture_open(&fixture, &(struct server_rig_options){.rules = {.data_resume = policies[i]}});
        struct rig_client *client = &fixture.client;
        tempdir_write(&fixture.rig.dir, "file", "content");
        client->data_port = epsv(client);
        struct rig_data stranger, own;
        rig_data_connect(client, &stranger, "127.0.0.2");
        rig_data_end(&stranger);
        assert_int_equal(buf_len(&stranger.end.received), 0);
        rig_data_close(&stranger);
        assert_true(server_rig_logged(&fixture.rig, "data.refused", "from=127.0.0.2", NULL));

        rig_data_connect(client, &own, NULL);
        rig_expect(client, 150, "RETR file");
        rig_data_seal(&own, client);
        rig_data_end(&own);
        rig_expect_reply(client, 226);
        assert_true(bytes_equal(buf_view(&own.end.received), BYTES_LIT("content")));
        rig_data_close(&own);
        fixture_close(&fixture);
    }
}

static void ftp_24_the_next_command_and_the_transfer_close_the_port(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    static const struct {
        int code;
        const char *command;
    } closers[] = {{229, "EPSV"}, {227, "PASV"}, {200, "EPRT |1|127.0.0.1|40000|"}};
    for (size_t i = 0; i < ARRAY_LEN(closers); i++) {
        uint16_t port = epsv(client);
        rig_expect(client, closers[i].code, "%s", closers[i].command);
        assert_false(is_open(port));
    }

    struct rig_data data;
    rig_passive(client, &data);
    assert_true(
        is_open(client->data_port)); /* the client may come again as long as none is sealed */
    rig_expect(client, 150, "LIST");
    rig_data_seal(&data, client);
    rig_data_end(&data);
    rig_expect_reply(client, 226);
    rig_data_close(&data);
    assert_false(is_open(client->data_port));

    uint16_t port = epsv(client);
    rig_expect(client, 220, "REIN");
    assert_false(is_open(port));
}

static void set_true(void *ctx)
{
    *(bool *)ctx = true;
}

/* Turns the loop for so long. */
static void pass_time(struct server_rig *rig, uint64_t ns)
{
    bool over = false;
    struct loop_timer *timer = loop_timer_new(rig->net.loop, set_true, &over);
    assert_non_null(timer);
    loop_timer_at(timer, loop_now_ns(rig->net.loop) + ns);
    NET_UNTIL(&rig->net, over);
    loop_timer_free(timer);
}

static void ftp_24_an_unused_port_is_closed_in_time(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, &(struct server_rig_options){
                               .rules = {.passive_timeout_ns = 50 * CLOCK_NS_PER_MS}});
    struct rig_client *client = &fixture.client;
    uint16_t port = epsv(client);
    assert_true(is_open(port));
    pass_time(&fixture.rig, 200 * CLOCK_NS_PER_MS);
    assert_false(is_open(port));
    rig_expect(client, 150, "LIST");
    rig_expect_reply(client, 425);
    rig_assert_text(client, "not used in time");
    fixture_close(&fixture);
}

static void ftp_42_ascii_by_the_letter_where_it_is_wanted(void **state)
{
    (void)state;
    for (int strict = 0; strict < 2; strict++) {
        struct fixture fixture;
        fixture_open(&fixture, &(struct server_rig_options){.rules = {.ascii_strict = strict}});
        tempdir_write(&fixture.rig.dir, "text", "one\r\ntwo\n");
        rig_expect(&fixture.client, 200, "TYPE A");
        CLEANUP(buf_fini) struct buf got;
        buf_init(&got, 100);
        rig_download(&fixture.client, "RETR text", &got);
        assert_true(bytes_equal(buf_view(&got), strict ? BYTES_LIT("one\r\r\ntwo\r\n")
                                                       : BYTES_LIT("one\r\ntwo\r\n")));
        fixture_close(&fixture);
    }
}

/* A byte that is shown as \x1b is so once, in words and in paths. */
static void sec_80_the_log_escapes_once(void **state)
{
    struct fixture *fixture = *state;
    rig_expect(&fixture->client, 550, "SIZE a\x1b");
    assert_true(server_rig_logged(&fixture->rig, "/a\\x1b", NULL));
    assert_false(server_rig_logged(&fixture->rig, "\\x5c", NULL));
}

/* FTP-58: and not one after the other. */
static void tls_150_passive_ports_come_from_the_range(void **state)
{
    (void)state;
    enum { LOW = 20100, HIGH = 20163, COUNT = 24 };
    struct fixture fixture;
    fixture_open(&fixture,
                 &(struct server_rig_options){.rules = {.passive_low = LOW, .passive_high = HIGH}});
    int neighbours = 0;
    uint16_t last = 0;
    for (int i = 0; i < COUNT; i++) {
        uint16_t port = epsv(&fixture.client);
        assert_in_range(port, LOW, HIGH);
        neighbours += port == last || port == last + 1;
        last = port;
    }
    assert_in_range(neighbours, 0, COUNT / 2);
    fixture_close(&fixture);
}

/* FTP-51: the form of the reply. */
static void tls_151_the_address_that_is_told(void **state)
{
    (void)state;
    struct server_rig_options options = {0};
    assert_int_equal(address_parse("192.0.2.1", 0, &options.rules.passive_address), FERRY_OK);
    struct fixture fixture;
    fixture_open(&fixture, &options);
    rig_expect(&fixture.client, 227, "PASV");
    unsigned high, low;
    char end[8] = "";
    assert_int_equal(sscanf(fixture.client.text, "Entering Passive Mode (192,0,2,1,%u,%u%7[^\r\n]",
                            &high, &low, end),
                     3);
    assert_string_equal(end, ").");
    assert_true(is_open((uint16_t)(high << 8 | low)));
    fixture_close(&fixture);
}

/* One that never comes is 425, one that never speaks TLS 522; the port is gone, the session not. */
static void ftp_57_tls_65_a_data_connection_is_not_awaited_for_ever(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, &(struct server_rig_options){
                               .rules = {.data_timeout_ns = 200 * CLOCK_NS_PER_MS,
                                         .handshake_timeout_ns = 400 * CLOCK_NS_PER_MS}});
    struct rig_client *client = &fixture.client;
    static const char *const commands[] = {"LIST", "STOR up"};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        uint16_t port = epsv(client);
        rig_expect(client, 150, "%s", commands[i]);
        rig_expect_reply(client, 425);
        assert_false(is_open(port));

        struct rig_data data;
        rig_passive(client, &data);
        rig_expect(client, 150, "%s", commands[i]);
        rig_expect_reply(client, 522);
        assert_int_equal(buf_len(&data.end.received), 0);
        rig_data_close(&data);
        assert_false(is_open(client->data_port));
    }
    rig_expect(client, 257, "PWD");
    assert_int_equal(tempdir_count(&fixture.rig.dir, "."), 0);
    fixture_close(&fixture);
}

/* FTP-57: and one that comes before its command waits. */
static void an_early_data_connection_waits(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    tempdir_write(&fixture->rig.dir, "file", "content");
    struct rig_data data;
    rig_passive(client, &data);
    rig_data_seal(&data, client);
    rig_expect(client, 213, "SIZE file");
    rig_expect(client, 350, "REST 3");
    rig_expect(client, 150, "RETR file");
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(client, 226);
    assert_true(bytes_equal(buf_view(&data.end.received), BYTES_LIT("tent")));
    rig_data_close(&data);
}

/* ---- sessions ---- */

/* FTP-30: 421 in the place of the greeting. */
static void sec_52_sessions_beyond_the_limit_are_sent_away(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, &(struct server_rig_options){.settings = {.sessions_max = 2}});
    struct rig_client second, third;
    rig_login(&second, &fixture.rig);
    rig_connect(&third, &fixture.rig);
    rig_expect_reply(&third, 421);
    rig_await_end(&third);
    rig_close(&third);
    rig_connect_port(&third, &fixture.rig, fixture.rig.implicit_port);
    rig_await_end(&third);
    assert_int_equal(buf_len(&third.control.received), 0); /* not a word in clear */
    rig_close(&third);

    rig_expect(&second, 257, "PWD"); /* those that are there are served */
    rig_expect(&second, 221, "QUIT");
    rig_await_end(&second);
    rig_close(&second);
    NET_UNTIL(&fixture.rig.net, server_worker_sessions(fixture.rig.worker) == 1);
    rig_login(&third, &fixture.rig);
    rig_close(&third);
    fixture_close(&fixture);
}

static void ftp_188_sessions_share_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *one = &fixture->client, two;
    rig_login(&two, &fixture->rig);
    tempdir_write(&fixture->rig.dir, "file", "content");
    rig_expect(one, 257, "MKD sub");
    rig_expect(one, 250, "CWD sub");
    rig_expect(&two, 257, "PWD");
    rig_assert_text(&two, "\"/\"");
    rig_expect(one, 350, "RNFR /file");
    rig_expect(&two, 503, "RNTO other");
    rig_expect(one, 229, "EPSV");
    rig_expect(&two, 425, "LIST");
    rig_expect(one, 200, "OPTS MLST size;");
    rig_expect(&two, 250, "MLST file");
    rig_assert_text(&two, "Type=file;");
    rig_close(&two);
}

/* ---- names and objects ---- */

static void sec_42_names_are_compared_byte_by_byte(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    static const char *const names[] = {"\xc3\xa9", "e\xcc\x81", "E", "e", "\xe9"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        rig_expect(client, 550, "SIZE %s", names[i]);
        rig_expect(client, 257, "MKD %s", names[i]);
        assert_int_equal(tempdir_count(&fixture->rig.dir, "."), i + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        rig_expect(client, 250, "RMD %s", names[i]);
}

/* The value of a fact in the last reply, up to its ";". */
static void fact(const struct rig_client *client, const char *name, char out[64])
{
    const char *at = strstr(client->text, name);
    assert_non_null(at);
    at += strlen(name);
    size_t len = strcspn(at, ";");
    assert_true(len > 0 && len < 64);
    memcpy(out, at, len);
    out[len] = '\0';
}

static void ftp_138_unique_is_of_the_object(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    tempdir_write(&fixture->rig.dir, "file", "content");
    tempdir_write(&fixture->rig.dir, "other", "content");
    tempdir_symlink(&fixture->rig.dir, "file", "link");
    char from[PATH_MAX], to[PATH_MAX];
    assert_int_equal(link(tempdir_path(&fixture->rig.dir, "file", from),
                          tempdir_path(&fixture->rig.dir, "hard", to)),
                     0);
    static const struct {
        const char *name;
        bool same;
    } rows[] = {{"file", true}, {"hard", true}, {"link", true}, {"other", false}, {"/", false}};
    char first[64], value[64];
    rig_expect(client, 250, "MLST file");
    fact(client, "Unique=", first);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_expect(client, 250, "MLST %s", rows[i].name);
        fact(client, "Unique=", value);
        assert_int_equal(strcmp(first, value) == 0, rows[i].same);
    }
}

static void ftp_72_lst_82_what_a_listing_holds(void **state)
{
    struct fixture *fixture = *state;
    tempdir_write(&fixture->rig.dir, "file", "content");
    struct buf listing;
    buf_init(&listing, 4096);
    rig_download(&fixture->client, "LIST", &listing);
    struct bytes rest = buf_view(&listing), line = bytes_cut(&rest, '\n');
    assert_int_equal(line.ptr[0], '-'); /* no "total", neither "." nor ".." */
    assert_int_equal(rest.len, 0);
    assert_memory_equal(line.ptr + line.len - strlen(" file\r"), " file\r", strlen(" file\r"));
    buf_fini(&listing);

    rig_expect(&fixture->client, 257, "MKD none");
    static const char *const commands[] = {"LIST none", "NLST none"};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        rig_download(&fixture->client, commands[i], &listing);
        assert_int_equal(buf_len(&listing), 0);
    }
    buf_fini(&listing);
    rig_expect(&fixture->client, 229, "EPSV");
    rig_expect(&fixture->client, 550, "NLST nowhere");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_24_sec_5_a_data_connection_comes_from_the_client_s_address),
        TEST(ftp_24_the_next_command_and_the_transfer_close_the_port),
        cmocka_unit_test(ftp_24_an_unused_port_is_closed_in_time),
        cmocka_unit_test(ftp_42_ascii_by_the_letter_where_it_is_wanted),
        cmocka_unit_test_setup_teardown(sec_80_the_log_escapes_once, setup, teardown),
        cmocka_unit_test(tls_150_passive_ports_come_from_the_range),
        cmocka_unit_test(tls_151_the_address_that_is_told),
        cmocka_unit_test(ftp_57_tls_65_a_data_connection_is_not_awaited_for_ever),
        TEST(an_early_data_connection_waits),
        cmocka_unit_test(sec_52_sessions_beyond_the_limit_are_sent_away),
        TEST(ftp_188_sessions_share_nothing),
        TEST(sec_42_names_are_compared_byte_by_byte),
        TEST(ftp_138_unique_is_of_the_object),
        TEST(ftp_72_lst_82_what_a_listing_holds),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
