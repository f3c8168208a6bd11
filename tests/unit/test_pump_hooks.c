/* Pumps with hooks: bytes made, taken or changed on their way. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/file.h"
#include "net/pump.h"
#include "support/net_kit.h"
#include "support/tempdir.h"

enum { MUCH_BYTES = 3 * 1024 * 1024 + 11, LAST_DOTS = 3 };

struct setup {
    struct net_kit net;
    struct tempdir dir;
    struct net_pair pair;
    struct buf seen; /* by the sink, or in the target file */

    /* What the hooks do. */
    struct pump *pump;
    const char *from; /* the source's bytes */
    size_t len, at, piece;
    bool waits, waiting; /* the source pauses between pieces */
    struct loop_task *wake;
    size_t filtered;
    unsigned last_calls;
    size_t fails_after; /* bytes; sink and filter then fail */

    struct pump_result result;
    unsigned done;
};

static int setup(void **state)
{
    static struct setup it;
    it = (struct setup){.fails_after = SIZE_MAX};
    net_kit_open(&it.net);
    tempdir_make(&it.dir);
    net_pair_open(&it.pair, &it.net, NET_TCP);
    buf_init(&it.seen, 4 * MUCH_BYTES);
    *state = &it;
    return 0;
}

static int teardown(void **state)
{
    struct setup *it = *state;
    buf_fini(&it->seen);
    net_pair_close(&it->pair);
    tempdir_remove(&it->dir);
    net_kit_close(&it->net);
    return 0;
}

static void done(void *ctx, const struct pump_result *result)
{
    struct setup *it = ctx;
    it->result = *result;
    it->done++;
}

static struct pump_settings settings(struct setup *it, bool to_stream)
{
    return (struct pump_settings){
        .loop = it->net.loop,
        .stream = to_stream ? it->pair.client.stream : it->pair.server.stream,
        .to_stream = to_stream,
        .fd = -1,
        .hook_ctx = it,
        .done = done,
        .ctx = it,
    };
}

static void run(struct setup *it, const struct pump_settings *with, enum pump_outcome outcome)
{
    assert_int_equal(pump_new(with, &it->pump), FERRY_OK);
    NET_UNTIL(&it->net, it->done == 1);
    assert_int_equal(it->result.outcome, outcome);
    net_kit_idle(&it->net);
    assert_int_equal(it->done, 1);
    pump_free(it->pump, NULL, NULL);
}

/* Has the client say all of `bytes` and end. */
static void say(struct setup *it, const char *bytes, size_t len)
{
    size_t said = 0;
    net_kit_begin(&it->net);
    while (said < len) {
        size_t taken;
        assert_int_equal(
            stream_write(it->pair.client.stream, bytes_of(bytes + said, len - said), &taken),
            FERRY_OK);
        said += taken;
        if (taken == 0)
            loop_turn(it->net.loop, false);
    }
    stream_finish(it->pair.client.stream);
}

static char *make_noise(void)
{
    char *noise = malloc(MUCH_BYTES);
    assert_non_null(noise);
    net_noise(noise, MUCH_BYTES, 7);
    return noise;
}

/* ---- source ---- */

static void wake(void *ctx)
{
    struct setup *it = ctx;
    it->waiting = false;
    pump_wake(it->pump);
}

static bool make_piece(void *ctx, struct buf *out)
{
    struct setup *it = ctx;
    if (it->waiting)
        return true;
    if (it->waits && it->at > 0) {
        it->waiting = true;
        loop_task_post(it->wake);
    }
    size_t len = it->len - it->at < it->piece ? it->len - it->at : it->piece;
    assert_int_equal(buf_append(out, bytes_of(it->from + it->at, len)), FERRY_OK);
    it->at += len;
    return it->at < it->len;
}

