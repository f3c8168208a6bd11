/* What the files of the stream share; nobody else includes it. */
#ifndef FERRY_NET_STREAM_INTERNAL_H
#define FERRY_NET_STREAM_INTERNAL_H

#include "base/buf.h"
#include "net/stream.h"

enum stream_phase {
    STREAM_PHASE_CLEAR,
    STREAM_PHASE_HANDSHAKE,
    STREAM_PHASE_SEALED,
    STREAM_PHASE_STOPPING, /* stream_stop_tls: waits for the peer's close_notify */
};

/* Events that are to be called, in the order in which they are. */
enum stream_due {
    STREAM_DUE_SEALED = 1,
    STREAM_DUE_FLUSHED = 2,
    STREAM_DUE_ROOM = 4,
    STREAM_DUE_INPUT = 8,
    STREAM_DUE_CLOSED = 16,
};

struct stream {
    struct loop *loop;
    int fd; /* -1: closed */
    struct loop_watch *watch;
    struct loop_task *task;   /* sends what was written in this turn, calls events */
    struct loop_timer *timer; /* limit of closing or stopping; NULL until then */
    struct stream_events events;
    void *ctx;
    unsigned due; /* enum stream_due */

    enum stream_phase phase;
    struct tls_engine *engine; /* NULL in the clear */
    struct buf out;            /* in the clear: to be sent */
    struct buf kept; /* received and not read: ciphertext that the engine borrows, or clear bytes
                        that came behind a close_notify */

    enum stream_stop until; /* while stopping */
    bool left;              /* the peer is in clear, without a close_notify */

    enum stream_end end;
    struct fault fault;
    bool eof;   /* nothing more comes from the socket */
    bool reset; /* by RST */

    bool paused;
    bool signing;       /* the handshake waits for its signer */
    bool told;          /* of input, and has not yet read all */
    bool stuck;         /* told, and there was input again: not watched until it is read */
    bool held;          /* reading waits until output has drained */
    size_t quota_bytes; /* may still be received before the loop turns */

    bool blocked;   /* the socket took less than all */
    bool broken;    /* sending failed */
    bool tight;     /* room was found too small */
    bool unflushed; /* `flushed` is owed */
    bool finishing; /* stream_finish, stream_close */
    bool notified;  /* close_notify is queued */
    bool fin_sent;
    bool closing;

    uint64_t activity_ns;
    bool received; /* something, at any time */
    struct address peer, local;
};

/* ---- stream.c ---- */

/* Sends output until the socket takes no more. */
void stream_flush(struct stream *stream);

/* Nothing more can be sent; what came before can still be read. */
void stream_sending_failed(struct stream *stream);

/* What is queued to be sent. */
struct bytes stream_output(const struct stream *stream);

/* stream_pause stops reading for the owner, but not what the stream reads for itself. */
bool stream_may_receive(const struct stream *stream);

/* One recv of up to `size`. *got 0: nothing now (or in this turn of the loop), or `eof` or an end
 * is set. */
void stream_receive(struct stream *stream, char *out, size_t size, size_t *got);

/* To be called after anything that changed the stream: finds which events are due, what to watch
 * for, and whether to come back at the end of the turn. Calls no event. */
void stream_settle(struct stream *stream);

/* Lets go of the socket. */
void stream_release(struct stream *stream);

/* ---- stream_tls.c ---- */

/* Takes the handshake, or the stopping, as far as the input allows. */
void stream_tls_handshake(struct stream *stream);
void stream_tls_stop(struct stream *stream);

/* The stopping has lasted its 5 s. */
void stream_tls_stop_expired(struct stream *stream);

/* Ends the stopping when all is sent and the peer's side has ended. */
void stream_tls_leave(struct stream *stream);

/* As stream_read, sealed. */
void stream_tls_read(struct stream *stream, char *out, size_t size, size_t *got);

/* As stream_write, sealed. Returns how much was taken. */
size_t stream_tls_write(struct stream *stream, struct bytes in);

/* ---- stream_close.c ---- */

/* Sends close_notify and FIN when it is time to. */
void stream_close_advance(struct stream *stream);

/* Reads and drops. */
void stream_close_drain(struct stream *stream);

/* Sets when closing or stopping must be over. false: no memory. */
bool stream_limit(struct stream *stream, uint64_t at_ns);

#endif
