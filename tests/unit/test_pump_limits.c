/* What ends a pump before its time: stalls, limits, disks that say no, no memory. */
#include "net/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/file.h"
#include "support/alloc_fail.h"
#include "support/pump_kit.h"

enum { MIB = 1024 * 1024 };

/* ---- time ---- */

/* SEC-51: neither a silent sender nor a receiver that reads nothing lasts. */
static void sec_51_a_silent_sender_stalls(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int target = pump_kit_file(it, "target");
    struct pump_flow receive = pump_receiving(it, target);
    receive.settings.stall_ns = 300 * CLOCK_NS_PER_MS;
    pump_flow_start(&receive);
    uint64_t start_ns = loop_now_ns(it->net.loop);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(pump_kit_noise, 777), &taken),
                     FERRY_OK);
    pump_flow_expect(it, &receive, PUMP_STALLED, 777);
    assert_true(loop_now_ns(it->net.loop) - start_ns >= 290 * CLOCK_NS_PER_MS);
    pump_kit_assert_noise(target, 0, 0, 777); /* for a resume */
    pump_flow_free(it, &receive);
    close(target);
    pump_kit_close(it);
}

static void sec_51_a_receiver_that_reads_nothing_stalls(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    it->pair.server.lazy = true;
    int source = pump_kit_noise_file(it, PUMP_KIT_NOISE_BYTES);
    struct pump_flow send = pump_sending(it, source);
    send.settings.stall_ns = 300 * CLOCK_NS_PER_MS;
    pump_flow_start(&send);
    NET_UNTIL(&it->net, send.done == 1);
    assert_int_equal(send.result.outcome, PUMP_STALLED);
    pump_flow_free(it, &send);
    close(source);
    pump_kit_close(it);
}

struct trickle {
    struct net_end *end;
    struct loop_timer *timer;
    struct loop *loop;
    int left;
};

static void trickle_on(void *ctx)
{
    struct trickle *trickle = ctx;
    if (trickle->left-- == 0) {
        stream_finish(trickle->end->stream);
        return;
    }
    net_end_say(trickle->end, "x");
    loop_timer_at(trickle->timer, loop_now_ns(trickle->loop) + 20 * CLOCK_NS_PER_MS);
}

/* Slow is not stalled: every byte counts anew. */
static void a_slow_sender_does_not_stall(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int target = pump_kit_file(it, "target");
    struct pump_flow receive = pump_receiving(it, target);
    receive.settings.stall_ns = CLOCK_NS_PER_S;
    pump_flow_start(&receive);
    struct trickle trickle = {.end = &it->pair.client, .loop = it->net.loop, .left = 60};
    trickle.timer = loop_timer_new(it->net.loop, trickle_on, &trickle);
    trickle_on(&trickle);
    pump_flow_expect(it, &receive, PUMP_DONE, 60); /* after longer than the limit */
    loop_timer_free(trickle.timer);
    pump_flow_free(it, &receive);
    close(target);
    pump_kit_close(it);
}

/* SEC-51: a disk that takes nothing, here a pipe that nobody reads, does not hold the pump for
 * ever, although the sender came to its proper end. */
static void sec_51_a_file_that_takes_nothing_stalls(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct pump_flow receive = pump_receiving(it, fds[1]);
    receive.settings.offset_bytes = FILE_SEQUENTIAL;
    receive.settings.stall_ns = 300 * CLOCK_NS_PER_MS;
    pump_flow_start(&receive);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(pump_kit_noise, 200000), &taken),
                     FERRY_OK);
    stream_finish(it->pair.client.stream);
    pump_flow_expect(it, &receive, PUMP_STALLED, 200000);
    pump_flow_free(it, &receive);
    close(fds[0]);
    close(fds[1]);
    pump_kit_close(it);
}

static void progress_is_told_now_and_then(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int target = pump_kit_file(it, "target");
    struct pump_flow receive = pump_receiving(it, target);
    pump_flow_start(&receive);
    struct trickle trickle = {.end = &it->pair.client, .loop = it->net.loop, .left = 25};
    trickle.timer = loop_timer_new(it->net.loop, trickle_on, &trickle);
    uint64_t start_ns = loop_now_ns(it->net.loop);
    trickle_on(&trickle);
    pump_flow_expect(it, &receive, PUMP_DONE, 25);
    uint64_t took_ns = loop_now_ns(it->net.loop) - start_ns;
    assert_true(receive.progress > 0);
    assert_true(receive.progress <= took_ns / (100 * CLOCK_NS_PER_MS));
    loop_timer_free(trickle.timer);
    pump_flow_free(it, &receive);
    close(target);
    pump_kit_close(it);
}