static void a_source_is_asked_until_it_ends(void **state)
{
    struct setup *it = *state;
    char *noise = make_noise();
    it->from = noise;
    it->len = MUCH_BYTES;
    it->piece = 64 * 1024;
    struct pump_settings with = settings(it, true);
    with.source = make_piece;
    run(it, &with, PUMP_DONE);
    assert_int_equal(it->result.bytes, MUCH_BYTES);
    NET_UNTIL(&it->net, stream_end(it->pair.server.stream) == STREAM_END_CLOSED);
    assert_int_equal(buf_len(&it->pair.server.received), MUCH_BYTES);
    assert_memory_equal(buf_view(&it->pair.server.received).ptr, noise, MUCH_BYTES);
    free(noise);
}

static void a_source_may_make_the_pump_wait(void **state)
{
    struct setup *it = *state;
    it->from = "drwx pub\r\n-rw- a\r\n-rw- b\r\n";
    it->len = strlen(it->from);
    it->piece = 10;
    it->waits = true;
    it->wake = loop_task_new(it->net.loop, wake, it);
    struct pump_settings with = settings(it, true);
    with.source = make_piece;
    run(it, &with, PUMP_DONE);
    net_end_expect(&it->net, &it->pair.server, it->from);
    loop_task_free(it->wake);
}

static void an_empty_source_is_an_empty_listing(void **state)
{
    struct setup *it = *state;
    struct pump_settings with = settings(it, true);
    with.source = make_piece;
    run(it, &with, PUMP_DONE);
    NET_UNTIL(&it->net, stream_end(it->pair.server.stream) == STREAM_END_CLOSED);
    assert_int_equal(buf_len(&it->pair.server.received), 0);
}

/* SEC-51: a source that never wakes the pump does not hold it for ever. */
static void sec_51_a_source_that_sleeps_stalls(void **state)
{
    struct setup *it = *state;
    it->len = 1;
    it->waiting = true;
    struct pump_settings with = settings(it, true);
    with.source = make_piece;
    with.stall_ns = 30 * CLOCK_NS_PER_MS;
    run(it, &with, PUMP_STALLED);
    assert_int_equal(stream_end(it->pair.server.stream), STREAM_OPEN);
}

/* That nobody listens any more is noticed while there is nothing to say. */
static void a_receiver_that_goes_while_the_source_sleeps_is_a_cut(void **state)
{
    struct setup *it = *state;
    it->len = 1;
    it->waiting = true;
    struct pump_settings with = settings(it, true);
    with.source = make_piece;
    stream_abort(it->pair.server.stream);
    run(it, &with, PUMP_CUT);
}

/* ---- sink ---- */

static bool take_piece(void *ctx, struct bytes in)
{
    struct setup *it = ctx;
    assert_true(in.len > 0);
    assert_int_equal(buf_append(&it->seen, in), FERRY_OK);
    return buf_len(&it->seen) <= it->fails_after;
}

static void a_sink_gets_it_all(void **state)
{
    struct setup *it = *state;
    char *noise = make_noise();
    struct pump_settings with = settings(it, false);
    with.sink = take_piece;
    assert_int_equal(pump_new(&with, &it->pump), FERRY_OK);
    say(it, noise, MUCH_BYTES);
    NET_UNTIL(&it->net, it->done == 1);
    assert_int_equal(it->result.outcome, PUMP_DONE);
    assert_int_equal(it->result.bytes, MUCH_BYTES);
    assert_int_equal(buf_len(&it->seen), MUCH_BYTES);
    assert_memory_equal(buf_view(&it->seen).ptr, noise, MUCH_BYTES);
    pump_free(it->pump, NULL, NULL);
    free(noise);
}

static void a_sink_may_have_enough(void **state)
{
    struct setup *it = *state;
    struct pump_settings with = settings(it, false);
    with.sink = take_piece;
    it->fails_after = 3;
    say(it, "listing", 7);
    run(it, &with, PUMP_FAILED);
    assert_int_equal(buf_len(&it->seen), 7);
}

/* ---- filter ---- */

/* What the pump owes a filter. */
static void check_call(struct setup *it, const struct bytes *in, bool last, const struct buf *out)
{
    assert_true(it->last_calls == 0 || last); /* nothing follows */
    assert_true(last == (in->len == 0));
    assert_int_equal(buf_len(out), 0);
    assert_true(buf_room(out) >= 2 * in->len + 64);
    it->last_calls += last;
}

