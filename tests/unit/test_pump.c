/* Pumps between streams and files: whole and equal, or an outcome that says what went wrong. */
#include "net/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/file.h"
#include "support/alloc_fail.h"
#include "support/net_kit.h"
#include "support/tempdir.h"

enum { MIB = 1024 * 1024, NOISE_BYTES = 64 * MIB };

struct setup {
    struct net_kit net;
    struct tls_kit tls;
    struct tempdir dir;
    bool sealed;
    struct net_pair pair; /* client and server */
};

static char *noise; /* NOISE_BYTES */

static int setup_with(void **state, bool sealed, enum tls_version version)
{
    static struct setup it;
    it = (struct setup){.sealed = sealed};
    net_kit_open(&it.net);
    tls_kit_open(&it.tls, &(struct tls_kit_options){.min = version, .max = version});
    tempdir_make(&it.dir);
    *state = &it;
    return 0;
}

static int setup_clear(void **state)
{
    return setup_with(state, false, TLS_VERSION_ANY);
}

static int setup_1_2(void **state)
{
    return setup_with(state, true, TLS_VERSION_1_2);
}

static int setup_1_3(void **state)
{
    return setup_with(state, true, TLS_VERSION_1_3);
}

static int teardown(void **state)
{
    struct setup *it = *state;
    tempdir_remove(&it->dir);
    tls_kit_close(&it->tls);
    net_kit_close(&it->net);
    return 0;
}

static void open_pair(struct setup *it)
{
    net_pair_open(&it->pair, &it->net, NET_TCP);
    if (it->sealed)
        net_pair_seal(&it->pair, &it->net, &it->tls);
}

static void close_pair(struct setup *it)
{
    net_pair_close(&it->pair);
}

/* ---- files ---- */

