/* What becomes of the bytes of one transfer between file and data connection: TYPE A, MODE Z, or
 * both; text is converted before it is compressed (FTP-42, FTP-46). */
#ifndef FERRY_SERVER_FILTER_H
#define FERRY_SERVER_FILTER_H

#include "base/fault.h"
#include "net/pump.h"

struct server_filter;

struct server_filter_want {
    bool to_wire; /* RETR and listings; else from the wire */
    bool ascii;
    bool ascii_strict; /* struct ascii */
    bool mode_z;
    int level; /* of MODE Z */
};

/* `*out` is NULL if the bytes cross as they are. FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_filter_new(const struct server_filter_want *want,
                                             struct server_filter **out);
void server_filter_free(struct server_filter *filter);

/* A pump_filter_fn, `filter` being the context. */
NODISCARD enum ferry_error server_filter_run(void *filter, struct bytes *in, bool last,
                                             struct buf *out);

/* Why it failed: the kinds of mode_z_run. Not set if it has not, or if `filter` is NULL. */
const struct fault *server_filter_fault(const struct server_filter *filter);

#endif
