/* How streams in the clear end: what an end is called, and closing in order. */
#include "net/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/net_kit.h"

enum { BIG_BYTES = 3 * 1024 * 1024 + 123 };

static const enum net_wire wires[] = {NET_UNIX, NET_TCP};

/* ---- ends ---- */

static void half_a_close_leaves_the_other_half(void **state)
{
    struct net_kit *kit = *state;
    for (size_t i = 0; i < ARRAY_LEN(wires); i++) {
        struct net_pair pair;
        net_pair_open(&pair, kit, wires[i]);
        net_end_say(&pair.client, "QUIT\r\n");
        stream_finish(pair.client.stream);
        size_t taken;
        assert_int_equal(stream_write(pair.client.stream, BYTES_LIT("x"), &taken), FERRY_E_LOST);
        assert_int_equal(pair.client.flushes, 0);
        NET_UNTIL(kit, pair.client.flushes == 1);
        net_end_expect(kit, &pair.server, "QUIT\r\n");
        NET_UNTIL(kit, stream_end(pair.server.stream) == STREAM_END_CLOSED);
        net_end_say(&pair.server, "221 bye\r\n");
        net_end_expect(kit, &pair.client, "221 bye\r\n");
        assert_int_equal(stream_end(pair.client.stream), STREAM_OPEN);
        assert_true(net_kit_is_asleep(kit));
        net_pair_close(&pair);
    }
}

