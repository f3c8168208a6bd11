/* Bytes over a connected socket, in clear or under TLS, with back-pressure and an end that says
 * what it was. One socket, one TLS session at a time; it can be sealed in the middle (AUTH) and
 * opened again (CCC). What is written in one turn of the loop leaves together at its end. */
#ifndef FERRY_NET_STREAM_H
#define FERRY_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "net/loop.h"
#include "net/socket.h"
#include "tls/engine.h"

struct stream;

enum stream_end {
    STREAM_OPEN,
    STREAM_END_CLOSED, /* close_notify under TLS, FIN in clear: the peer sent all it wanted to */
    STREAM_END_CUT,    /* under TLS: FIN or RST without close_notify; in clear: RST */
    STREAM_END_FAILED, /* handshake or record failure, or another error; see stream_fault */
};

/* Called from the loop, never from inside a stream_* call. Any member may be NULL. A callback may
 * free the stream. */
struct stream_events {
    /* There may be something to read, or the reading side has ended (stream_end says how), or
     * sending failed (stream_is_broken). Not called again for input until stream_read has said that
     * nothing is left. */
    void (*input)(void *ctx);
    /* Output has drained so far that stream_room is at least half of its most; only after
     * stream_write left it below that or took less than all, or when it never will
     * (stream_is_broken). */
    void (*room)(void *ctx);
    /* All output is in the kernel's hands (and, sealed, no record waits). */
    void (*flushed)(void *ctx);
    /* The handshake is done. */
    void (*sealed)(void *ctx);
    /* stream_close has run its course: the socket is closed. The stream is still to be freed. */
    void (*closed)(void *ctx);
};

/* The most that stream_room ever is. */
enum { STREAM_ROOM_BYTES = 256 * 1024 };

/* Takes `fd`, on failure too. `events` is copied; NULL: none. NULL: no memory. */
struct stream *stream_new(struct loop *loop, int fd, const struct stream_events *events, void *ctx);

/* Closes at once and frees. Under TLS the session stays good for resumption. NULL is fine. */
void stream_free(struct stream *stream);

/* Another owner for its events (a data connection that is handed from a candidate to a transfer);
 * `events` as for stream_new. The new owner is told of input that waits. */
void stream_set_events(struct stream *stream, const struct stream_events *events, void *ctx);

/* Reads what is there: *got bytes into `out`. *got 0: nothing now, or the end. Reading pauses while
 * nobody calls this. All that came before the end is read before stream_end tells of it. */
void stream_read(struct stream *stream, char *out, size_t size, size_t *got);

/* true: do not read from the socket until set back (so TCP slows the peer down); the end is noticed
 * all the same later. */
void stream_pause(struct stream *stream, bool paused);

/* Takes as much of `in` as there is room for and sends it soon. *taken tells how much; nothing
 * before a handshake is done. FERRY_E_LOST: sending is over, by a failure or by stream_finish or
 * stream_close; FERRY_E_MEMORY. */
NODISCARD enum ferry_error stream_write(struct stream *stream, struct bytes in, size_t *taken);
size_t stream_room(const struct stream *stream);

/* Begins TLS with the next byte in either direction; takes `engine`, on failure too. All output
 * must be flushed (what can be is flushed here, without the event) and no input unread:
 * FERRY_E_STATE otherwise. A client's ClientHello is sent at once. The event `sealed` follows, or
 * the end. */
NODISCARD enum ferry_error stream_start_tls(struct stream *stream, struct tls_engine *engine);

/* What ends the peer's side of TLS when ours ends. */
enum stream_stop {
    STREAM_STOP_NOTIFY, /* its close_notify within 5 s, else the stream has failed */
    STREAM_STOP_ANY, /* or clear text that comes when our close_notify has left, or the 5 s: there
                        are clients that never send one (TLS-155) */
};

/* Ends TLS and goes on in clear (REIN, CCC): sends close_notify, waits for the end of the peer's
 * side, then calls `flushed`; the engine is then freed. Sealed bytes that come before that end, and
 * clear ones that came before our close_notify left, are FERRY_E_INJECTION (SEC-10, TLS-135).
 * FERRY_E_STATE: not sealed. */
NODISCARD enum ferry_error stream_stop_tls(struct stream *stream, enum stream_stop until);

/* A sign of life that no user-PI sees (tls_engine_keepalive); nothing in clear and in TLS 1.2. */
void stream_keepalive(struct stream *stream);

/* Closes in order: sends what is queued, close_notify, FIN; then reads and drops what still comes,
 * so that no RST destroys what the peer has not read (TLS-186), until the peer ends, too; then
 * closes and calls `closed`, the only event from now on. All this takes at most `linger_ns`. */
void stream_close(struct stream *stream, uint64_t linger_ns);

/* Ends the writing side only: what is queued, close_notify, FIN; reading goes on. `flushed`
 * follows. */
void stream_finish(struct stream *stream);

/* Closes at once with RST, without close_notify: a cut that looks like a cut (TLS-175, SEC-103). No
 * event follows. */
void stream_abort(struct stream *stream);

/* How the reading side ended, and why if it failed. */
enum stream_end stream_end(const struct stream *stream);
const struct fault *stream_fault(const struct stream *stream);

/* STREAM_END_CUT under TLS by a FIN between two records: all but the close_notify may have come. So
 * do old clients end an upload; so does anybody who can end a connection (TLS-175). */
bool stream_lacks_notify(const struct stream *stream);

/* The first byte that waits to be read in clear, which stays there. false: there is none. */
bool stream_peek(const struct stream *stream, unsigned char *first);

/* Sending failed: what was written may not have arrived, and nothing more can be. */
bool stream_is_broken(const struct stream *stream);

/* The TLS session, or NULL in clear. */
struct tls_engine *stream_tls(const struct stream *stream);
bool stream_is_sealed(const struct stream *stream); /* the handshake is done */

const struct address *stream_peer(const struct stream *stream);
const struct address *stream_local(const struct stream *stream);

/* Whether the peer has sent a byte at all. */
bool stream_has_received(const struct stream *stream);

/* When bytes last crossed the socket, either way (loop_now_ns's scale): for stall limits. */
uint64_t stream_activity_ns(const struct stream *stream);

#endif