/* Writes every byte twice, and "." at the end: as much as a filter may make. */
static enum ferry_error twice(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    struct setup *it = ctx;
    check_call(it, in, last, out);
    it->filtered += in->len;
    if (it->filtered > it->fails_after)
        return FERRY_E_MEMORY;
    for (; in->len > 0; *in = bytes_skip(*in, 1)) {
        const char both[2] = {in->ptr[0], in->ptr[0]};
        assert_int_equal(buf_append(out, bytes_of(both, 2)), FERRY_OK);
    }
    return it->last_calls == 1 ? buf_append(out, BYTES_LIT(".")) : FERRY_OK;
}

/* The same by and by: a few bytes with each call, in the end dots one by one, as a codec that makes
 * much of little. */
static enum ferry_error by_and_by(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    enum { TAKEN_BYTES = 1000 };
    struct setup *it = ctx;
    check_call(it, in, last, out);
    it->filtered += in->len;
    struct bytes part = bytes_first(*in, TAKEN_BYTES);
    *in = bytes_skip(*in, part.len);
    for (; part.len > 0; part = bytes_skip(part, 1)) {
        const char both[2] = {part.ptr[0], part.ptr[0]};
        assert_int_equal(buf_append(out, bytes_of(both, 2)), FERRY_OK);
    }
    return last && it->last_calls <= LAST_DOTS ? buf_append(out, BYTES_LIT(".")) : FERRY_OK;
}

static void assert_twice(struct bytes got, const char *bytes, size_t len)
{
    assert_int_equal(got.len, 2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        if (got.ptr[2 * i] != bytes[i] || got.ptr[2 * i + 1] != bytes[i])
            fail_msg("byte %zu is wrong", i);
    }
    assert_int_equal(got.ptr[2 * len], '.');
}

static int open_file(struct setup *it)
{
    int fd = openat(it->dir.fd, "file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static const size_t lengths[] = {0, 1, 64 * 1024, 64 * 1024 + 1, FILE_BLOCK_BYTES, MUCH_BYTES};

static void a_filter_changes_a_file_on_its_way_out(void **state)
{
    char *noise = make_noise();
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        setup(state);
        struct setup *it = *state;
        struct pump_settings with = settings(it, true);
        with.filter = twice;
        with.fd = open_file(it);
        assert_int_equal(pwrite(with.fd, noise, lengths[i], 0), (ssize_t)lengths[i]);
        run(it, &with, PUMP_DONE);
        assert_int_equal(it->result.bytes, 2 * lengths[i] + 1); /* on the stream's side */
        assert_int_equal(it->last_calls, 2);                    /* until it makes nothing */
        NET_UNTIL(&it->net, stream_end(it->pair.server.stream) == STREAM_END_CLOSED);
        assert_twice(buf_view(&it->pair.server.received), noise, lengths[i]);
        close(with.fd);
        teardown(state);
    }
    free(noise);
}

static void a_filter_changes_a_file_on_its_way_in(void **state)
{
    char *noise = make_noise();
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        setup(state);
        struct setup *it = *state;
        struct pump_settings with = settings(it, false);
        with.filter = twice;
        with.fd = open_file(it);
        assert_int_equal(pump_new(&with, &it->pump), FERRY_OK);
        say(it, noise, lengths[i]);
        NET_UNTIL(&it->net, it->done == 1);
        assert_int_equal(it->result.outcome, PUMP_DONE);
        assert_int_equal(it->result.bytes, lengths[i]);
        assert_int_equal(it->last_calls, 2); /* until it makes nothing */
        char *space;
        assert_int_equal(buf_reserve(&it->seen, 2 * lengths[i] + 2, &space), FERRY_OK);
        ssize_t got = pread(with.fd, space, 2 * lengths[i] + 2, 0);
        assert_true(got >= 0);
        buf_commit(&it->seen, (size_t)got);
        assert_twice(buf_view(&it->seen), noise, lengths[i]);
        pump_free(it->pump, NULL, NULL);
        close(with.fd);
        teardown(state);
    }
    free(noise);
}

