/* What the files of a transfer share: transfer_open.c (from the command to the 150), transfer.c
 * (from there to the final reply), and transfer_commit.c (an upload's way to its name). Nobody else
 * includes this. */
#ifndef FERRY_SERVER_TRANSFER_PRIVATE_H
#define FERRY_SERVER_TRANSFER_PRIVATE_H

#include "server/keepalive.h"
#include "server/kept.h"
#include "server/transfer.h"

enum transfer_stage {
    TRANSFER_OPENING,    /* the backend opens the file, part or directory */
    TRANSFER_CONNECTING, /* 150 is out; the data connection is awaited */
    TRANSFER_MOVING,     /* the pump runs */
    TRANSFER_CLOSING,    /* the pump lets go of the file */
    TRANSFER_READING,    /* the part is opened once more, to be checked */
    TRANSFER_CHECKING,   /* a check is asked whether it may take its name */
    TRANSFER_RECORDING,  /* that it is about to is recorded */
    TRANSFER_COMMITTING, /* the part takes its name */
    TRANSFER_ABANDONING, /* the part is let go */
};

struct server_transfer {
    struct server_session *session;
    enum verb verb;
    enum transfer_stage stage;
    bool announced; /* 1xx is out */
    bool ascii_type;
    enum transfer_mode mode;
    int level;       /* of MODE Z */
    const char *tls; /* version of the data connection's TLS; "" in clear */
    char *path;
    uint64_t offset_bytes, bytes;
    uint64_t range_bytes; /* of RANG; 0: it has no end */
    uint64_t started_ns;

    int fd;        /* RETR: the file; uploads: the part; else -1 */
    bool has_part; /* `part` is neither committed nor abandoned */
    bool in_place; /* there is no part: what came stays */
    bool keep;     /* how to abandon it */
    uint32_t part;
    bool has_record; /* `record` is to be settled */
    uint64_t record;
    struct server_list *list;

    struct stream *stream;
    struct server_binding *binding; /* of its engine */
    enum tls_proof proof;
    struct pump *pump;
    struct server_keepalive *keepalive;
    struct server_filter *filter; /* or NULL */
    struct server_ahead ahead;    /* MODE B: what came for an upload already */
    uint64_t written_bytes;       /* of the file, by an upload */

    /* How it ended; 0: it has not, or well. */
    int code;
    char reply[FAULT_TEXT_BYTES];
    struct fault fault;
};

/* ---- transfer.c ---- */

bool server_transfer_is_upload(const struct server_transfer *transfer);

/* Records the first failure: `reply` for the client, `fault` for the log. */
void server_transfer_set_fault(struct server_transfer *transfer, int code, const char *reply,
                               const struct fault *fault);

/* Ends it before its time, wherever it stands. */
void server_transfer_fail(struct server_transfer *transfer, int code, const char *reply,
                          const struct fault *fault);
void server_transfer_fail_memory(struct server_transfer *transfer);

/* Everything is let go of: tells, frees it, and leaves the session free for the next command. */
void server_transfer_finish(struct server_transfer *transfer);

void server_transfer_free(struct server_transfer *transfer);

/* The part, if there is one, is let go of; then it finishes. */
void server_transfer_abandon(struct server_transfer *transfer);

/* ---- transfer_commit.c ---- */

/* The upload is whole and written: checks it, records it, gives it its name, and finishes. */
void server_transfer_commit(struct server_transfer *transfer);

/* Ends a check or a record that is under way. */
void server_transfer_uncommit(struct server_transfer *transfer);

/* Tells of a download that is over. */
void server_transfer_note(const struct server_transfer *transfer);

#endif
