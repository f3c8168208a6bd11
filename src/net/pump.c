/* A pump: its life, limits and end. What moves is in pump_in.c and pump_out.c. */
#include "net/pump.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "net/pump_internal.h"

#define STALL_NS (120 * CLOCK_NS_PER_S) /* SEC-51 */
#define PROGRESS_NS (100 * CLOCK_NS_PER_MS)

enum {
    FILTERED_MAX_BYTES = 2 * PUMP_SLICE_BYTES + 64,
    MADE_MAX_BYTES = 4 * PUMP_SLICE_BYTES,
    RATE_LEAST_BYTES = 4096, /* that move at once */
};

void pump_end(struct pump *pump, enum pump_outcome outcome, int os_error)
{
    bool failed = pump->ending && pump->result.outcome != PUMP_DONE;
    pump->ending = true;
    if (failed)
        return;
    pump->result.outcome = outcome;
    pump->result.os_error = os_error;
}

void pump_abandon(struct pump *pump, enum pump_outcome outcome, int os_error)
{
    pump->abandoned = true;
    pump_end(pump, outcome, os_error);
}

void pump_kick(struct pump *pump)
{
    if (!pump->over)
        loop_task_post(pump->task);
}

void pump_job_returned(struct pump *pump)
{
    pump->job = false;
    pump->progress_ns = loop_now_ns(pump->settings.loop);
    pump_kick(pump);
}

bool pump_block_ready(struct pump *pump, struct pump_block *block)
{
    if (!block->data)
        block->data = alloc_resize(NULL, FILE_BLOCK_BYTES, 1);
    if (!block->data)
        pump_abandon(pump, PUMP_FAILED, 0);
    return block->data != NULL;
}

bool pump_filter(struct pump *pump, struct bytes *in, bool last)
{
    const struct pump_settings *settings = &pump->settings;
    size_t had = in->len;
    if (settings->filter(settings->hook_ctx, in, last, &pump->filtered) != FERRY_OK) {
        pump_abandon(pump, PUMP_FAILED, 0);
        return false;
    }
    /* What is on the other side than the stream: little there may be much here, and costs time. */
    size_t cost = settings->to_stream ? had - in->len : buf_len(&pump->filtered);
    pump->budget -= cost < pump->budget ? cost : pump->budget;
    if (last)
        pump->filter_ended = buf_len(&pump->filtered) == 0;
    return true;
}

/* ---- events ---- */

static void on_stream(void *ctx)
{
    pump_kick(ctx);
}

static void on_flushed(void *ctx)
{
    struct pump *pump = ctx;
    pump->flushed = pump->finishing || pump->settings.keep_stream;
    pump_kick(pump);
}

static const struct stream_events pump_events = {
    .input = on_stream,
    .room = on_stream,
    .flushed = on_flushed,
};

/* `done` may free the pump: last thing to be called. */
static void call_done(struct pump *pump)
{
    pump->over = true;
    loop_task_free(pump->task);
    loop_timer_free(pump->stall);
    pump->task = NULL;
    pump->stall = NULL;
    stream_set_events(pump->settings.stream, NULL, NULL);
    struct pump_result result = pump->result;
    result.bytes = pump->bytes;
    pump->settings.done(pump->settings.ctx, &result);
}

