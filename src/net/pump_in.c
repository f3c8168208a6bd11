/* From the stream: to a file, in two blocks of which one fills while the other is written, or to a
 * sink. */
#include <string.h>

#include "net/pump_internal.h"

enum { PIECE_COST_BYTES = 256 };

static struct pump_block *filling(struct pump *pump)
{
    return &pump->blocks[pump->current];
}

/* ---- to the file ---- */

static void written(void *ctx, int os_error)
{
    struct pump *pump = ctx;
    struct pump_block *block = &pump->blocks[pump->current ^ 1];
    if (os_error != 0)
        pump_abandon(pump, PUMP_WRITE_FAILED, os_error);
    else
        pump->written_bytes += block->len;
    block->len = 0;
    if (pump->settings.written && os_error == 0)
        pump->settings.written(pump->settings.hook_ctx, pump->written_bytes);
    pump_job_returned(pump);
}

/* Writes the block that was filled; the other one, which is empty as no job runs, is filled
 * next. */
static void write_block(struct pump *pump)
{
    struct pump_block *block = filling(pump);
    const struct pump_settings *settings = &pump->settings;
    if (settings->allows &&
        !settings->allows(settings->hook_ctx, pump->written_bytes + block->len)) {
        pump_abandon(pump, PUMP_LIMIT, 0);
        return;
    }
    if (file_write(pump->file, block->data, block->len, written, pump) != FERRY_OK) {
        pump_abandon(pump, PUMP_FAILED, 0);
        return;
    }
    pump->job = true;
    pump->current ^= 1;
}

/* Where the next bytes for the file go, and how many fit; 0: both blocks are full. */
static size_t block_space(struct pump *pump, char **at)
{
    if (filling(pump)->len == FILE_BLOCK_BYTES && !pump->job)
        write_block(pump);
    struct pump_block *block = filling(pump);
    if (block->len == FILE_BLOCK_BYTES || !pump_block_ready(pump, block))
        return 0;
    *at = block->data + block->len;
    return FILE_BLOCK_BYTES - block->len;
}

/* ---- from the stream ---- */

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void source_has_ended(struct pump *pump)
{
    const struct stream *stream = pump->settings.stream;
    enum stream_end end = stream_end(stream);
    if (pump->settings.accept_no_notify && stream_lacks_notify(stream))
        end = STREAM_END_CLOSED;
    switch (end) {
    case STREAM_OPEN:
        return;
    case STREAM_END_CLOSED:
        pump->source_ended = true;
        pump_end(pump, PUMP_DONE, 0);
        return;
    case STREAM_END_CUT:
        pump_end(pump, PUMP_CUT, 0);
        return;
    case STREAM_END_FAILED:
        pump_end(pump, PUMP_FAILED, 0);
        return;
    }
}

/* No more than the filter wants; 0: it has its end. Small pieces cost time, too. */
static size_t limit_to_wanted(struct pump *pump, size_t size)
{
    const struct pump_settings *settings = &pump->settings;
    if (!settings->wanted)
        return size;
    pump->budget -= min_size(pump->budget, PIECE_COST_BYTES);
    return min_size(size, settings->wanted(settings->hook_ctx));
}

/* Reads up to `size` bytes, and no more than the budget and one past `max_bytes`. */
static size_t receive(struct pump *pump, char *out, size_t size)
{
    uint64_t max_bytes = pump->settings.max_bytes;
    size = limit_to_wanted(pump, min_size(size, pump->budget));
    if (size == 0) {
        pump->source_ended = true;
        pump_end(pump, PUMP_DONE, 0);
        return 0;
    }
    if (max_bytes > 0 && size > max_bytes - pump->bytes)
        size = (size_t)(max_bytes - pump->bytes) + 1;

    size_t got;
    stream_read(pump->settings.stream, out, size, &got);
    if (got == 0)
        source_has_ended(pump);
    pump->budget -= min_size(pump->budget, got);
    if (max_bytes > 0 && got > max_bytes - pump->bytes) {
        got = (size_t)(max_bytes - pump->bytes);
        pump_end(pump, PUMP_LIMIT, 0);
    }
    pump->bytes += got;
    return got;
}

/* ---- plain: from the stream into the block ---- */

