/* Server-to-server transfers: two sessions of one server, whose data connection is between them
 * (tls.md section 13). Its address is 127.0.0.1; clients at 127.0.0.2 are elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/server_rig.h"

#define HERE "127.0.0.1"
#define ELSEWHERE "127.0.0.2"
#define CONTENT "from server to server"

struct fixture {
    struct server_rig rig;
    struct rig_client sender, receiver;
};

static void fixture_open(struct fixture *fixture, struct server_rig_options options,
                         const char *from)
{
    struct network here;
    struct fault fault = {0};
    assert_int_equal(network_parse(HERE, &here, &fault), FERRY_OK);
    options.rules.dialect.fxp = true;
    options.rules.fxp.networks = &here;
    options.rules.fxp.network_count = 1;
    server_rig_open(&fixture->rig, &options);
    rig_login_from(&fixture->sender, &fixture->rig, from);
    rig_login_from(&fixture->receiver, &fixture->rig, from);
    tempdir_write(&fixture->rig.dir, "file", CONTENT);
}

static void fixture_close(struct fixture *fixture)
{
    rig_close(&fixture->sender);
    rig_close(&fixture->receiver);
    server_rig_close(&fixture->rig);
}

static uint16_t pasv(struct rig_client *client, const char *command)
{
    unsigned high = 0, low = 0;
    rig_expect(client, 227, "%s", command);
    const char *at = strstr(client->text, "(127,0,0,1,");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "(127,0,0,1,%u,%u)", &high, &low), 2);
    return (uint16_t)(high << 8 | low);
}

/* The passive one listens, the active one is told where. */
static void join(struct rig_client *passive, const char *command, struct rig_client *active)
{
    uint16_t port = pasv(passive, command);
    rig_expect(active, 200, "PORT 127,0,0,1,%d,%d", port >> 8, port & 0xff);
}

/* As rig_passive, by PASV. */
static void connect_by_pasv(struct rig_client *client, struct rig_data *data)
{
    client->data_port = pasv(client, "PASV");
    rig_data_connect(client, data, NULL);
}

/* Both transfers, to their final replies. */
static void transfer(struct fixture *fixture, int expected)
{
    rig_expect(&fixture->receiver, 150, "STOR copy");
    rig_expect(&fixture->sender, 150, "RETR file");
    rig_expect_reply(&fixture->sender, expected);
    rig_expect_reply(&fixture->receiver, expected);
    if (expected == 226) {
        tempdir_assert_text(&fixture->rig.dir, "copy", CONTENT);
        rig_expect(&fixture->receiver, 250, "DELE copy");
    }
    assert_int_equal(tempdir_count(&fixture->rig.dir, "."), 1);
}

/* Every way in which one of two is TLS client, and one of two passive. */
static void check_ways(struct fixture *fixture)
{
    struct rig_client *sides[] = {&fixture->sender, &fixture->receiver};
    for (int passive = 0; passive < 2; passive++) {
        for (int client = 0; client < 2; client++) {
            rig_expect(sides[client], 200, "SSCN ON");
            join(sides[passive], "PASV", sides[!passive]);
            transfer(fixture, 226);
            rig_expect(sides[client], 200, "SSCN OFF");
        }
        join(sides[passive], "CPSV", sides[!passive]);
        transfer(fixture, 226);
    }
    assert_true(server_rig_logged(&fixture->rig, "transfer.end", "another server", NULL));
    assert_false(server_rig_logged(&fixture->rig, "transfer.failed", NULL));
}

static void tls_62_tls_165_tls_166_tls_167_files_cross_between_servers(void **state)
{
    (void)state;
    static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
    static const char *const clients[] = {HERE, ELSEWHERE};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        for (size_t k = 0; k < ARRAY_LEN(clients); k++) {
            struct fixture fixture;
            fixture_open(&fixture, (struct server_rig_options){.version = versions[i]}, clients[k]);
            check_ways(&fixture);
            fixture_close(&fixture);
        }
    }
}