static int open_file(struct setup *it, const char *name)
{
    int fd = openat(it->dir.fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static int noise_file(struct setup *it, size_t len)
{
    int fd = open_file(it, "source");
    assert_int_equal(pwrite(fd, noise, len, 0), (ssize_t)len);
    return fd;
}

/* The file holds exactly `len` bytes of noise, `from` on, at its offset `at`. */
static void assert_noise(int fd, off_t at, size_t from, size_t len)
{
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    assert_int_equal(facts.st_size, len > 0 ? at + (off_t)len : facts.st_size);
    static char piece[MIB];
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(fd, piece, sizeof(piece), at + (off_t)done);
        assert_true(got > 0);
        assert_memory_equal(piece, noise + from + done, (size_t)got);
        done += (size_t)got;
    }
}

/* ---- pumps ---- */

/* A pump and what came of it. */
struct flow {
    struct pump_settings settings;
    struct pump *pump;
    struct pump_result result;
    unsigned done, progress, freed;
    uint64_t last_progress;
    bool free_in_done, free_in_progress;
};

static void flow_freed(void *ctx)
{
    struct flow *flow = ctx;
    flow->freed++;
}

static void flow_done(void *ctx, const struct pump_result *result)
{
    struct flow *flow = ctx;
    flow->done++;
    flow->result = *result;
    if (flow->free_in_done)
        pump_free(flow->pump, flow_freed, flow);
}

static void flow_progress(void *ctx, uint64_t bytes)
{
    struct flow *flow = ctx;
    assert_true(bytes > flow->last_progress);
    flow->last_progress = bytes;
    flow->progress++;
    if (flow->free_in_progress)
        pump_free(flow->pump, flow_freed, flow);
}

/* From `fd` to the client's stream, or from the server's stream to `fd`; to be changed before
 * flow_start. */
static struct flow sending(struct setup *it, int fd)
{
    return (struct flow){
        .settings = {
            .loop = it->net.loop, .stream = it->pair.client.stream, .to_stream = true, .fd = fd}};
}

static struct flow receiving(struct setup *it, int fd)
{
    return (struct flow){
        .settings = {.loop = it->net.loop, .stream = it->pair.server.stream, .fd = fd}};
}

static void flow_start(struct flow *flow)
{
    flow->settings.done = flow_done;
    flow->settings.progress = flow_progress;
    flow->settings.ctx = flow;
    assert_int_equal(pump_new(&flow->settings, &flow->pump), FERRY_OK);
}

static void flow_free(struct setup *it, struct flow *flow)
{
    pump_free(flow->pump, flow_freed, flow);
    NET_UNTIL(&it->net, flow->freed == 1);
}

static void assert_outcome(struct setup *it, struct flow *flow, enum pump_outcome outcome,
                           uint64_t bytes)
{
    NET_UNTIL(&it->net, flow->done > 0);
    assert_int_equal(flow->result.outcome, outcome);
    assert_int_equal(flow->result.bytes, bytes);
    assert_int_equal(pump_bytes(flow->pump), bytes);
    net_kit_idle(&it->net);
    assert_int_equal(flow->done, 1);
}

/* ---- whole files ---- */

static void transfer(struct setup *it, size_t len, int64_t from, int64_t to, bool sync)
{
    open_pair(it);
    int source = noise_file(it, len), target = open_file(it, "target");
    struct flow send = sending(it, source), receive = receiving(it, target);
    send.settings.offset_bytes = from;
    receive.settings.offset_bytes = to;
    receive.settings.sync = sync;
    flow_start(&send);
    flow_start(&receive);
    size_t left = from == FILE_SEQUENTIAL ? len : len - (size_t)from;
    assert_outcome(it, &receive, PUMP_DONE, left);
    assert_outcome(it, &send, PUMP_DONE, left);
    assert_noise(target, to == FILE_SEQUENTIAL ? 0 : (off_t)to, len - left, left);
    flow_free(it, &send);
    flow_free(it, &receive);
    close(source);
    close(target);
    close_pair(it);
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
    transfer(*state, NOISE_BYTES, 0, 0, true);
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
    struct setup *it = *state;
    open_pair(it);
    struct net_pair up = it->pair;
    open_pair(it);
    struct net_pair down = it->pair;
    int source = noise_file(it, 8 * MIB);
    int uploaded = open_file(it, "uploaded"), downloaded = open_file(it, "downloaded");
    struct flow flows[4] = {sending(it, source), receiving(it, uploaded), sending(it, source),
                            receiving(it, downloaded)};
    flows[0].settings.stream = up.client.stream;
    flows[1].settings.stream = up.server.stream;
    flows[2].settings.stream = down.server.stream;
    flows[3].settings.stream = down.client.stream;
    for (int i = 0; i < 4; i++)
        flow_start(&flows[i]);
    for (int i = 0; i < 4; i++)
        assert_outcome(it, &flows[i], PUMP_DONE, 8 * MIB);
    assert_noise(uploaded, 0, 0, 8 * MIB);
    assert_noise(downloaded, 0, 0, 8 * MIB);
    for (int i = 0; i < 4; i++)
        flow_free(it, &flows[i]);
    close(source);
    close(uploaded);
    close(downloaded);
    it->pair = up;
    close_pair(it);
    it->pair = down;
    close_pair(it);
}

/* ---- ends that are not whole ---- */

/* TLS-175, SEC-12: what was received is kept, and is not called whole. */
static void tls_175_a_sender_that_goes_is_a_cut(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int target = open_file(it, "target");
    struct flow receive = receiving(it, target);
    flow_start(&receive);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(noise, 100000), &taken),
                     FERRY_OK);
    assert_int_equal(taken, 100000);
    NET_UNTIL(&it->net, pump_bytes(receive.pump) == 100000);
    stream_abort(it->pair.client.stream);
    assert_outcome(it, &receive, PUMP_CUT, 100000);
    assert_noise(target, 0, 0, 100000);
    flow_free(it, &receive);
    close(target);
    close_pair(it);
}

static void fin_alone_is_a_cut_under_tls_and_an_end_in_the_clear(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int target = open_file(it, "target");
    struct flow receive = receiving(it, target);
    flow_start(&receive);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(noise, 5000), &taken), FERRY_OK);
    NET_UNTIL(&it->net, it->pair.client.flushes == 1);
    stream_free(it->pair.client.stream);
    it->pair.client.stream = NULL;
    assert_outcome(it, &receive, it->sealed ? PUMP_CUT : PUMP_DONE, 5000);
    assert_noise(target, 0, 0, 5000);
    flow_free(it, &receive);
    close(target);
    close_pair(it);
}

