/* Pumps between streams and files: whole and equal, or an outcome that says what went wrong. */
#include "net/pump.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/file.h"
#include "net/stream_internal.h"
#include "support/pump_kit.h"

enum { MIB = 1024 * 1024 };

/* ---- whole files ---- */

static void transfer(struct pump_kit *it, size_t len, int64_t from, int64_t to, bool sync)
{
    pump_kit_open(it);
    int source = pump_kit_noise_file(it, len), target = pump_kit_file(it, "target");
    struct pump_flow send = pump_sending(it, source), receive = pump_receiving(it, target);
    send.settings.offset_bytes = from;
    receive.settings.offset_bytes = to;
    receive.settings.sync = sync;
    pump_flow_start(&send);
    pump_flow_start(&receive);
    size_t left = from == FILE_SEQUENTIAL ? len : len - (size_t)from;
    pump_flow_expect(it, &receive, PUMP_DONE, left);
    pump_flow_expect(it, &send, PUMP_DONE, left);
    pump_kit_assert_noise(target, to == FILE_SEQUENTIAL ? 0 : (off_t)to, len - left, left);
    pump_flow_free(it, &send);
    pump_flow_free(it, &receive);
    close(source);
    close(target);
    pump_kit_close(it);
}

static void files_of_every_size_cross_whole(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   16384,
                                   FILE_BLOCK_BYTES - 1,
                                   FILE_BLOCK_BYTES,
                                   FILE_BLOCK_BYTES + 1,
                                   2 * FILE_BLOCK_BYTES,
                                   2 * FILE_BLOCK_BYTES + 1,
                                   3 * MIB + 5};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        transfer(*state, sizes[i], 0, 0, i % 2 == 0);
}

static void a_large_file_crosses_whole(void **state)
{
    transfer(*state, PUMP_KIT_NOISE_BYTES, 0, 0, true);
}

static void a_file_crosses_from_and_to_an_offset(void **state)
{
    transfer(*state, MIB, 1, 0, false);
    transfer(*state, MIB, 700001, 700001, false);
    transfer(*state, MIB, MIB, 5, false); /* nothing is left */
    transfer(*state, MIB, 0, INT64_C(5) * 1024 * MIB + 1, false);
}

/* Two at once, each way, over one pair. */
static void files_cross_both_ways_in_two_connections(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    struct net_pair up = it->pair;
    pump_kit_open(it);
    struct net_pair down = it->pair;
    int source = pump_kit_noise_file(it, 8 * MIB);
    int uploaded = pump_kit_file(it, "uploaded"), downloaded = pump_kit_file(it, "downloaded");
    struct pump_flow flows[4] = {pump_sending(it, source), pump_receiving(it, uploaded),
                                 pump_sending(it, source), pump_receiving(it, downloaded)};
    flows[0].settings.stream = up.client.stream;
    flows[1].settings.stream = up.server.stream;
    flows[2].settings.stream = down.server.stream;
    flows[3].settings.stream = down.client.stream;
    for (int i = 0; i < 4; i++)
        pump_flow_start(&flows[i]);
    for (int i = 0; i < 4; i++)
        pump_flow_expect(it, &flows[i], PUMP_DONE, 8 * MIB);
    pump_kit_assert_noise(uploaded, 0, 0, 8 * MIB);
    pump_kit_assert_noise(downloaded, 0, 0, 8 * MIB);
    for (int i = 0; i < 4; i++)
        pump_flow_free(it, &flows[i]);
    close(source);
    close(uploaded);
    close(downloaded);
    it->pair = up;
    pump_kit_close(it);
    it->pair = down;
    pump_kit_close(it);
}

/* ---- ends that are not whole ---- */

