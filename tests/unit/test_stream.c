/* Streams in the clear: bytes both ways, back-pressure, events, and what an end is called. */
#include "net/stream.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/alloc_fail.h"
#include "support/net_kit.h"

enum { BIG_BYTES = 3 * 1024 * 1024 + 123 };

static const enum net_wire wires[] = {NET_UNIX, NET_TCP};

/* ---- bytes ---- */

static void bytes_cross_both_ways(void **state)
{
    struct net_kit *kit = *state;
    for (size_t i = 0; i < ARRAY_LEN(wires); i++) {
        struct net_pair pair;
        net_pair_open(&pair, kit, wires[i]);
        net_end_say(&pair.client, "USER demo\r\n");
        net_end_expect(kit, &pair.server, "USER demo\r\n");
        net_end_say(&pair.server, "331 ");
        net_end_say(&pair.server, "password, please\r\n");
        net_end_expect(kit, &pair.client, "331 password, please\r\n");
        assert_int_equal(pair.client.inputs, 1);
        assert_int_equal(pair.server.flushes, 1);
        assert_int_equal(stream_end(pair.client.stream), STREAM_OPEN);
        assert_true(net_kit_is_asleep(kit));
        net_pair_close(&pair);
    }
}

static void bytes_cross_one_at_a_time(void **state)
{
    struct net_kit *kit = *state;
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    static const char text[] = "220-one\r\n220 two\r\n";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        size_t taken;
        assert_int_equal(stream_write(pair.server.stream, bytes_of(text + i, 1), &taken), FERRY_OK);
        assert_int_equal(taken, 1);
        NET_UNTIL(kit, buf_len(&pair.client.received) == i + 1);
    }
    net_end_expect(kit, &pair.client, text);
    net_pair_close(&pair);
}

/* What is written in one turn leaves in one packet: the wire here keeps packets apart. */
static void writes_of_one_turn_leave_together(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    struct net_end end;
    net_end_open(&end, kit, fds[0]);
    net_end_say(&end, "150 here\r\n");
    net_end_say(&end, "226 done\r\n");
    char packet[100];
    assert_int_equal(recv(fds[1], packet, sizeof(packet), MSG_DONTWAIT), -1); /* not yet */
    NET_UNTIL(kit, end.flushes == 1);
    assert_int_equal(recv(fds[1], packet, sizeof(packet), MSG_DONTWAIT), 20);
    assert_memory_equal(packet, "150 here\r\n226 done\r\n", 20);
    net_end_close(&end);
    close(fds[1]);
}

/* Writes `len` bytes as room allows, until all are taken. */
static void write_all(struct net_kit *kit, struct net_end *from, struct net_end *to,
                      const char *bytes, size_t len)
{
    size_t done = 0;
    unsigned rooms = from->rooms;
    while (done < len) {
        size_t taken;
        struct bytes rest = bytes_of(bytes + done, len - done);
        assert_int_equal(stream_write(from->stream, rest, &taken), FERRY_OK);
        done += taken;
        if (done == len)
            break;
        assert_true(stream_room(from->stream) < STREAM_ROOM_BYTES / 2);
        to->lazy = false; /* it was slow until now */
        net_end_read(to);
        NET_UNTIL(kit, from->rooms > rooms);
        rooms = from->rooms;
        assert_true(stream_room(from->stream) >= STREAM_ROOM_BYTES / 2);
    }
}

static void a_slow_reader_holds_up_the_writer(void **state)
{
    struct net_kit *kit = *state;
    char *bytes = malloc(BIG_BYTES);
    assert_non_null(bytes);
    net_noise(bytes, BIG_BYTES, 2);
    for (size_t i = 0; i < ARRAY_LEN(wires); i++) {
        struct net_pair pair;
        net_pair_open(&pair, kit, wires[i]);
        pair.server.lazy = true;
        /* Until nothing more is taken, however long we wait. */
        size_t done = 0, taken = 1;
        while (taken > 0) {
            size_t piece = BIG_BYTES - done < 50000 ? BIG_BYTES - done : 50000;
            assert_int_equal(
                stream_write(pair.client.stream, bytes_of(bytes + done, piece), &taken), FERRY_OK);
            done += taken;
            net_kit_idle(kit);
            if (done == BIG_BYTES)
                break;
        }
        assert_true(net_kit_is_asleep(kit)); /* both sides wait, and nobody spins */
        assert_int_equal(pair.server.inputs, 1);
        write_all(kit, &pair.client, &pair.server, bytes + done, BIG_BYTES - done);
        pair.server.lazy = false;
        net_end_read(&pair.server);
        NET_UNTIL(kit, buf_len(&pair.server.received) == BIG_BYTES);
        assert_memory_equal(buf_view(&pair.server.received).ptr, bytes, BIG_BYTES);
        net_pair_close(&pair);
    }
    free(bytes);
}

