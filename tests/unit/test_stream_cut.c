/* How sealed streams end, TLS 1.2 and 1.3: cuts at every byte are told from closes. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/stream_internal.h"
#include "support/net_kit.h"

/* ---- ends: a peer that is driven by hand ---- */

enum way { BY_FIN, BY_RST, NOT_AT_ALL };

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
        net_reset(peer->fd);
        peer->fd = -1;
    } else if (peer->cut.way == BY_FIN) {
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

static struct ending run_cut(struct net_tls *it, bool peer_is_server, struct cut cut)
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
static void cut_everywhere(struct net_tls *it, bool peer_is_server, enum way way)
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

/* In TLS 1.3 a client may end its handshake, speak and close in one packet; nothing in the socket
 * tells of it any more once the handshake is done. */
static void what_comes_with_the_handshake_is_told(void **state)
{
    const struct cut stays = {.way = NOT_AT_ALL, .after_bytes = SIZE_MAX};
    for (int peer_is_server = 0; peer_is_server < 2; peer_is_server++) {
        struct ending ending = run_cut(*state, peer_is_server, stays);
        assert_told_truly(ending);
        assert_int_equal(ending.received, strlen(PEER_WORDS));
    }
}

static void tls_184_an_alert_in_the_middle_is_a_failure_with_its_name(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_tls_open(it, &pair);
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
    struct net_tls *it = *state;
    struct net_pair pair;
    net_tls_open(it, &pair);
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
    struct net_tls *it = *state;
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
    struct net_tls *it = *state;
    struct net_pair pair;
    net_tls_open(it, &pair);
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
    struct net_tls *it = *state;
    struct net_pair pair;
    net_tls_open(it, &pair);
    net_end_say(&pair.server, "half a file");
    stream_abort(pair.server.stream);
    NET_UNTIL(&it->net, stream_end(pair.client.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(pair.client.stream), STREAM_END_CUT);
    assert_int_equal(stream_fault(pair.client.stream)->kind, FERRY_E_CUT);
    net_pair_close(&pair);
}

static void a_close_in_the_middle_of_the_handshake_ends_in_time(void **state)
{
    struct net_tls *it = *state;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_BOTH_VERSIONS(tls_183_a_server_cut_off_anywhere_is_cut),
        NET_BOTH_VERSIONS(tls_183_a_client_cut_off_anywhere_is_cut),
        NET_BOTH_VERSIONS(what_comes_with_the_handshake_is_told),
        NET_BOTH_VERSIONS(tls_184_an_alert_in_the_middle_is_a_failure_with_its_name),
        NET_BOTH_VERSIONS(half_a_close_leaves_the_other_half),
        NET_BOTH_VERSIONS(an_end_asked_for_early_waits_for_the_handshake),
        NET_BOTH_VERSIONS(tls_112_tickets_are_collected_after_the_close),
        NET_BOTH_VERSIONS(an_abort_looks_like_a_cut),
        NET_BOTH_VERSIONS(a_close_in_the_middle_of_the_handshake_ends_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
