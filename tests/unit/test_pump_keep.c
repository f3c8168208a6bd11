/* Pumps over a stream that outlives them: they take no more than they should, and leave it open
 * (FTP-44). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/pump_kit.h"

enum { FIRST_BYTES = 300 * 1000, SECOND_BYTES = 70 * 1000 };

struct keeper {
    struct pump_flow flow;
    size_t left;     /* of the file that comes */
    size_t flush_at; /* `left`, when the filter asks for the bytes to be written; SIZE_MAX: never */
    uint64_t written;
    unsigned writes;
};

static enum ferry_error pass(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    struct keeper *keeper = ctx;
    assert_true(in->len <= keeper->left);
    assert_true(last || in->len > 0);
    keeper->left -= in->len;
    enum ferry_error error = buf_append(out, *in);
    *in = bytes_skip(*in, in->len);
    if (keeper->left <= keeper->flush_at)
        pump_flush(keeper->flow.pump);
    return error;
}

static size_t wanted(void *ctx)
{
    const struct keeper *keeper = ctx;
    return keeper->left < 10000 ? keeper->left : 10000;
}

static void written(void *ctx, uint64_t bytes)
{
    struct keeper *keeper = ctx;
    assert_true(bytes > keeper->written);
    keeper->written = bytes;
    keeper->writes++;
}

static void keeper_start(struct pump_kit *kit, struct keeper *keeper, int fd, size_t len)
{
    *keeper = (struct keeper){.left = len, .flush_at = 0, .flow = pump_receiving(kit, fd)};
    keeper->flow.settings.filter = pass;
    keeper->flow.settings.wanted = wanted;
    keeper->flow.settings.written = written;
    keeper->flow.settings.hook_ctx = keeper;
    pump_flow_start(&keeper->flow);
}

static void send_noise(struct pump_kit *kit, size_t from, size_t len)
{
    struct bytes rest = bytes_of(pump_kit_noise + from, len);
    net_kit_begin(&kit->net);
    while (rest.len > 0) {
        size_t taken;
        assert_int_equal(stream_write(kit->pair.client.stream, rest, &taken), FERRY_OK);
        rest = bytes_skip(rest, taken);
        if (rest.len > 0)
            net_kit_turn(&kit->net);
    }
}

/* Two files in one go, two pumps: each has what is its own, and the stream is open after both. */
static void what_is_not_wanted_stays_in_the_stream(void **state)
{
    struct pump_kit *kit = *state;
    pump_kit_open(kit);
    struct keeper first, second;
    int one = pump_kit_file(kit, "one"), two = pump_kit_file(kit, "two");
    keeper_start(kit, &first, one, FIRST_BYTES);
    send_noise(kit, 0, FIRST_BYTES + SECOND_BYTES);
    pump_flow_expect(kit, &first.flow, PUMP_DONE, FIRST_BYTES);
    pump_flow_free(kit, &first.flow);
    keeper_start(kit, &second, two, SECOND_BYTES);
    pump_flow_expect(kit, &second.flow, PUMP_DONE, SECOND_BYTES);
    pump_flow_free(kit, &second.flow);
    assert_int_equal(stream_end(kit->pair.server.stream), STREAM_OPEN);
    assert_int_equal(first.written, FIRST_BYTES);
    assert_int_equal(second.written, SECOND_BYTES);
    pump_kit_assert_noise(one, 0, 0, FIRST_BYTES);
    pump_kit_assert_noise(two, 0, FIRST_BYTES, SECOND_BYTES);
    close(one);
    close(two);
    pump_kit_close(kit);
}

/* A filter that wants nothing: an empty file, for which nothing has to come. */
static void nothing_wanted_is_the_end(void **state)
{
    struct pump_kit *kit = *state;
    pump_kit_open(kit);
    struct keeper keeper;
    int fd = pump_kit_file(kit, "empty");
    keeper_start(kit, &keeper, fd, 0);
    pump_flow_expect(kit, &keeper.flow, PUMP_DONE, 0);
    pump_flow_free(kit, &keeper.flow);
    assert_int_equal(keeper.writes, 0);
    close(fd);
    pump_kit_close(kit);
}

/* Without pump_flush so few bytes would wait for a block to be full. */
static void what_is_flushed_is_written_before_more_comes(void **state)
{
    struct pump_kit *kit = *state;
    pump_kit_open(kit);
    struct keeper keeper;
    int fd = pump_kit_file(kit, "file");
    keeper_start(kit, &keeper, fd, 2000);
    keeper.flush_at = 1000;
    send_noise(kit, 0, 999);
    net_kit_idle(&kit->net);
    assert_int_equal(keeper.writes, 0);
    send_noise(kit, 999, 1);
    NET_UNTIL(&kit->net, keeper.written == 1000);
    pump_kit_assert_noise(fd, 0, 0, 1000);
    send_noise(kit, 1000, 1000);
    pump_flow_expect(kit, &keeper.flow, PUMP_DONE, 2000);
    pump_flow_free(kit, &keeper.flow);
    close(fd);
    pump_kit_close(kit);
}

/* Two files to one stream, which is not ended; and what the peer says meanwhile is nobody's yet. */
static void a_stream_that_is_kept_is_left_open_and_unread(void **state)
{
    struct pump_kit *kit = *state;
    pump_kit_open(kit);
    int fd = pump_kit_noise_file(kit, FIRST_BYTES);
    kit->pair.client.lazy = true;
    net_end_say(&kit->pair.server, "for the next one");
    net_kit_idle(&kit->net);
    for (int i = 1; i <= 2; i++) {
        struct pump_flow flow = pump_sending(kit, fd);
        flow.settings.keep_stream = true;
        pump_flow_start(&flow);
        pump_flow_expect(kit, &flow, PUMP_DONE, FIRST_BYTES);
        pump_flow_free(kit, &flow);
        NET_UNTIL(&kit->net, buf_len(&kit->pair.server.received) == (size_t)i * FIRST_BYTES);
    }
    assert_int_equal(stream_end(kit->pair.server.stream), STREAM_OPEN);
    char said[64];
    size_t got;
    stream_read(kit->pair.client.stream, said, sizeof(said), &got);
    assert_true(bytes_equal(bytes_of(said, got), BYTES_LIT("for the next one")));
    close(fd);
    pump_kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUMP_EVERY_WAY(what_is_not_wanted_stays_in_the_stream),
        PUMP_EVERY_WAY(nothing_wanted_is_the_end),
        PUMP_EVERY_WAY(what_is_flushed_is_written_before_more_comes),
        PUMP_EVERY_WAY(a_stream_that_is_kept_is_left_open_and_unread),
    };
    return cmocka_run_group_tests_name("pump_keep", tests, pump_kit_make_noise,
                                       pump_kit_drop_noise);
}
