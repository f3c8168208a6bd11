/* What the roles of ferryd write for the log goes to the supervisor as datagrams: events as they
 * are, so that it alone decides what they look like where, and lines that are whole already. Nobody
 * but the supervisor opens a file of the log, and what a role sends can forge neither a second line
 * nor another field (SEC-80). */
#ifndef FERRY_FERRYD_LOGWIRE_H
#define FERRY_FERRYD_LOGWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/log.h"

enum {
    LOGWIRE_MAX_BYTES = 64 * 1024, /* of a datagram */
    LOGWIRE_FIELDS_MAX = 32,
    LOGWIRE_WAIT_MS = 2000, /* how long a role waits for a supervisor that does not read */
};

enum logwire_kind {
    LOGWIRE_EVENT,
    LOGWIRE_LINE, /* of the xferlog */
};

/* The sending end, in a role. */
struct logwire {
    int fd;
    uint64_t lost; /* that could not be sent, and were not told of yet */
    bool away;     /* the supervisor did not read in time: it is no longer waited for */
    char scratch[LOGWIRE_MAX_BYTES];
};

/* For `record` of a struct log, whose ctx is a struct logwire. An event that cannot be sent, since
 * the supervisor does not read, is counted, and the count is sent as "log.lost" later. */
log_record_fn logwire_record;

/* The same for a line, at most LOGWIRE_MAX_BYTES - 1. */
void logwire_line(struct logwire *wire, struct bytes line);

/* A datagram that was read. */
struct logwire_got {
    enum logwire_kind kind;
    struct bytes line;      /* LOGWIRE_LINE: visible characters only */
    struct log_event event; /* LOGWIRE_EVENT; all views are into the datagram */
    struct log_field fields[LOGWIRE_FIELDS_MAX]; /* those of the event */
};

/* FERRY_E_PROTOCOL: no role of ours has sent that. */
NODISCARD enum ferry_error logwire_read(struct bytes datagram, struct logwire_got *out);

/* How an event is sent; returns its length, 0: it does not fit. For tests. */
size_t logwire_write(char out[static LOGWIRE_MAX_BYTES], const struct log_event *event);

#endif
