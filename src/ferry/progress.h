/* A line on the terminal that shows how far a transfer is, how fast, and for how long still. */
#ifndef FERRY_FERRY_PROGRESS_H
#define FERRY_FERRY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "ferry/args.h"

enum { PROGRESS_NAME_BYTES = 256 };

struct progress {
    bool on; /* standard error is a terminal, and the line is wanted */
    char name[PROGRESS_NAME_BYTES];
    uint64_t began_ns;
    uint64_t began_bytes; /* that were there before */
    bool drawn;
};

void progress_init(struct progress *progress, const struct settings *settings);

/* A new transfer, of what is called `name` (any bytes). */
void progress_begin(struct progress *progress, const char *name);

/* A ferry_progress_fn; `ctx` is the struct. */
bool progress_show(void *ctx, uint64_t bytes, int64_t total_bytes);

/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
