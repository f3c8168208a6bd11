/* Sealed streams, TLS 1.2 and 1.3: the handshake in the middle of a dialogue, records under
 * back-pressure, and cuts at every byte told from closes. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/stream_internal.h"
#include "support/alloc_fail.h"
#include "support/net_kit.h"

enum { BIG_BYTES = 4 * 1024 * 1024 + 77 };

struct setup {
    struct net_kit net;
    struct tls_kit tls;
};

static int setup_version(void **state, enum tls_version version)
{
    static struct setup it;
    net_kit_open(&it.net);
    tls_kit_open(&it.tls, &(struct tls_kit_options){.min = version, .max = version});
    *state = &it;
    return 0;
}

static int setup_1_2(void **state)
{
    return setup_version(state, TLS_VERSION_1_2);
}

static int setup_1_3(void **state)
{
    return setup_version(state, TLS_VERSION_1_3);
}

static int teardown(void **state)
{
    struct setup *it = *state;
    tls_kit_close(&it->tls);
    net_kit_close(&it->net);
    return 0;
}

static void open_sealed(struct setup *it, struct net_pair *pair, enum net_wire wire)
{
    net_pair_open(pair, &it->net, wire);
    net_pair_seal(pair, &it->net, &it->tls);
}

static void reset_socket(int fd)
{
    const struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(fd);
}

/* ---- handshake ---- */

static void tls_starts_in_the_middle_of_a_dialogue(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    net_end_say(&pair.client, "AUTH TLS\r\n");
    net_end_expect(&it->net, &pair.server, "AUTH TLS\r\n");
    /* What is queued leaves first, by itself. */
    net_end_say(&pair.server, "234 now\r\n");
    struct tls_engine *engine = net_pair_server_engine(&pair, &it->tls);
    assert_int_equal(stream_start_tls(pair.server.stream, engine), FERRY_OK);
    assert_ptr_equal(stream_tls(pair.server.stream), engine);
    assert_false(stream_is_sealed(pair.server.stream));
    net_end_expect(&it->net, &pair.client, "234 now\r\n");
    engine = net_pair_client_engine(&pair, &it->tls);
    assert_int_equal(stream_start_tls(pair.client.stream, engine), FERRY_OK);

    size_t taken; /* nothing is taken before the handshake is done */
    assert_int_equal(stream_write(pair.client.stream, BYTES_LIT("PBSZ 0\r\n"), &taken), FERRY_OK);
    assert_int_equal(taken, 0);
    NET_UNTIL(&it->net, pair.client.seals == 1 && pair.server.seals == 1 && pair.client.rooms == 1);
    net_end_say(&pair.client, "PBSZ 0\r\n");
    net_end_expect(&it->net, &pair.server, "PBSZ 0\r\n");
    net_end_say(&pair.server, "200 ");
    net_end_say(&pair.server, "done\r\n");
    net_end_expect(&it->net, &pair.client, "200 done\r\n");
    assert_true(stream_is_sealed(pair.server.stream));
    assert_int_equal(tls_engine_facts(stream_tls(pair.client.stream))->version,
                     tls_engine_facts(stream_tls(pair.server.stream))->version);
    assert_int_equal(pair.client.seals, 1);
    net_pair_close(&pair);
}

