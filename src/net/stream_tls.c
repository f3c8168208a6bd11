/* The sealed side of a stream: handshake, records, and the way back to clear text. */
#include "base/clock.h"
#include "net/stream_internal.h"

enum { RECEIVE_MIN_BYTES = 16 * 1024 };

#define STOP_LIMIT_NS (5 * CLOCK_NS_PER_S) /* TLS-155 */

static void tls_failed(struct stream *stream)
{
    if (stream->end != STREAM_OPEN)
        return;
    stream->fault = *tls_engine_fault(stream->engine);
    stream->end = stream->fault.kind == FERRY_E_CUT ? STREAM_END_CUT : STREAM_END_FAILED;
}

static void fail(struct stream *stream, enum ferry_error kind, const char *words)
{
    fault_set(&stream->fault, kind, "%s", words);
    stream->end = STREAM_END_FAILED;
}

/* The engine borrows what it was fed from memory that all streams share: what it has not used is
 * moved to memory of this stream's own. */
static void keep_unused(struct stream *stream)
{
    struct bytes unused = tls_engine_unused(stream->engine);
    size_t kept = buf_len(&stream->kept);
    if (kept > 0) {
        buf_consume(&stream->kept, kept - unused.len);
        return;
    }
    if (unused.len == 0)
        return;
    if (buf_append(&stream->kept, unused) != FERRY_OK) {
        fail(stream, FERRY_E_MEMORY, "read from the connection: no memory");
        return;
    }
    tls_engine_feed(stream->engine, buf_view(&stream->kept));
}

static size_t clamp(size_t value, size_t low, size_t high)
{
    if (value < low)
        return low;
    return value < high ? value : high;
}

/* Gives the engine, which has used all it had, what the socket has: ciphertext for about `size`
 * bytes of plaintext, so that little is left over. false: nothing now, or the stream failed. */
static bool feed(struct stream *stream, size_t size)
{
    buf_fini(&stream->kept);
    if (!stream_may_receive(stream))
        return false;
    char *scratch = loop_scratch(stream->loop);
    size_t got;
    stream_receive(stream, scratch, clamp(size, RECEIVE_MIN_BYTES, LOOP_SCRATCH_BYTES), &got);
    if (stream->end != STREAM_OPEN)
        return false;
    if (stream->eof)
        tls_engine_eof(stream->engine);
    else if (got > 0)
        tls_engine_feed(stream->engine, bytes_of(scratch, got));
    return got > 0 || stream->eof;
}

/* What was to be told was about the other side of a switch. */
static void forget_input(struct stream *stream)
{
    stream->told = stream->stuck = false;
    stream->due &= ~(unsigned)(STREAM_DUE_INPUT | STREAM_DUE_FLUSHED);
}

/* ---- handshake ---- */

/* The signer has answered. */
static void on_signed(void *ctx)
{
    struct stream *stream = ctx;
    stream->signing = false;
    stream_tls_handshake(stream);
    stream_settle(stream);
}

enum ferry_error stream_start_tls(struct stream *stream, struct tls_engine *engine)
{
    stream_flush(stream);
    bool ready = stream->fd >= 0 && stream->phase == STREAM_PHASE_CLEAR &&
                 stream->end == STREAM_OPEN && !stream->finishing && !stream->broken &&
                 stream_output(stream).len == 0 && buf_len(&stream->kept) == 0;
    if (!ready) {
        tls_engine_free(engine);
        stream_settle(stream);
        return FERRY_E_STATE;
    }
    stream->engine = engine;
    tls_engine_set_wake(engine, on_signed, stream);
    stream->phase = STREAM_PHASE_HANDSHAKE;
    stream->unflushed = false;
    forget_input(stream);
    stream_tls_handshake(stream);
    stream_settle(stream);
    return FERRY_OK;
}

static void handshake_done(struct stream *stream)
{
    stream->phase = STREAM_PHASE_SEALED;
    stream->due |= STREAM_DUE_SEALED;
    keep_unused(stream);
    if (buf_len(&stream->kept) > 0 || stream->end != STREAM_OPEN)
        stream->due |= STREAM_DUE_INPUT;
}

/* One step. true: go on with the next one now. */
static bool handshake_step(struct stream *stream)
{
    switch (tls_engine_handshake(stream->engine)) {
    case TLS_DONE:
        handshake_done(stream);
        return false;
    case TLS_WANT_INPUT:
        return feed(stream, RECEIVE_MIN_BYTES);
    case TLS_WANT_OUTPUT:
        stream_flush(stream);
        return !stream->blocked && !stream->broken;
    case TLS_WANT_SIGNATURE:
        stream->signing = true;
        keep_unused(stream);
        return false;
    case TLS_CLOSED:
        fail(stream, FERRY_E_TLS, "the peer closed TLS in the middle of the handshake");
        return false;
    case TLS_FAILED:
        tls_failed(stream);
        return false;
    }
    return false;
}

void stream_tls_handshake(struct stream *stream)
{
    while (stream->end == STREAM_OPEN && !stream->signing && handshake_step(stream))
        continue;
    if (stream->end != STREAM_OPEN)
        stream->due |= STREAM_DUE_INPUT;
    stream_flush(stream); /* the next flight, or the alert that says why not */
}