/* TLS-168: the demand to resume is off for that transfer, not for others; SSCN is not for listings.
 */
static void tls_168_clients_must_resume_as_ever(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, (struct server_rig_options){0}, HERE);
    struct rig_client *client = &fixture.sender;
    struct rig_data data;
    rig_passive(client, &data);
    rig_expect(client, 150, "RETR file");
    rig_data_start_fresh_tls(&data, client);
    rig_expect_reply(client, 522);
    assert_int_equal(buf_len(&data.end.received), 0);
    rig_data_close(&data);

    struct buf listing;
    buf_init(&listing, 1000);
    rig_expect(client, 200, "SSCN ON");
    rig_download(client, "LIST", &listing);
    assert_true(buf_len(&listing) > 0);
    buf_fini(&listing);
    fixture_close(&fixture);
}

/* TLS-168, SEC-9: a stranger at the address of a known server is not one. */
static void tls_168_sec_9_an_address_is_no_proof(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture,
                 (struct server_rig_options){.rules = {.data_resume = DATA_RESUME_PREFER}},
                 ELSEWHERE);
    struct rig_client *client = &fixture.sender;
    struct rig_data data;
    connect_by_pasv(client, &data); /* it comes from HERE, which is not where the client is */
    rig_expect(client, 150, "RETR file");
    rig_data_start_fresh_tls(&data, client);
    rig_expect_reply(client, 522);
    rig_assert_text(client, "no certificate that is known");
    assert_int_equal(buf_len(&data.end.received), 0);
    rig_data_close(&data);

    connect_by_pasv(client, &data); /* nor by resuming what is the client's */
    rig_expect(client, 150, "RETR file");
    rig_data_start_tls(&data, client);
    rig_expect_reply(client, 522);
    assert_int_equal(buf_len(&data.end.received), 0);
    rig_data_close(&data);
    fixture_close(&fixture);
}

/* SEC-5: a server that is known, and told by somebody else where a client's port is, cannot take
 * it: clients of today use EPSV. */
static void sec_5_sec_9_no_server_takes_the_port_of_epsv(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, (struct server_rig_options){0}, HERE);
    struct rig_client *thief = &fixture.sender, *client = &fixture.receiver;
    struct rig_data data;
    unsigned port = 0;
    rig_expect(client, 229, "EPSV");
    assert_int_equal(sscanf(strstr(client->text, "(|||"), "(|||%u|)", &port), 1);
    client->data_port = (uint16_t)port;
    rig_expect(thief, 200, "SSCN ON");
    rig_expect(thief, 200, "EPRT |1|127.0.0.1|%u|", port);
    rig_expect(thief, 150, "STOR stolen");
    rig_expect_reply(thief, 226); /* it was turned away in order, with nothing */
    tempdir_assert_text(&fixture.rig.dir, "stolen", "");
    assert_true(server_rig_logged(&fixture.rig, "data.refused", "reuse required", NULL));
    rig_data_connect(client, &data, NULL);
    rig_expect(client, 150, "RETR file");
    rig_data_seal(&data, client);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(client, 226);
    assert_true(bytes_equal(buf_view(&data.end.received), BYTES_LIT(CONTENT)));
    rig_data_close(&data);
    fixture_close(&fixture);
}

/* As TLS client we tell nothing to one that we do not know: here the client itself, who is TLS
 * server with no certificate of ours; it only sees the connection end. */
static void tls_168_a_stranger_as_tls_server_gets_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, (struct server_rig_options){0}, HERE);
    struct rig_client *client = &fixture.sender;
    struct tls_kit other;
    tls_kit_open(&other, &(struct tls_kit_options){0});
    struct tls_binding *binding = tls_binding_new(other.master);
    const struct tls_server_role role = {.binding = binding};
    struct tls_engine *engine = NULL;
    struct rig_data data;
    rig_expect(client, 200, "SSCN ON");
    rig_active(client, &data);
    rig_expect(client, 150, "RETR file");
    rig_active_accept(&data);
    assert_int_equal(tls_engine_new_server(other.server, &role, &engine), FERRY_OK);
    assert_int_equal(stream_start_tls(data.end.stream, engine), FERRY_OK);
    rig_expect_reply(client, 522);
    rig_assert_text(client, "is not one that is known");
    assert_int_equal(buf_len(&data.end.received), 0);
    rig_data_close(&data);
    tls_binding_free(binding);
    tls_kit_close(&other);
    fixture_close(&fixture);
}