static void a_client_speaks_first_and_at_once(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct net_end client, server;
    net_end_open(&client, &it->net, fds[0]);
    assert_int_equal(stream_start_tls(client.stream, net_pair_client_engine(&pair, &it->tls)),
                     FERRY_OK);
    char hello[2000];
    ssize_t got = recv(fds[1], hello, sizeof(hello), MSG_DONTWAIT); /* the loop has not turned */
    assert_true(got > 100);
    assert_int_equal(hello[0], 0x16);
    net_end_close(&client);
    close(fds[1]);

    net_sockets(NET_TCP, fds);
    net_end_open(&server, &it->net, fds[0]);
    assert_int_equal(stream_start_tls(server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    net_kit_idle(&it->net);
    assert_int_equal(recv(fds[1], hello, sizeof(hello), MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    net_end_close(&server);
    close(fds[1]);
    net_pair_close(&pair);
}

static void tls_is_not_started_over_what_waits(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    size_t taken;
    do
        assert_int_equal(stream_write(pair.server.stream, bytes_of(bytes, BIG_BYTES), &taken),
                         FERRY_OK);
    while (taken == BIG_BYTES);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_E_STATE);
    assert_null(stream_tls(pair.server.stream));
    net_pair_close(&pair);

    open_sealed(it, &pair, NET_TCP); /* nor twice */
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_E_STATE);
    assert_true(stream_is_sealed(pair.server.stream));
    stream_finish(pair.client.stream); /* nor at the end */
    NET_UNTIL(&it->net, stream_end(pair.server.stream) == STREAM_END_CLOSED);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_E_STATE);
    net_pair_close(&pair);
    free(bytes);
}

/* TLS-131, SEC-2: a reply that somebody put between the 234 and the handshake is not heard. */
static void tls_131_clear_text_before_the_handshake_ends_it(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    net_end_say(&pair.server, "230 you are in\r\n");
    NET_UNTIL(&it->net, pair.server.flushes == 1);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    assert_int_equal(stream_start_tls(pair.client.stream, net_pair_client_engine(&pair, &it->tls)),
                     FERRY_OK);
    NET_UNTIL(&it->net, pair.client.inputs > 0);
    assert_int_equal(stream_end(pair.client.stream), STREAM_END_FAILED);
    assert_int_equal(stream_fault(pair.client.stream)->kind, FERRY_E_TLS);
    assert_int_equal(buf_len(&pair.client.received), 0);
    assert_int_equal(pair.client.seals, 0);
    net_pair_close(&pair);
}

/* The alert reaches the peer although we close: what the peer sent is read before (one-port.md). */
static void a_refusal_arrives_as_an_alert(void **state)
{
    struct setup *it = *state;
    struct tls_kit stranger;
    tls_kit_open(&stranger, &(struct tls_kit_options){0});
    struct net_pair pair, other = {0};
    net_pair_open(&pair, &it->net, NET_TCP);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    assert_int_equal(
        stream_start_tls(pair.client.stream, net_pair_client_engine(&other, &stranger)), FERRY_OK);
    NET_UNTIL(&it->net, stream_end(pair.client.stream) != STREAM_OPEN);
    assert_int_equal(stream_fault(pair.client.stream)->kind, FERRY_E_TRUST);
    stream_close(pair.client.stream, 10 * CLOCK_NS_PER_S);
    NET_UNTIL(&it->net, stream_end(pair.server.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(pair.server.stream), STREAM_END_FAILED);
    assert_string_equal(stream_fault(pair.server.stream)->peer_said, "unknown_ca (TLS alert 48)");
    stream_close(pair.server.stream, 10 * CLOCK_NS_PER_S);
    NET_UNTIL(&it->net, pair.client.closes == 1 && pair.server.closes == 1);
    net_pair_close(&pair);
    tls_sessions_free(other.sessions);
    tls_kit_close(&stranger);
}

/* ---- records ---- */

static void the_wire_may_carry_a_byte_at_a_time(void **state)
{
    struct setup *it = *state;
    int left[2], right[2];
    net_sockets(NET_UNIX, left);
    net_sockets(NET_UNIX, right);
    struct net_pair pair = {0};
    net_end_open(&pair.client, &it->net, left[0]);
    net_end_open(&pair.server, &it->net, right[0]);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    assert_int_equal(stream_start_tls(pair.client.stream, net_pair_client_engine(&pair, &it->tls)),
                     FERRY_OK);
    bool said = false;
    net_kit_begin(&it->net);
    while (stream_end(pair.server.stream) == STREAM_OPEN) {
        char byte;
        if (recv(left[1], &byte, 1, MSG_DONTWAIT) == 1)
            assert_int_equal(send(right[1], &byte, 1, 0), 1);
        if (recv(right[1], &byte, 1, MSG_DONTWAIT) == 1)
            assert_int_equal(send(left[1], &byte, 1, 0), 1);
        loop_turn(it->net.loop, false);
        if (pair.client.seals == 1 && !said) {
            said = true;
            net_end_say(&pair.client, "LIST\r\n");
            stream_finish(pair.client.stream);
        }
    }
    assert_int_equal(stream_end(pair.server.stream), STREAM_END_CLOSED);
    net_end_expect(&it->net, &pair.server, "LIST\r\n");
    close(left[1]);
    close(right[1]);
    net_pair_close(&pair);
}

/* The wire here keeps packets apart. */
static void writes_of_one_turn_leave_together(void **state)
{
    struct setup *it = *state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    struct net_pair pair = {0};
    net_end_open(&pair.client, &it->net, fds[0]);
    net_end_open(&pair.server, &it->net, fds[1]);
    net_pair_seal(&pair, &it->net, &it->tls);
    stream_pause(pair.client.stream, true);
    unsigned char packet[2000];
    while (recv(fds[0], packet, sizeof(packet), MSG_DONTWAIT) > 0)
        continue; /* the first tickets */
    for (int i = 0; i < 3; i++)
        net_end_say(&pair.server, "213-line\r\n");
    stream_finish(pair.server.stream);
    assert_int_equal(recv(fds[0], packet, sizeof(packet), MSG_DONTWAIT), -1);
    NET_UNTIL(&it->net, pair.server.flushes == 1);
    ssize_t len = recv(fds[0], packet, sizeof(packet), MSG_DONTWAIT);
    unsigned records = 0;
    for (ssize_t at = 0; at < len; at += 5 + (packet[at + 3] << 8) + packet[at + 4])
        records++;
    assert_int_equal(records, 4); /* the lines and close_notify */
    assert_int_equal(recv(fds[0], packet, sizeof(packet), MSG_DONTWAIT), 0);
    net_pair_close(&pair);
}

/* Writes as much of `bytes` as there is room for; `done` counts. */
static void write_some(struct net_end *end, const char *bytes, size_t *done)
{
    size_t taken;
    struct bytes rest = bytes_of(bytes + *done, BIG_BYTES - *done);
    assert_int_equal(stream_write(end->stream, rest, &taken), FERRY_OK);
    *done += taken;
}

static void much_crosses_both_ways_at_once(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    open_sealed(it, &pair, NET_TCP);
    char *up = malloc(BIG_BYTES), *down = malloc(BIG_BYTES);
    assert_true(up && down);
    net_noise(up, BIG_BYTES, 3);
    net_noise(down, BIG_BYTES, 4);
    size_t sent_up = 0, sent_down = 0;
    net_kit_begin(&it->net);
    while (buf_len(&pair.server.received) < BIG_BYTES ||
           buf_len(&pair.client.received) < BIG_BYTES) {
        if (stream_room(pair.client.stream) > 0)
            write_some(&pair.client, up, &sent_up);
        if (stream_room(pair.server.stream) > 0)
            write_some(&pair.server, down, &sent_down);
        net_kit_turn(&it->net);
    }
    assert_memory_equal(buf_view(&pair.server.received).ptr, up, BIG_BYTES);
    assert_memory_equal(buf_view(&pair.client.received).ptr, down, BIG_BYTES);
    net_pair_close(&pair);
    free(up);
    free(down);
}

static void a_slow_reader_holds_up_the_writer(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    open_sealed(it, &pair, NET_TCP);
    char *bytes = malloc(BIG_BYTES);
    assert_non_null(bytes);
    net_noise(bytes, BIG_BYTES, 5);
    pair.client.lazy = true;
    size_t done = 0, before = 1;
    while (done != before) { /* until nothing more is taken, however long we wait */
        before = done;
        write_some(&pair.server, bytes, &done);
        net_kit_idle(&it->net);
    }
    unsigned rooms = pair.server.rooms;
    pair.client.lazy = false;
    net_end_read(&pair.client);
    if (done < BIG_BYTES)
        NET_UNTIL(&it->net, pair.server.rooms > rooms);
    net_kit_begin(&it->net);
    while (buf_len(&pair.client.received) < BIG_BYTES) {
        if (done < BIG_BYTES && stream_room(pair.server.stream) > 0)
            write_some(&pair.server, bytes, &done);
        net_kit_turn(&it->net);
    }
    assert_memory_equal(buf_view(&pair.client.received).ptr, bytes, BIG_BYTES);
    net_pair_close(&pair);
    free(bytes);
}

/* Pausing stops the owner's bytes, not the handshake; and nobody spins. */
static void a_paused_stream_reads_nothing(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    stream_pause(pair.server.stream, true);
    net_pair_seal(&pair, &it->net, &it->tls);
    net_end_say(&pair.client, "PWD\r\n");
    NET_UNTIL(&it->net, pair.client.flushes == 1);
    net_kit_idle(&it->net);
    struct pollfd ready = {.fd = loop_fd(it->net.loop), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 0), 0);
    net_end_read(&pair.server);
    assert_int_equal(buf_len(&pair.server.received), 0);
    stream_pause(pair.server.stream, false);
    net_end_expect(&it->net, &pair.server, "PWD\r\n");

    stream_pause(pair.server.stream, true); /* closing reads all the same */
    stream_close(pair.server.stream, 10 * CLOCK_NS_PER_S);
    stream_close(pair.client.stream, 10 * CLOCK_NS_PER_S);
    NET_UNTIL(&it->net, pair.server.closes == 1);
    net_pair_close(&pair);
}

/* The memory that ciphertext is received into is shared by all streams of a loop: what one leaves
 * unread must survive the others. */
static void streams_that_read_in_turns_do_not_mix(void **state)
{
    struct setup *it = *state;
    enum { PAIRS = 3, BYTES = 100000 };
    struct net_pair pairs[PAIRS];
    static char bytes[PAIRS][BYTES];
    for (int i = 0; i < PAIRS; i++) {
        open_sealed(it, &pairs[i], NET_TCP);
        pairs[i].server.lazy = true;
        net_noise(bytes[i], BYTES, 10 + (uint64_t)i);
        size_t taken;
        assert_int_equal(stream_write(pairs[i].client.stream, bytes_of(bytes[i], BYTES), &taken),
                         FERRY_OK);
        assert_int_equal(taken, BYTES);
        NET_UNTIL(&it->net, pairs[i].client.flushes == 1);
    }
    size_t at[PAIRS] = {0};
    net_kit_begin(&it->net);
    while (at[0] < BYTES || at[1] < BYTES || at[2] < BYTES) {
        for (int i = 0; i < PAIRS; i++) {
            static const size_t sizes[PAIRS] = {1000, 17000, 40000};
            char piece[40000];
            size_t got;
            stream_read(pairs[i].server.stream, piece, sizes[i], &got);
            assert_memory_equal(piece, bytes[i] + at[i], got);
            at[i] += got;
        }
        loop_turn(it->net.loop, false);
    }
    for (int i = 0; i < PAIRS; i++)
        net_pair_close(&pairs[i]);
}

/* architecture.md, "Budgets": an idle session holds no buffers. */
static void an_idle_stream_holds_no_memory_for_bytes(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    open_sealed(it, &pair, NET_TCP);
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    size_t done = 0;
    pair.server.lazy = true;
    write_some(&pair.client, bytes, &done);
    NET_UNTIL(&it->net, pair.server.inputs == 1);
    char piece[1000];
    size_t got;
    stream_read(pair.server.stream, piece, sizeof(piece), &got);
    assert_int_equal(got, sizeof(piece));
    assert_non_null(pair.server.stream->kept.data); /* what it has not read */
    pair.server.lazy = false;
    net_end_read(&pair.server);
    NET_UNTIL(&it->net, buf_len(&pair.server.received) + sizeof(piece) == done);
    net_kit_idle(&it->net);
    assert_null(pair.server.stream->kept.data);
    assert_null(pair.server.stream->out.data);
    assert_int_equal(tls_engine_output(pair.client.stream->engine).len, 0);
    net_pair_close(&pair);
    free(bytes);
}

static void a_hundred_sealed_streams_at_once(void **state)
{
    struct setup *it = *state;
    enum { PAIRS = 100 };
    struct net_pair *pairs = calloc(PAIRS, sizeof(*pairs));
    assert_non_null(pairs);
    size_t before = net_descriptors();
    for (int i = 0; i < PAIRS; i++)
        open_sealed(it, &pairs[i], NET_TCP);
    for (int i = 0; i < PAIRS; i++)
        net_end_say(&pairs[i].client, "NOOP\r\n");
    for (int i = 0; i < PAIRS; i++)
        net_end_expect(&it->net, &pairs[i].server, "NOOP\r\n");
    for (int i = 0; i < PAIRS; i++) {
        stream_close(pairs[i].client.stream, 10 * CLOCK_NS_PER_S);
        stream_close(pairs[i].server.stream, 10 * CLOCK_NS_PER_S);
    }
    for (int i = 0; i < PAIRS; i++) {
        NET_UNTIL(&it->net, pairs[i].client.closes == 1 && pairs[i].server.closes == 1);
        net_pair_close(&pairs[i]);
    }
    assert_int_equal(net_descriptors(), before);
    free(pairs);
}

/* ---- ends: a peer that is driven by hand ---- */

enum way { BY_FIN, BY_RST };

/* Where the peer stops. */
struct cut {
    enum way way;
    size_t after_bytes; /* of all it sends; SIZE_MAX: never */
    size_t short_bytes; /* or so many before the end; 0: not */
};

/* The other end of the wire. */
struct peer {
    int fd; /* -1: gone */
    struct tls_end end;
    struct cut cut;
    size_t sent;
    bool spoke; /* "hello", "world" and close_notify are in its output */
    bool done;  /* nothing more is sent */
    bool whole; /* all was */
};

#define PEER_WORDS "helloworld"

static void peer_open(struct peer *peer, int fd, struct tls_engine *engine, struct cut cut)
{
    *peer = (struct peer){.fd = fd, .cut = cut};
    struct tls_pair both;
    tls_pair_init(&both, NULL, engine);
    peer->end = both.server;
}

static void peer_close(struct peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    tls_engine_free(peer->end.engine);
    buf_fini(&peer->end.received);
    buf_fini(&peer->end.stray);
}

static void peer_speak(struct peer *peer)
{
    size_t taken;
    assert_int_equal(tls_engine_write(peer->end.engine, BYTES_LIT("hello"), &taken), TLS_DONE);
    assert_int_equal(tls_engine_write(peer->end.engine, BYTES_LIT("world"), &taken), TLS_DONE);
    tls_engine_close(peer->end.engine);
    peer->spoke = true;
    size_t total = peer->sent + tls_engine_output(peer->end.engine).len;
    if (peer->cut.short_bytes > 0)
        peer->cut.after_bytes = total - peer->cut.short_bytes;
}

static void peer_stop(struct peer *peer)
{
    peer->done = true;
    if (peer->cut.way == BY_RST) {
        reset_socket(peer->fd);
        peer->fd = -1;
    } else {
        assert_int_equal(shutdown(peer->fd, SHUT_WR), 0);
    }
}

static void peer_send(struct peer *peer)
{
    size_t most = peer->cut.after_bytes > peer->sent ? peer->cut.after_bytes - peer->sent : 0;
    struct bytes out = bytes_first(tls_engine_output(peer->end.engine), most);
    if (out.len > 0)
        assert_int_equal(send(peer->fd, out.ptr, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
    tls_engine_wrote(peer->end.engine, out.len);
    peer->sent += out.len;
    peer->whole = peer->spoke && tls_engine_output(peer->end.engine).len == 0;
    if (peer->whole || peer->sent >= peer->cut.after_bytes)
        peer_stop(peer);
}

static void peer_turn(struct peer *peer)
{
    if (peer->fd < 0)
        return;
    char piece[5000];
    ssize_t got = recv(peer->fd, piece, sizeof(piece), MSG_DONTWAIT);
    tls_end_feed(&peer->end, bytes_of(piece, got > 0 ? (size_t)got : 0));
    if (peer->end.open && !peer->spoke)
        peer_speak(peer);
    if (!peer->done)
        peer_send(peer);
}

/* What a stream made of it. */
struct ending {
    enum stream_end end;
    bool sealed;
    size_t received;
    size_t sent; /* by the peer */
    bool whole;
};

static struct ending run_cut(struct setup *it, bool peer_is_server, struct cut cut)
{
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct net_pair roles = {0};
    struct tls_engine *server = net_pair_server_engine(&roles, &it->tls);
    struct tls_engine *client = net_pair_client_engine(&roles, &it->tls);
    struct peer peer;
    peer_open(&peer, fds[1], peer_is_server ? server : client, cut);
    struct net_end *end = &roles.client;
    net_end_open(end, &it->net, fds[0]);
    assert_int_equal(stream_start_tls(end->stream, peer_is_server ? client : server), FERRY_OK);

    net_kit_begin(&it->net);
    while (stream_end(end->stream) == STREAM_OPEN) {
        peer_turn(&peer);
        loop_turn(it->net.loop, peer.fd < 0);
    }
    struct bytes received = buf_view(&end->received);
    assert_memory_equal(received.ptr, PEER_WORDS, received.len);
    struct ending ending = {
        .end = stream_end(end->stream),
        .sealed = stream_is_sealed(end->stream),
        .received = received.len,
        .sent = peer.sent,
        .whole = peer.whole,
    };
    peer_close(&peer);
    net_end_close(end);
    *end = (struct net_end){0};
    net_pair_close(&roles);
    return ending;
}

static void assert_told_truly(struct ending ending)
{
    if (ending.whole)
        assert_int_equal(ending.end, STREAM_END_CLOSED);
    else
        assert_int_equal(ending.end, ending.sealed ? STREAM_END_CUT : STREAM_END_FAILED);
}

/* TLS-177, TLS-183, SEC-12: only a close_notify is a close. Whatever comes before it, in any place,
 * is a cut, by FIN and by RST alike; whatever comes after it changes nothing. */
static void cut_everywhere(struct setup *it, bool peer_is_server, enum way way)
{
    enum { LAST_RECORDS_BYTES = 3 * 40 }; /* in which every byte is tried */
    const struct cut never = {.way = way, .after_bytes = SIZE_MAX};
    struct ending whole = run_cut(it, peer_is_server, never);
    assert_true(whole.whole);
    assert_told_truly(whole);
    assert_int_equal(whole.received, strlen(PEER_WORDS));
    for (size_t after = 1; after < whole.sent; after += 41) {
        const struct cut cut = {.way = way, .after_bytes = after};
        assert_told_truly(run_cut(it, peer_is_server, cut));
    }
    for (size_t left = 1; left <= LAST_RECORDS_BYTES; left++) {
        const struct cut cut = {.way = way, .after_bytes = SIZE_MAX, .short_bytes = left};
        struct ending ending = run_cut(it, peer_is_server, cut);
        assert_false(ending.whole);
        assert_told_truly(ending);
        /* What arrived whole is not lost by a FIN; an RST may overtake it in the system. */
        assert_int_equal(ending.received % 5, 0);
        if (way == BY_FIN && left == 1)
            assert_int_equal(ending.received, strlen(PEER_WORDS));
    }
}

static void tls_183_a_server_cut_off_anywhere_is_cut(void **state)
{
    cut_everywhere(*state, true, BY_FIN);
    cut_everywhere(*state, true, BY_RST);
}

static void tls_183_a_client_cut_off_anywhere_is_cut(void **state)
{
    cut_everywhere(*state, false, BY_FIN);
    cut_everywhere(*state, false, BY_RST);
}

static void tls_184_an_alert_in_the_middle_is_a_failure_with_its_name(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    open_sealed(it, &pair, NET_TCP);
    net_end_say(&pair.client, "whole");
    NET_UNTIL(&it->net, pair.client.flushes == 1);
    /* A damaged record, from somebody on the way: 0x17 is application data. */
    static const char damaged[] = "\x17\x03\x03\x00\x20"
                                  "0123456789abcdef0123456789abcdef";
    assert_int_equal(send(pair.client.stream->fd, damaged, sizeof(damaged) - 1, 0),
                     sizeof(damaged) - 1);
    net_end_expect(&it->net, &pair.server, "whole"); /* what came before it counts */
    NET_UNTIL(&it->net, stream_end(pair.server.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(pair.server.stream), STREAM_END_FAILED);
    assert_int_equal(stream_fault(pair.server.stream)->kind, FERRY_E_TLS);
    size_t taken;
    assert_int_equal(stream_write(pair.server.stream, BYTES_LIT("x"), &taken), FERRY_E_LOST);
    NET_UNTIL(&it->net, stream_end(pair.client.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(pair.client.stream), STREAM_END_FAILED);
    assert_string_equal(stream_fault(pair.client.stream)->peer_said,
                        "bad_record_mac (TLS alert 20)");
    net_pair_close(&pair);
}

static void half_a_close_leaves_the_other_half(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    open_sealed(it, &pair, NET_TCP);
    net_end_say(&pair.client, "QUIT\r\n");
    stream_finish(pair.client.stream);
    NET_UNTIL(&it->net, pair.client.flushes == 1);
    net_end_expect(&it->net, &pair.server, "QUIT\r\n");
    NET_UNTIL(&it->net, stream_end(pair.server.stream) == STREAM_END_CLOSED);
    net_end_say(&pair.server, "221 bye\r\n");
    net_end_expect(&it->net, &pair.client, "221 bye\r\n");
    stream_finish(pair.server.stream);
    NET_UNTIL(&it->net, stream_end(pair.client.stream) == STREAM_END_CLOSED);
    net_pair_close(&pair);
}

/* A stream that ends before its handshake is done ends afterwards. */
static void an_end_asked_for_early_waits_for_the_handshake(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    stream_finish(pair.server.stream);
    assert_int_equal(stream_start_tls(pair.client.stream, net_pair_client_engine(&pair, &it->tls)),
                     FERRY_OK);
    NET_UNTIL(&it->net, stream_end(pair.client.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(pair.client.stream), STREAM_END_CLOSED);
    assert_int_equal(pair.server.flushes, 1);
    net_pair_close(&pair);
}

/* TLS-112: after its own close a client still reads, and finds the tickets that servers send with
 * their last words. */
static void tls_112_tickets_are_collected_after_the_close(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    open_sealed(it, &pair, NET_TCP);
    net_end_say(&pair.server, "150 send\r\n"); /* brings the first tickets along */
    net_end_expect(&it->net, &pair.client, "150 send\r\n");
    unsigned fresh = tls_sessions_fresh(pair.sessions);
    tls_engine_refill(stream_tls(pair.server.stream)); /* leaves with the next write */
    stream_close(pair.client.stream, 10 * CLOCK_NS_PER_S);
    NET_UNTIL(&it->net, stream_end(pair.server.stream) == STREAM_END_CLOSED);
    net_end_say(&pair.server, "dropped");
    stream_finish(pair.server.stream);
    NET_UNTIL(&it->net, pair.client.closes == 1);
    bool has_tickets = tls_engine_facts(stream_tls(pair.server.stream))->version == TLS_VERSION_1_3;
    assert_int_equal(tls_sessions_fresh(pair.sessions), fresh + has_tickets);
    assert_int_equal(buf_len(&pair.client.received), 0);
    net_pair_close(&pair);
}

static void an_abort_looks_like_a_cut(void **state)
{
    struct setup *it = *state;
    struct net_pair pair;
    open_sealed(it, &pair, NET_TCP);
    net_end_say(&pair.server, "half a file");
    stream_abort(pair.server.stream);
    NET_UNTIL(&it->net, stream_end(pair.client.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(pair.client.stream), STREAM_END_CUT);
    assert_int_equal(stream_fault(pair.client.stream)->kind, FERRY_E_CUT);
    net_pair_close(&pair);
}

static void a_close_in_the_middle_of_the_handshake_ends_in_time(void **state)
{
    struct setup *it = *state;
    struct net_pair pair = {0};
    int fds[2];
    net_sockets(NET_TCP, fds);
    net_end_open(&pair.client, &it->net, fds[0]);
    assert_int_equal(stream_start_tls(pair.client.stream, net_pair_client_engine(&pair, &it->tls)),
                     FERRY_OK);
    stream_close(pair.client.stream, 30 * CLOCK_NS_PER_MS);
    NET_UNTIL(&it->net, pair.client.closes == 1);
    assert_int_equal(pair.client.inputs + pair.client.seals, 0);
    close(fds[1]);
    net_pair_close(&pair);
}

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
    struct setup *it = *state;
    static const struct stream_events events[] = {
        {.sealed = frees_its_stream},
        {.input = frees_its_stream}, /* by the end of the other */
        {.flushed = frees_its_stream},
    };
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        struct net_pair pair;
        net_pair_open(&pair, &it->net, NET_TCP);
        struct suicide victim = {.stream = pair.server.stream};
        pair.server.stream = NULL;
        stream_set_events(victim.stream, &events[i], &victim);
        assert_int_equal(stream_start_tls(victim.stream, net_pair_server_engine(&pair, &it->tls)),
                         FERRY_OK);
        assert_int_equal(
            stream_start_tls(pair.client.stream, net_pair_client_engine(&pair, &it->tls)),
            FERRY_OK);
        if (!events[i].sealed) {
            NET_UNTIL(&it->net, stream_is_sealed(victim.stream));
            size_t taken;
            assert_int_equal(stream_write(victim.stream, BYTES_LIT("x"), &taken), FERRY_OK);
            if (!events[i].flushed)
                stream_abort(pair.client.stream);
        }
        NET_UNTIL(&it->net, victim.calls == 1);
        net_kit_idle(&it->net);
        assert_int_equal(victim.calls, 1);
        net_pair_close(&pair);
    }
}

/* ---- no memory ---- */

static enum ferry_error seal_and_say(void *ctx)
{
    struct setup *it = ctx;
    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct net_pair roles = {.binding = tls_binding_new(it->tls.master),
                             .sessions = tls_sessions_new()};
    struct stream *client = stream_new(it->net.loop, fds[0], NULL, NULL);
    struct stream *server = stream_new(it->net.loop, fds[1], NULL, NULL);
    enum ferry_error error =
        roles.binding && roles.sessions && client && server ? FERRY_OK : FERRY_E_MEMORY;
    struct tls_engine *engine;
    const struct tls_server_role server_role = {.binding = roles.binding};
    const struct tls_client_role client_role = {
        .sessions = roles.sessions, .server_name = TLS_KIT_HOST, .trust = &roles.trust};
    if (error == FERRY_OK)
        error = tls_engine_new_server(it->tls.server, &server_role, &engine);
    if (error == FERRY_OK)
        error = stream_start_tls(server, engine);
    if (error == FERRY_OK)
        error = tls_engine_new_client(it->tls.client, &client_role, &engine);
    if (error == FERRY_OK)
        error = stream_start_tls(client, engine);

    size_t taken = 0, got = 0;
    static char words[60000], piece[1000];
    net_kit_begin(&it->net);
    while (error == FERRY_OK && got == 0) {
        loop_turn(it->net.loop, false);
        if (taken == 0 && stream_is_sealed(client))
            error = stream_write(client, bytes_of(words, sizeof(words)), &taken);
        stream_read(server, piece, sizeof(piece), &got); /* and keeps what it does not read */
        if (stream_end(client) != STREAM_OPEN || stream_end(server) != STREAM_OPEN)
            error = FERRY_E_LOST;
    }
    /* Whichever end ran out of memory knows why. */
    if (error == FERRY_E_LOST) {
        bool known = stream_fault(client)->kind == FERRY_E_MEMORY ||
                     stream_fault(server)->kind == FERRY_E_MEMORY;
        error = known ? FERRY_E_MEMORY : FERRY_E_LOST;
    }
    stream_free(client);
    stream_free(server);
    tls_sessions_free(roles.sessions);
    tls_binding_free(roles.binding);
    return error;
}

static void memory_may_be_short_anywhere(void **state)
{
    alloc_fail_each(seal_and_say, *state, 200);
}

#define BOTH_VERSIONS(test)                                                                        \
    {#test " (TLS 1.2)", test, setup_1_2, teardown, NULL},                                         \
    {                                                                                              \
#test " (TLS 1.3)", test, setup_1_3, teardown, NULL                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_VERSIONS(tls_starts_in_the_middle_of_a_dialogue),
        BOTH_VERSIONS(a_client_speaks_first_and_at_once),
        BOTH_VERSIONS(tls_is_not_started_over_what_waits),
        BOTH_VERSIONS(tls_131_clear_text_before_the_handshake_ends_it),
        BOTH_VERSIONS(a_refusal_arrives_as_an_alert),
        BOTH_VERSIONS(the_wire_may_carry_a_byte_at_a_time),
        BOTH_VERSIONS(writes_of_one_turn_leave_together),
        BOTH_VERSIONS(much_crosses_both_ways_at_once),
        BOTH_VERSIONS(a_slow_reader_holds_up_the_writer),
        BOTH_VERSIONS(a_paused_stream_reads_nothing),
        BOTH_VERSIONS(streams_that_read_in_turns_do_not_mix),
        BOTH_VERSIONS(an_idle_stream_holds_no_memory_for_bytes),
        BOTH_VERSIONS(a_hundred_sealed_streams_at_once),
        BOTH_VERSIONS(tls_183_a_server_cut_off_anywhere_is_cut),
        BOTH_VERSIONS(tls_183_a_client_cut_off_anywhere_is_cut),
        BOTH_VERSIONS(tls_184_an_alert_in_the_middle_is_a_failure_with_its_name),
        BOTH_VERSIONS(half_a_close_leaves_the_other_half),
        BOTH_VERSIONS(an_end_asked_for_early_waits_for_the_handshake),
        BOTH_VERSIONS(tls_112_tickets_are_collected_after_the_close),
        BOTH_VERSIONS(an_abort_looks_like_a_cut),
        BOTH_VERSIONS(a_close_in_the_middle_of_the_handshake_ends_in_time),
        BOTH_VERSIONS(an_event_may_free_its_stream),
        BOTH_VERSIONS(memory_may_be_short_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
