/* What a listener does otherwise than most, for clients that need it: whole sessions (tls.md
 * sections 1, 2 and 14). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/stream_internal.h"
#include "support/server_rig.h"

static void log_in(struct rig_client *client)
{
    rig_expect(client, 331, "USER " RIG_USER);
    rig_expect(client, 230, "PASS " RIG_PASSWORD);
}

/* ---- explicit and implicit TLS on one port ---- */

static struct server_rig_options either_after(uint64_t ns)
{
    return (struct server_rig_options){.rules = {.first_bytes_ns = ns}};
}

/* A client of implicit TLS speaks first. It is P at once, as on a port for implicit TLS alone
 * (TLS-6, TLS-7). */
static void tls_6_tls_7_a_client_hello_makes_it_implicit(void **state)
{
    (void)state;
    struct server_rig_options options = either_after(NET_LIMIT_S * CLOCK_NS_PER_S);
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig, &options);
    rig_connect_port(&client, &rig, rig.either_port);
    rig_seal(&client);
    rig_expect_reply(&client, 220);
    rig_expect(&client, 534, "AUTH TLS");
    rig_expect(&client, 502, "REIN");
    log_in(&client);
    rig_upload(&client, "STOR file", BYTES_LIT("content"));
    rig_close(&client);
    server_rig_close(&rig);
}

/* One of explicit TLS waits for the greeting. */
static void silence_makes_it_explicit(void **state)
{
    (void)state;
    struct server_rig_options options = either_after(50 * CLOCK_NS_PER_MS);
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig, &options);
    rig_connect_port(&client, &rig, rig.either_port);
    uint64_t before_ns = loop_now_ns(rig.net.loop);
    rig_expect_reply(&client, 220);
    assert_true(loop_now_ns(rig.net.loop) - before_ns >= 40 * CLOCK_NS_PER_MS);
    rig_expect(&client, 234, "AUTH TLS");
    rig_seal(&client);
    log_in(&client);
    rig_expect(&client, 503, "PROT P");
    rig_expect(&client, 200, "PBSZ 0");
    rig_expect(&client, 200, "PROT P");
    rig_upload(&client, "STOR file", BYTES_LIT("content"));
    rig_close(&client);
    server_rig_close(&rig);
}

/* One that does not wait for the greeting gets it at once, and its answer. */
static void any_other_byte_makes_it_explicit(void **state)
{
    (void)state;
    struct server_rig_options options = either_after(NET_LIMIT_S * CLOCK_NS_PER_S);
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig, &options);
    rig_connect_port(&client, &rig, rig.either_port);
    rig_say(&client, "NOOP");
    rig_expect_reply(&client, 220);
    rig_expect_reply(&client, 200);
    rig_close(&client);

    rig_connect_port(&client, &rig, rig.either_port); /* and one that goes is gone */
    rig_close(&client);
    rig_connect_port(&client, &rig, rig.either_port);
    rig_send(&client, BYTES_LIT("\x16"));
    rig_close(&client);
    rig_connect_port(&client, &rig, rig.either_port); /* one that waits ends with the server */
    NET_UNTIL(&rig.net, server_worker_sessions(rig.worker) > 0);
    server_worker_drain(rig.worker, 0, NULL, NULL);
    rig_await_end(&client);
    assert_int_equal(buf_len(&client.control.received), 0);
    rig_close(&client);
    server_rig_close(&rig);
}

/* ---- 220 before the handshake ---- */

static void the_greeting_may_come_before_implicit_tls(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig,
                    &(struct server_rig_options){.rules = {.dialect = {.greet_before_tls = true}}});
    rig_connect_port(&client, &rig, rig.implicit_port);
    rig_expect_reply(&client, 220);
    assert_false(stream_is_sealed(client.control.stream));
    rig_seal(&client);
    log_in(&client); /* no second greeting is in the way */
    rig_upload(&client, "STOR file", BYTES_LIT("content"));
    rig_close(&client);
    server_rig_close(&rig);
}