static void a_filter_may_take_its_time(void **state)
{
    char *noise = make_noise();
    for (int to_stream = 0; to_stream < 2; to_stream++) {
        setup(state);
        struct setup *it = *state;
        struct pump_settings with = settings(it, to_stream);
        with.filter = by_and_by;
        with.fd = open_file(it);
        if (to_stream)
            assert_int_equal(pwrite(with.fd, noise, MUCH_BYTES, 0), (ssize_t)MUCH_BYTES);
        assert_int_equal(pump_new(&with, &it->pump), FERRY_OK);
        if (!to_stream)
            say(it, noise, MUCH_BYTES);
        NET_UNTIL(&it->net, it->done == 1);
        assert_int_equal(it->result.outcome, PUMP_DONE);
        assert_int_equal(it->last_calls, LAST_DOTS + 1);
        size_t len = 2 * MUCH_BYTES + LAST_DOTS;
        struct bytes got;
        if (to_stream) {
            NET_UNTIL(&it->net, stream_end(it->pair.server.stream) == STREAM_END_CLOSED);
            got = buf_view(&it->pair.server.received);
        } else {
            char *space;
            assert_int_equal(buf_reserve(&it->seen, len + 1, &space), FERRY_OK);
            assert_int_equal(pread(with.fd, space, len + 1, 0), (ssize_t)len);
            buf_commit(&it->seen, len);
            got = buf_view(&it->seen);
        }
        assert_int_equal(got.len, len);
        assert_true(bytes_equal(bytes_skip(got, 2 * MUCH_BYTES), BYTES_LIT("...")));
        assert_twice(bytes_first(got, 2 * MUCH_BYTES + 1), noise, MUCH_BYTES);
        pump_free(it->pump, NULL, NULL);
        close(with.fd);
        teardown(state);
    }
    free(noise);
}

static void a_filter_stands_before_a_sink_and_behind_a_source(void **state)
{
    struct setup *it = *state;
    struct pump_settings with = settings(it, false);
    with.filter = twice;
    with.sink = take_piece;
    say(it, "MLSD", 4);
    run(it, &with, PUMP_DONE);
    assert_twice(buf_view(&it->seen), "MLSD", 4);

    teardown(state);
    setup(state);
    with = settings(it, true);
    with.filter = twice;
    with.source = make_piece;
    it->from = "LIST";
    it->len = 4;
    it->piece = 3;
    run(it, &with, PUMP_DONE);
    NET_UNTIL(&it->net, stream_end(it->pair.server.stream) == STREAM_END_CLOSED);
    assert_twice(buf_view(&it->pair.server.received), "LIST", 4);
}

static void a_filter_that_fails_ends_the_pump(void **state)
{
    struct setup *it = *state;
    struct pump_settings with = settings(it, false);
    with.filter = twice;
    with.sink = take_piece;
    it->fails_after = 3;
    say(it, "bytes", 5);
    run(it, &with, PUMP_FAILED);

    teardown(state);
    setup(state);
    with = settings(it, true);
    with.filter = twice;
    with.source = make_piece;
    it->from = "bytes";
    it->len = 5;
    it->piece = 5;
    it->fails_after = 3;
    run(it, &with, PUMP_FAILED);
    net_kit_idle(&it->net);
    assert_int_equal(stream_end(it->pair.server.stream), STREAM_OPEN); /* no clean end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_source_is_asked_until_it_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(a_source_may_make_the_pump_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_source_is_an_empty_listing, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_51_a_source_that_sleeps_stalls, setup, teardown),
        cmocka_unit_test_setup_teardown(a_receiver_that_goes_while_the_source_sleeps_is_a_cut,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_sink_gets_it_all, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sink_may_have_enough, setup, teardown),
        cmocka_unit_test(a_filter_changes_a_file_on_its_way_out),
        cmocka_unit_test(a_filter_changes_a_file_on_its_way_in),
        cmocka_unit_test(a_filter_may_take_its_time),
        cmocka_unit_test_setup_teardown(a_filter_stands_before_a_sink_and_behind_a_source, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_filter_that_fails_ends_the_pump, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