static void flushed_is_told_when_all_has_left(void **state)
{
    struct net_kit *kit = *state;
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    pair.server.lazy = true;
    size_t taken;
    assert_int_equal(stream_write(pair.client.stream, bytes_of(bytes, 20000), &taken), FERRY_OK);
    assert_int_equal(taken, 20000); /* has left already; but before that can be told: */
    do
        assert_int_equal(stream_write(pair.client.stream, bytes_of(bytes, BIG_BYTES), &taken),
                         FERRY_OK);
    while (taken == BIG_BYTES);
    assert_true(net_kit_is_asleep(kit));
    assert_int_equal(pair.client.flushes, 0);
    pair.server.lazy = false;
    net_end_read(&pair.server);
    NET_UNTIL(kit, pair.client.flushes == 1);
    net_pair_close(&pair);
    free(bytes);
}

static void input_is_told_once_until_it_is_read(void **state)
{
    struct net_kit *kit = *state;
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    pair.server.lazy = true;
    net_end_say(&pair.client, "one");
    NET_UNTIL(kit, pair.server.inputs == 1);
    net_end_say(&pair.client, "two");
    assert_true(net_kit_is_asleep(kit));
    assert_int_equal(pair.server.inputs, 1);

    char piece[4];
    size_t got;
    stream_read(pair.server.stream, piece, 4, &got); /* some, not all */
    assert_int_equal(got, 4);
    net_kit_idle(kit);
    assert_int_equal(pair.server.inputs, 1);
    stream_read(pair.server.stream, piece, 4, &got);
    assert_int_equal(got, 2);
    stream_read(pair.server.stream, piece, 4, &got);
    assert_int_equal(got, 0); /* all: now it may be told again */
    net_end_say(&pair.client, "three");
    NET_UNTIL(kit, pair.server.inputs == 2);
    net_pair_close(&pair);
}

/* A peer that sends without end does not keep the loop from turning, however its reader reads. */
static void an_eager_reader_leaves_time_for_others(void **state)
{
    struct net_kit *kit = *state;
    char *bytes = malloc(BIG_BYTES);
    assert_non_null(bytes);
    net_noise(bytes, BIG_BYTES, 8);
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    size_t sent = 0, seen = 0, most = 0;
    net_kit_begin(kit);
    while (seen < BIG_BYTES) {
        size_t taken = 0;
        if (sent < BIG_BYTES)
            assert_int_equal(
                stream_write(pair.client.stream, bytes_of(bytes + sent, BIG_BYTES - sent), &taken),
                FERRY_OK);
        sent += taken;
        loop_turn(kit->loop, false);
        size_t now = buf_len(&pair.server.received);
        most = now - seen > most ? now - seen : most;
        seen = now;
    }
    assert_in_range(most, 1, 300 * 1024);
    assert_memory_equal(buf_view(&pair.server.received).ptr, bytes, BIG_BYTES);
    net_pair_close(&pair);
    free(bytes);
}

static void a_paused_stream_reads_nothing(void **state)
{
    struct net_kit *kit = *state;
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    stream_pause(pair.server.stream, true);
    net_end_say(&pair.client, "PWD\r\n");
    stream_finish(pair.client.stream);
    assert_true(net_kit_is_asleep(kit));
    assert_int_equal(pair.server.inputs, 0);
    net_end_read(&pair.server);
    assert_int_equal(buf_len(&pair.server.received), 0);
    stream_pause(pair.server.stream, false);
    net_end_expect(kit, &pair.server, "PWD\r\n");
    NET_UNTIL(kit, stream_end(pair.server.stream) == STREAM_END_CLOSED);
    net_pair_close(&pair);
}

static void a_new_owner_is_told_of_what_waits(void **state)
{
    struct net_kit *kit = *state;
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    pair.server.lazy = true;
    net_end_say(&pair.client, "bytes");
    NET_UNTIL(kit, pair.server.inputs == 1);

    /* To nobody, and on to another. */
    stream_set_events(pair.server.stream, NULL, NULL);
    stream_finish(pair.client.stream);
    assert_true(net_kit_is_asleep(kit));
    struct net_end other;
    net_end_adopt(&other, pair.server.stream);
    pair.server.stream = NULL;
    assert_int_equal(other.inputs, 0);
    net_end_expect(kit, &other, "bytes");
    NET_UNTIL(kit, stream_end(other.stream) == STREAM_END_CLOSED);
    net_end_close(&other);
    net_pair_close(&pair);
}

/* ---- events and calls ---- */

static void nothing_is_called_from_inside_a_call(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct net_end end;
    net_end_open(&end, kit, fds[0]);
    assert_int_equal(write(fds[1], "data", 4), 4);
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    size_t n;
    char byte;
    assert_int_equal(stream_write(end.stream, bytes_of(bytes, BIG_BYTES), &n), FERRY_OK);
    stream_read(end.stream, &byte, 1, &n);
    net_reset(fds[1]);
    assert_int_equal(stream_write(end.stream, bytes_of(bytes, BIG_BYTES), &n), FERRY_E_LOST);
    stream_read(end.stream, &byte, 1, &n);
    stream_read(end.stream, bytes, 100, &n);
    stream_pause(end.stream, true);
    stream_pause(end.stream, false);
    stream_finish(end.stream);
    stream_close(end.stream, 0);
    assert_int_equal(net_end_events(&end), 0);
    NET_UNTIL(kit, end.closes == 1);
    net_end_close(&end);
    free(bytes);
}