/* ---- records ---- */

void stream_tls_read(struct stream *stream, char *out, size_t size, size_t *got)
{
    for (;;) {
        switch (tls_engine_read(stream->engine, out, size, got)) {
        case TLS_DONE:
            keep_unused(stream);
            return;
        case TLS_WANT_INPUT:
            if (!feed(stream, size))
                return;
            break;
        case TLS_WANT_OUTPUT:
            stream_flush(stream);
            if (stream->blocked || stream->broken) {
                stream->held = true;
                keep_unused(stream);
                return;
            }
            break;
        case TLS_CLOSED:
            /* Whatever the socket says from now on, RST included, all has come (TLS-177). */
            stream->end = STREAM_END_CLOSED;
            keep_unused(stream);
            return;
        case TLS_FAILED:
            tls_failed(stream);
            return;
        case TLS_WANT_SIGNATURE: /* of a handshake only */
            return;
        }
    }
}

size_t stream_tls_write(struct stream *stream, struct bytes in)
{
    size_t taken = 0;
    while (taken < in.len) {
        size_t n = 0;
        enum tls_status status = tls_engine_write(stream->engine, bytes_skip(in, taken), &n);
        taken += n;
        if (status == TLS_FAILED) {
            tls_failed(stream);
            stream_sending_failed(stream);
        }
        if (status != TLS_WANT_OUTPUT)
            break;
        stream_flush(stream);
        if (stream->blocked || stream->broken)
            break;
    }
    return taken;
}

bool stream_lacks_notify(const struct stream *stream)
{
    return stream->end == STREAM_END_CUT && !stream->reset && stream->engine &&
           !tls_engine_is_inside_record(stream->engine);
}

/* ---- back to clear text ---- */

enum ferry_error stream_stop_tls(struct stream *stream, enum stream_stop until)
{
    bool ready = stream->fd >= 0 && stream->phase == STREAM_PHASE_SEALED && !stream->finishing &&
                 !stream->broken &&
                 (stream->end == STREAM_OPEN || stream->end == STREAM_END_CLOSED);
    if (!ready)
        return FERRY_E_STATE;
    if (!stream_limit(stream, loop_now_ns(stream->loop) + STOP_LIMIT_NS))
        return FERRY_E_MEMORY;
    stream->phase = STREAM_PHASE_STOPPING;
    stream->until = until;
    stream->left = false;
    stream->unflushed = true;
    forget_input(stream);
    tls_engine_close(stream->engine);
    stream_tls_stop(stream);
    stream_settle(stream);
    return FERRY_OK;
}

/* Whether clear text is next on the socket: no record begins as a line does. Nothing is taken off
 * it: it stays for the reader of the clear text. */
static bool clear_text_waits(const struct stream *stream)
{
    enum { RECORD_TYPE_MIN = 20, RECORD_TYPE_MAX = 24 };
    unsigned char first;
    return buf_len(&stream->kept) == 0 && !tls_engine_is_inside_record(stream->engine) &&
           stream_peek(stream, &first) && (first < RECORD_TYPE_MIN || first > RECORD_TYPE_MAX);
}

static void leave_without_notify(struct stream *stream)
{
    if (stream_output(stream).len == 0)
        stream->left = true;
    else
        fail(stream, FERRY_E_INJECTION, "clear text came before TLS was ended");
}

void stream_tls_stop(struct stream *stream)
{
    bool open = stream->end == STREAM_OPEN && !stream->left;
    if (open && stream->until == STREAM_STOP_ANY && clear_text_waits(stream)) {
        leave_without_notify(stream);
    } else if (open) {
        char plaintext[64];
        size_t got = 0;
        stream_tls_read(stream, plaintext, sizeof(plaintext), &got);
        if (got > 0)
            fail(stream, FERRY_E_INJECTION, "bytes came under TLS after its end was agreed");
    }
    if (stream->end == STREAM_END_CUT || stream->end == STREAM_END_FAILED)
        stream->due |= STREAM_DUE_INPUT;
}

void stream_tls_stop_expired(struct stream *stream)
{
    bool whole = !tls_engine_is_inside_record(stream->engine) && stream_output(stream).len == 0;
    if (stream->until == STREAM_STOP_ANY && whole && stream->end == STREAM_OPEN) {
        stream->left = true;
        return;
    }
    fail(stream, FERRY_E_TIMEOUT, "the peer did not end TLS");
    stream->due |= STREAM_DUE_INPUT;
}

void stream_tls_leave(struct stream *stream)
{
    bool ended = stream->end == STREAM_END_CLOSED || (stream->left && stream->end == STREAM_OPEN);
    bool done = stream->phase == STREAM_PHASE_STOPPING && ended && stream_output(stream).len == 0;
    if (!done || stream->closing)
        return;
    /* What is kept came behind the close_notify: clear text (TLS-135). */
    tls_engine_free(stream->engine);
    stream->engine = NULL;
    stream->phase = STREAM_PHASE_CLEAR;
    stream->end = STREAM_OPEN;
    loop_timer_at(stream->timer, CLOCK_NEVER);
    if (buf_len(&stream->kept) > 0 || stream->left)
        stream->due |= STREAM_DUE_INPUT;
}
