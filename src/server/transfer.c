/* RETR, STOR, STOU, APPE and the listings, from the command to the final reply. */
#include "server/transfer.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "ftp/path.h"
#include "net/pump.h"
#include "server/failure.h"
#include "server/filter.h"
#include "server/list.h"
#include "server/outcome.h"
#include "tls/engine.h"

enum transfer_stage {
    TRANSFER_OPENING,    /* the backend opens the file, part or directory */
    TRANSFER_CONNECTING, /* 150 is out; the data connection is awaited */
    TRANSFER_MOVING,     /* the pump runs */
    TRANSFER_CLOSING,    /* the pump lets go of the file */
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
    bool keep;     /* how to abandon it */
    uint32_t part;
    struct server_list *list;

    struct stream *stream;
    enum tls_proof proof;
    struct pump *pump;
    struct server_filter *filter; /* or NULL */

    /* How it ended; 0: it has not, or well. */
    int code;
    char reply[128];
    struct fault fault;
};

static bool is_upload(const struct server_transfer *transfer)
{
    return transfer->verb == VERB_STOR || transfer->verb == VERB_STOU ||
           transfer->verb == VERB_APPE;
}

static bool is_listing(const struct server_transfer *transfer)
{
    return transfer->verb == VERB_LIST || transfer->verb == VERB_NLST ||
           transfer->verb == VERB_MLSD;
}

const char *server_transfer_verb(const struct server_transfer *transfer)
{
    return verb_row(transfer->verb)->name;
}

uint64_t server_transfer_bytes(const struct server_transfer *transfer)
{
    return transfer->pump ? pump_bytes(transfer->pump) : transfer->bytes;
}

/* ---- the end ---- */

static void transfer_free(struct server_transfer *transfer)
{
    server_list_free(transfer->list);
    stream_free(transfer->stream);
    server_filter_free(transfer->filter);
    fd_close(&transfer->fd);
    alloc_free(transfer->path);
    alloc_free(transfer);
}

static void transfer_log(const struct server_transfer *transfer)
{
    const struct server_session *session = transfer->session;
    uint64_t took_ns = loop_now_ns(session->shared->loop) - transfer->started_ns;
    if (transfer->code == 0) {
        server_event(session, LOG_LEVEL_NOTICE, "transfer.end",
                     F_STR("verb", server_transfer_verb(transfer)), F_STR("path", transfer->path),
                     F_U64("offset", transfer->offset_bytes), F_U64("bytes", transfer->bytes),
                     F_DUR("took", took_ns), F_STR("tls", transfer->tls),
                     F_STR("proof", transfer->tls[0] ? tls_proof_words(transfer->proof) : ""));
        return;
    }
    server_event(session, LOG_LEVEL_NOTICE, "transfer.failed",
                 F_STR("verb", server_transfer_verb(transfer)), F_STR("path", transfer->path),
                 F_U64("offset", transfer->offset_bytes), F_U64("bytes", transfer->bytes),
                 F_DUR("took", took_ns), F_U64("reply", (uint64_t)transfer->code),
                 F_STR("reason", transfer->fault.what),
                 F_STR("side", server_failure_side(transfer->fault.kind)),
                 F_STR("advice", transfer->fault.advice));
}

static void transfer_reply(const struct server_transfer *transfer)
{
    struct server_pi *pi = transfer->session->pi;
    int code = transfer->code ? transfer->code : 226;
    const char *text = transfer->code ? transfer->reply : "Transfer complete.";
    if (transfer->announced)
        server_pi_transfer_end(pi, code, "%s", text);
    else
        server_pi_reply(pi, code, "%s", text);
}

/* Everything is let go of: tells, and leaves the session free for the next command. */
static void transfer_finish(struct server_transfer *transfer)
{
    struct server_session *session = transfer->session;
    transfer_log(transfer);
    transfer_reply(transfer);
    transfer_free(transfer);
    server_session_transfer_over(session);
}

static void transfer_abandoned(void *ctx, const struct fault *fault)
{
    struct server_transfer *transfer = ctx;
    if (fault_is_set(fault))
        server_event(transfer->session, LOG_LEVEL_ERROR, "part.left", F_STR("path", transfer->path),
                     F_STR("reason", fault->what));
    transfer_finish(transfer);
}

