/* To the stream: from a file, in two blocks of which one is read while the other is sent, or from a
 * source. */
#include "net/pump_internal.h"

enum { DROP_READS_MAX = 16, DROP_READ_BYTES = 16 * 1024 };

/* ---- from the file or source ---- */

/* `len` more bytes are there. */
static void came(struct pump *pump, size_t len)
{
    uint64_t max_bytes = pump->settings.max_bytes;
    pump->source_bytes += len;
    if (max_bytes > 0 && pump->source_bytes > max_bytes)
        pump_abandon(pump, PUMP_LIMIT, 0);
}

static void block_came(struct pump *pump, size_t got, int os_error)
{
    if (os_error != 0) {
        pump_abandon(pump, PUMP_READ_FAILED, os_error);
    } else if (got == 0) {
        pump->source_ended = true;
    } else {
        pump->blocks[(pump->current + pump->full) % 2].len = got;
        pump->full++;
        came(pump, got);
    }
}

static void read_returned(void *ctx, size_t got, int os_error)
{
    struct pump *pump = ctx;
    block_came(pump, got, os_error);
    pump_job_returned(pump);
}

/* How much of the file may still be read; at most a block. */
static size_t wanted_bytes(const struct pump *pump)
{
    uint64_t length = pump->settings.length_bytes;
    if (length == 0 || length - pump->source_bytes > FILE_BLOCK_BYTES)
        return FILE_BLOCK_BYTES;
    return (size_t)(length - pump->source_bytes);
}

static void fill_blocks(struct pump *pump)
{
    while (!pump->source_ended && !pump->job && !pump->ending && pump->full < 2) {
        struct pump_block *block = &pump->blocks[(pump->current + pump->full) % 2];
        if (!pump_block_ready(pump, block))
            return;
        *block = (struct pump_block){.data = block->data};
        size_t wanted = wanted_bytes(pump);
        size_t got = 0;
        int os_error = 0;
        if (wanted == 0 ||
            file_read(pump->file, block->data, wanted, &got, &os_error, read_returned, pump))
            block_came(pump, got, os_error);
        else
            pump->job = true;
    }
}

static void ask_source(struct pump *pump)
{
    if (pump->source_ended || buf_len(&pump->made) > 0)
        return;
    const struct pump_settings *settings = &pump->settings;
    pump->source_ended = !settings->source(settings->hook_ctx, &pump->made);
    if (buf_len(&pump->made) == 0)
        return;
    pump->progress_ns = loop_now_ns(settings->loop);
    came(pump, buf_len(&pump->made));
}

/* What is to be sent next, not yet filtered. */
static struct bytes peek(struct pump *pump)
{
    if (!pump->file) {
        ask_source(pump);
        return buf_view(&pump->made);
    }
    fill_blocks(pump);
    const struct pump_block *block = &pump->blocks[pump->current];
    return pump->full > 0 ? bytes_of(block->data + block->used, block->len - block->used)
                          : bytes_of(NULL, 0);
}

static void take(struct pump *pump, size_t len)
{
    if (!pump->file) {
        buf_consume(&pump->made, len);
        return;
    }
    struct pump_block *block = &pump->blocks[pump->current];
    block->used += len;
    if (len > 0 && block->used == block->len) {
        pump->current ^= 1;
        pump->full--;
    }
}

/* As peek, filtered. */
static struct bytes peek_filtered(struct pump *pump)
{
    while (buf_len(&pump->filtered) == 0 && !pump->filter_ended && !pump->ending) {
        struct bytes in = bytes_first(peek(pump), PUMP_SLICE_BYTES);
        bool last = in.len == 0 && pump->source_ended;
        size_t had = in.len;
        if ((in.len == 0 && !last) || pump->budget == 0 || !pump_filter(pump, &in, last))
            break;
        take(pump, had - in.len);
    }
    return buf_view(&pump->filtered);
}

/* ---- to the stream ---- */

static void stream_failed(struct pump *pump)
{
    bool failed = stream_end(pump->settings.stream) == STREAM_END_FAILED;
    pump_abandon(pump, failed ? PUMP_FAILED : PUMP_CUT, 0);
}

/* Sends one piece. true: there may be another. */
static bool send_piece(struct pump *pump)
{
    bool filter = pump->settings.filter != NULL;
    struct bytes out = filter ? peek_filtered(pump) : peek(pump);
    out = bytes_first(out, pump->budget);
    if (out.len == 0 || pump->ending)
        return false;

    size_t taken;
    enum ferry_error error = stream_write(pump->settings.stream, out, &taken);
    if (filter)
        buf_consume(&pump->filtered, taken);
    else
        take(pump, taken);
    pump->bytes += taken;
    pump->budget -= taken;
    pump->flushed = pump->flushed && taken == 0;
    if (error == FERRY_E_LOST)
        stream_failed(pump);
    else if (error != FERRY_OK)
        pump_abandon(pump, PUMP_FAILED, 0);
    return !pump->ending && taken == out.len;
}

/* The peer has nothing to say here, but how it ends must be seen: an alert, RST. */
static void watch_peer(struct pump *pump)
{
    struct stream *stream = pump->settings.stream;
    char dropped[DROP_READ_BYTES];
    size_t got = pump->settings.keep_stream ? 0 : 1; /* then it is the next transfer's */
    for (int reads = 0; reads < DROP_READS_MAX && got > 0; reads++)
        stream_read(stream, dropped, sizeof(dropped), &got);
    if (got > 0)
        pump_kick(pump);
    bool ended = stream_end(stream) == STREAM_END_CUT || stream_end(stream) == STREAM_END_FAILED;
    if (ended || stream_is_broken(stream))
        stream_failed(pump);
}

static bool all_sent(const struct pump *pump)
{
    bool waits = pump->full > 0 || buf_len(&pump->made) > 0 || buf_len(&pump->filtered) > 0;
    return pump->source_ended && !waits && (!pump->settings.filter || pump->filter_ended);
}

void pump_out_step(struct pump *pump)
{
    /* Once all is sent, how the peer ends says nothing any more (TLS-177, TLS-181). */
    if (!pump->flushed)
        watch_peer(pump);
    while (!pump->ending && pump->budget > 0 && send_piece(pump))
        continue;
    if (!pump->ending && !pump->finishing && all_sent(pump)) {
        pump->finishing = true;
        if (!pump->settings.keep_stream)
            stream_finish(pump->settings.stream);
    }
    if (!pump->ending && pump->finishing && pump->flushed)
        pump_end(pump, PUMP_DONE, 0);
    pump->complete = pump->ending;
}