static void a_reset_is_a_cut_and_comes_after_the_data(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct net_end end;
    net_end_open(&end, kit, fds[0]);
    assert_int_equal(write(fds[1], "data", 4), 4);
    net_reset(fds[1]);
    net_end_expect(kit, &end, "data");
    NET_UNTIL(kit, stream_end(end.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(end.stream), STREAM_END_CUT);
    assert_true(net_kit_is_asleep(kit));
    size_t taken;
    assert_int_equal(stream_write(end.stream, BYTES_LIT("x"), &taken), FERRY_E_LOST);
    net_end_close(&end);
}

/* The system tells of an RST once. Here send hears of it, and recv would only say that nothing
 * more comes, as if the peer had closed in order. */
static void a_reset_that_sending_met_is_a_cut_too(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct net_end end;
    net_end_open(&end, kit, fds[0]);
    end.lazy = true;
    assert_int_equal(write(fds[1], "data", 4), 4);
    NET_UNTIL(kit, end.inputs == 1);
    net_reset(fds[1]);
    unsigned rooms = end.rooms;
    size_t taken;
    assert_int_equal(stream_write(end.stream, BYTES_LIT("lost"), &taken), FERRY_OK);
    NET_UNTIL(kit, stream_is_broken(end.stream) && end.rooms > rooms && end.inputs == 2);
    assert_int_equal(stream_write(end.stream, BYTES_LIT("lost"), &taken), FERRY_E_LOST);
    assert_int_equal(end.flushes, 0);
    assert_int_equal(stream_end(end.stream), STREAM_OPEN); /* there is data before it */
    net_end_read(&end);
    assert_int_equal(buf_len(&end.received), 4);
    assert_int_equal(stream_end(end.stream), STREAM_END_CUT);
    net_end_close(&end);
}

/* The peer said all and closed; that it no longer listens does not undo its words. */
static void a_peer_that_closed_in_order_was_not_cut(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct net_end end;
    net_end_open(&end, kit, fds[0]);
    end.lazy = true;
    assert_int_equal(write(fds[1], "221 bye\r\n", 9), 9);
    close(fds[1]);
    NET_UNTIL(kit, end.inputs == 1);
    size_t taken;
    net_kit_begin(kit);
    while (stream_write(end.stream, BYTES_LIT("NOOP\r\n"), &taken) == FERRY_OK)
        net_kit_turn(kit);
    assert_true(stream_is_broken(end.stream));
    net_end_read(&end);
    net_end_expect(kit, &end, "221 bye\r\n");
    assert_int_equal(stream_end(end.stream), STREAM_END_CLOSED);
    net_end_close(&end);
}

/* A writer whose peer reads nothing and then goes is woken. */
static void a_blocked_writer_learns_of_the_end(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct net_end end;
    net_end_open(&end, kit, fds[0]);
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    size_t taken = 1;
    while (taken > 0) {
        assert_int_equal(stream_write(end.stream, bytes_of(bytes, BIG_BYTES), &taken), FERRY_OK);
        net_kit_idle(kit);
    }
    unsigned rooms = end.rooms;
    net_reset(fds[1]);
    NET_UNTIL(kit, end.rooms > rooms);
    assert_int_equal(stream_write(end.stream, bytes_of(bytes, 1), &taken), FERRY_E_LOST);
    assert_int_equal(stream_end(end.stream), STREAM_END_CUT);
    net_end_close(&end);
    free(bytes);
}

static void what_an_end_is_does_not_depend_on_who_listens(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    net_sockets(NET_TCP, fds);
    const struct stream_events none = {0};
    struct stream *stream = stream_new(kit->loop, fds[0], &none, NULL);
    assert_non_null(stream);
    net_reset(fds[1]);
    assert_true(net_kit_is_asleep(kit)); /* nobody reads, and nobody spins */
    char byte;
    size_t got;
    stream_read(stream, &byte, 1, &got);
    assert_int_equal(stream_end(stream), STREAM_END_CUT);
    stream_free(stream);
}

/* ---- closing ---- */

/* TLS-186: bytes that we never read would turn our close into an RST, and that would destroy what
 * the peer has not read yet. */
static void tls_186_closing_reads_what_nobody_wants(void **state)
{
    struct net_kit *kit = *state;
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    pair.server.lazy = true;
    pair.client.lazy = true;
    size_t taken;
    assert_int_equal(stream_write(pair.client.stream, bytes_of(bytes, BIG_BYTES), &taken),
                     FERRY_OK);
    net_end_say(&pair.server, "552 too large\r\n");
    stream_close(pair.server.stream, 10 * CLOCK_NS_PER_S);
    net_kit_idle(kit);
    pair.client.lazy = false;
    net_end_read(&pair.client);
    net_end_expect(kit, &pair.client, "552 too large\r\n");
    NET_UNTIL(kit, stream_end(pair.client.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(pair.client.stream), STREAM_END_CLOSED);
    assert_int_equal(pair.server.closes, 0);

    stream_free(pair.client.stream); /* now the client goes, too */
    pair.client.stream = NULL;
    NET_UNTIL(kit, pair.server.closes == 1);
    assert_int_equal(net_end_events(&pair.server), 1); /* and no other */
    net_pair_close(&pair);
    free(bytes);
}

static void a_close_that_both_make_is_quick(void **state)
{
    struct net_kit *kit = *state;
    for (size_t i = 0; i < ARRAY_LEN(wires); i++) {
        struct net_pair pair;
        net_pair_open(&pair, kit, wires[i]);
        net_end_say(&pair.client, "QUIT\r\n");
        net_end_say(&pair.server, "221 bye\r\n");
        stream_close(pair.client.stream, 60 * CLOCK_NS_PER_S);
        stream_close(pair.server.stream, 60 * CLOCK_NS_PER_S);
        stream_close(pair.server.stream, 1); /* the first one counts */
        NET_UNTIL(kit, pair.client.closes == 1 && pair.server.closes == 1);
        net_pair_close(&pair);
    }
}

static void a_close_is_over_when_the_peer_resets(void **state)
{
    struct net_kit *kit = *state;
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct net_end end;
    net_end_open(&end, kit, fds[0]);
    size_t taken;
    do
        assert_int_equal(stream_write(end.stream, bytes_of(bytes, BIG_BYTES), &taken), FERRY_OK);
    while (taken == BIG_BYTES);
    stream_close(end.stream, 60 * CLOCK_NS_PER_S);
    net_kit_idle(kit);
    assert_int_equal(end.closes, 0); /* there is much to be sent */
    net_reset(fds[1]);
    NET_UNTIL(kit, end.closes == 1);
    net_end_close(&end);
    free(bytes);
}

/* SEC-51: neither a peer that never closes nor one that never reads holds a socket for long. */
static void sec_51_closing_takes_no_longer_than_it_may(void **state)
{
    struct net_kit *kit = *state;
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    static const size_t queued[] = {0, 10, BIG_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(queued); i++) {
        int fds[2];
        net_sockets(NET_TCP, fds);
        struct net_end end;
        net_end_open(&end, kit, fds[0]);
        size_t taken;
        assert_int_equal(stream_write(end.stream, bytes_of(bytes, queued[i]), &taken), FERRY_OK);
        uint64_t start_ns = loop_now_ns(kit->loop);
        stream_close(end.stream, 50 * CLOCK_NS_PER_MS);
        NET_UNTIL(kit, end.closes == 1);
        uint64_t took_ns = loop_now_ns(kit->loop) - start_ns;
        assert_in_range(took_ns, 49 * CLOCK_NS_PER_MS, 5 * CLOCK_NS_PER_S);
        net_end_close(&end);
        close(fds[1]);
    }
    free(bytes);
}

static void an_abort_looks_like_a_cut(void **state)
{
    struct net_kit *kit = *state;
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    net_end_say(&pair.server, "half a file");
    stream_abort(pair.server.stream);
    NET_UNTIL(kit, stream_end(pair.client.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(pair.client.stream), STREAM_END_CUT);
    net_kit_idle(kit);
    assert_int_equal(net_end_events(&pair.server), 0);
    assert_int_equal(stream_end(pair.server.stream), STREAM_END_CUT);

    /* Whatever is called now does nothing. */
    size_t n;
    char byte;
    assert_int_equal(stream_write(pair.server.stream, BYTES_LIT("x"), &n), FERRY_E_LOST);
    stream_read(pair.server.stream, &byte, 1, &n);
    assert_int_equal(n, 0);
    stream_abort(pair.server.stream);
    stream_finish(pair.server.stream);
    stream_close(pair.server.stream, 0);
    stream_pause(pair.server.stream, true);
    assert_int_equal(stream_room(pair.server.stream), 0);
    assert_int_equal(stream_stop_tls(pair.server.stream, STREAM_STOP_NOTIFY), FERRY_E_STATE);
    net_kit_idle(kit);
    assert_int_equal(net_end_events(&pair.server), 0);
    net_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(half_a_close_leaves_the_other_half, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_reset_is_a_cut_and_comes_after_the_data, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_reset_that_sending_met_is_a_cut_too, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_closed_in_order_was_not_cut, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_blocked_writer_learns_of_the_end, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(what_an_end_is_does_not_depend_on_who_listens,
                                        net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(tls_186_closing_reads_what_nobody_wants, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_close_that_both_make_is_quick, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_close_is_over_when_the_peer_resets, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(sec_51_closing_takes_no_longer_than_it_may, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(an_abort_looks_like_a_cut, net_kit_setup, net_kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