/* The part of a failed upload is let go of, if there is one. */
static void transfer_abandon(struct server_transfer *transfer)
{
    const struct server_session *session = transfer->session;
    if (!transfer->has_part) {
        transfer_finish(transfer);
        return;
    }
    transfer->has_part = false;
    transfer->stage = TRANSFER_ABANDONING;
    session->ops->abandon(session->store, transfer->part, transfer->keep, transfer_abandoned,
                          transfer);
}

/* Records the first failure: `reply` for the client, `fault` for the log. */
static void transfer_fault(struct server_transfer *transfer, int code, const char *reply,
                           const struct fault *fault)
{
    if (transfer->code)
        return;
    transfer->code = code;
    transfer->fault = *fault;
    snprintf(transfer->reply, sizeof(transfer->reply), "%s", reply);
}

static void transfer_committed(void *ctx, const struct fault *fault)
{
    struct server_transfer *transfer = ctx;
    if (!fault_is_set(fault)) {
        transfer->has_part = false;
        transfer_finish(transfer);
        return;
    }
    /* FERRY_E_STATE here: two were appending, or the file changed under a resumed upload. */
    struct server_failure failure = server_failure_of(transfer->verb, fault->kind);
    if (fault->kind == FERRY_E_STATE)
        failure = (struct server_failure){450, "The file was changed by another meanwhile."};
    transfer_fault(transfer, failure.code, failure.text, fault);
    transfer->keep = false;
    transfer_abandon(transfer);
}

/* The pump is done with the file, well or not. */
static void transfer_file_free(void *ctx)
{
    struct server_transfer *transfer = ctx;
    const struct server_session *session = transfer->session;
    fd_close(&transfer->fd);
    if (transfer->code || !is_upload(transfer)) {
        transfer_abandon(transfer);
        return;
    }
    transfer->stage = TRANSFER_COMMITTING;
    session->ops->commit(session->store, transfer->part, transfer_committed, transfer);
}

/* A download that failed must look cut: no close_notify (SEC-103). An uploading client is heard out
 * for a while, so that it comes to read the reply instead of a reset. */
static void drop_stream(struct server_linger *linger, struct stream *stream, bool in_order)
{
    if (in_order) {
        server_linger_take(linger, stream);
        return;
    }
    stream_abort(stream);
    stream_free(stream);
}

static void transfer_stop_pump(struct server_transfer *transfer)
{
    struct server_linger *linger = &transfer->session->shared->linger;
    struct pump *pump = transfer->pump;
    struct stream *stream = transfer->stream;
    bool in_order = transfer->code == 0 || is_upload(transfer);
    transfer->stage = TRANSFER_CLOSING;
    transfer->bytes = pump_bytes(pump);
    transfer->pump = NULL;
    transfer->stream = NULL;
    pump_free(pump, transfer_file_free, transfer); /* the transfer may be over after it */
    drop_stream(linger, stream, in_order);
}

/* Ends it before its time, wherever it stands. */
static void transfer_fail(struct server_transfer *transfer, int code, const char *reply,
                          const struct fault *fault)
{
    struct server_session *session = transfer->session;
    switch (transfer->stage) {
    case TRANSFER_OPENING:
        session->ops->cancel(session->store);
        transfer_fault(transfer, code, reply, fault);
        transfer_finish(transfer);
        break;
    case TRANSFER_CONNECTING:
        transfer_fault(transfer, code, reply, fault);
        transfer_abandon(transfer);
        break;
    case TRANSFER_MOVING:
        transfer_fault(transfer, code, reply, fault);
        transfer_stop_pump(transfer);
        break;
    case TRANSFER_CLOSING:
    case TRANSFER_COMMITTING:
    case TRANSFER_ABANDONING:
        break; /* it is ending already */
    }
}

static void transfer_fail_memory(struct server_transfer *transfer)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_MEMORY, "memory is short");
    transfer_fail(transfer, 451, "Memory is short, try again later.", &fault);
}

void server_transfer_abort(struct server_transfer *transfer)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_CANCELLED, "the client sent ABOR");
    transfer_fail(transfer, 426, "Transfer aborted.", &fault);
}

