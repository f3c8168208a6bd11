/* tls/engine: how a session ends, and what leaves before its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/tls_kit.h"

enum { BATCH_BYTES = 256 * 1024 };

static void half_close(struct tls_login *login)
{
    struct tls_pair *pair = &login->control;
    size_t taken = 0;
    assert_int_equal(tls_engine_write(pair->client.engine, BYTES_LIT("last"), &taken), TLS_DONE);
    tls_engine_close(pair->client.engine);
    assert_int_equal(tls_engine_room(pair->client.engine), 0);
    assert_int_equal(tls_engine_write(pair->client.engine, BYTES_LIT("x"), &taken), TLS_CLOSED);
    assert_int_equal(taken, 0);
    tls_engine_close(pair->client.engine); /* twice is once */

    tls_pair_run(pair);
    assert_true(bytes_equal(buf_view(&pair->server.received), BYTES_LIT("last")));
    assert_int_equal(pair->server.status, TLS_CLOSED);

    /* The other direction is still open. */
    tls_pair_say(pair, &pair->server, "still here");
    assert_int_equal(pair->client.status, TLS_WANT_INPUT);
    tls_engine_close(pair->server.engine);
    tls_pair_run(pair);
    assert_int_equal(pair->client.status, TLS_CLOSED);
}

static void close_notify_ends_one_direction(void **state)
{
    (void)state;
    tls_login_for_each_version(half_close);
}

static void close_with_data_unread(struct tls_login *login)
{
    struct tls_pair *pair = &login->control;
    size_t taken = 0;
    assert_int_equal(tls_engine_write(pair->server.engine, BYTES_LIT("unread"), &taken), TLS_DONE);
    tls_engine_close(pair->client.engine);
    tls_pair_run(pair);
    assert_true(bytes_equal(buf_view(&pair->client.received), BYTES_LIT("unread")));
    tls_engine_close(pair->server.engine);
    tls_pair_run(pair);
    assert_int_equal(pair->client.status, TLS_CLOSED);
}

static void closing_does_not_lose_what_comes_in(void **state)
{
    (void)state;
    tls_login_for_each_version(close_with_data_unread);
}

static void plain_after_close(struct tls_login *login)
{
    struct tls_pair *pair = &login->control;
    struct buf wire;
    buf_init(&wire, 10000);
    size_t taken = 0;
    assert_int_equal(tls_engine_write(pair->client.engine, BYTES_LIT("CCC\r\n"), &taken), TLS_DONE);
    tls_engine_close(pair->client.engine);
    assert_int_equal(buf_append(&wire, tls_engine_output(pair->client.engine)), FERRY_OK);
    assert_int_equal(buf_append(&wire, BYTES_LIT("PASV\r\n")), FERRY_OK);
    tls_end_feed(&pair->server, buf_view(&wire));
    assert_int_equal(pair->server.status, TLS_CLOSED);
    assert_true(bytes_equal(buf_view(&pair->server.received), BYTES_LIT("CCC\r\n")));
    assert_true(bytes_equal(buf_view(&pair->server.stray), BYTES_LIT("PASV\r\n")));
    buf_fini(&wire);
}

static void tls_135_bytes_after_close_notify_are_left_alone(void **state)
{
    (void)state;
    tls_login_for_each_version(plain_after_close);
}

static void cut(struct tls_login *login)
{
    struct tls_pair *pair = &login->control;
    size_t taken = 0;
    assert_int_equal(tls_engine_write(pair->client.engine, BYTES_LIT("half"), &taken), TLS_DONE);
    struct bytes out = tls_engine_output(pair->client.engine);
    char space[100];
    size_t got = 0;
    tls_engine_feed(pair->server.engine, out);
    tls_engine_eof(pair->server.engine);
    /* What came before the cut is delivered, and then the cut is told, again and again. */
    assert_int_equal(tls_engine_read(pair->server.engine, space, sizeof(space), &got), TLS_DONE);
    assert_int_equal(got, 4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tls_engine_read(pair->server.engine, space, sizeof(space), &got),
                         TLS_FAILED);
        assert_int_equal(got, 0);
    }
    const struct fault *fault = tls_engine_fault(pair->server.engine);
    assert_int_equal(fault->kind, FERRY_E_CUT);
    assert_string_equal(fault->what,
                        "the client closed the connection without ending TLS (no close_notify)");
    assert_int_equal(tls_engine_write(pair->server.engine, BYTES_LIT("x"), &taken), TLS_FAILED);
    assert_int_equal(tls_engine_room(pair->server.engine), 0);
}

static void tls_183_an_end_without_close_notify_is_a_cut(void **state)
{
    (void)state;
    tls_login_for_each_version(cut);
}

static void cut_in_a_record(struct tls_login *login)
{
    struct tls_pair *pair = &login->control;
    size_t taken = 0;
    assert_int_equal(tls_engine_write(pair->server.engine, BYTES_LIT("never read"), &taken),
                     TLS_DONE);
    struct bytes out = tls_engine_output(pair->server.engine);
    tls_end_feed(&pair->client, bytes_first(out, out.len - 1));
    tls_engine_eof(pair->client.engine);
    tls_end_turn(&pair->client);
    assert_int_equal(pair->client.status, TLS_FAILED);
    assert_int_equal(tls_engine_fault(pair->client.engine)->kind, FERRY_E_CUT);
    assert_int_equal(buf_len(&pair->client.received), 0);
}

static void tls_183_a_cut_inside_a_record_is_a_cut(void **state)
{
    (void)state;
    tls_login_for_each_version(cut_in_a_record);
}

