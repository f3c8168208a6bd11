/* A sealed stream that goes back to clear text (CCC, REIN): what comes before the peer's
 * close_notify and what comes behind it are kept apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/stream_internal.h"
#include "support/net_kit.h"

static void both_ends_go_back_to_clear_text_and_to_tls_again(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    for (int round = 0; round < 3; round++) {
        net_pair_seal(&pair, &it->net, &it->tls);
        net_end_say(&pair.client, "CCC\r\n");
        net_end_expect(&it->net, &pair.server, "CCC\r\n");
        net_end_say(&pair.server, "200 in the clear\r\n"); /* leaves before the close_notify */
        unsigned flushes = pair.server.flushes;
        assert_int_equal(stream_stop_tls(pair.server.stream, STREAM_STOP_NOTIFY), FERRY_OK);
        net_end_expect(&it->net, &pair.client, "200 in the clear\r\n");
        size_t taken;
        assert_int_equal(stream_write(pair.server.stream, BYTES_LIT("x"), &taken), FERRY_OK);
        assert_int_equal(taken, 0); /* neither sealed nor in the clear */
        net_kit_idle(&it->net);
        assert_int_equal(pair.server.flushes, flushes);

        assert_int_equal(stream_stop_tls(pair.client.stream, STREAM_STOP_NOTIFY), FERRY_OK);
        NET_UNTIL(&it->net, pair.server.flushes > flushes && pair.client.flushes > 0);
        assert_null(stream_tls(pair.server.stream));
        assert_null(stream_tls(pair.client.stream));
        assert_false(stream_is_sealed(pair.client.stream));
        net_end_say(&pair.client, "PWD\r\n");
        net_end_expect(&it->net, &pair.server, "PWD\r\n");
        net_end_say(&pair.server, "257 \"/\"\r\n");
        net_end_expect(&it->net, &pair.client, "257 \"/\"\r\n");
        assert_int_equal(stream_end(pair.server.stream), STREAM_OPEN);
    }
    net_pair_close(&pair);
}

/* ---- a client that is driven by hand ---- */

struct ccc {
    struct net_pair roles;
    struct net_end server;
    int fd; /* the client's socket */
    struct tls_end client;
};

static void ccc_open(struct ccc *ccc, struct net_tls *it)
{
    *ccc = (struct ccc){0};
    int fds[2];
    net_sockets(NET_TCP, fds);
    ccc->fd = fds[1];
    net_end_open(&ccc->server, &it->net, fds[0]);
    struct tls_pair both;
    tls_pair_init(&both, net_pair_client_engine(&ccc->roles, &it->tls), NULL);
    ccc->client = both.client;
    assert_int_equal(
        stream_start_tls(ccc->server.stream, net_pair_server_engine(&ccc->roles, &it->tls)),
        FERRY_OK);
}

static void ccc_close(struct ccc *ccc)
{
    close(ccc->fd);
    tls_engine_free(ccc->client.engine);
    buf_fini(&ccc->client.received);
    buf_fini(&ccc->client.stray);
    net_end_close(&ccc->server);
    ccc->roles.client = ccc->roles.server = (struct net_end){0};
    net_pair_close(&ccc->roles);
}

/* Sends what the client's engine has queued, and `clear` right behind it, in one piece. */
static void ccc_send(struct ccc *ccc, const char *clear)
{
    struct buf out;
    buf_init(&out, 100000);
    struct bytes sealed = tls_engine_output(ccc->client.engine);
    assert_int_equal(buf_append(&out, sealed), FERRY_OK);
    tls_engine_wrote(ccc->client.engine, sealed.len);
    assert_int_equal(buf_append(&out, bytes_str(clear)), FERRY_OK);
    struct bytes all = buf_view(&out);
    if (all.len > 0)
        assert_int_equal(send(ccc->fd, all.ptr, all.len, MSG_NOSIGNAL), (ssize_t)all.len);
    buf_fini(&out);
}

static void ccc_turn(struct ccc *ccc, struct net_tls *it)
{
    char piece[5000];
    ssize_t got = recv(ccc->fd, piece, sizeof(piece), MSG_DONTWAIT);
    tls_end_feed(&ccc->client, bytes_of(piece, got > 0 ? (size_t)got : 0));
    loop_turn(it->net.loop, false);
}

static void ccc_write(struct ccc *ccc, const char *text)
{
    size_t taken;
    assert_int_equal(tls_engine_write(ccc->client.engine, bytes_str(text), &taken), TLS_DONE);
}

static void ccc_seal(struct ccc *ccc, struct net_tls *it)
{
    net_kit_begin(&it->net);
    while (!stream_is_sealed(ccc->server.stream) || !ccc->client.open) {
        ccc_send(ccc, "");
        ccc_turn(ccc, it);
    }
}

