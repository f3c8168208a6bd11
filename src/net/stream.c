/* A stream: its socket, its queues and its events. TLS is in stream_tls.c, endings are in
 * stream_close.c. */
#include "net/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "net/stream_internal.h"

/* In the clear, as much as this is not copied into the queue but sent from where it is. */
enum { DIRECT_BYTES = 16 * 1024 };

/* Received at most between two turns of the loop, however eagerly the owner reads: a peer that
 * sends without end holds up nobody else. */
enum { QUOTA_BYTES = 256 * 1024 };

static void on_ready(void *ctx, bool readable, bool writable);
static void on_task(void *ctx);

struct stream *stream_new(struct loop *loop, int fd, const struct stream_events *events, void *ctx)
{
    CLEANUP(fd_close) int owned = fd;
    struct stream *stream = alloc_zero(sizeof(*stream));
    if (!stream)
        return NULL;
    stream->loop = loop;
    stream->fd = fd_take(&owned);
    stream->quota_bytes = QUOTA_BYTES;
    buf_init(&stream->out, STREAM_ROOM_BYTES);
    buf_init(&stream->kept, LOOP_SCRATCH_BYTES);
    stream->watch = loop_watch_new(loop, fd, on_ready, stream);
    stream->task = loop_task_new(loop, on_task, stream);
    if (!stream->watch || !stream->task) {
        stream_free(stream);
        return NULL;
    }
    socket_send_at_once(fd);
    /* They fail only if the peer has gone already; then the end of input is soon seen. */
    (void)!socket_peer(fd, &stream->peer);
    (void)!socket_local(fd, &stream->local);
    stream->activity_ns = loop_now_ns(loop);
    stream_set_events(stream, events, ctx);
    return stream;
}

void stream_release(struct stream *stream)
{
    loop_watch_free(stream->watch);
    loop_timer_free(stream->timer);
    stream->watch = NULL;
    stream->timer = NULL;
    stream->unflushed = false;
    stream->tight = false;
    fd_close(&stream->fd);
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    stream_release(stream);
    loop_task_free(stream->task);
    tls_engine_free(stream->engine);
    buf_fini(&stream->out);
    buf_fini(&stream->kept);
    alloc_free(stream);
}

void stream_set_events(struct stream *stream, const struct stream_events *events, void *ctx)
{
    stream->events = events ? *events : (struct stream_events){0};
    stream->ctx = ctx;
    if (stream->told || stream->end != STREAM_OPEN)
        stream->due |= STREAM_DUE_INPUT;
    stream->told = false;
    stream->stuck = false;
    stream_settle(stream);
}

/* ---- sending ---- */

struct bytes stream_output(const struct stream *stream)
{
    return stream->engine ? tls_engine_output(stream->engine) : buf_view(&stream->out);
}

static void sent(struct stream *stream, size_t len)
{
    if (stream->engine)
        tls_engine_wrote(stream->engine, len);
    else
        buf_consume(&stream->out, len);
}

void stream_sending_failed(struct stream *stream)
{
    stream->broken = true;
    stream->unflushed = false;
    stream->tight = false;
    stream->due |= STREAM_DUE_ROOM | STREAM_DUE_INPUT;
    buf_fini(&stream->out);
}

/* Returns how much of `in` the socket took; all, or it is blocked or broken now. */
static size_t send_bytes(struct stream *stream, struct bytes in)
{
    ssize_t n;
    do
        n = send(stream->fd, in.ptr, in.len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        /* EPIPE: the peer had ended its side in order before. Otherwise this was the one time that
         * the system tells of the RST; recv will only say that nothing more comes. */
        stream->reset = stream->reset || errno != EPIPE;
        stream_sending_failed(stream);
        return 0;
    }
    size_t len = n < 0 ? 0 : (size_t)n;
    if (len > 0)
        stream->activity_ns = loop_now_ns(stream->loop);
    stream->blocked = len < in.len;
    return len;
}

static bool can_send(const struct stream *stream)
{
    return stream->fd >= 0 && !stream->blocked && !stream->broken && !stream->fin_sent;
}

void stream_flush(struct stream *stream)
{
    struct bytes out;
    while (can_send(stream) && (out = stream_output(stream)).len > 0)
        sent(stream, send_bytes(stream, out));
}

size_t stream_room(const struct stream *stream)
{
    if (stream->fd < 0 || stream->broken || stream->finishing)
        return 0;
    switch (stream->phase) {
    case STREAM_PHASE_CLEAR:
        return buf_room(&stream->out);
    case STREAM_PHASE_SEALED:
        return tls_engine_room(stream->engine);
    case STREAM_PHASE_HANDSHAKE:
    case STREAM_PHASE_STOPPING:
        break;
    }
    return 0;
}