static void a_receiver_that_goes_is_a_cut(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int source = noise_file(it, NOISE_BYTES);
    struct flow send = sending(it, source);
    flow_start(&send);
    NET_UNTIL(&it->net, buf_len(&it->pair.server.received) > MIB);
    stream_abort(it->pair.server.stream);
    NET_UNTIL(&it->net, send.done == 1);
    assert_int_equal(send.result.outcome, PUMP_CUT);
    assert_true(send.result.bytes < NOISE_BYTES);
    flow_free(it, &send);
    close(source);
    close_pair(it);
}

/* While all waits for the receiver, its end is noticed as well. */
static void a_receiver_that_goes_at_the_end_is_a_cut(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    it->pair.server.lazy = true;
    int source = noise_file(it, NOISE_BYTES);
    struct flow send = sending(it, source);
    flow_start(&send);
    NET_UNTIL(&it->net, it->pair.server.inputs == 1);
    uint64_t before;
    do {
        before = pump_bytes(send.pump);
        net_kit_idle(&it->net);
    } while (pump_bytes(send.pump) != before);
    assert_true(before < NOISE_BYTES);
    assert_int_equal(send.done, 0);
    stream_abort(it->pair.server.stream);
    NET_UNTIL(&it->net, send.done == 1);
    assert_int_equal(send.result.outcome, PUMP_CUT);
    flow_free(it, &send);
    close(source);
    close_pair(it);
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
    struct setup *it = *state;
    for (int rudely = 0; rudely < 2; rudely++) {
        open_pair(it);
        struct leaver leaver = {.stream = it->pair.server.stream, .rudely = rudely == 1};
        it->pair.server.stream = NULL;
        stream_set_events(leaver.stream, &events, &leaver);
        int source = noise_file(it, 5000);
        struct flow send = sending(it, source);
        flow_start(&send);
        assert_outcome(it, &send, PUMP_DONE, 5000);
        NET_UNTIL(&it->net, !leaver.stream);
        assert_int_equal(leaver.received, 5000);
        flow_free(it, &send);
        close(source);
        close_pair(it);
    }
}

static void what_is_no_tls_is_a_failure_told_by_the_stream(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int target = open_file(it, "target");
    assert_int_equal(
        stream_start_tls(it->pair.server.stream, net_pair_server_engine(&it->pair, &it->tls)),
        FERRY_OK);
    struct flow receive = receiving(it, target);
    flow_start(&receive);
    net_end_say(&it->pair.client, "GET / HTTP/1.1\r\n\r\n");
    assert_outcome(it, &receive, PUMP_FAILED, 0);
    assert_int_equal(stream_fault(it->pair.server.stream)->kind, FERRY_E_TLS);
    flow_free(it, &receive);
    close(target);
    close_pair(it);
}

/* SEC-51: neither a silent sender nor a receiver that reads nothing lasts. */
static void sec_51_a_silent_sender_stalls(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int target = open_file(it, "target");
    struct flow receive = receiving(it, target);
    receive.settings.stall_ns = 300 * CLOCK_NS_PER_MS;
    flow_start(&receive);
    uint64_t start_ns = loop_now_ns(it->net.loop);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(noise, 777), &taken), FERRY_OK);
    assert_outcome(it, &receive, PUMP_STALLED, 777);
    assert_true(loop_now_ns(it->net.loop) - start_ns >= 290 * CLOCK_NS_PER_MS);
    assert_noise(target, 0, 0, 777); /* for a resume */
    flow_free(it, &receive);
    close(target);
    close_pair(it);
}

static void sec_51_a_receiver_that_reads_nothing_stalls(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    it->pair.server.lazy = true;
    int source = noise_file(it, NOISE_BYTES);
    struct flow send = sending(it, source);
    send.settings.stall_ns = 300 * CLOCK_NS_PER_MS;
    flow_start(&send);
    NET_UNTIL(&it->net, send.done == 1);
    assert_int_equal(send.result.outcome, PUMP_STALLED);
    flow_free(it, &send);
    close(source);
    close_pair(it);
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
    struct setup *it = *state;
    open_pair(it);
    int target = open_file(it, "target");
    struct flow receive = receiving(it, target);
    receive.settings.stall_ns = CLOCK_NS_PER_S;
    flow_start(&receive);
    struct trickle trickle = {.end = &it->pair.client, .loop = it->net.loop, .left = 60};
    trickle.timer = loop_timer_new(it->net.loop, trickle_on, &trickle);
    trickle_on(&trickle);
    assert_outcome(it, &receive, PUMP_DONE, 60); /* after longer than the limit */
    loop_timer_free(trickle.timer);
    flow_free(it, &receive);
    close(target);
    close_pair(it);
}