static void no_greeting_can_come_before_the_first_bytes(void **state)
{
    (void)state;
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    const struct server_rules rules = {
        .kind = LISTEN_EITHER, .tls = kit.server, .dialect = {.greet_before_tls = true}};
    struct server_rules *made = NULL;
    struct fault fault = {0};
    assert_int_equal(server_rules_new(&rules, &made, &fault), FERRY_E_ARGUMENT);
    assert_non_null(strstr(fault.what, "no greeting"));
    tls_kit_close(&kit);
}

/* ---- 334 ---- */

static void auth_ssl_may_be_answered_by_334(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig,
                    &(struct server_rig_options){
                        .rules = {.auth_legacy_words = true, .dialect = {.auth_ssl_334 = true}}});
    rig_connect(&client, &rig);
    rig_expect_reply(&client, 220);
    rig_expect(&client, 334, "AUTH SSL");
    rig_seal(&client);
    log_in(&client);
    rig_upload(&client, "STOR file", BYTES_LIT("content")); /* P at once (TLS-4) */
    rig_close(&client);
    server_rig_close(&rig);
}

/* ---- uploads without close_notify ---- */

static const struct {
    struct bytes content, tail;
    bool whole;
} ends[] = {
    {BYTES_LIT("content"), BYTES_LIT(""), true},
    {BYTES_LIT(""), BYTES_LIT(""), true},
    {BYTES_LIT("content"), BYTES_LIT("\x17\x03\x03"), false}, /* cut in a record's header */
    {BYTES_LIT("content"), BYTES_LIT("\x17\x03\x03\x00\x40"), false},
    {BYTES_LIT("content"), BYTES_LIT("\x17\x03\x03\x00\x40part"), false},
};

static void upload_without_notify(struct server_rig *rig, struct rig_client *client, size_t at,
                                  bool accepted)
{
    struct rig_data data;
    rig_passive(client, &data);
    rig_expect(client, 150, "STOR up");
    rig_data_seal(&data, client);
    if (ends[at].content.len > 0)
        rig_data_send(&data, ends[at].content);
    rig_data_fin(&data, ends[at].tail);
    rig_expect_reply(client, accepted && ends[at].whole ? 226 : 426);
    assert_int_equal(tempdir_has(&rig->dir, "up"), accepted && ends[at].whole);
    rig_data_close(&data);
    if (accepted && ends[at].whole)
        rig_expect(client, 250, "DELE up");
}

static void check_uploads(enum tls_version version, bool accepted)
{
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig, &(struct server_rig_options){.version = version,
                                                       .drop_cut_uploads = true,
                                                       .rules = {.accept_no_notify = accepted}});
    rig_login(&client, &rig);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        upload_without_notify(&rig, &client, i, accepted);
    assert_int_equal(server_rig_logged(&rig, "transfer.no-close-notify", "up", NULL), accepted);

    struct rig_data data; /* a reset is a cut all the same */
    rig_passive(&client, &data);
    rig_expect(&client, 150, "STOR up");
    rig_data_seal(&data, &client);
    rig_data_send(&data, BYTES_LIT("content"));
    rig_data_cut(&data);
    rig_expect_reply(&client, 426);
    rig_data_close(&data);
    assert_int_equal(tempdir_count(&rig.dir, "."), 0);
    rig_close(&client);
    server_rig_close(&rig);
}

static void tls_175_an_upload_without_close_notify_is_whole_where_the_rules_say_so(void **state)
{
    (void)state;
    check_uploads(TLS_VERSION_1_2, true);
    check_uploads(TLS_VERSION_1_3, true);
    check_uploads(TLS_VERSION_1_2, false);
    check_uploads(TLS_VERSION_1_3, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_6_tls_7_a_client_hello_makes_it_implicit),
        cmocka_unit_test(silence_makes_it_explicit),
        cmocka_unit_test(any_other_byte_makes_it_explicit),
        cmocka_unit_test(the_greeting_may_come_before_implicit_tls),
        cmocka_unit_test(no_greeting_can_come_before_the_first_bytes),
        cmocka_unit_test(auth_ssl_may_be_answered_by_334),
        cmocka_unit_test(tls_175_an_upload_without_close_notify_is_whole_where_the_rules_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
