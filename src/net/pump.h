/* Moves bytes from one end to the other until the source ends: stream to file, file to stream,
 * source to stream, stream to sink. Two blocks are in flight; a full target stops the source. At
 * most 256 KiB a turn of the loop, so that idle sessions stay quick. */
#ifndef FERRY_NET_PUMP_H
#define FERRY_NET_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "net/loop.h"
#include "net/rate.h"
#include "net/stream.h"

struct pump;

/* However it ends, all that came from the stream before is in the file, unless that failed. */
enum pump_outcome {
    PUMP_DONE,        /* the source came to its proper end and the target has it all (a stream:
                         sent, with close_notify and FIN unless it is kept; a file: written, and
                         synced if asked) */
    PUMP_CUT,         /* the source stream ended without close_notify, or the target stream broke */
    PUMP_STALLED,     /* nothing crossed for `stall_ns` */
    PUMP_LIMIT,       /* the source gave more than `max_bytes` */
    PUMP_READ_FAILED, /* the file, see os_error */
    PUMP_WRITE_FAILED, /* the file, see os_error */
    PUMP_FAILED,       /* memory, a hook, or TLS: see the stream's fault */
};

struct pump_result {
    enum pump_outcome outcome;
    uint64_t bytes; /* taken from or put on the stream's side */
    int os_error;
};

typedef void pump_done_fn(void *ctx, const struct pump_result *result);
typedef void pump_progress_fn(void *ctx, uint64_t bytes);

/* The hooks must not free the pump. */

/* Changes bytes on their way (TYPE A, MODE Z): takes bytes from the front of `*in` and appends to
 * `out`, which is empty and has room for at least 2 × in->len + 64 bytes, what they become. It may
 * leave some of a non-empty `*in`, which come again, but must take or append something. `last`:
 * nothing follows, `*in` is empty; called until nothing is appended. */
typedef enum ferry_error pump_filter_fn(void *ctx, struct bytes *in, bool last, struct buf *out);

/* Bytes made on the way, for listings: appends what comes next to `out`, at most about 64 KiB, and
 * returns true when there is more to come. If it cannot go on yet it appends nothing, returns true
 * and calls pump_wake later. */
typedef bool pump_source_fn(void *ctx, struct buf *out);

/* Takes bytes that arrived, for listings; false stops the pump with PUMP_FAILED. */
typedef bool pump_sink_fn(void *ctx, struct bytes in);

/* Of a filter, from the stream: how many bytes it can take now; the pump reads no more, and leaves
 * the rest in the stream. 0: the source has come to its end, whether or not the stream has. */
typedef size_t pump_wanted_fn(void *ctx);

/* To a file: so many bytes of it have been written so far. */
typedef void pump_written_fn(void *ctx, uint64_t bytes);

/* To a file: whether it may be written as far as so many bytes in all; false: PUMP_LIMIT, and they
 * are not. */
typedef bool pump_allows_fn(void *ctx, uint64_t bytes);

struct pump_settings {
    struct loop *loop;
    struct stream *stream;    /* the data connection; kept by the caller, who frees the pump first;
                                 the pump has its events until it is done */
    bool to_stream;           /* file or source to stream; else stream to file or sink */
    int fd;                   /* the file (kept by the caller, open until freed), or -1 */
    int64_t offset_bytes;     /* in the file; or FILE_SEQUENTIAL */
    pump_source_fn *source;   /* instead of fd */
    pump_sink_fn *sink;       /* instead of fd */
    pump_filter_fn *filter;   /* or NULL */
    pump_wanted_fn *wanted;   /* or NULL: the source ends with the stream */
    pump_written_fn *written; /* or NULL */
    pump_allows_fn *allows;   /* or NULL */
    void *hook_ctx;           /* of source, sink, filter, wanted, written, allows */
    bool keep_stream;         /* to the stream: it is left open and what the peer sends unread */
    bool at_once; /* to the file: what came is written when no more is there, not only whole
                     blocks */
    bool sync;    /* fdatasync before PUMP_DONE */
    bool accept_no_notify;      /* stream_lacks_notify is the end of the stream, too: PUMP_DONE */
    uint64_t length_bytes;      /* of the file to the stream: no more than so many; 0: to its end */
    uint64_t max_bytes;         /* 0: no limit */
    uint64_t stall_ns;          /* 0: 120 s (SEC-51) */
    struct rate_line *rate;     /* of the bytes on the stream's side, with others or alone; kept by
                                   the caller. NULL: none */
    pump_progress_fn *progress; /* or NULL; at most ten times a second */
    pump_done_fn *done;         /* exactly once, from the loop, unless pump_free comes first */
    void *ctx;                  /* of progress and done */
};

/* FERRY_E_MEMORY. */
NODISCARD enum ferry_error pump_new(const struct pump_settings *settings, struct pump **out);

/* Stops it if it runs (the stream is left as it is; the caller aborts or closes it) and frees it.
 * Jobs under way are waited for in the background: `freed` (may be NULL) is called, from the loop
 * or at once, when the file descriptor is no longer in use. NULL is fine. */
void pump_free(struct pump *pump, void (*freed)(void *ctx), void *ctx);

void pump_wake(struct pump *pump);

/* From inside the filter: what it made so far is to be written to the file soon, in a block that is
 * not full if need be. */
void pump_flush(struct pump *pump);

/* Bytes so far. */
uint64_t pump_bytes(const struct pump *pump);

#endif