/* SEC-51: a disk that takes nothing, here a pipe that nobody reads, does not hold the pump for
 * ever, although the sender came to its proper end. */
static void sec_51_a_file_that_takes_nothing_stalls(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct flow receive = receiving(it, fds[1]);
    receive.settings.offset_bytes = FILE_SEQUENTIAL;
    receive.settings.stall_ns = 300 * CLOCK_NS_PER_MS;
    flow_start(&receive);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(noise, 200000), &taken),
                     FERRY_OK);
    stream_finish(it->pair.client.stream);
    assert_outcome(it, &receive, PUMP_STALLED, 200000);
    flow_free(it, &receive);
    close(fds[0]);
    close(fds[1]);
    close_pair(it);
}

/* ---- limits and disks ---- */

static void more_than_allowed_is_a_failure(void **state)
{
    struct setup *it = *state;
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
        open_pair(it);
        int source = noise_file(it, cases[i].sent), target = open_file(it, "target");
        struct flow send = sending(it, source), receive = receiving(it, target);
        receive.settings.max_bytes = cases[i].max;
        flow_start(&send);
        flow_start(&receive);
        size_t kept = cases[i].sent < cases[i].max ? cases[i].sent : (size_t)cases[i].max;
        assert_outcome(it, &receive, cases[i].outcome, kept);
        assert_noise(target, 0, 0, kept);
        flow_free(it, &send);
        flow_free(it, &receive);
        close(target);
        close_pair(it);

        open_pair(it); /* and the other way */
        send = sending(it, source);
        send.settings.max_bytes = cases[i].max;
        flow_start(&send);
        NET_UNTIL(&it->net, send.done == 1);
        assert_int_equal(send.result.outcome, cases[i].outcome);
        net_kit_idle(&it->net);
        if (cases[i].outcome == PUMP_LIMIT) /* never a clean end */
            assert_int_equal(stream_end(it->pair.server.stream), STREAM_OPEN);
        flow_free(it, &send);
        close(source);
        close_pair(it);
    }
}

/* SEC-40. */
static void sec_40_a_full_disk_is_told(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int source = noise_file(it, 3 * MIB), target = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct flow send = sending(it, source), receive = receiving(it, target);
    flow_start(&send);
    flow_start(&receive);
    NET_UNTIL(&it->net, receive.done == 1);
    assert_int_equal(receive.result.outcome, PUMP_WRITE_FAILED);
    assert_int_equal(receive.result.os_error, ENOSPC);
    flow_free(it, &receive);
    flow_free(it, &send);
    close(source);
    close(target);
    close_pair(it);
}