/* To where the server has said 200 and ended TLS on its side. */
static void ccc_begin_until(struct ccc *ccc, struct net_tls *it, enum stream_stop until)
{
    ccc_seal(ccc, it);
    ccc_write(ccc, "CCC\r\n");
    ccc_send(ccc, "");
    net_end_expect(&it->net, &ccc->server, "CCC\r\n");
    net_end_say(&ccc->server, "200 so be it\r\n");
    NET_UNTIL(&it->net, ccc->server.flushes == 1);
    assert_int_equal(stream_stop_tls(ccc->server.stream, until), FERRY_OK);
}

static void ccc_begin(struct ccc *ccc, struct net_tls *it)
{
    ccc_begin_until(ccc, it, STREAM_STOP_NOTIFY);
}

/* TLS-135: what comes behind the close_notify is clear text, in the same packet or not. */
static void tls_135_clear_text_behind_the_close_notify_is_heard(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_begin(&ccc, it);
    tls_engine_close(ccc.client.engine);
    ccc_send(&ccc, "PWD\r\nNO");
    NET_UNTIL(&it->net, ccc.server.flushes == 2);
    net_end_expect(&it->net, &ccc.server, "PWD\r\nNO");
    assert_int_equal(send(ccc.fd, "OP\r\n", 4, 0), 4);
    net_end_expect(&it->net, &ccc.server, "OP\r\n");
    assert_int_equal(stream_end(ccc.server.stream), STREAM_OPEN);
    ccc_close(&ccc);
}

static void what_is_kept_unread_forbids_tls(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_begin(&ccc, it);
    ccc.server.lazy = true;
    tls_engine_close(ccc.client.engine);
    ccc_send(&ccc, "AUTH TLS\r\nUSER evil\r\n");
    NET_UNTIL(&it->net, ccc.server.flushes == 2);
    char line[10];
    size_t got;
    stream_read(ccc.server.stream, line, sizeof(line), &got); /* just the first line */
    assert_int_equal(got, 10);
    assert_int_equal(
        stream_start_tls(ccc.server.stream, net_pair_server_engine(&ccc.roles, &it->tls)),
        FERRY_E_STATE);
    ccc_close(&ccc);
}

/* A client that ends TLS right behind its CCC, before the reply. */
static void a_peer_may_end_tls_first(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_seal(&ccc, it);
    ccc_write(&ccc, "CCC\r\n");
    tls_engine_close(ccc.client.engine);
    ccc_send(&ccc, "PWD\r\n");
    net_end_expect(&it->net, &ccc.server, "CCC\r\n");
    NET_UNTIL(&it->net, stream_end(ccc.server.stream) == STREAM_END_CLOSED);
    net_end_say(&ccc.server, "200 so be it\r\n");
    assert_int_equal(stream_stop_tls(ccc.server.stream, STREAM_STOP_NOTIFY), FERRY_OK);
    net_end_expect(&it->net, &ccc.server, "PWD\r\n");
    assert_int_equal(stream_end(ccc.server.stream), STREAM_OPEN);
    net_kit_begin(&it->net);
    while (ccc.client.status != TLS_CLOSED)
        ccc_turn(&ccc, it);
    assert_memory_equal(buf_view(&ccc.client.received).ptr, "200 so be it\r\n", 14);
    ccc_close(&ccc);
}