static bool has_room(const struct stream *stream)
{
    return stream_room(stream) >= STREAM_ROOM_BYTES / 2;
}

static enum ferry_error write_clear(struct stream *stream, struct bytes in, size_t *taken)
{
    if (in.len >= DIRECT_BYTES) {
        stream_flush(stream);
        if (can_send(stream))
            *taken = send_bytes(stream, in);
    }
    if (stream->broken)
        return FERRY_E_LOST;
    struct bytes rest = bytes_first(bytes_skip(in, *taken), buf_room(&stream->out));
    enum ferry_error error = buf_append(&stream->out, rest);
    if (error == FERRY_OK)
        *taken += rest.len;
    return error;
}

enum ferry_error stream_write(struct stream *stream, struct bytes in, size_t *taken)
{
    *taken = 0;
    if (stream->fd < 0 || stream->broken || stream->finishing || stream->end == STREAM_END_CUT ||
        stream->end == STREAM_END_FAILED)
        return FERRY_E_LOST;

    enum ferry_error error = FERRY_OK;
    if (stream->phase == STREAM_PHASE_CLEAR)
        error = write_clear(stream, in, taken);
    else if (stream->phase == STREAM_PHASE_SEALED)
        *taken = stream_tls_write(stream, in);
    if (stream->broken || stream->end == STREAM_END_FAILED)
        error = FERRY_E_LOST;

    if (*taken > 0 && !stream->broken) {
        stream->unflushed = true;
        stream->due &= ~(unsigned)STREAM_DUE_FLUSHED;
    }
    stream->tight = !stream->broken && (*taken < in.len || !has_room(stream));
    stream_settle(stream);
    return error;
}

void stream_keepalive(struct stream *stream)
{
    bool open = stream->end == STREAM_OPEN && !stream->broken && !stream->finishing;
    if (open && stream->phase == STREAM_PHASE_SEALED && tls_engine_keepalive(stream->engine))
        stream_settle(stream);
}

/* ---- reading ---- */

bool stream_may_receive(const struct stream *stream)
{
    if (stream->eof || stream->closing)
        return !stream->eof;
    switch (stream->phase) {
    case STREAM_PHASE_HANDSHAKE:
    case STREAM_PHASE_STOPPING:
        return true;
    case STREAM_PHASE_CLEAR:
    case STREAM_PHASE_SEALED:
        break;
    }
    return !stream->paused;
}

void stream_receive(struct stream *stream, char *out, size_t size, size_t *got)
{
    *got = 0;
    if (stream->quota_bytes == 0)
        return;
    ssize_t n;
    do
        n = recv(stream->fd, out, size, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        *got = (size_t)n;
        stream->received = true;
        stream->quota_bytes -= *got < stream->quota_bytes ? *got : stream->quota_bytes;
        stream->activity_ns = loop_now_ns(stream->loop);
        return;
    }
    if (n < 0 && errno == EAGAIN)
        return;
    stream->eof = true;
    if (n < 0 && errno == ECONNRESET) {
        stream->reset = true;
    } else if (n < 0) {
        fault_errno(&stream->fault, FERRY_E_LOST, "read from the connection");
        stream->end = STREAM_END_FAILED;
    }
}

static void read_clear(struct stream *stream, char *out, size_t size, size_t *got)
{
    struct bytes kept = bytes_first(buf_view(&stream->kept), size);
    if (kept.len > 0) {
        memcpy(out, kept.ptr, kept.len);
        buf_consume(&stream->kept, kept.len);
        *got = kept.len;
        return;
    }
    if (!stream_may_receive(stream))
        return;
    stream_receive(stream, out, size, got);
    if (stream->eof && stream->end == STREAM_OPEN)
        stream->end = stream->reset ? STREAM_END_CUT : STREAM_END_CLOSED;
}

void stream_read(struct stream *stream, char *out, size_t size, size_t *got)
{
    *got = 0;
    if (stream->fd >= 0 && stream->end == STREAM_OPEN && !stream->closing) {
        if (stream->phase == STREAM_PHASE_CLEAR)
            read_clear(stream, out, size, got);
        else if (stream->phase == STREAM_PHASE_SEALED)
            stream_tls_read(stream, out, size, got);
    }
    if (*got == 0) {
        stream->told = false;
        stream->stuck = false;
    }
    stream_settle(stream);
}

bool stream_peek(const struct stream *stream, unsigned char *first)
{
    return stream->fd >= 0 && recv(stream->fd, first, 1, MSG_PEEK) == 1;
}

void stream_pause(struct stream *stream, bool paused)
{
    if (stream->paused && !paused)
        stream->due |= STREAM_DUE_INPUT; /* what the engine holds shows on no socket */
    stream->paused = paused;
    stream_settle(stream);
}

