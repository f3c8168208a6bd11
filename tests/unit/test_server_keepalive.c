/* What a server does by the clock for TLS: signs of life on the control connection during a
 * transfer, another ticket key now and then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/server_rig.h"

static const uint64_t INTERVAL_NS = 20 * CLOCK_NS_PER_MS;

static void open_rig(struct server_rig *rig, enum tls_version version)
{
    server_rig_open(rig, &(struct server_rig_options){
                             .version = version,
                             .rules = {.control_keepalive_ns = INTERVAL_NS},
                             .settings = {.master_period_ns = INTERVAL_NS},
                         });
    tempdir_write(&rig->dir, "file", "content");
}

/* Turns the loop for so many intervals. */
static void pass(struct server_rig *rig, unsigned intervals)
{
    uint64_t until_ns = loop_now_ns(rig->net.loop) + intervals * INTERVAL_NS;
    NET_UNTIL(&rig->net, loop_now_ns(rig->net.loop) >= until_ns);
}

/* An upload that has begun and sends nothing. */
static void begin_upload(struct rig_client *client, struct rig_data *data)
{
    rig_passive(client, data);
    rig_say(client, "STOR new");
    rig_data_seal(data, client);
    rig_expect_reply(client, 150);
}

static void end_upload(struct rig_client *client, struct rig_data *data)
{
    rig_data_send(data, BYTES_LIT("content"));
    rig_data_finish(data);
    rig_expect_reply(client, 226);
    rig_data_close(data);
}

static void tls_158_tickets_keep_the_control_connection_alive(void **state)
{
    (void)state;
    static struct server_rig rig;
    struct rig_client client;
    struct rig_data data;
    open_rig(&rig, TLS_VERSION_1_3);
    rig_login(&client, &rig);
    begin_upload(&client, &data);
    pass(&rig, 3);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t last_ns = stream_activity_ns(client.control.stream);
        NET_UNTIL(&rig.net, stream_activity_ns(client.control.stream) > last_ns);
    }
    assert_int_equal(buf_len(&client.control.received), 0); /* no user-PI sees them */
    end_upload(&client, &data);
    rig_expect(&client, 200, "NOOP");
    uint64_t last_ns = stream_activity_ns(client.control.stream);
    pass(&rig, 4);
    assert_int_equal(stream_activity_ns(client.control.stream), last_ns); /* no transfer runs */
    rig_close(&client);
    server_rig_close(&rig);
}

static void tls_158_nothing_is_sent_in_tls_1_2(void **state)
{
    (void)state;
    static struct server_rig rig;
    struct rig_client client;
    struct rig_data data;
    open_rig(&rig, TLS_VERSION_1_2);
    rig_login(&client, &rig);
    begin_upload(&client, &data);
    uint64_t last_ns = stream_activity_ns(client.control.stream);
    pass(&rig, 4);
    assert_int_equal(stream_activity_ns(client.control.stream), last_ns);
    end_upload(&client, &data);
    rig_close(&client);
    server_rig_close(&rig);
}

/* The upload goes on when the client has left the control connection (REP-20). */
static void an_upload_without_its_control_connection(void **state)
{
    (void)state;
    static struct server_rig rig;
    struct rig_client client;
    struct rig_data data;
    open_rig(&rig, TLS_VERSION_1_3);
    rig_login(&client, &rig);
    begin_upload(&client, &data);
    rig_close(&client);
    pass(&rig, 3);
    rig_data_send(&data, BYTES_LIT("content"));
    rig_data_finish(&data);
    NET_UNTIL(&rig.net, server_rig_logged(&rig, "transfer.end", "bytes=7", NULL));
    rig_data_close(&data);
    server_rig_close(&rig);
}

static bool rotated_since(const struct server_rig *rig, size_t from)
{
    struct bytes later = bytes_skip(buf_view(&rig->lines), from);
    return memmem(later.ptr, later.len, "tickets.rotated", 15) != NULL;
}

static void tls_205_tickets_outlive_the_key_of_the_server(enum tls_version version)
{
    static struct server_rig rig;
    struct rig_client client;
    open_rig(&rig, version);
    rig_login(&client, &rig);
    for (unsigned i = 0; i < 3; i++) {
        size_t from = buf_len(&rig.lines);
        NET_UNTIL(&rig.net, rotated_since(&rig, from));
        struct buf got;
        buf_init(&got, 4096);
        rig_download(&client, "RETR file", &got); /* data_resume = require */
        assert_true(bytes_equal(buf_view(&got), BYTES_LIT("content")));
        buf_fini(&got);
    }
    rig_close(&client);
    server_rig_close(&rig);
}

static void tls_205_the_ticket_key_is_rotated(void **state)
{
    (void)state;
    tls_205_tickets_outlive_the_key_of_the_server(TLS_VERSION_1_2);
    tls_205_tickets_outlive_the_key_of_the_server(TLS_VERSION_1_3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_158_tickets_keep_the_control_connection_alive),
        cmocka_unit_test(tls_158_nothing_is_sent_in_tls_1_2),
        cmocka_unit_test(an_upload_without_its_control_connection),
        cmocka_unit_test(tls_205_the_ticket_key_is_rotated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
