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

static int setup(void **state)
{
    static struct net_kit kit;
    net_kit_open(&kit);
    *state = &kit;
    return 0;
}

static int teardown(void **state)
{
    net_kit_close(*state);
    return 0;
}

/* The loop has nothing to do: it would sleep. */
static bool is_asleep(struct net_kit *kit)
{
    net_kit_idle(kit);
    struct pollfd ready = {.fd = loop_fd(kit->loop), .events = POLLIN};
    return poll(&ready, 1, 0) == 0 && loop_timeout_ms(kit->loop) != 0;
}

static void reset_socket(int fd)
{
    const struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(fd);
}

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
        assert_true(is_asleep(kit));
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
        assert_true(is_asleep(kit)); /* both sides wait, and nobody spins */
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

static void input_is_told_once_until_it_is_read(void **state)
{
    struct net_kit *kit = *state;
    struct net_pair pair;
    net_pair_open(&pair, kit, NET_TCP);
    pair.server.lazy = true;
    net_end_say(&pair.client, "one");
    NET_UNTIL(kit, pair.server.inputs == 1);
    net_end_say(&pair.client, "two");
    assert_true(is_asleep(kit));
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
    assert_true(is_asleep(kit));
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
    assert_true(is_asleep(kit));
    struct net_end other;
    net_end_adopt(&other, pair.server.stream);
    pair.server.stream = NULL;
    assert_int_equal(other.inputs, 0);
    net_end_expect(kit, &other, "bytes");
    NET_UNTIL(kit, stream_end(other.stream) == STREAM_END_CLOSED);
    net_end_close(&other);
    net_pair_close(&pair);
}

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
        assert_true(is_asleep(kit));
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
    reset_socket(fds[1]);
    net_end_expect(kit, &end, "data");
    NET_UNTIL(kit, stream_end(end.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(end.stream), STREAM_END_CUT);
    assert_true(is_asleep(kit));
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
    reset_socket(fds[1]);
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
    reset_socket(fds[1]);
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
    reset_socket(fds[1]);
    assert_true(is_asleep(kit)); /* nobody reads, and nobody spins */
    char byte;
    size_t got;
    stream_read(stream, &byte, 1, &got);
    assert_int_equal(stream_end(stream), STREAM_END_CUT);
    stream_free(stream);
}

/* ---- events and calls ---- */

static unsigned events_of(const struct net_end *end)
{
    return end->inputs + end->rooms + end->flushes + end->seals + end->closes;
}

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
    reset_socket(fds[1]);
    assert_int_equal(stream_write(end.stream, bytes_of(bytes, BIG_BYTES), &n), FERRY_E_LOST);
    stream_read(end.stream, &byte, 1, &n);
    stream_read(end.stream, bytes, 100, &n);
    stream_pause(end.stream, true);
    stream_pause(end.stream, false);
    stream_finish(end.stream);
    stream_close(end.stream, 0);
    assert_int_equal(events_of(&end), 0);
    NET_UNTIL(kit, end.closes == 1);
    net_end_close(&end);
    free(bytes);
}

/* A stream that is freed by the named event. */
struct suicide {
    struct stream *stream;
    unsigned calls;
};

static void frees_its_stream(void *ctx)
{
    struct suicide *it = ctx;
    it->calls++;
    stream_free(it->stream);
}

static void an_event_may_free_its_stream(void **state)
{
    struct net_kit *kit = *state;
    static const struct stream_events events[] = {
        {.input = frees_its_stream},
        {.flushed = frees_its_stream},
        {.room = frees_its_stream},
        {.closed = frees_its_stream},
        {.input = frees_its_stream, .flushed = frees_its_stream, .room = frees_its_stream},
    };
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        int fds[2];
        net_sockets(NET_TCP, fds);
        struct suicide it = {0};
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
    assert_int_equal(events_of(&pair.server), 1); /* and no other */
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
    assert_int_equal(events_of(&pair.server), 0);
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
    assert_int_equal(stream_stop_tls(pair.server.stream), FERRY_E_STATE);
    net_kit_idle(kit);
    assert_int_equal(events_of(&pair.server), 0);
    net_pair_close(&pair);
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
        cmocka_unit_test_setup_teardown(bytes_cross_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_cross_one_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(writes_of_one_turn_leave_together, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_reader_holds_up_the_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(input_is_told_once_until_it_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(an_eager_reader_leaves_time_for_others, setup, teardown),
        cmocka_unit_test_setup_teardown(a_paused_stream_reads_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_owner_is_told_of_what_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(half_a_close_leaves_the_other_half, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reset_is_a_cut_and_comes_after_the_data, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reset_that_sending_met_is_a_cut_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_closed_in_order_was_not_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blocked_writer_learns_of_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_end_is_does_not_depend_on_who_listens, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_is_called_from_inside_a_call, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_may_free_its_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(tls_186_closing_reads_what_nobody_wants, setup, teardown),
        cmocka_unit_test_setup_teardown(a_close_that_both_make_is_quick, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_51_closing_takes_no_longer_than_it_may, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_abort_looks_like_a_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_knows_its_addresses_and_its_last_byte, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(five_hundred_streams_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_be_short_anywhere, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
