/* What becomes of the bytes of one transfer between file and data connection: TYPE A, MODE Z or B,
 * or text and mode; text is converted before it is compressed or cut into blocks (FTP-42, FTP-44,
 * FTP-46). */
#ifndef FERRY_SERVER_FILTER_H
#define FERRY_SERVER_FILTER_H

#include "base/fault.h"
#include "ftp/mode_b.h"
#include "net/pump.h"

struct server_filter;

struct server_filter_want {
    bool to_wire; /* RETR and listings; else from the wire */
    bool ascii;
    bool ascii_strict; /* struct ascii */
    bool mode_z;
    int level; /* of MODE Z */
    bool mode_b;
    uint64_t offset_bytes; /* MODE B: in the file, where the transfer begins */
    bool marks;            /* MODE B: restart markers are sent and heard */
    struct bytes ahead;    /* MODE B, from the wire: what was read of the first header already */
};

/* Where the client set a restart marker (FTP-97). */
struct server_mark {
    char text[MODE_B_MARK_MAX_BYTES];
    size_t len;
    uint64_t made_bytes; /* that came before it */
};

/* `*out` is NULL if the bytes cross as they are. FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_filter_new(const struct server_filter_want *want,
                                             struct server_filter **out);
void server_filter_free(struct server_filter *filter);

/* A pump_filter_fn, `filter` being the context. */
NODISCARD enum ferry_error server_filter_run(void *filter, struct bytes *in, bool last,
                                             struct buf *out);

/* MODE B, from the wire: a pump_wanted_fn's answer. */
size_t server_filter_wanted(const struct server_filter *filter);

/* Takes the oldest marker before which fewer than `made_bytes` were made. false: there is none. A
 * few wait at most; what comes beyond is dropped. */
bool server_filter_mark(struct server_filter *filter, uint64_t made_bytes, struct server_mark *out);

/* Whether one waits. */
bool server_filter_has_marks(const struct server_filter *filter);

/* Why it failed: the kinds of mode_z_run; in MODE B the words can be told to the client. Not set if
 * it has not, or if `filter` is NULL. */
const struct fault *server_filter_fault(const struct server_filter *filter);

#endif