/* TLS-175, SEC-12: what was received is kept, and is not called whole. */
static void tls_175_a_sender_that_goes_is_a_cut(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int target = pump_kit_file(it, "target");
    struct pump_flow receive = pump_receiving(it, target);
    pump_flow_start(&receive);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(pump_kit_noise, 100000), &taken),
                     FERRY_OK);
    assert_int_equal(taken, 100000);
    NET_UNTIL(&it->net, pump_bytes(receive.pump) == 100000);
    stream_abort(it->pair.client.stream);
    pump_flow_expect(it, &receive, PUMP_CUT, 100000);
    pump_kit_assert_noise(target, 0, 0, 100000);
    pump_flow_free(it, &receive);
    close(target);
    pump_kit_close(it);
}

static void fin_alone_is_a_cut_under_tls_and_an_end_in_the_clear(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int target = pump_kit_file(it, "target");
    struct pump_flow receive = pump_receiving(it, target);
    pump_flow_start(&receive);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(pump_kit_noise, 5000), &taken),
                     FERRY_OK);
    NET_UNTIL(&it->net, it->pair.client.flushes == 1);
    stream_free(it->pair.client.stream);
    it->pair.client.stream = NULL;
    pump_flow_expect(it, &receive, it->sealed ? PUMP_CUT : PUMP_DONE, 5000);
    pump_kit_assert_noise(target, 0, 0, 5000);
    pump_flow_free(it, &receive);
    close(target);
    pump_kit_close(it);
}

static void a_receiver_that_goes_is_a_cut(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int source = pump_kit_noise_file(it, PUMP_KIT_NOISE_BYTES);
    struct pump_flow send = pump_sending(it, source);
    pump_flow_start(&send);
    NET_UNTIL(&it->net, buf_len(&it->pair.server.received) > MIB);
    stream_abort(it->pair.server.stream);
    NET_UNTIL(&it->net, send.done == 1);
    assert_int_equal(send.result.outcome, PUMP_CUT);
    assert_true(send.result.bytes < PUMP_KIT_NOISE_BYTES);
    pump_flow_free(it, &send);
    close(source);
    pump_kit_close(it);
}

/* While all waits for the receiver, its end is noticed as well. */
static void a_receiver_that_goes_at_the_end_is_a_cut(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    it->pair.server.lazy = true;
    int source = pump_kit_noise_file(it, PUMP_KIT_NOISE_BYTES);
    struct pump_flow send = pump_sending(it, source);
    pump_flow_start(&send);
    NET_UNTIL(&it->net, it->pair.server.inputs == 1);
    uint64_t before;
    do {
        before = pump_bytes(send.pump);
        net_kit_idle(&it->net);
    } while (pump_bytes(send.pump) != before);
    assert_true(before < PUMP_KIT_NOISE_BYTES);
    assert_int_equal(send.done, 0);
    stream_abort(it->pair.server.stream);
    NET_UNTIL(&it->net, send.done == 1);
    assert_int_equal(send.result.outcome, PUMP_CUT);
    pump_flow_free(it, &send);
    close(source);
    pump_kit_close(it);
}