/* TLS-135: clear text that comes before the close_notify is not heard. */
static void tls_135_clear_text_before_the_close_notify_is_refused(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_begin(&ccc, it);
    ccc_send(&ccc, "DELE x\r\n");
    tls_engine_close(ccc.client.engine);
    ccc_send(&ccc, "");
    NET_UNTIL(&it->net, stream_end(ccc.server.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(ccc.server.stream), STREAM_END_FAILED);
    assert_int_equal(buf_len(&ccc.server.received), 0);
    assert_int_equal(ccc.server.flushes, 1);
    ccc_close(&ccc);
}

/* TLS-155: a client that never sends a close_notify (curl's passive mode): its first line ends TLS,
 * if it comes once ours has left. */
static void tls_155_a_line_in_clear_ends_tls_where_that_is_allowed(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_begin_until(&ccc, it, STREAM_STOP_ANY);
    net_kit_begin(&it->net);
    while (ccc.client.status != TLS_CLOSED)
        ccc_turn(&ccc, it);
    assert_int_equal(ccc.server.flushes, 1); /* ours is not enough */
    assert_int_equal(send(ccc.fd, "PWD\r\nNO", 7, 0), 7);
    NET_UNTIL(&it->net, ccc.server.flushes == 2);
    net_end_expect(&it->net, &ccc.server, "PWD\r\nNO");
    assert_null(stream_tls(ccc.server.stream));
    net_end_say(&ccc.server, "257 \"/\"\r\n");
    char got[10] = "";
    net_kit_idle(&it->net);
    assert_int_equal(recv(ccc.fd, got, sizeof(got), MSG_DONTWAIT), 9);
    assert_string_equal(got, "257 \"/\"\r\n");
    ccc_close(&ccc);
}

/* And one that sends it is served as ever, clear text behind it and all. */
static void tls_155_a_close_notify_ends_tls_all_the_same(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_begin_until(&ccc, it, STREAM_STOP_ANY);
    tls_engine_close(ccc.client.engine);
    ccc_send(&ccc, "PWD\r\n");
    NET_UNTIL(&it->net, ccc.server.flushes == 2);
    net_end_expect(&it->net, &ccc.server, "PWD\r\n");
    assert_int_equal(stream_end(ccc.server.stream), STREAM_OPEN);
    ccc_close(&ccc);
}

/* TLS-135: what came in clear before our close_notify had left is nobody's answer to it. */
static void tls_135_clear_text_before_our_close_notify_is_injection(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_seal(&ccc, it);
    ccc.server.lazy = true;
    assert_int_equal(send(ccc.fd, "DELE x\r\n", 8, 0), 8);
    assert_int_equal(stream_stop_tls(ccc.server.stream, STREAM_STOP_ANY), FERRY_OK);
    NET_UNTIL(&it->net, stream_end(ccc.server.stream) != STREAM_OPEN);
    assert_int_equal(stream_fault(ccc.server.stream)->kind, FERRY_E_INJECTION);
    assert_int_equal(buf_len(&ccc.server.received), 0);
    ccc_close(&ccc);
}

/* TLS-135: nor is what stands behind the beginning of a record. */
static void tls_135_clear_text_inside_of_a_record_is_none(void **state)
{
    struct net_tls *it = *state;
    static const struct bytes beginnings[] = {BYTES_LIT("\x15\x03\x03"),
                                              BYTES_LIT("\x17\x03\x03\x00\x40")};
    for (size_t i = 0; i < ARRAY_LEN(beginnings); i++) {
        struct ccc ccc;
        ccc_open(&ccc, it);
        ccc_begin_until(&ccc, it, STREAM_STOP_ANY);
        net_kit_idle(&it->net);
        ssize_t len = (ssize_t)beginnings[i].len;
        assert_int_equal(send(ccc.fd, beginnings[i].ptr, beginnings[i].len, 0), len);
        net_kit_idle(&it->net);
        static const char lines[100] = "DELE x\r\nDELE y\r\n";
        assert_int_equal(send(ccc.fd, lines, sizeof(lines), 0), (ssize_t)sizeof(lines));
        NET_UNTIL(&it->net, stream_end(ccc.server.stream) != STREAM_OPEN);
        assert_int_equal(stream_end(ccc.server.stream), STREAM_END_FAILED);
        assert_int_equal(buf_len(&ccc.server.received), 0);
        ccc_close(&ccc);
    }
}

/* TLS-155: one that says nothing at all is taken for one in clear after five seconds, but not in
 * the middle of a record. */
static void tls_155_silence_ends_tls_where_that_is_allowed(void **state)
{
    struct net_tls *it = *state;
    for (int inside = 0; inside < 2; inside++) {
        struct ccc ccc;
        ccc_open(&ccc, it);
        ccc_begin_until(&ccc, it, STREAM_STOP_ANY);
        if (inside)
            assert_int_equal(send(ccc.fd, "\x15\x03\x03", 3, 0), 3);
        net_kit_idle(&it->net);
        assert_int_equal(ccc.server.flushes, 1);
        loop_timer_at(ccc.server.stream->timer, loop_now_ns(it->net.loop)); /* they pass quickly */
        NET_UNTIL(&it->net,
                  ccc.server.flushes == 2 || stream_end(ccc.server.stream) == STREAM_END_FAILED);
        assert_int_equal(stream_end(ccc.server.stream), inside ? STREAM_END_FAILED : STREAM_OPEN);
        if (!inside) {
            assert_int_equal(send(ccc.fd, "PWD\r\n", 5, 0), 5);
            net_end_expect(&it->net, &ccc.server, "PWD\r\n");
        }
        ccc_close(&ccc);
    }
}

/* SEC-10: a command that was sealed behind the CCC. */
static void sec_10_sealed_bytes_after_the_agreement_are_injection(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_begin(&ccc, it);
    ccc_write(&ccc, "DELE x\r\n");
    tls_engine_close(ccc.client.engine);
    ccc_send(&ccc, "");
    unsigned inputs = ccc.server.inputs;
    NET_UNTIL(&it->net, ccc.server.inputs > inputs);
    assert_int_equal(stream_end(ccc.server.stream), STREAM_END_FAILED);
    assert_int_equal(stream_fault(ccc.server.stream)->kind, FERRY_E_INJECTION);
    assert_int_equal(buf_len(&ccc.server.received), 0);
    ccc_close(&ccc);
}

static void a_peer_that_goes_meanwhile_is_a_cut(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_begin(&ccc, it);
    assert_int_equal(shutdown(ccc.fd, SHUT_WR), 0);
    unsigned inputs = ccc.server.inputs;
    NET_UNTIL(&it->net, ccc.server.inputs > inputs);
    assert_int_equal(stream_end(ccc.server.stream), STREAM_END_CUT);
    ccc_close(&ccc);
}

/* TLS-155: the peer has five seconds. */
static void tls_155_a_peer_that_never_ends_tls_is_given_up(void **state)
{
    struct net_tls *it = *state;
    struct ccc ccc;
    ccc_open(&ccc, it);
    ccc_begin(&ccc, it);
    net_kit_idle(&it->net);
    assert_int_equal(stream_end(ccc.server.stream), STREAM_OPEN);
    loop_timer_at(ccc.server.stream->timer, loop_now_ns(it->net.loop)); /* they pass quickly */
    unsigned inputs = ccc.server.inputs;
    NET_UNTIL(&it->net, ccc.server.inputs > inputs);
    assert_int_equal(stream_end(ccc.server.stream), STREAM_END_FAILED);
    assert_int_equal(stream_fault(ccc.server.stream)->kind, FERRY_E_TIMEOUT);
    ccc_close(&ccc);
}

/* The limit of the closing is not lost when the stopping comes to its end meanwhile. */
static void a_close_in_the_middle_ends_in_time(void **state)
{
    struct net_tls *it = *state;
    for (int peer_ends_first = 0; peer_ends_first < 2; peer_ends_first++) {
        struct ccc ccc;
        ccc_open(&ccc, it);
        ccc_seal(&ccc, it);
        if (peer_ends_first) {
            tls_engine_close(ccc.client.engine);
            ccc_send(&ccc, "");
            NET_UNTIL(&it->net, stream_end(ccc.server.stream) == STREAM_END_CLOSED);
        }
        assert_int_equal(stream_stop_tls(ccc.server.stream, STREAM_STOP_NOTIFY), FERRY_OK);
        stream_close(ccc.server.stream, 30 * CLOCK_NS_PER_MS);
        NET_UNTIL(&it->net, ccc.server.closes == 1);
        ccc_close(&ccc);
    }
}

static void only_what_is_sealed_can_be_stopped(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    assert_int_equal(stream_stop_tls(pair.server.stream, STREAM_STOP_NOTIFY), FERRY_E_STATE);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    assert_int_equal(stream_stop_tls(pair.server.stream, STREAM_STOP_NOTIFY),
                     FERRY_E_STATE); /* in the handshake */
    net_pair_close(&pair);

    net_pair_open(&pair, &it->net, NET_TCP);
    net_pair_seal(&pair, &it->net, &it->tls);
    stream_finish(pair.server.stream);
    assert_int_equal(stream_stop_tls(pair.server.stream, STREAM_STOP_NOTIFY), FERRY_E_STATE);
    net_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_BOTH_VERSIONS(both_ends_go_back_to_clear_text_and_to_tls_again),
        NET_BOTH_VERSIONS(tls_135_clear_text_behind_the_close_notify_is_heard),
        NET_BOTH_VERSIONS(what_is_kept_unread_forbids_tls),
        NET_BOTH_VERSIONS(a_peer_may_end_tls_first),
        NET_BOTH_VERSIONS(tls_135_clear_text_before_the_close_notify_is_refused),
        NET_BOTH_VERSIONS(tls_155_a_line_in_clear_ends_tls_where_that_is_allowed),
        NET_BOTH_VERSIONS(tls_155_a_close_notify_ends_tls_all_the_same),
        NET_BOTH_VERSIONS(tls_135_clear_text_before_our_close_notify_is_injection),
        NET_BOTH_VERSIONS(tls_135_clear_text_inside_of_a_record_is_none),
        NET_BOTH_VERSIONS(tls_155_silence_ends_tls_where_that_is_allowed),
        NET_BOTH_VERSIONS(sec_10_sealed_bytes_after_the_agreement_are_injection),
        NET_BOTH_VERSIONS(a_peer_that_goes_meanwhile_is_a_cut),
        NET_BOTH_VERSIONS(tls_155_a_peer_that_never_ends_tls_is_given_up),
        NET_BOTH_VERSIONS(a_close_in_the_middle_ends_in_time),
        NET_BOTH_VERSIONS(only_what_is_sealed_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
