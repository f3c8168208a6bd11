/* CCC on a whole server: the control connection goes on in clear, data connections do not (tls.md
 * sections 3, 4 and 13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/server_rig.h"

struct fixture {
    struct server_rig rig;
    struct rig_client client;
};

static struct server_rig_options ccc_options(enum tls_version version)
{
    return (struct server_rig_options){.version = version, .rules = {.dialect = {.ccc = true}}};
}

/* Our side of TLS ends, and the server's; nothing else crosses. */
static void end_tls(struct rig_client *client)
{
    assert_int_equal(stream_stop_tls(client->control.stream, STREAM_STOP_NOTIFY), FERRY_OK);
    NET_UNTIL(&client->rig->net, !stream_tls(client->control.stream));
    assert_int_equal(buf_len(&client->control.received), 0);
}

static void fixture_open(struct fixture *fixture, enum tls_version version)
{
    struct server_rig_options options = ccc_options(version);
    server_rig_open(&fixture->rig, &options);
    rig_login(&fixture->client, &fixture->rig);
    rig_expect(&fixture->client, 200, "CCC");
    end_tls(&fixture->client);
}

static void fixture_close(struct fixture *fixture)
{
    rig_close(&fixture->client);
    server_rig_close(&fixture->rig);
}

static void for_each_version(void (*body)(struct fixture *fixture))
{
    static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct fixture fixture;
        fixture_open(&fixture, versions[i]);
        body(&fixture);
        fixture_close(&fixture);
    }
}

static void check_transfers(struct fixture *fixture)
{
    enum { TRANSFERS = 12 }; /* more than there are tickets */
    struct rig_client *client = &fixture->client;
    for (int i = 0; i < TRANSFERS; i++) {
        char command[20], content[20];
        snprintf(command, sizeof(command), "STOR file%d", i);
        snprintf(content, sizeof(content), "content %d", i);
        rig_upload(client, command, bytes_str(content));
        struct buf got;
        buf_init(&got, 100);
        memcpy(command, "RETR", 4);
        rig_download(client, command, &got);
        assert_true(bytes_equal(buf_view(&got), bytes_str(content)));
        buf_fini(&got);
    }
    assert_true(server_rig_logged(&fixture->rig, "transfer.end", "RETR", "was resumed", NULL));
    assert_false(server_rig_logged(&fixture->rig, "transfer.failed", NULL));
}

/* Data connections resume the session that was, as before. */
static void tls_155_tls_156_data_connections_stay_sealed_and_bound(void **state)
{
    (void)state;
    for_each_version(check_transfers);
}

static void check_fresh(struct fixture *fixture)
{
    struct rig_client *client = &fixture->client;
    struct rig_data data;
    tempdir_write(&fixture->rig.dir, "file", "content");
    rig_passive(client, &data);
    rig_expect(client, 150, "RETR file");
    rig_data_start_fresh_tls(&data, client);
    rig_expect_reply(client, 522);
    rig_assert_text(client, "reuse");
    assert_int_equal(buf_len(&data.end.received), 0);
    rig_data_close(&data);
}

static void tls_156_the_demand_to_resume_stays(void **state)
{
    (void)state;
    for_each_version(check_fresh);
}

static void check_replies(struct fixture *fixture)
{
    struct rig_client *client = &fixture->client;
    rig_expect(client, 257, "PWD");
    rig_expect(client, 503, "PBSZ 0");
    rig_expect(client, 503, "PROT C");
    rig_expect(client, 534, "AUTH TLS");
    rig_expect(client, 533, "CCC");
    rig_expect(client, 211, "STAT");
    rig_assert_text(client, "Control connection in clear");
    rig_assert_text(client, "PROT P");
    rig_expect(client, 220, "REIN");
    rig_expect(client, 530, "USER " RIG_USER);
    rig_expect(client, 234, "AUTH TLS");
    tls_sessions_free(client->sessions); /* those from before are good for nothing more */
    client->sessions = tls_sessions_new();
    rig_seal(client);
    rig_expect(client, 331, "USER " RIG_USER);
    rig_expect(client, 230, "PASS " RIG_PASSWORD);
    rig_expect(client, 200, "PBSZ 0");
    rig_expect(client, 200, "PROT P");
    rig_upload(client, "STOR again", BYTES_LIT("again"));
    rig_expect(client, 200, "CCC");
    end_tls(client);
    rig_upload(client, "STOR again", BYTES_LIT("and again"));
    rig_expect(client, 221, "QUIT");
    rig_await_end(client);
}

static void tls_154_tls_156_what_is_answered_after_it(void **state)
{
    (void)state;
    for_each_version(check_replies);
}

/* TLS-157, SEC-10: off by default, and not before the login. */
static void tls_157_sec_10_it_is_off_unless_it_is_on(void **state)
{
    (void)state;
    struct fixture fixture;
    server_rig_open(&fixture.rig, NULL);
    rig_login(&fixture.client, &fixture.rig);
    rig_expect(&fixture.client, 534, "CCC");
    rig_expect(&fixture.client, 257, "PWD"); /* still sealed */
    assert_true(stream_is_sealed(fixture.client.control.stream));
    fixture_close(&fixture);

    struct server_rig_options options = ccc_options(0);
    server_rig_open(&fixture.rig, &options);
    rig_connect_implicit(&fixture.client, &fixture.rig);
    rig_expect_reply(&fixture.client, 220);
    rig_expect(&fixture.client, 534, "CCC");
    rig_expect(&fixture.client, 331, "USER " RIG_USER);
    rig_expect(&fixture.client, 230, "PASS " RIG_PASSWORD);
    rig_expect(&fixture.client, 200, "CCC");
    end_tls(&fixture.client);
    rig_upload(&fixture.client, "STOR file", BYTES_LIT("after implicit TLS"));
    fixture_close(&fixture);
}

/* SEC-10, TLS-135: what was sealed behind CCC is not run. */
static void sec_10_commands_behind_it_are_refused(void **state)
{
    (void)state;
    struct server_rig_options options = ccc_options(0);
    struct fixture fixture;
    server_rig_open(&fixture.rig, &options);
    rig_login(&fixture.client, &fixture.rig);
    tempdir_write(&fixture.rig.dir, "file", "content");
    rig_send(&fixture.client, BYTES_LIT("CCC\r\nDELE file\r\n"));
    rig_expect_reply(&fixture.client, 503);
    rig_await_end(&fixture.client);
    assert_int_equal(tempdir_count(&fixture.rig.dir, "."), 1);
    assert_true(server_rig_logged(&fixture.rig, "session.refused", "behind CCC", NULL));
    fixture_close(&fixture);
}

/* TLS-155: one that closes TCP instead is gone, and no more. */
static void tls_155_a_client_may_go_instead(void **state)
{
    (void)state;
    struct server_rig_options options = ccc_options(0);
    struct fixture fixture;
    server_rig_open(&fixture.rig, &options);
    rig_login(&fixture.client, &fixture.rig);
    rig_expect(&fixture.client, 200, "CCC");
    rig_close(&fixture.client);
    NET_UNTIL(&fixture.rig.net, server_worker_sessions(fixture.rig.worker) == 0);
    server_rig_close(&fixture.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_155_tls_156_data_connections_stay_sealed_and_bound),
        cmocka_unit_test(tls_156_the_demand_to_resume_stays),
        cmocka_unit_test(tls_154_tls_156_what_is_answered_after_it),
        cmocka_unit_test(tls_157_sec_10_it_is_off_unless_it_is_on),
        cmocka_unit_test(sec_10_commands_behind_it_are_refused),
        cmocka_unit_test(tls_155_a_client_may_go_instead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