static void eof_after_close(struct tls_login *login)
{
    struct tls_pair *pair = &login->control;
    tls_engine_close(pair->client.engine);
    struct bytes out = tls_engine_output(pair->client.engine);
    tls_engine_eof(pair->server.engine);
    tls_end_feed(&pair->server, out);
    assert_int_equal(pair->server.status, TLS_CLOSED);
    assert_false(fault_is_set(tls_engine_fault(pair->server.engine)));
}

static void an_end_after_close_notify_is_in_order(void **state)
{
    (void)state;
    tls_login_for_each_version(eof_after_close);
}

static void an_end_in_the_handshake_is_a_failure_of_tls(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    tls_login_init(&login, &kit);
    struct tls_pair *pair = &login.control;
    tls_end_turn(&pair->client);
    struct bytes hello = tls_engine_output(pair->client.engine);
    tls_end_feed(&pair->server, bytes_first(hello, hello.len / 2));
    tls_engine_eof(pair->server.engine);
    tls_engine_eof(pair->client.engine);
    tls_end_turn(&pair->server);
    tls_end_turn(&pair->client);
    assert_int_equal(pair->server.status, TLS_FAILED);
    assert_int_equal(pair->client.status, TLS_FAILED);
    assert_int_equal(tls_engine_fault(pair->server.engine)->kind, FERRY_E_TLS);
    assert_string_equal(tls_engine_fault(pair->client.engine)->what,
                        "the server closed the connection during the TLS handshake");
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* ---- tickets beside data ---- */

/* Whatever is marked to leave before the data, close_notify comes last and comes. */
static void refills_data_and_close(struct tls_login *login)
{
    static const char content[BATCH_BYTES];
    struct tls_pair *pair = &login->control;
    size_t taken = 0;
    for (int i = 0; i < 100; i++)
        tls_engine_refill(pair->server.engine);
    tls_engine_close(pair->server.engine);
    tls_pair_run(pair);
    assert_int_equal(pair->client.status, TLS_CLOSED);
    assert_int_equal(tls_engine_write(pair->server.engine, bytes_of(content, 1), &taken),
                     TLS_CLOSED);
}

static void close_notify_follows_tickets(void **state)
{
    (void)state;
    tls_login_for_each_version(refills_data_and_close);
}

static void refills_with_a_full_output(struct tls_login *login)
{
    static const char content[BATCH_BYTES];
    struct tls_pair *pair = &login->control;
    size_t taken = 0, second = 0;
    assert_int_equal(
        tls_engine_write(pair->server.engine, bytes_of(content, BATCH_BYTES - 5000), &taken),
        TLS_DONE);
    for (int i = 0; i < 100; i++)
        tls_engine_refill(pair->server.engine);
    enum tls_status status =
        tls_engine_write(pair->server.engine, bytes_of(content, 5000), &second);
    assert_true(status == TLS_DONE || status == TLS_WANT_OUTPUT);
    assert_in_range(tls_engine_output(pair->server.engine).len, 1, TLS_OUTPUT_MAX_BYTES);
    tls_engine_close(pair->server.engine);
    tls_pair_run(pair);
    assert_int_equal(pair->client.status, TLS_CLOSED);
    assert_int_equal(buf_len(&pair->client.received), taken + second);
}

static void tickets_and_close_notify_wait_for_room(void **state)
{
    (void)state;
    tls_login_for_each_version(refills_with_a_full_output);
}

/* So many tickets that they leave less room than there was: what is then written may be something
 * else than what was refused. */
static void tickets_that_take_the_room_of_data(void **state)
{
    (void)state;
    static const char content[BATCH_BYTES];
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){.min = TLS_VERSION_1_3});
    for (int tickets = 40; tickets < 80; tickets += 2) {
        struct tls_login login;
        tls_login_open(&login, &kit);
        struct tls_pair *pair = &login.control;
        struct tls_engine *server = pair->server.engine;
        size_t first = 0, second = 0, third = 0;
        struct bytes most = bytes_of(content, BATCH_BYTES - 5000);
        assert_int_equal(tls_engine_write(server, most, &first), TLS_DONE);
        for (int i = 0; i < tickets; i++)
            tls_engine_refill(server);
        enum tls_status status = tls_engine_write(server, bytes_of(content, 5000), &second);
        assert_int_equal(status, second == 5000 ? TLS_DONE : TLS_WANT_OUTPUT);
        tls_pair_run(pair);
        assert_int_equal(tls_engine_write(server, BYTES_LIT("something else"), &third), TLS_DONE);
        tls_pair_run(pair);
        assert_int_equal(pair->client.status, TLS_WANT_INPUT);
        assert_int_equal(buf_len(&pair->client.received), first + second + third);
        tls_login_fini(&login);
    }
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_notify_ends_one_direction),
        cmocka_unit_test(closing_does_not_lose_what_comes_in),
        cmocka_unit_test(tls_135_bytes_after_close_notify_are_left_alone),
        cmocka_unit_test(tls_183_an_end_without_close_notify_is_a_cut),
        cmocka_unit_test(tls_183_a_cut_inside_a_record_is_a_cut),
        cmocka_unit_test(an_end_after_close_notify_is_in_order),
        cmocka_unit_test(an_end_in_the_handshake_is_a_failure_of_tls),
        cmocka_unit_test(close_notify_follows_tickets),
        cmocka_unit_test(tickets_and_close_notify_wait_for_room),
        cmocka_unit_test(tickets_that_take_the_room_of_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