static bool read_into_block(struct pump *pump)
{
    char *at;
    size_t size = block_space(pump, &at);
    if (size == 0 || pump->ending)
        return false;
    size_t got = receive(pump, at, size);
    filling(pump)->len += got;
    return got > 0;
}

/* ---- by way of a filter or to a sink ---- */

/* Returns how much of `in` the target took. */
static size_t deliver(struct pump *pump, struct bytes in)
{
    const struct pump_settings *settings = &pump->settings;
    if (settings->sink) {
        if (!settings->sink(settings->hook_ctx, in))
            pump_abandon(pump, PUMP_FAILED, 0);
        return in.len;
    }
    size_t taken = 0;
    char *at;
    size_t size;
    while (taken < in.len && !pump->abandoned && (size = block_space(pump, &at)) > 0) {
        struct bytes part = bytes_first(bytes_skip(in, taken), size);
        memcpy(at, part.ptr, part.len);
        filling(pump)->len += part.len;
        taken += part.len;
    }
    return taken;
}

/* true: nothing that was filtered waits any more. */
static bool deliver_filtered(struct pump *pump)
{
    if (buf_len(&pump->filtered) > 0)
        buf_consume(&pump->filtered, deliver(pump, buf_view(&pump->filtered)));
    return buf_len(&pump->filtered) == 0;
}

/* Puts what is in the slice through the filter. true: all is, and is delivered. */
static bool deliver_slice(struct pump *pump)
{
    while (deliver_filtered(pump)) {
        if (pump->unfiltered.len == 0)
            return true;
        if (pump->budget == 0 || !pump_filter(pump, &pump->unfiltered, false))
            return false;
    }
    return false;
}

static bool read_through_slice(struct pump *pump)
{
    if (!deliver_slice(pump) || pump->ending || pump->budget == 0)
        return false;
    struct bytes in = bytes_of(pump->slice, receive(pump, pump->slice, PUMP_SLICE_BYTES));
    if (in.len == 0)
        return false;
    if (!pump->settings.filter) {
        deliver(pump, in); /* to a sink: it takes all */
        return true;
    }
    pump->unfiltered = in;
    return deliver_slice(pump);
}

/* ---- the end ---- */

/* true: all that the stream gave has gone through the filter and to the target. */
static bool all_delivered(struct pump *pump)
{
    if (!deliver_slice(pump))
        return false;
    bool filter_ends = pump->source_ended && pump->settings.filter;
    while (filter_ends && !pump->filter_ended) {
        struct bytes none = bytes_of(NULL, 0);
        if (pump->budget == 0 || !pump_filter(pump, &none, true) || !deliver_filtered(pump))
            return false;
    }
    return true;
}

/* A sequential target is read by somebody who waits; others get whole blocks, if not asked for
 * less. */
static bool must_write(const struct pump *pump)
{
    bool now = pump->ending || pump->flushing || pump->settings.at_once ||
               pump->settings.offset_bytes == FILE_SEQUENTIAL;
    return pump->file && !pump->job && !pump->abandoned && now &&
           pump->blocks[pump->current].len > 0;
}

static void synced(void *ctx, int os_error)
{
    struct pump *pump = ctx;
    pump->synced = true;
    if (os_error != 0)
        pump_abandon(pump, PUMP_WRITE_FAILED, os_error);
    pump_job_returned(pump);
}

static bool must_sync(const struct pump *pump)
{
    return pump->file && pump->settings.sync && !pump->synced && !pump->job &&
           pump->result.outcome == PUMP_DONE;
}

static void finish(struct pump *pump)
{
    if (must_sync(pump)) {
        if (file_sync(pump->file, synced, pump) == FERRY_OK)
            pump->job = true;
        else
            pump_abandon(pump, PUMP_FAILED, 0);
    }
    pump->complete = !pump->job;
}

void pump_in_step(struct pump *pump)
{
    bool direct = pump->file && !pump->settings.filter;
    while (!pump->ending && pump->budget > 0 &&
           (direct ? read_into_block(pump) : read_through_slice(pump)))
        continue;

    bool delivered = all_delivered(pump);
    if (must_write(pump)) {
        pump->flushing = false;
        write_block(pump);
    }
    if (pump->ending && (delivered || pump->abandoned))
        finish(pump);
}