/* SEC-40: found only when the last block is written, after the sender's proper end. */
static void sec_40_a_disk_that_fills_at_the_very_end_is_told(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int source = noise_file(it, 5000), target = open_file(it, "target");
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    struct flow send = sending(it, source), receive = receiving(it, target);
    receive.settings.sync = true;
    flow_start(&send);
    flow_start(&receive);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    NET_UNTIL(&it->net, receive.done == 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(receive.result.outcome, PUMP_WRITE_FAILED);
    assert_int_equal(receive.result.os_error, EFBIG);
    assert_int_equal(receive.result.bytes, 5000);
    flow_free(it, &receive);
    flow_free(it, &send);
    close(source);
    close(target);
    close_pair(it);
}

static void a_file_that_cannot_be_synced_is_told(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct flow receive = receiving(it, fds[1]);
    receive.settings.offset_bytes = FILE_SEQUENTIAL;
    receive.settings.sync = true;
    flow_start(&receive);
    stream_finish(it->pair.client.stream);
    assert_outcome(it, &receive, PUMP_WRITE_FAILED, 0);
    assert_int_equal(receive.result.os_error, EINVAL);
    flow_free(it, &receive);
    close(fds[0]);
    close(fds[1]);
    close_pair(it);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    struct setup *it = *state;
    static const int64_t offsets[] = {0, FILE_SEQUENTIAL};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        open_pair(it);
        int source = open(it->dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct flow send = sending(it, source);
        send.settings.offset_bytes = offsets[i];
        flow_start(&send);
        assert_outcome(it, &send, PUMP_READ_FAILED, 0);
        assert_int_equal(send.result.os_error, EISDIR);
        net_kit_idle(&it->net);
        assert_int_equal(stream_end(it->pair.server.stream), STREAM_OPEN); /* no clean end */
        flow_free(it, &send);
        close(source);
        close_pair(it);
    }
}

/* Standard output is read by somebody who waits: no block has to fill first. */
static void a_pipe_gets_bytes_as_they_come(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    struct flow receive = receiving(it, fds[1]);
    receive.settings.offset_bytes = FILE_SEQUENTIAL;
    flow_start(&receive);
    net_end_say(&it->pair.client, "now");
    char word[10];
    NET_UNTIL(&it->net, read(fds[0], word, sizeof(word)) == 3);
    assert_int_equal(receive.done, 0);
    stream_finish(it->pair.client.stream);
    assert_outcome(it, &receive, PUMP_DONE, 3);
    flow_free(it, &receive);
    close(fds[0]);
    close(fds[1]);
    close_pair(it);
}

/* ---- giving up ---- */

/* The descriptor is in use until `freed`, whatever the pump was doing. */
static void a_pump_can_be_freed_at_any_moment(void **state)
{
    struct setup *it = *state;
    for (int turns = 0; turns < 30; turns++) {
        open_pair(it);
        int source = noise_file(it, 3 * MIB), target = open_file(it, "target");
        struct flow send = sending(it, source), receive = receiving(it, target);
        flow_start(&send);
        flow_start(&receive);
        for (int i = 0; i < turns; i++)
            loop_turn(it->net.loop, false);
        pump_free(receive.pump, flow_freed, &receive);
        pump_free(send.pump, flow_freed, &send);
        stream_abort(it->pair.client.stream);
        NET_UNTIL(&it->net, send.freed == 1 && receive.freed == 1);
        close(source);
        close(target);
        net_kit_idle(&it->net);
        assert_int_equal(receive.freed + send.freed, 2);
        close_pair(it);
    }
    pump_free(NULL, NULL, NULL);
}

/* A job that is under way when the pump is freed: `freed` is not called before it is back. */
static void a_descriptor_stays_in_use_while_a_job_has_it(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int fds[2];
    assert_int_equal(pipe(fds), 0); /* nobody reads: the job cannot end by itself */
    struct flow receive = receiving(it, fds[1]);
    receive.settings.offset_bytes = FILE_SEQUENTIAL;
    flow_start(&receive);
    size_t taken;
    assert_int_equal(stream_write(it->pair.client.stream, bytes_of(noise, 200000), &taken),
                     FERRY_OK);
    NET_UNTIL(&it->net, pump_bytes(receive.pump) == 200000);
    pump_free(receive.pump, flow_freed, &receive);
    assert_int_equal(receive.freed, 0);
    stream_abort(it->pair.server.stream); /* the stream is no longer the pump's */
    NET_UNTIL(&it->net, receive.freed == 1);
    assert_int_equal(receive.done, 0);
    close(fds[0]);
    close(fds[1]);
    close_pair(it);
}

static void done_may_free_the_pump(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int source = noise_file(it, 5000), target = open_file(it, "target");
    struct flow send = sending(it, source), receive = receiving(it, target);
    send.free_in_done = receive.free_in_done = true;
    flow_start(&send);
    flow_start(&receive);
    NET_UNTIL(&it->net, send.freed == 1 && receive.freed == 1);
    net_kit_idle(&it->net);
    assert_int_equal(send.done + receive.done, 2);
    close(source);
    close(target);
    close_pair(it);
}

static void progress_may_free_the_pump(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int source = open_file(it, "source"), target = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(source, INT64_C(1) << 40), 0); /* for long enough */
    struct flow send = sending(it, source), receive = receiving(it, target);
    send.free_in_progress = receive.free_in_progress = true;
    flow_start(&send);
    flow_start(&receive);
    NET_UNTIL(&it->net, send.freed + receive.freed > 0);
    struct flow *left = send.freed > 0 ? &receive : &send;
    left->free_in_progress = false;
    if (left->progress == 0)
        flow_free(it, left);
    NET_UNTIL(&it->net, left->freed == 1); /* a job of it may be under way */
    net_kit_idle(&it->net);
    assert_int_equal(send.done + receive.done, 0);
    close(source);
    close(target);
    close_pair(it);
}