/* All is in the stream's queue, and not yet gone: that is not the end. */
static void a_receiver_that_goes_before_all_has_left_is_a_cut(void **state)
{
    struct pump_kit *it = *state;
    for (int ended_first = 0; ended_first < 2; ended_first++) {
        pump_kit_open(it);
        it->pair.server.lazy = true;
        const int small = 1;
        assert_int_equal(
            setsockopt(it->pair.client.stream->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
            0);
        assert_int_equal(
            setsockopt(it->pair.server.stream->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
            0);
        int source = pump_kit_noise_file(it, 250 * 1000);
        struct pump_flow send = pump_sending(it, source);
        pump_flow_start(&send);
        NET_UNTIL(&it->net, pump_bytes(send.pump) == 250 * 1000);
        if (ended_first) {
            stream_finish(it->pair.server.stream);
            NET_UNTIL(&it->net, stream_end(it->pair.client.stream) == STREAM_END_CLOSED);
        }
        assert_true(net_kit_is_asleep(&it->net));
        assert_int_equal(send.done, 0);
        stream_abort(it->pair.server.stream);
        pump_flow_expect(it, &send, PUMP_CUT, 250 * 1000);
        pump_flow_free(it, &send);
        close(source);
        pump_kit_close(it);
    }
}

/* Goes as soon as it has all, before the sender's next step; `rudely`: with RST. */
struct leaver {
    struct stream *stream;
    bool rudely;
    uint64_t received;
};

static void leave_at_the_end(void *ctx)
{
    struct leaver *leaver = ctx;
    static char piece[MIB];
    size_t got;
    do {
        stream_read(leaver->stream, piece, sizeof(piece), &got);
        leaver->received += got;
    } while (got > 0);
    if (stream_end(leaver->stream) != STREAM_END_CLOSED)
        return;
    if (leaver->rudely)
        stream_abort(leaver->stream);
    stream_free(leaver->stream);
    leaver->stream = NULL;
}

/* Erlang and ftp-ssl never send close_notify: they close as soon as they have the sender's. */
static void tls_177_tls_181_a_receiver_that_has_all_may_go_as_it_likes(void **state)
{
    static const struct stream_events events = {.input = leave_at_the_end};
    struct pump_kit *it = *state;
    for (int rudely = 0; rudely < 2; rudely++) {
        pump_kit_open(it);
        struct leaver leaver = {.stream = it->pair.server.stream, .rudely = rudely == 1};
        it->pair.server.stream = NULL;
        stream_set_events(leaver.stream, &events, &leaver);
        int source = pump_kit_noise_file(it, 5000);
        struct pump_flow send = pump_sending(it, source);
        pump_flow_start(&send);
        pump_flow_expect(it, &send, PUMP_DONE, 5000);
        NET_UNTIL(&it->net, !leaver.stream);
        assert_int_equal(leaver.received, 5000);
        pump_flow_free(it, &send);
        close(source);
        pump_kit_close(it);
    }
}

static void what_is_no_tls_is_a_failure_told_by_the_stream(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int target = pump_kit_file(it, "target");
    assert_int_equal(
        stream_start_tls(it->pair.server.stream, net_pair_server_engine(&it->pair, &it->tls)),
        FERRY_OK);
    struct pump_flow receive = pump_receiving(it, target);
    pump_flow_start(&receive);
    net_end_say(&it->pair.client, "GET / HTTP/1.1\r\n\r\n");
    pump_flow_expect(it, &receive, PUMP_FAILED, 0);
    assert_int_equal(stream_fault(it->pair.server.stream)->kind, FERRY_E_TLS);
    pump_flow_free(it, &receive);
    close(target);
    pump_kit_close(it);
}

/* ---- giving up ---- */

/* The descriptor is in use until `freed`, whatever the pump was doing. */
static void a_pump_can_be_freed_at_any_moment(void **state)
{
    struct pump_kit *it = *state;
    for (int turns = 0; turns < 30; turns++) {
        pump_kit_open(it);
        int source = pump_kit_noise_file(it, 3 * MIB), target = pump_kit_file(it, "target");
        struct pump_flow send = pump_sending(it, source), receive = pump_receiving(it, target);
        pump_flow_start(&send);
        pump_flow_start(&receive);
        for (int i = 0; i < turns; i++)
            loop_turn(it->net.loop, false);
        pump_free(receive.pump, pump_flow_freed, &receive);
        pump_free(send.pump, pump_flow_freed, &send);
        stream_abort(it->pair.client.stream);
        NET_UNTIL(&it->net, send.freed == 1 && receive.freed == 1);
        close(source);
        close(target);
        net_kit_idle(&it->net);
        assert_int_equal(receive.freed + send.freed, 2);
        pump_kit_close(it);
    }
    pump_free(NULL, NULL, NULL);
}

/* A job that is under way when the pump is freed: `freed` is not called before it is back. */
static void a_descriptor_stays_in_use_while_a_job_has_it(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int fds[2];
    assert_int_equal(pipe(fds), 0); /* nobody reads: the job cannot end by itself */
    struct pump_flow receive = pump_receiving(it, fds[1]);
    receive.settings.offset_bytes = FILE_SEQUENTIAL;
    pump_flow_start(&receive);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(pump_kit_noise, 200000), &taken),
                     FERRY_OK);
    NET_UNTIL(&it->net, pump_bytes(receive.pump) == 200000);
    pump_free(receive.pump, pump_flow_freed, &receive);
    assert_int_equal(receive.freed, 0);
    stream_abort(it->pair.server.stream); /* the stream is no longer the pump's */
    NET_UNTIL(&it->net, receive.freed == 1);
    assert_int_equal(receive.done, 0);
    close(fds[0]);
    close(fds[1]);
    pump_kit_close(it);
}

