/* How a stream ends: in order, half, or at once. */
#include <sys/socket.h>

#include "net/stream_internal.h"

static void end_closing(struct stream *stream)
{
    stream_release(stream);
    stream->due = STREAM_DUE_CLOSED;
}

static void timeout(void *ctx)
{
    struct stream *stream = ctx;
    if (stream->closing) {
        end_closing(stream);
    } else if (stream->phase == STREAM_PHASE_STOPPING) {
        stream_tls_stop_expired(stream);
    }
    stream_settle(stream);
}

bool stream_limit(struct stream *stream, uint64_t at_ns)
{
    if (!stream->timer)
        stream->timer = loop_timer_new(stream->loop, timeout, stream);
    if (!stream->timer)
        return false;
    loop_timer_at(stream->timer, at_ns);
    return true;
}

/* A TLS session that failed says nothing more but the alert that waits already. */
static bool may_notify(const struct stream *stream)
{
    return stream->phase == STREAM_PHASE_SEALED && !stream->notified &&
           (stream->end == STREAM_OPEN || stream->end == STREAM_END_CLOSED);
}

void stream_close_advance(struct stream *stream)
{
    if (!stream->finishing)
        return;
    /* Half an end waits for the handshake; a whole one does not. */
    bool ready = stream->closing || stream->phase != STREAM_PHASE_HANDSHAKE;
    if (ready && may_notify(stream)) {
        stream->notified = true;
        tls_engine_close(stream->engine);
    }
    if (ready && !stream->fin_sent && !stream->broken && stream_output(stream).len == 0) {
        stream->fin_sent = true;
        (void)shutdown(stream->fd, SHUT_WR); /* fails if the peer has reset the connection */
    }
    if (stream->closing && (stream->broken || (stream->fin_sent && stream->eof)))
        end_closing(stream);
}

void stream_finish(struct stream *stream)
{
    if (stream->fd < 0 || stream->finishing)
        return;
    stream->finishing = true;
    stream->tight = false;
    stream->unflushed = !stream->broken;
    stream_settle(stream);
}

void stream_close(struct stream *stream, uint64_t linger_ns)
{
    if (stream->fd < 0 || stream->closing)
        return;
    stream->closing = true;
    stream->finishing = true;
    if (!stream_limit(stream, loop_now_ns(stream->loop) + linger_ns))
        end_closing(stream);
    stream_settle(stream);
}

/* Under TLS through the engine, so that a client gets the tickets that a server sends with its last
 * words (TLS-112); after close_notify, and in the clear, into nothing. */
void stream_close_drain(struct stream *stream)
{
    bool goes_on = true;
    while (goes_on && !stream->eof) {
        size_t got = 0;
        bool sealed = stream->phase == STREAM_PHASE_SEALED && stream->end == STREAM_OPEN;
        if (sealed) {
            char dropped[TLS_RECORD_MAX_BYTES];
            stream_tls_read(stream, dropped, sizeof(dropped), &got);
        } else {
            stream_receive(stream, loop_scratch(stream->loop), LOOP_SCRATCH_BYTES, &got);
        }
        goes_on = got > 0 || (sealed && stream->end != STREAM_OPEN);
    }
}

void stream_abort(struct stream *stream)
{
    if (stream->fd < 0)
        return;
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    stream_release(stream);
    stream->due = 0;
    if (stream->end == STREAM_OPEN)
        stream->end = STREAM_END_CUT;
}