void server_transfer_orphan(struct server_transfer *transfer)
{
    if (is_upload(transfer) && transfer->stage != TRANSFER_OPENING)
        return;
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_LOST, "the control connection ended");
    transfer_fail(transfer, 426, "Transfer aborted.", &fault);
}

static void close_descriptor(void *ctx)
{
    int fd = (int)(intptr_t)ctx;
    fd_close(&fd);
}

void server_transfer_kill(struct server_transfer *transfer)
{
    transfer->session->transfer = NULL;
    if (transfer->pump)
        pump_free(transfer->pump, close_descriptor, (void *)(intptr_t)fd_take(&transfer->fd));
    transfer_free(transfer);
}

/* ---- moving ---- */

static bool transfer_lines(void *ctx, struct buf *out)
{
    const struct server_transfer *transfer = ctx;
    return server_list_lines(transfer->list, out);
}

static enum ferry_error transfer_filter(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    const struct server_transfer *transfer = ctx;
    return server_filter_run(transfer->filter, in, last, out);
}

static void transfer_pumped(void *ctx, const struct pump_result *result)
{
    struct server_transfer *transfer = ctx;
    bool sealed = stream_tls(transfer->stream) != NULL;
    struct server_outcome outcome = server_outcome_of(result, is_upload(transfer), sealed);
    const struct fault *filter = server_filter_fault(transfer->filter);
    if (result->outcome == PUMP_FAILED && fault_is_set(filter)) {
        struct server_outcome failed = server_outcome_of_filter(filter->kind);
        transfer_fault(transfer, failed.code, failed.reply, filter);
        transfer->keep = transfer->keep && failed.keep;
    } else if (outcome.code) {
        const struct fault *cause = stream_fault(transfer->stream);
        struct fault fault = {0};
        if (result->os_error) {
            errno = result->os_error;
            fault_errno(&fault, outcome.kind, "%s", outcome.reason);
        } else {
            fault_set(&fault, outcome.kind, "%s%s%s", outcome.reason,
                      fault_is_set(cause) ? ": " : "", cause->what);
        }
        transfer_fault(transfer, outcome.code, outcome.reply, &fault);
        transfer->keep = transfer->keep && outcome.keep;
    }
    transfer_stop_pump(transfer);
}

static void transfer_move(struct server_transfer *transfer)
{
    const struct server_shared *shared = transfer->session->shared;
    bool upload = is_upload(transfer);
    struct server_filter_want want = {
        .to_wire = !upload,
        .ascii = transfer->ascii_type && !transfer->list,
        .mode_z = transfer->mode == TRANSFER_MODE_Z,
        .level = transfer->level,
    };
    if (server_filter_new(&want, &transfer->filter) != FERRY_OK) {
        transfer_fail_memory(transfer);
        return;
    }
    struct pump_settings settings = {
        .loop = shared->loop,
        .stream = transfer->stream,
        .to_stream = !upload,
        .fd = transfer->fd,
        .offset_bytes = (int64_t)transfer->offset_bytes,
        .source = transfer->list ? transfer_lines : NULL,
        .filter = transfer->filter ? transfer_filter : NULL,
        .hook_ctx = transfer,
        .length_bytes = upload ? 0 : transfer->range_bytes,
        .max_bytes = upload ? transfer->range_bytes : 0,
        .sync = upload,
        .stall_ns = shared->settings.stall_timeout_ns,
        .done = transfer_pumped,
        .ctx = transfer,
    };
    if (pump_new(&settings, &transfer->pump) == FERRY_OK)
        transfer->stage = TRANSFER_MOVING;
    else
        transfer_fail_memory(transfer);
}

/* ---- the data connection ---- */

static void data_ready(void *ctx, struct stream *stream, enum tls_proof proof)
{
    struct server_session *session = ctx;
    struct server_transfer *transfer = session->transfer;
    const struct tls_engine *engine = stream_tls(stream);
    transfer->stream = stream;
    transfer->proof = proof;
    transfer->tls = engine ? tls_version_name(tls_engine_facts(engine)->version) : "";
    server_data_free(session->data);
    session->data = NULL;
    transfer_move(transfer);
}

static void data_failed(void *ctx, int code, const struct fault *fault)
{
    const struct server_session *session = ctx;
    transfer_fail(session->transfer, code, fault->what, fault);
}

