/* What a server counts since it began: numbers that only grow. */
#ifndef FERRY_BASE_SERVER_COUNT_H
#define FERRY_BASE_SERVER_COUNT_H

#include <stdint.h>

#include "ferry/error.h"

enum server_count {
#define COUNT(name, metric, labels, words) SERVER_COUNT_##name,
#include "base/server_count.def"
#undef COUNT
    SERVER_COUNTS
};

/* A failure of kind FERRY_E_x is counted at -FERRY_E_x. */
enum { SERVER_FAILURE_KINDS = 1 - FERRY_E_CANCELLED };

struct server_counters {
    uint64_t counts[SERVER_COUNTS];
    uint64_t failures[SERVER_FAILURE_KINDS]; /* of commands, transfers and connections */
};

static inline void server_count(struct server_counters *counters, enum server_count what)
{
    counters->counts[what]++;
}

static inline void server_count_failure(struct server_counters *counters, enum ferry_error kind)
{
    unsigned at = (unsigned)-(int)kind;
    if (kind != FERRY_OK && at < SERVER_FAILURE_KINDS)
        counters->failures[at]++;
}

#endif