/* After `done` the stream is its owner's again, and the pump hears nothing more of it. */
static void a_stream_outlives_its_pump(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int source = noise_file(it, 1000);
    struct flow send = sending(it, source);
    flow_start(&send);
    assert_outcome(it, &send, PUMP_DONE, 1000);
    NET_UNTIL(&it->net, stream_end(it->pair.server.stream) == STREAM_END_CLOSED);
    net_end_say(&it->pair.server, "thanks"); /* a half close: the other half still works */
    net_end_adopt(&it->pair.client, it->pair.client.stream);
    net_end_expect(&it->net, &it->pair.client, "thanks");
    assert_int_equal(send.done, 1);
    stream_close(it->pair.client.stream, 10 * CLOCK_NS_PER_S);
    stream_close(it->pair.server.stream, 10 * CLOCK_NS_PER_S);
    NET_UNTIL(&it->net, it->pair.client.closes == 1);
    flow_free(it, &send);
    close(source);
    close_pair(it);
}

/* ---- pace ---- */

static void a_pump_moves_no_more_than_its_share_in_a_turn(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int source = noise_file(it, NOISE_BYTES), target = open_file(it, "target");
    struct flow send = sending(it, source), receive = receiving(it, target);
    flow_start(&send);
    flow_start(&receive);
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
    assert_int_equal(received, NOISE_BYTES);
    assert_true(most > 0 && most <= 256 * 1024);
    flow_free(it, &send);
    flow_free(it, &receive);
    close(source);
    close(target);
    close_pair(it);
}

static void progress_is_told_now_and_then(void **state)
{
    struct setup *it = *state;
    open_pair(it);
    int target = open_file(it, "target");
    struct flow receive = receiving(it, target);
    flow_start(&receive);
    struct trickle trickle = {.end = &it->pair.client, .loop = it->net.loop, .left = 25};
    trickle.timer = loop_timer_new(it->net.loop, trickle_on, &trickle);
    uint64_t start_ns = loop_now_ns(it->net.loop);
    trickle_on(&trickle);
    assert_outcome(it, &receive, PUMP_DONE, 25);
    uint64_t took_ns = loop_now_ns(it->net.loop) - start_ns;
    assert_true(receive.progress > 0);
    assert_true(receive.progress <= took_ns / (100 * CLOCK_NS_PER_MS));
    loop_timer_free(trickle.timer);
    flow_free(it, &receive);
    close(target);
    close_pair(it);
}