static void data_refused(void *ctx, const struct address *peer, const struct fault *fault)
{
    char from[ADDRESS_TEXT_BYTES];
    address_text(peer, from);
    server_event((const struct server_session *)ctx, LOG_LEVEL_NOTICE, "data.refused",
                 F_STR("from", from), F_STR("reason", fault->what),
                 F_STR("side", server_failure_side(fault->kind)), F_STR("advice", fault->advice));
}

const struct server_data_events server_transfer_data_events = {
    .ready = data_ready,
    .failed = data_failed,
    .refused = data_refused,
};

/* ---- opening ---- */

/* The 150 is queued: the client may send its ClientHello now at the latest (TLS-64). */
static void transfer_announced(struct server_transfer *transfer)
{
    struct server_session *session = transfer->session;
    transfer->announced = true;
    transfer->stage = TRANSFER_CONNECTING;
    server_data_begin(session->data);
    server_session_turn(session);
}

/* A client that uses each ticket once must not run dry: a fresh one goes out before the 150
 * (TLS-108). */
static void transfer_refill(const struct server_transfer *transfer)
{
    struct stream *control = transfer->session->stream;
    if (stream_is_sealed(control))
        tls_engine_refill(stream_tls(control));
}

static void transfer_not_opened(struct server_transfer *transfer, const struct fault *fault)
{
    struct server_failure failure = server_failure_of(transfer->verb, fault->kind);
    transfer_fault(transfer, failure.code, failure.text, fault);
    transfer_finish(transfer);
}

static void transfer_announce_file(struct server_transfer *transfer, uint64_t left_bytes)
{
    struct server_pi *pi = transfer->session->pi;
    struct bytes name = path_base(bytes_str(transfer->path));
    transfer_refill(transfer);
    if (transfer->ascii_type)
        server_pi_reply(pi, 150, "Opening ASCII mode data connection for %.*s.", BYTES_FMT(name));
    else
        server_pi_reply(pi, 150, "Opening BINARY mode data connection for %.*s (%llu bytes).",
                        BYTES_FMT(name), (unsigned long long)left_bytes);
    transfer_announced(transfer);
}

/* How much of a file of that size will be sent. */
static uint64_t left_of(const struct server_transfer *transfer, uint64_t size_bytes)
{
    uint64_t left = size_bytes - transfer->offset_bytes;
    return transfer->range_bytes > 0 && transfer->range_bytes < left ? transfer->range_bytes : left;
}

static void read_opened(void *ctx, const struct fault *fault, int fd, uint64_t size_bytes)
{
    struct server_transfer *transfer = ctx;
    struct fault own = *fault;
    transfer->fd = fd;
    bool behind = transfer->offset_bytes > size_bytes ||
                  (transfer->range_bytes > 0 && transfer->offset_bytes == size_bytes);
    if (!fault_is_set(&own) && behind)
        fault_set(&own, FERRY_E_STATE, "read %s: the offset is past its end", transfer->path);
    if (fault_is_set(&own))
        transfer_not_opened(transfer, &own);
    else
        transfer_announce_file(transfer, left_of(transfer, size_bytes));
}

static void part_opened(void *ctx, const struct fault *fault, const struct store_part *part)
{
    struct server_transfer *transfer = ctx;
    struct server_pi *pi = transfer->session->pi;
    if (fault_is_set(fault)) {
        transfer_not_opened(transfer, fault);
        return;
    }
    transfer->stage = TRANSFER_CONNECTING;
    transfer->fd = part->fd;
    transfer->part = part->part;
    transfer->has_part = true;
    if (transfer->range_bytes == 0) {
        transfer->offset_bytes = part->offset_bytes;
    } else if (transfer->offset_bytes > part->offset_bytes) {
        struct fault behind = {0};
        fault_set(&behind, FERRY_E_STATE, "the range begins behind the end of the file");
        struct server_failure failure = server_failure_of(transfer->verb, FERRY_E_STATE);
        transfer_fail(transfer, failure.code, failure.text, &behind);
        return;
    }
    char *path = alloc_str(part->path);
    if (!path) {
        transfer_fail_memory(transfer);
        return;
    }
    alloc_free(transfer->path);
    transfer->path = path;
    transfer_refill(transfer);
    if (transfer->verb == VERB_STOU)
        server_pi_reply(pi, 150, "FILE: %s", path); /* RFC 1123 4.1.2.9 */
    else
        server_pi_reply(pi, 150, "Ready to receive %.*s.", BYTES_FMT(path_base(bytes_str(path))));
    transfer_announced(transfer);
}

