/* What the files of the pump share; nobody else includes it. */
#ifndef FERRY_NET_PUMP_INTERNAL_H
#define FERRY_NET_PUMP_INTERNAL_H

#include "net/file.h"
#include "net/pump.h"

enum {
    PUMP_TURN_BYTES = 256 * 1024,
    PUMP_SLICE_BYTES = 64 * 1024, /* goes through a filter or to a sink at once */
};

/* A piece of the file. */
struct pump_block {
    char *data; /* FILE_BLOCK_BYTES; NULL until it is needed */
    size_t len;
    size_t used; /* sent already */
};

struct pump {
    struct pump_settings settings;
    struct file *file; /* NULL with a source or sink */
    struct loop_task *task;
    struct loop_timer *stall;
    uint64_t progress_ns; /* when the file, source or sink last got on */
    uint64_t bytes;
    uint64_t source_bytes;        /* to_stream: from the file or source */
    uint64_t told_bytes, told_ns; /* when `progress` was last called */
    size_t budget;                /* left in this turn */
    uint64_t resume_ns;           /* by the rate, nothing moves before */

    struct pump_block blocks[2];
    unsigned current; /* to_stream: is sent; else: is filled */
    unsigned full;    /* to_stream: how many wait to be sent, from `current` on */
    bool job;         /* a block is being read or written, or the file is being synced */

    char *slice;             /* from the stream, on its way to filter or sink */
    struct bytes unfiltered; /* what of it the filter has not taken */
    struct buf filtered;     /* what the filter made */
    struct buf made;         /* what the source made */
    bool source_ended;
    bool filter_ended;
    bool finishing; /* to_stream: stream_finish was called */
    bool flushed;   /* all is sent */
    bool flushing;  /* pump_flush was called */
    uint64_t written_bytes;
    bool synced;

    struct pump_result result; /* `outcome` counts from `ending` on */
    bool ending;               /* nothing more is taken from the source */
    bool abandoned;            /* nothing more is given to the target */
    bool complete;             /* `done` is due */
    bool over;                 /* `done` was called */

    void (*freed)(void *ctx); /* of pump_free */
    void *freed_ctx;
};

/* ---- pump.c ---- */

/* Decides how it ends. The first failure counts. What was taken from the source still goes to the
 * target. */
void pump_end(struct pump *pump, enum pump_outcome outcome, int os_error);

/* The same, and the target gets nothing more. */
void pump_abandon(struct pump *pump, enum pump_outcome outcome, int os_error);

/* Comes back in this turn of the loop, or in the next. */
void pump_kick(struct pump *pump);

/* A job has come back. */
void pump_job_returned(struct pump *pump);

/* The block's memory is there. false: it is not, and the pump ends. */
bool pump_block_ready(struct pump *pump, struct pump_block *block);

/* Appends to `filtered`, which is empty, what the filter makes of `*in`, and takes that from it.
 * `last`: `filter_ended` is set when that was all. false: it failed, and the pump ends. */
bool pump_filter(struct pump *pump, struct bytes *in, bool last);

/* ---- pump_in.c, pump_out.c ---- */

/* One turn: moves what can be moved now, up to the budget; sets `complete` at the end. */
void pump_in_step(struct pump *pump);  /* from the stream */
void pump_out_step(struct pump *pump); /* to the stream */

#endif