/* TLS-169, FTP-49: only where a known server may be, and not in clear. */
static void tls_169_sec_9_other_addresses_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, (struct server_rig_options){.rules = {.plaintext_allowed = true}},
                 ELSEWHERE);
    struct rig_client *client = &fixture.sender;
    rig_expect(client, 504, "PORT 127,0,0,3,200,10");
    rig_expect(client, 504, "EPRT |1|192.0.2.9|51210|");
    rig_expect(client, 504, "PORT 127,0,0,1,3,10");
    rig_expect(client, 200, "PORT 127,0,0,2,200,10"); /* itself */
    rig_expect(client, 200, "PROT C");
    rig_expect(client, 200, "EPRT |1|127.0.0.1|51210|");
    rig_expect(client, 150, "RETR file");
    rig_expect_reply(client, 425);
    rig_assert_text(client, "PROT P");

    struct rig_data data;
    connect_by_pasv(client, &data); /* in clear from HERE */
    rig_expect(client, 150, "RETR file");
    rig_data_end(&data);
    assert_int_equal(buf_len(&data.end.received), 0);
    assert_true(server_rig_logged(&fixture.rig, "data.refused", "which is not the client", NULL));
    rig_data_close(&data);
    fixture_close(&fixture);

    server_rig_open(&fixture.rig, NULL); /* off by default */
    rig_login_from(&fixture.sender, &fixture.rig, ELSEWHERE);
    rig_expect(&fixture.sender, 504, "PORT 127,0,0,1,200,10");
    rig_expect(&fixture.sender, 502, "SSCN ON");
    rig_expect(&fixture.sender, 502, "CPSV");
    rig_close(&fixture.sender);
    server_rig_close(&fixture.rig);
}

/* SSCN between PASV and the transfer: who connected at once began the other way round. */
static void sscn_behind_pasv(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, (struct server_rig_options){0}, HERE);
    struct rig_client *client = &fixture.sender;
    struct rig_data data;
    rig_passive(client, &data);
    rig_data_seal(&data, client);
    rig_expect(client, 200, "SSCN ON");
    rig_expect(client, 150, "RETR file");
    rig_expect_reply(client, 522);
    assert_int_equal(buf_len(&data.end.received), 0);
    rig_data_close(&data);

    rig_passive(client, &data); /* and one that waits is served once it is known how */
    net_kit_idle(&fixture.rig.net);
    rig_expect(client, 200, "SSCN OFF");
    rig_expect(client, 150, "RETR file");
    rig_data_seal(&data, client);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(client, 226);
    rig_data_close(&data);
    fixture_close(&fixture);
}

static void rules_name_the_other_servers(void **state)
{
    (void)state;
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    const struct server_rules rules = {.tls = kit.server, .dialect = {.fxp = true}};
    struct server_rules *made = NULL;
    struct fault fault = {0};
    assert_int_equal(server_rules_new(&rules, &made, &fault), FERRY_E_ARGUMENT);
    assert_non_null(strstr(fault.what, "CA or pins"));
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_62_tls_165_tls_166_tls_167_files_cross_between_servers),
        cmocka_unit_test(tls_168_clients_must_resume_as_ever),
        cmocka_unit_test(tls_168_sec_9_an_address_is_no_proof),
        cmocka_unit_test(sec_5_sec_9_no_server_takes_the_port_of_epsv),
        cmocka_unit_test(tls_168_a_stranger_as_tls_server_gets_nothing),
        cmocka_unit_test(tls_169_sec_9_other_addresses_are_refused),
        cmocka_unit_test(sscn_behind_pasv),
        cmocka_unit_test(rules_name_the_other_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