/* As call_done. */
static void call_progress(struct pump *pump)
{
    uint64_t now_ns = loop_now_ns(pump->settings.loop);
    if (!pump->settings.progress || pump->bytes == pump->told_bytes ||
        now_ns < pump->told_ns + PROGRESS_NS)
        return;
    pump->told_bytes = pump->bytes;
    pump->told_ns = now_ns;
    pump->settings.progress(pump->settings.ctx, pump->bytes);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- the rate ---- */

static bool is_held(const struct pump *pump)
{
    return pump->resume_ns > loop_now_ns(pump->settings.loop);
}

/* With a rate, a quarter of a second's worth, so that no pause is long. */
static size_t turn_bytes(const struct pump *pump)
{
    const struct rate_line *line = pump->settings.rate;
    uint64_t slice = line ? line->rule.amount / 4 : 0;
    if (!line || line->rule.amount == 0 || slice >= PUMP_TURN_BYTES)
        return PUMP_TURN_BYTES;
    return slice > RATE_LEAST_BYTES ? (size_t)slice : RATE_LEAST_BYTES;
}

static void spend(struct pump *pump, uint64_t bytes)
{
    const struct pump_settings *settings = &pump->settings;
    uint64_t now_ns = loop_now_ns(settings->loop);
    if (is_held(pump))
        pump->progress_ns = now_ns; /* it is not the peer who waits */
    if (settings->rate && bytes > 0)
        pump->resume_ns = rate_spend(&settings->rate->rate, &settings->rate->rule, bytes, now_ns);
}

/* Called after all that could be moved was moved: a loop that was held up itself does not blame
 * the peer. */
static void limit_stall(struct pump *pump)
{
    uint64_t now_ns = loop_now_ns(pump->settings.loop);
    uint64_t since_ns = max_u64(pump->progress_ns, stream_activity_ns(pump->settings.stream));
    if (now_ns >= since_ns + pump->settings.stall_ns) {
        pump->complete = pump->ending; /* not even what was received gets on to the disk */
        pump_end(pump, PUMP_STALLED, 0);
        pump->progress_ns = since_ns = now_ns;
        pump_kick(pump);
    }
    uint64_t look_ns = since_ns + pump->settings.stall_ns;
    bool held = is_held(pump) && pump->resume_ns < look_ns;
    loop_timer_at(pump->stall, held ? pump->resume_ns : look_ns);
}

static void step(void *ctx)
{
    struct pump *pump = ctx;
    uint64_t before_bytes = pump->bytes;
    bool held = is_held(pump);
    pump->budget = held ? 0 : turn_bytes(pump);
    if (pump->settings.to_stream)
        pump_out_step(pump);
    else
        pump_in_step(pump);
    spend(pump, pump->bytes - before_bytes);
    if (!pump->complete)
        limit_stall(pump);
    if (pump->complete) {
        call_done(pump);
        return;
    }
    if (pump->budget == 0 && !held)
        pump_kick(pump);
    call_progress(pump);
}

static void check_stall(void *ctx)
{
    pump_kick(ctx);
}

/* ---- life ---- */

static bool make_parts(struct pump *pump)
{
    const struct pump_settings *settings = &pump->settings;
    bool needs_file = !settings->source && !settings->sink;
    bool needs_slice = !settings->to_stream && (settings->sink || settings->filter);
    pump->task = loop_task_new(settings->loop, step, pump);
    pump->stall = loop_timer_new(settings->loop, check_stall, pump);
    if (needs_file)
        pump->file = file_new(settings->loop, settings->fd, settings->offset_bytes);
    if (needs_slice)
        pump->slice = alloc_resize(NULL, PUMP_SLICE_BYTES, 1);
    return pump->task && pump->stall && (pump->file || !needs_file) &&
           (pump->slice || !needs_slice);
}

enum ferry_error pump_new(const struct pump_settings *settings, struct pump **out)
{
    struct pump *pump = alloc_zero(sizeof(*pump));
    if (!pump)
        return FERRY_E_MEMORY;
    pump->settings = *settings;
    if (pump->settings.stall_ns == 0)
        pump->settings.stall_ns = STALL_NS;
    buf_init(&pump->filtered, FILTERED_MAX_BYTES);
    buf_init(&pump->made, MADE_MAX_BYTES);
    if (!make_parts(pump)) {
        pump->over = true; /* the stream never was ours */
        pump_free(pump, NULL, NULL);
        return FERRY_E_MEMORY;
    }
    pump->progress_ns = loop_now_ns(settings->loop);
    pump->told_ns = pump->progress_ns;
    stream_set_events(settings->stream, &pump_events, pump);
    pump_kick(pump);
    *out = pump;
    return FERRY_OK;
}

/* No job uses the blocks or the descriptor any more. */
static void file_is_free(void *ctx)
{
    struct pump *pump = ctx;
    void (*freed)(void *ctx) = pump->freed;
    void *freed_ctx = pump->freed_ctx;
    alloc_free(pump->blocks[0].data);
    alloc_free(pump->blocks[1].data);
    alloc_free(pump);
    if (freed)
        freed(freed_ctx);
}

void pump_free(struct pump *pump, void (*freed)(void *ctx), void *ctx)
{
    if (!pump) {
        if (freed)
            freed(ctx);
        return;
    }
    if (!pump->over)
        stream_set_events(pump->settings.stream, NULL, NULL);
    pump->over = true;
    pump->freed = freed;
    pump->freed_ctx = ctx;
    loop_task_free(pump->task);
    loop_timer_free(pump->stall);
    buf_fini(&pump->filtered);
    buf_fini(&pump->made);
    alloc_free(pump->slice);
    file_free(pump->file, file_is_free, pump);
}

void pump_wake(struct pump *pump)
{
    pump_kick(pump);
}

void pump_flush(struct pump *pump)
{
    pump->flushing = true;
}

uint64_t pump_bytes(const struct pump *pump)
{
    return pump->bytes;
}