static void an_event_may_free_its_stream(void **state)
{
    struct net_kit *kit = *state;
    static const struct stream_events events[] = {
        {.input = net_victim_free},
        {.flushed = net_victim_free},
        {.room = net_victim_free},
        {.closed = net_victim_free},
        {.input = net_victim_free, .flushed = net_victim_free, .room = net_victim_free},
    };
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        int fds[2];
        net_sockets(NET_TCP, fds);
        struct net_victim it = {0};
        it.stream = stream_new(kit->loop, fds[0], &events[i], &it);
        assert_non_null(it.stream);
        size_t len = events[i].closed ? 10 : BIG_BYTES, taken;
        do
            assert_int_equal(stream_write(it.stream, bytes_of(bytes, len), &taken), FERRY_OK);
        while (taken == BIG_BYTES); /* the system takes much; until there is no room */
        assert_int_equal(write(fds[1], "data", 4), 4);
        if (events[i].closed)
            stream_close(it.stream, 0);
        static char dropped[100000];
        net_kit_begin(kit);
        while (it.calls == 0) {
            loop_turn(kit->loop, false);
            (void)!recv(fds[1], dropped, sizeof(dropped), MSG_DONTWAIT);
        }
        net_kit_idle(kit);
        assert_int_equal(it.calls, 1);
        close(fds[1]);
    }
    free(bytes);
}

/* ---- what it is ---- */

static void a_stream_knows_its_addresses_and_its_last_byte(void **state)
{
    struct net_kit *kit = *state;
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    const struct address *peer = stream_peer(pair.client.stream);
    const struct address *local = stream_local(pair.server.stream);
    assert_int_equal(address_port(peer), address_port(local));
    assert_true(address_same_host(peer, local));
    assert_null(stream_tls(pair.client.stream));
    assert_false(stream_is_sealed(pair.client.stream));
    assert_int_equal(stream_room(pair.client.stream), STREAM_ROOM_BYTES);

    uint64_t before_ns = stream_activity_ns(pair.server.stream);
    poll(NULL, 0, 5);
    net_end_say(&pair.client, "x");
    net_end_expect(kit, &pair.server, "x");
    assert_true(stream_activity_ns(pair.server.stream) >= before_ns + 4 * CLOCK_NS_PER_MS);
    assert_true(stream_activity_ns(pair.client.stream) >= before_ns + 4 * CLOCK_NS_PER_MS);
    net_pair_close(&pair);
    stream_free(NULL);
}

static void five_hundred_streams_at_once(void **state)
{
    struct net_kit *kit = *state;
    enum { PAIRS = 500 };
    struct net_pair *pairs = calloc(PAIRS, sizeof(*pairs));
    assert_non_null(pairs);
    size_t before = net_descriptors();
    for (int i = 0; i < PAIRS; i++)
        net_pair_open(&pairs[i], kit, NET_TCP);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PAIRS; i++) {
            net_end_say(&pairs[i].client, "NOOP\r\n");
            net_end_say(&pairs[i].server, "200 done\r\n");
        }
        for (int i = 0; i < PAIRS; i++) {
            net_end_expect(kit, &pairs[i].server, "NOOP\r\n");
            net_end_expect(kit, &pairs[i].client, "200 done\r\n");
        }
    }
    for (int i = 0; i < PAIRS; i++)
        net_pair_close(&pairs[i]);
    assert_int_equal(net_descriptors(), before);
    free(pairs);
}

static enum ferry_error make_one(void *ctx)
{
    struct net_kit *kit = ctx;
    int fds[2];
    net_sockets(NET_UNIX, fds);
    size_t before = net_descriptors();
    struct stream *stream = stream_new(kit->loop, fds[0], NULL, NULL);
    enum ferry_error error = stream ? FERRY_OK : FERRY_E_MEMORY;
    if (!stream)
        assert_int_equal(net_descriptors(), before - 1); /* it was taken all the same */
    size_t taken = 0;
    if (stream)
        error = stream_write(stream, BYTES_LIT("some"), &taken);
    stream_free(stream);
    close(fds[1]);
    return error;
}

static void memory_may_be_short_anywhere(void **state)
{
    alloc_fail_each(make_one, *state, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_cross_both_ways, net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(bytes_cross_one_at_a_time, net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(writes_of_one_turn_leave_together, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_slow_reader_holds_up_the_writer, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(flushed_is_told_when_all_has_left, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(input_is_told_once_until_it_is_read, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(an_eager_reader_leaves_time_for_others, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_paused_stream_reads_nothing, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_new_owner_is_told_of_what_waits, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_called_from_inside_a_call, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(an_event_may_free_its_stream, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_stream_knows_its_addresses_and_its_last_byte,
                                        net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(five_hundred_streams_at_once, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(memory_may_be_short_anywhere, net_kit_setup,
                                        net_kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
