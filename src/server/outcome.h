/* What the end of a pump means for a transfer: reply, words for the log, and what becomes of the
 * part (FTP-46, FTP-63, TLS-175). */
#ifndef FERRY_SERVER_OUTCOME_H
#define FERRY_SERVER_OUTCOME_H

#include <stdbool.h>

#include "ferry/error.h"
#include "net/pump.h"

struct server_outcome {
    int code;           /* 0: everything crossed */
    const char *reply;  /* for the client; static */
    const char *reason; /* for the log; static; NULL of a filter, whose fault says it */
    enum ferry_error kind;
    bool keep; /* the part of a cut upload is worth going on with */
};

struct server_outcome server_outcome_of(const struct pump_result *result, bool upload, bool sealed);

/* For a filter that failed, with the kinds of mode_z_run. */
struct server_outcome server_outcome_of_filter(enum ferry_error kind);

#endif
