/* MODE B: the data connection between two transfers. */
#include "server/kept.h"

#include "base/alloc.h"
#include "base/clock.h"

enum { REPLY_NO_CONNECTION = 425 };

struct server_kept {
    struct server_kept_setup setup;
    struct stream *stream; /* NULL: closed, or handed over */
    struct server_binding *binding;
    enum tls_proof proof;
    struct server_ahead ahead;
    struct loop_timer *timer;
    struct loop_task *tell;
    bool begun;
};

void server_ahead_read(struct server_ahead *ahead, struct stream *stream)
{
    size_t got = 1;
    while (ahead->len < sizeof(ahead->bytes) && got > 0) {
        stream_read(stream, ahead->bytes + ahead->len, sizeof(ahead->bytes) - ahead->len, &got);
        ahead->len += got;
    }
}

static void kept_close(struct server_kept *kept)
{
    struct stream *stream = kept->stream;
    kept->stream = NULL;
    if (stream)
        server_linger_take(kept->setup.linger, stream, kept->binding);
}

/* The client sends what belongs to the next transfer, or has ended the connection. */
static void kept_input(void *ctx)
{
    struct server_kept *kept = ctx;
    server_ahead_read(&kept->ahead, kept->stream);
    if (stream_end(kept->stream) != STREAM_OPEN || stream_is_broken(kept->stream))
        kept_close(kept);
}

static void kept_expired(void *ctx)
{
    struct server_kept *kept = ctx;
    if (!kept->begun)
        kept_close(kept);
}

static void kept_tell(void *ctx)
{
    struct server_kept *kept = ctx;
    const struct server_data_events *events = kept->setup.events;
    struct stream *stream = kept->stream;
    if (stream) {
        kept->stream = NULL;
        stream_set_events(stream, NULL, NULL);
        events->ready(kept->setup.ctx, stream, kept->binding, kept->proof);
        return;
    }
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_LOST, "The data connection was closed before the transfer");
    events->failed(kept->setup.ctx, REPLY_NO_CONNECTION, &fault);
}

struct server_kept *server_kept_new(const struct server_kept_setup *setup, struct stream *stream,
                                    struct server_binding *binding, enum tls_proof proof,
                                    const struct server_ahead *ahead)
{
    static const struct stream_events events = {.input = kept_input};
    struct server_kept *kept = alloc_zero(sizeof(*kept));
    if (!kept) {
        server_linger_take(setup->linger, stream, binding);
        return NULL;
    }
    *kept = (struct server_kept){
        .setup = *setup,
        .stream = stream,
        .binding = server_binding_ref(binding),
        .proof = proof,
        .ahead = *ahead,
    };
    kept->timer = loop_timer_new(setup->loop, kept_expired, kept);
    kept->tell = loop_task_new(setup->loop, kept_tell, kept);
    if (!kept->timer || !kept->tell) {
        server_kept_free(kept);
        return NULL;
    }
    loop_timer_at(kept->timer, loop_now_ns(setup->loop) + setup->idle_ns);
    stream_set_events(stream, &events, kept);
    return kept;
}

void server_kept_free(struct server_kept *kept)
{
    if (!kept)
        return;
    kept_close(kept);
    loop_timer_free(kept->timer);
    loop_task_free(kept->tell);
    server_binding_unref(kept->binding);
    alloc_free(kept);
}

bool server_kept_is_open(const struct server_kept *kept)
{
    return kept && kept->stream;
}

bool server_kept_is_begun(const struct server_kept *kept)
{
    return kept && kept->begun;
}

bool server_kept_is_sealed(const struct server_kept *kept)
{
    return stream_tls(kept->stream) != NULL;
}

const struct server_ahead *server_kept_ahead(const struct server_kept *kept)
{
    return &kept->ahead;
}

void server_kept_begin(struct server_kept *kept)
{
    kept->begun = true;
    loop_task_post(kept->tell);
}