static void list_opened(void *ctx, const struct fault *fault, bool directory)
{
    (void)directory;
    struct server_transfer *transfer = ctx;
    if (fault_is_set(fault)) {
        transfer_not_opened(transfer, fault);
        return;
    }
    transfer_refill(transfer);
    server_pi_reply(transfer->session->pi, 150, "Opening data connection for the listing.");
    transfer_announced(transfer);
}

static void list_more(void *ctx)
{
    const struct server_transfer *transfer = ctx;
    if (transfer->pump)
        pump_wake(transfer->pump);
}

static void list_failed(void *ctx, const struct fault *fault)
{
    struct server_failure failure = server_failure_of(VERB_LIST, fault->kind);
    transfer_fail(ctx, failure.code < 500 ? failure.code : 451, failure.text, fault);
}

static enum ferry_error transfer_open_list(struct server_transfer *transfer,
                                           const struct server_action *action)
{
    static const struct server_list_events events = {
        .opened = list_opened, .more = list_more, .failed = list_failed};
    return server_list_open(transfer->session, action, &events, transfer, &transfer->list);
}

static void transfer_open_part(struct server_transfer *transfer, const struct server_action *action)
{
    const struct server_session *session = transfer->session;
    enum part_mode mode = PART_REPLACE;
    uint64_t offset_bytes = action->offset;
    if (action->verb == VERB_STOU) {
        mode = PART_UNIQUE;
    } else if (action->has_range) {
        mode = PART_RESUME; /* what is outside of the range stays */
        offset_bytes = PART_AT_END;
    } else if (action->offset > 0) {
        mode = PART_RESUME; /* APPE after REST is as STOR after REST (FTP-93) */
    } else if (action->verb == VERB_APPE) {
        mode = PART_RESUME;
        offset_bytes = PART_AT_END;
    }
    session->ops->open_part(session->store, action->path.ptr, mode, offset_bytes, part_opened,
                            transfer);
}

static enum ferry_error transfer_new(struct server_session *session,
                                     const struct server_action *action,
                                     struct server_transfer **out)
{
    struct server_transfer *transfer = alloc_zero(sizeof(*transfer));
    char *path = alloc_bytes(action->path);
    if (!transfer || !path) {
        alloc_free(transfer);
        alloc_free(path);
        return FERRY_E_MEMORY;
    }
    transfer->session = session;
    transfer->verb = action->verb;
    transfer->ascii_type = server_pi_type(session->pi) == REPRESENTATION_ASCII;
    transfer->mode = server_pi_mode(session->pi);
    transfer->level = server_pi_mode_z_level(session->pi);
    transfer->tls = "";
    transfer->path = path;
    transfer->offset_bytes = action->offset;
    transfer->range_bytes = action->has_range ? action->range_end - action->offset : 0;
    transfer->started_ns = loop_now_ns(session->shared->loop);
    transfer->fd = -1;
    /* A part of which the middle was overwritten is no beginning to go on from. */
    transfer->keep = session->shared->settings.keep_cut_uploads && !action->has_range;
    *out = transfer;
    return FERRY_OK;
}

void server_transfer_start(struct server_session *session, const struct server_action *action)
{
    if (!session->data) {
        server_pi_reply(session->pi, 425, "Use EPSV, PASV, EPRT or PORT first.");
        return;
    }
    struct server_transfer *transfer = NULL;
    enum ferry_error error = transfer_new(session, action, &transfer);
    if (error == FERRY_OK && is_listing(transfer))
        error = transfer_open_list(transfer, action);
    else if (error == FERRY_OK && is_upload(transfer))
        transfer_open_part(transfer, action);
    else if (error == FERRY_OK)
        session->ops->open_read(session->store, transfer->path, read_opened, transfer);
    if (error == FERRY_OK) {
        session->transfer = transfer;
        return;
    }
    if (transfer)
        transfer_free(transfer);
    server_pi_reply(session->pi, 451, "Memory is short, try again later.");
}