static void done_may_free_the_pump(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int source = pump_kit_noise_file(it, 5000), target = pump_kit_file(it, "target");
    struct pump_flow send = pump_sending(it, source), receive = pump_receiving(it, target);
    send.free_in_done = receive.free_in_done = true;
    pump_flow_start(&send);
    pump_flow_start(&receive);
    NET_UNTIL(&it->net, send.freed == 1 && receive.freed == 1);
    net_end_say(&it->pair.server, "late"); /* is no longer told to the pump */
    net_kit_idle(&it->net);
    assert_int_equal(send.done + receive.done, 2);
    close(source);
    close(target);
    pump_kit_close(it);
}

static void progress_may_free_the_pump(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int source = pump_kit_file(it, "source"), target = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(source, INT64_C(1) << 40), 0); /* for long enough */
    struct pump_flow send = pump_sending(it, source), receive = pump_receiving(it, target);
    send.free_in_progress = receive.free_in_progress = true;
    pump_flow_start(&send);
    pump_flow_start(&receive);
    NET_UNTIL(&it->net, send.freed + receive.freed > 0);
    struct pump_flow *left = send.freed > 0 ? &receive : &send;
    left->free_in_progress = false;
    if (left->progress == 0)
        pump_flow_free(it, left);
    NET_UNTIL(&it->net, left->freed == 1); /* a job of it may be under way */
    net_kit_idle(&it->net);
    assert_int_equal(send.done + receive.done, 0);
    close(source);
    close(target);
    pump_kit_close(it);
}

/* After `done` the stream is its owner's again, and the pump hears nothing more of it. */
static void a_stream_outlives_its_pump(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int source = pump_kit_noise_file(it, 1000);
    struct pump_flow send = pump_sending(it, source);
    pump_flow_start(&send);
    pump_flow_expect(it, &send, PUMP_DONE, 1000);
    NET_UNTIL(&it->net, stream_end(it->pair.server.stream) == STREAM_END_CLOSED);
    net_end_say(&it->pair.server, "thanks"); /* a half close: the other half still works */
    net_end_adopt(&it->pair.client, it->pair.client.stream);
    net_end_expect(&it->net, &it->pair.client, "thanks");
    assert_int_equal(send.done, 1);
    stream_close(it->pair.client.stream, 10 * CLOCK_NS_PER_S);
    stream_close(it->pair.server.stream, 10 * CLOCK_NS_PER_S);
    NET_UNTIL(&it->net, it->pair.client.closes == 1);
    pump_flow_free(it, &send);
    close(source);
    pump_kit_close(it);
}

/* ---- pace ---- */