/* ---- events ---- */

static void take_input(struct stream *stream)
{
    if (stream->closing) {
        stream_close_drain(stream);
        return;
    }
    switch (stream->phase) {
    case STREAM_PHASE_HANDSHAKE:
        stream_tls_handshake(stream);
        break;
    case STREAM_PHASE_STOPPING:
        stream_tls_stop(stream);
        break;
    case STREAM_PHASE_CLEAR:
    case STREAM_PHASE_SEALED:
        if (stream->told)
            stream->stuck = true;
        else
            stream->due |= STREAM_DUE_INPUT;
        break;
    }
}

static bool wants_input(const struct stream *stream)
{
    return stream_may_receive(stream) &&
           (stream->closing || (stream->end == STREAM_OPEN && !stream->stuck));
}

static bool is_flushed(const struct stream *stream)
{
    bool switching =
        stream->phase == STREAM_PHASE_HANDSHAKE || stream->phase == STREAM_PHASE_STOPPING;
    return !switching && stream_output(stream).len == 0 && (!stream->finishing || stream->fin_sent);
}

/* Finds which events are due and what to watch for. */
static void update(struct stream *stream)
{
    if (stream->fd >= 0) {
        stream_tls_leave(stream);
        stream_close_advance(stream);
    }
    if (stream->unflushed && is_flushed(stream)) {
        stream->unflushed = false;
        stream->due |= STREAM_DUE_FLUSHED;
    }
    if (stream->tight && has_room(stream)) {
        stream->tight = false;
        stream->due |= STREAM_DUE_ROOM;
    }
    if (stream->held && !stream->blocked) {
        stream->held = false;
        stream->due |= STREAM_DUE_INPUT;
    }
    if (stream->closing)
        stream->due &= STREAM_DUE_CLOSED;
    if (stream->watch)
        loop_watch_want(stream->watch, wants_input(stream), stream->blocked && !stream->broken);
}

static void post_if_needed(struct stream *stream)
{
    if (stream->due != 0 || (can_send(stream) && stream_output(stream).len > 0))
        loop_task_post(stream->task);
}

void stream_settle(struct stream *stream)
{
    update(stream);
    post_if_needed(stream);
}

typedef void event_fn(void *ctx);

static event_fn *handler(const struct stream *stream, enum stream_due event)
{
    switch (event) {
    case STREAM_DUE_SEALED:
        return stream->events.sealed;
    case STREAM_DUE_FLUSHED:
        return stream->events.flushed;
    case STREAM_DUE_ROOM:
        return stream->events.room;
    case STREAM_DUE_INPUT:
        return stream->events.input;
    case STREAM_DUE_CLOSED:
        return stream->events.closed;
    }
    return NULL;
}

/* Takes the first event that is due and that somebody wants to know of; NULL: none. */
static event_fn *take_event(struct stream *stream)
{
    event_fn *fn = NULL;
    while (stream->due != 0 && !fn) {
        unsigned first = stream->due & -stream->due;
        stream->due &= ~first;
        if (first == STREAM_DUE_INPUT)
            stream->told = true;
        fn = handler(stream, (enum stream_due)first);
    }
    return fn;
}

/* Calls one event, which may free the stream: last thing to be called. The task comes back for the
 * others. */
static void call_event(struct stream *stream)
{
    event_fn *fn = take_event(stream);
    post_if_needed(stream);
    if (fn)
        fn(stream->ctx);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct stream *stream = ctx;
    stream->quota_bytes = QUOTA_BYTES;
    if (writable) {
        stream->blocked = false;
        stream_flush(stream);
    }
    if (readable)
        take_input(stream);
    update(stream);
    call_event(stream);
}

static void on_task(void *ctx)
{
    struct stream *stream = ctx;
    stream_flush(stream);
    update(stream);
    call_event(stream);
}

/* ---- what it is ---- */

enum stream_end stream_end(const struct stream *stream)
{
    return stream->end;
}

const struct fault *stream_fault(const struct stream *stream)
{
    return &stream->fault;
}

bool stream_is_broken(const struct stream *stream)
{
    return stream->broken;
}

struct tls_engine *stream_tls(const struct stream *stream)
{
    return stream->engine;
}

bool stream_is_sealed(const struct stream *stream)
{
    return stream->phase == STREAM_PHASE_SEALED;
}

const struct address *stream_peer(const struct stream *stream)
{
    return &stream->peer;
}

const struct address *stream_local(const struct stream *stream)
{
    return &stream->local;
}

bool stream_has_received(const struct stream *stream)
{
    return stream->received;
}

uint64_t stream_activity_ns(const struct stream *stream)
{
    return stream->activity_ns;
}