static void many_pumps_at_once(void **state)
{
    struct setup *it = *state;
    enum { PAIRS = 100 };
    struct net_pair *pairs = calloc(PAIRS, sizeof(*pairs));
    struct flow *flows = calloc(2 * PAIRS, sizeof(*flows));
    int targets[PAIRS];
    assert_true(pairs && flows);
    int source = noise_file(it, 20000);
    for (int i = 0; i < PAIRS; i++) {
        open_pair(it);
        pairs[i] = it->pair;
        char name[20];
        snprintf(name, sizeof(name), "target%d", i);
        targets[i] = open_file(it, name);
        flows[2 * i] = sending(it, source);
        flows[2 * i + 1] = receiving(it, targets[i]);
        flow_start(&flows[2 * i]);
        flow_start(&flows[2 * i + 1]);
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        assert_outcome(it, &flows[i], PUMP_DONE, 20000);
    for (int i = 0; i < PAIRS; i++) {
        assert_noise(targets[i], 0, 0, 20000);
        flow_free(it, &flows[2 * i]);
        flow_free(it, &flows[2 * i + 1]);
        close(targets[i]);
        net_pair_close(&pairs[i]);
    }
    close(source);
    free(pairs);
    free(flows);
}

/* ---- no memory ---- */

struct scarce {
    struct setup *it;
    int source, target;
};

static enum ferry_error transfer_scarcely(void *ctx)
{
    struct scarce *scarce = ctx;
    struct setup *it = scarce->it;
    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct stream *from = stream_new(it->net.loop, fds[0], NULL, NULL);
    struct stream *to = stream_new(it->net.loop, fds[1], NULL, NULL);
    struct flow send = {0}, receive = {0};
    enum ferry_error error = from && to ? FERRY_OK : FERRY_E_MEMORY;
    const struct pump_settings common = {.loop = it->net.loop, .done = flow_done};
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
    pump_free(send.pump, flow_freed, &send);
    pump_free(receive.pump, flow_freed, &receive);
    NET_UNTIL(&it->net, send.freed == 1 && receive.freed == 1);
    stream_free(from);
    stream_free(to);
    return error;
}

static void memory_may_be_short_anywhere(void **state)
{
    struct scarce scarce = {.it = *state};
    scarce.source = noise_file(scarce.it, 1000);
    scarce.target = open_file(scarce.it, "target");
    alloc_fail_each(transfer_scarcely, &scarce, 60);
    close(scarce.source);
    close(scarce.target);
}

static int make_noise(void **state)
{
    (void)state;
    noise = malloc(NOISE_BYTES);
    if (!noise)
        return -1;
    net_noise(noise, NOISE_BYTES, 6);
    return 0;
}

static int drop_noise(void **state)
{
    (void)state;
    free(noise);
    return 0;
}

#define IN_CLEAR(test) cmocka_unit_test_setup_teardown(test, setup_clear, teardown)
#define EVERY_WAY(test)                                                                            \
    {#test " (clear)", test, setup_clear, teardown, NULL},                                         \
        {#test " (TLS 1.2)", test, setup_1_2, teardown, NULL},                                     \
    {                                                                                              \
#test " (TLS 1.3)", test, setup_1_3, teardown, NULL                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_WAY(files_of_every_size_cross_whole),
        EVERY_WAY(a_large_file_crosses_whole),
        IN_CLEAR(a_file_crosses_from_and_to_an_offset),
        EVERY_WAY(files_cross_both_ways_in_two_connections),
        EVERY_WAY(tls_175_a_sender_that_goes_is_a_cut),
        EVERY_WAY(fin_alone_is_a_cut_under_tls_and_an_end_in_the_clear),
        EVERY_WAY(a_receiver_that_goes_is_a_cut),
        EVERY_WAY(a_receiver_that_goes_at_the_end_is_a_cut),
        EVERY_WAY(tls_177_tls_181_a_receiver_that_has_all_may_go_as_it_likes),
        IN_CLEAR(what_is_no_tls_is_a_failure_told_by_the_stream),
        EVERY_WAY(sec_51_a_silent_sender_stalls),
        EVERY_WAY(sec_51_a_receiver_that_reads_nothing_stalls),
        EVERY_WAY(a_slow_sender_does_not_stall),
        IN_CLEAR(sec_51_a_file_that_takes_nothing_stalls),
        EVERY_WAY(more_than_allowed_is_a_failure),
        EVERY_WAY(sec_40_a_full_disk_is_told),
        EVERY_WAY(sec_40_a_disk_that_fills_at_the_very_end_is_told),
        IN_CLEAR(a_file_that_cannot_be_synced_is_told),
        IN_CLEAR(a_file_that_cannot_be_read_is_told),
        IN_CLEAR(a_pipe_gets_bytes_as_they_come),
        EVERY_WAY(a_pump_can_be_freed_at_any_moment),
        EVERY_WAY(a_descriptor_stays_in_use_while_a_job_has_it),
        EVERY_WAY(done_may_free_the_pump),
        EVERY_WAY(progress_may_free_the_pump),
        EVERY_WAY(a_stream_outlives_its_pump),
        EVERY_WAY(a_pump_moves_no_more_than_its_share_in_a_turn),
        IN_CLEAR(progress_is_told_now_and_then),
        EVERY_WAY(many_pumps_at_once),
        IN_CLEAR(memory_may_be_short_anywhere),
    };
    return cmocka_run_group_tests(tests, make_noise, drop_noise);
}