static void a_pump_moves_no_more_than_its_share_in_a_turn(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int source = pump_kit_noise_file(it, PUMP_KIT_NOISE_BYTES),
        target = pump_kit_file(it, "target");
    struct pump_flow send = pump_sending(it, source), receive = pump_receiving(it, target);
    pump_flow_start(&send);
    pump_flow_start(&receive);
    uint64_t most = 0, sent = 0, received = 0;
    net_kit_begin(&it->net);
    while (send.done == 0 || receive.done == 0) {
        loop_turn(it->net.loop, false);
        uint64_t now = pump_bytes(send.pump) - sent;
        most = now > most ? now : most;
        sent = pump_bytes(send.pump);
        now = pump_bytes(receive.pump) - received;
        most = now > most ? now : most;
        received = pump_bytes(receive.pump);
    }
    assert_int_equal(received, PUMP_KIT_NOISE_BYTES);
    assert_true(most > 0 && most <= 256 * 1024);
    pump_flow_free(it, &send);
    pump_flow_free(it, &receive);
    close(source);
    close(target);
    pump_kit_close(it);
}

static void many_pumps_at_once(void **state)
{
    struct pump_kit *it = *state;
    enum { PAIRS = 100 };
    struct net_pair *pairs = calloc(PAIRS, sizeof(*pairs));
    struct pump_flow *flows = calloc(2 * PAIRS, sizeof(*flows));
    int targets[PAIRS];
    assert_true(pairs && flows);
    int source = pump_kit_noise_file(it, 20000);
    for (int i = 0; i < PAIRS; i++) {
        pump_kit_open(it);
        pairs[i] = it->pair;
        char name[20];
        snprintf(name, sizeof(name), "target%d", i);
        targets[i] = pump_kit_file(it, name);
        flows[2 * i] = pump_sending(it, source);
        flows[2 * i + 1] = pump_receiving(it, targets[i]);
        pump_flow_start(&flows[2 * i]);
        pump_flow_start(&flows[2 * i + 1]);
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        pump_flow_expect(it, &flows[i], PUMP_DONE, 20000);
    for (int i = 0; i < PAIRS; i++) {
        pump_kit_assert_noise(targets[i], 0, 0, 20000);
        pump_flow_free(it, &flows[2 * i]);
        pump_flow_free(it, &flows[2 * i + 1]);
        close(targets[i]);
        net_pair_close(&pairs[i]);
    }
    close(source);
    free(pairs);
    free(flows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUMP_EVERY_WAY(files_of_every_size_cross_whole),
        PUMP_EVERY_WAY(a_large_file_crosses_whole),
        PUMP_IN_CLEAR(a_file_crosses_from_and_to_an_offset),
        PUMP_EVERY_WAY(files_cross_both_ways_in_two_connections),
        PUMP_EVERY_WAY(tls_175_a_sender_that_goes_is_a_cut),
        PUMP_EVERY_WAY(fin_alone_is_a_cut_under_tls_and_an_end_in_the_clear),
        PUMP_EVERY_WAY(a_receiver_that_goes_is_a_cut),
        PUMP_EVERY_WAY(a_receiver_that_goes_at_the_end_is_a_cut),
        PUMP_EVERY_WAY(a_receiver_that_goes_before_all_has_left_is_a_cut),
        PUMP_EVERY_WAY(tls_177_tls_181_a_receiver_that_has_all_may_go_as_it_likes),
        PUMP_IN_CLEAR(what_is_no_tls_is_a_failure_told_by_the_stream),
        PUMP_EVERY_WAY(a_pump_can_be_freed_at_any_moment),
        PUMP_EVERY_WAY(a_descriptor_stays_in_use_while_a_job_has_it),
        PUMP_EVERY_WAY(done_may_free_the_pump),
        PUMP_EVERY_WAY(progress_may_free_the_pump),
        PUMP_EVERY_WAY(a_stream_outlives_its_pump),
        PUMP_EVERY_WAY(a_pump_moves_no_more_than_its_share_in_a_turn),
        PUMP_EVERY_WAY(many_pumps_at_once),
    };
    return cmocka_run_group_tests(tests, pump_kit_make_noise, pump_kit_drop_noise);
}