/* ---- limits and disks ---- */

static void more_than_allowed_is_a_failure(void **state)
{
    struct pump_kit *it = *state;
    static const struct {
        size_t sent;
        uint64_t max;
        enum pump_outcome outcome;
    } cases[] = {
        {1000, 1000, PUMP_DONE},
        {1001, 1000, PUMP_LIMIT},
        {FILE_BLOCK_BYTES + 1, FILE_BLOCK_BYTES, PUMP_LIMIT},
        {FILE_BLOCK_BYTES, FILE_BLOCK_BYTES, PUMP_DONE},
        {3 * MIB, 2 * MIB, PUMP_LIMIT},
        {0, 1, PUMP_DONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        pump_kit_open(it);
        int source = pump_kit_noise_file(it, cases[i].sent), target = pump_kit_file(it, "target");
        struct pump_flow send = pump_sending(it, source), receive = pump_receiving(it, target);
        receive.settings.max_bytes = cases[i].max;
        pump_flow_start(&send);
        pump_flow_start(&receive);
        size_t kept = cases[i].sent < cases[i].max ? cases[i].sent : (size_t)cases[i].max;
        pump_flow_expect(it, &receive, cases[i].outcome, kept);
        pump_kit_assert_noise(target, 0, 0, kept);
        pump_flow_free(it, &send);
        pump_flow_free(it, &receive);
        close(target);
        pump_kit_close(it);

        pump_kit_open(it); /* and the other way */
        send = pump_sending(it, source);
        send.settings.max_bytes = cases[i].max;
        pump_flow_start(&send);
        NET_UNTIL(&it->net, send.done == 1);
        assert_int_equal(send.result.outcome, cases[i].outcome);
        net_kit_idle(&it->net);
        if (cases[i].outcome == PUMP_LIMIT) /* never a clean end */
            assert_int_equal(stream_end(it->pair.server.stream), STREAM_OPEN);
        pump_flow_free(it, &send);
        close(source);
        pump_kit_close(it);
    }
}

/* SEC-40. */
static void sec_40_a_full_disk_is_told(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int source = pump_kit_noise_file(it, 3 * MIB), target = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct pump_flow send = pump_sending(it, source), receive = pump_receiving(it, target);
    pump_flow_start(&send);
    pump_flow_start(&receive);
    NET_UNTIL(&it->net, receive.done == 1);
    assert_int_equal(receive.result.outcome, PUMP_WRITE_FAILED);
    assert_int_equal(receive.result.os_error, ENOSPC);
    pump_flow_free(it, &receive);
    pump_flow_free(it, &send);
    close(source);
    close(target);
    pump_kit_close(it);
}

/* SEC-40: found only when the last block is written, after the sender's proper end. */
static void sec_40_a_disk_that_fills_at_the_very_end_is_told(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int source = pump_kit_noise_file(it, 5000), target = pump_kit_file(it, "target");
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    struct pump_flow send = pump_sending(it, source), receive = pump_receiving(it, target);
    receive.settings.sync = true;
    pump_flow_start(&send);
    pump_flow_start(&receive);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    NET_UNTIL(&it->net, receive.done == 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(receive.result.outcome, PUMP_WRITE_FAILED);
    assert_int_equal(receive.result.os_error, EFBIG);
    assert_int_equal(receive.result.bytes, 5000);
    pump_flow_free(it, &receive);
    pump_flow_free(it, &send);
    close(source);
    close(target);
    pump_kit_close(it);
}

static void a_file_that_cannot_be_synced_is_told(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct pump_flow receive = pump_receiving(it, fds[1]);
    receive.settings.offset_bytes = FILE_SEQUENTIAL;
    receive.settings.sync = true;
    pump_flow_start(&receive);
    stream_finish(it->pair.client.stream);
    pump_flow_expect(it, &receive, PUMP_WRITE_FAILED, 0);
    assert_int_equal(receive.result.os_error, EINVAL);
    pump_flow_free(it, &receive);
    close(fds[0]);
    close(fds[1]);
    pump_kit_close(it);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    struct pump_kit *it = *state;
    static const int64_t offsets[] = {0, FILE_SEQUENTIAL};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        pump_kit_open(it);
        int source = open(it->dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct pump_flow send = pump_sending(it, source);
        send.settings.offset_bytes = offsets[i];
        pump_flow_start(&send);
        pump_flow_expect(it, &send, PUMP_READ_FAILED, 0);
        assert_int_equal(send.result.os_error, EISDIR);
        net_kit_idle(&it->net);
        assert_int_equal(stream_end(it->pair.server.stream), STREAM_OPEN); /* no clean end */
        pump_flow_free(it, &send);
        close(source);
        pump_kit_close(it);
    }
}

/* Standard output is read by somebody who waits: no block has to fill first. */
static void a_pipe_gets_bytes_as_they_come(void **state)
{
    struct pump_kit *it = *state;
    pump_kit_open(it);
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    struct pump_flow receive = pump_receiving(it, fds[1]);
    receive.settings.offset_bytes = FILE_SEQUENTIAL;
    pump_flow_start(&receive);
    net_end_say(&it->pair.client, "now");
    char word[10];
    NET_UNTIL(&it->net, read(fds[0], word, sizeof(word)) == 3);
    assert_int_equal(receive.done, 0);
    stream_finish(it->pair.client.stream);
    pump_flow_expect(it, &receive, PUMP_DONE, 3);
    pump_flow_free(it, &receive);
    close(fds[0]);
    close(fds[1]);
    pump_kit_close(it);
}

/* ---- no memory ---- */

struct scarce {
    struct pump_kit *it;
    int source, target;
};

static enum ferry_error transfer_scarcely(void *ctx)
{
    struct scarce *scarce = ctx;
    struct pump_kit *it = scarce->it;
    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct stream *from = stream_new(it->net.loop, fds[0], NULL, NULL);
    struct stream *to = stream_new(it->net.loop, fds[1], NULL, NULL);
    struct pump_flow send = {0}, receive = {0};
    enum ferry_error error = from && to ? FERRY_OK : FERRY_E_MEMORY;
    const struct pump_settings common = {.loop = it->net.loop, .done = pump_flow_done};
    if (error == FERRY_OK) {
        send.settings = common;
        send.settings.stream = from;
        send.settings.to_stream = true;
        send.settings.fd = scarce->source;
        send.settings.ctx = &send;
        error = pump_new(&send.settings, &send.pump);
    }
    if (error == FERRY_OK) {
        receive.settings = common;
        receive.settings.stream = to;
        receive.settings.fd = scarce->target;
        receive.settings.sync = true;
        receive.settings.ctx = &receive;
        error = pump_new(&receive.settings, &receive.pump);
    }
    net_kit_begin(&it->net);
    while (error == FERRY_OK && send.done == 0)
        net_kit_turn(&it->net);
    if (error == FERRY_OK && send.result.outcome == PUMP_DONE) {
        NET_UNTIL(&it->net, receive.done == 1);
        assert_true(receive.result.outcome == PUMP_DONE || receive.result.outcome == PUMP_FAILED);
        error = receive.result.outcome == PUMP_DONE ? FERRY_OK : FERRY_E_MEMORY;
    } else if (error == FERRY_OK) {
        assert_int_equal(
            send.result.outcome == PUMP_FAILED ||
                (send.result.outcome == PUMP_READ_FAILED && send.result.os_error == ENOMEM),
            true);
        error = FERRY_E_MEMORY;
    }
    pump_free(send.pump, pump_flow_freed, &send);
    pump_free(receive.pump, pump_flow_freed, &receive);
    NET_UNTIL(&it->net, send.freed == 1 && receive.freed == 1);
    stream_free(from);
    stream_free(to);
    return error;
}

static void memory_may_be_short_anywhere(void **state)
{
    struct scarce scarce = {.it = *state};
    scarce.source = pump_kit_noise_file(scarce.it, 1000);
    scarce.target = pump_kit_file(scarce.it, "target");
    alloc_fail_each(transfer_scarcely, &scarce, 60);
    close(scarce.source);
    close(scarce.target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUMP_EVERY_WAY(sec_51_a_silent_sender_stalls),
        PUMP_EVERY_WAY(sec_51_a_receiver_that_reads_nothing_stalls),
        PUMP_EVERY_WAY(a_slow_sender_does_not_stall),
        PUMP_IN_CLEAR(sec_51_a_file_that_takes_nothing_stalls),
        PUMP_EVERY_WAY(more_than_allowed_is_a_failure),
        PUMP_EVERY_WAY(sec_40_a_full_disk_is_told),
        PUMP_EVERY_WAY(sec_40_a_disk_that_fills_at_the_very_end_is_told),
        PUMP_IN_CLEAR(a_file_that_cannot_be_synced_is_told),
        PUMP_IN_CLEAR(a_file_that_cannot_be_read_is_told),
        PUMP_IN_CLEAR(a_pipe_gets_bytes_as_they_come),
        PUMP_IN_CLEAR(progress_is_told_now_and_then),
        PUMP_IN_CLEAR(memory_may_be_short_anywhere),
    };
    return cmocka_run_group_tests(tests, pump_kit_make_noise, pump_kit_drop_noise);
}
