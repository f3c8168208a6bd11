/* RETR, STOR, STOU, APPE and the listings, from the command to the final reply. */
#include "server/transfer_private.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "net/pump.h"
#include "server/event.h"
#include "server/failure.h"
#include "server/filter.h"
#include "server/list.h"
#include "server/outcome.h"
#include "server/ports.h"
#include "server/security.h"
#include "tls/engine.h"

bool server_transfer_is_upload(const struct server_transfer *transfer)
{
    return transfer->verb == VERB_STOR || transfer->verb == VERB_STOU ||
           transfer->verb == VERB_APPE;
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

void server_transfer_free(struct server_transfer *transfer)
{
    server_keepalive_free(transfer->keepalive);
    server_list_free(transfer->list);
    stream_free(transfer->stream);
    server_filter_free(transfer->filter);
    server_binding_unref(transfer->binding);
    fd_close(&transfer->fd);
    alloc_free(transfer->path);
    alloc_free(transfer);
}

static void transfer_reply(const struct server_transfer *transfer)
{
    struct server_pi *pi = transfer->session->pi;
    int done = server_kept_is_open(transfer->session->kept) ? 250 : 226; /* FTP-44 */
    if (transfer->code && !transfer->announced)
        server_pi_reply(pi, transfer->code, "%s", transfer->reply);
    else if (transfer->code)
        server_pi_transfer_end(pi, transfer->code, "%s", transfer->reply);
    else if (transfer->verb == VERB_STOU)
        server_pi_transfer_end(pi, done, "Transfer complete, stored as %s", transfer->path);
    else
        server_pi_transfer_end(pi, done, "Transfer complete.");
}

void server_transfer_finish(struct server_transfer *transfer)
{
    struct server_session *session = transfer->session;
    server_event_transfer_over(transfer);
    server_transfer_note(transfer);
    transfer_reply(transfer);
    server_transfer_free(transfer);
    server_session_transfer_over(session);
}

static void transfer_abandoned(void *ctx, const struct fault *fault)
{
    struct server_transfer *transfer = ctx;
    if (fault_is_set(fault))
        server_event(transfer->session, LOG_LEVEL_ERROR, "part.left", F_STR("path", transfer->path),
                     F_VISIBLE("reason", fault->what), F_STR("side", "server"),
                     F_STR("advice", "it is removed after parts_kept; look at the disk"));
    server_transfer_finish(transfer);
}

void server_transfer_abandon(struct server_transfer *transfer)
{
    const struct server_session *session = transfer->session;
    if (!transfer->has_part) {
        server_transfer_finish(transfer);
        return;
    }
    transfer->has_part = false;
    transfer->stage = TRANSFER_ABANDONING;
    session->ops->abandon(session->store, transfer->part, transfer->keep, transfer_abandoned,
                          transfer);
}

void server_transfer_set_fault(struct server_transfer *transfer, int code, const char *reply,
                               const struct fault *fault)
{
    if (transfer->code)
        return;
    transfer->code = code;
    transfer->fault = *fault;
    snprintf(transfer->reply, sizeof(transfer->reply), "%.*s", (int)sizeof(transfer->reply) - 1,
             reply);
}

/* The pump is done with the file, well or not. */
static void transfer_file_free(void *ctx)
{
    struct server_transfer *transfer = ctx;
    fd_close(&transfer->fd);
    if (transfer->code || !server_transfer_is_upload(transfer))
        server_transfer_abandon(transfer);
    else
        server_transfer_commit(transfer);
}

/* A download that failed must look cut: no close_notify (SEC-103). An uploading client is heard out
 * for a while, so that it comes to read the reply instead of a reset. */
static void drop_stream(struct server_linger *linger, struct stream *stream,
                        struct server_binding *binding, bool in_order)
{
    if (in_order) {
        server_linger_take(linger, stream, binding);
        return;
    }
    stream_abort(stream);
    stream_free(stream);
}

/* MODE B: leaves the data connection open for the next transfer, unless this one failed or the
 * client has ended it. true: it is no longer the transfer's. */
static bool transfer_keep(struct server_transfer *transfer, struct stream *stream,
                          struct server_binding *binding)
{
    struct server_session *session = transfer->session;
    if (transfer->mode != TRANSFER_MODE_B || transfer->code)
        return false;
    server_ahead_read(&transfer->ahead, stream);
    if (stream_end(stream) != STREAM_OPEN || stream_is_broken(stream))
        return false;
    const struct server_kept_setup setup = {
        .loop = session->shared->loop,
        .linger = &session->shared->linger,
        .idle_ns = session->rules->stall_timeout_ns,
        .events = &server_transfer_data_events,
        .ctx = session,
    };
    session->kept = server_kept_new(&setup, stream, binding, transfer->proof, &transfer->ahead);
    return true;
}

static void transfer_stop_pump(struct server_transfer *transfer)
{
    struct server_linger *linger = &transfer->session->shared->linger;
    struct pump *pump = transfer->pump;
    struct stream *stream = transfer->stream;
    struct server_binding *binding = transfer->binding;
    bool in_order = transfer->code == 0 || server_transfer_is_upload(transfer);
    transfer->stage = TRANSFER_CLOSING;
    transfer->bytes = pump_bytes(pump);
    transfer->pump = NULL;
    transfer->stream = NULL;
    transfer->binding = NULL;
    bool kept = transfer_keep(transfer, stream, binding);
    pump_free(pump, transfer_file_free, transfer); /* the transfer may be over after it */
    if (!kept)
        drop_stream(linger, stream, binding, in_order);
    server_binding_unref(binding);
}

void server_transfer_fail(struct server_transfer *transfer, int code, const char *reply,
                          const struct fault *fault)
{
    struct server_session *session = transfer->session;
    switch (transfer->stage) {
    case TRANSFER_OPENING:
        session->ops->cancel(session->store);
        server_transfer_set_fault(transfer, code, reply, fault);
        server_transfer_finish(transfer);
        break;
    case TRANSFER_CONNECTING:
        server_transfer_set_fault(transfer, code, reply, fault); /* before `fault` may go */
        server_data_free(session->data); /* no connection comes while the part is let go of */
        session->data = NULL;
        server_transfer_abandon(transfer);
        break;
    case TRANSFER_MOVING:
        server_transfer_set_fault(transfer, code, reply, fault);
        transfer_stop_pump(transfer);
        break;
    case TRANSFER_CHECKING:
    case TRANSFER_RECORDING:
        server_transfer_uncommit(transfer);
        server_transfer_set_fault(transfer, code, reply, fault);
        server_transfer_abandon(transfer);
        break;
    case TRANSFER_READING: /* goes on there */
        server_transfer_set_fault(transfer, code, reply, fault);
        break;
    case TRANSFER_CLOSING:
    case TRANSFER_COMMITTING:
    case TRANSFER_ABANDONING:
        break; /* it is ending already */
    }
}

void server_transfer_fail_memory(struct server_transfer *transfer)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_MEMORY, "memory is short");
    server_transfer_fail(transfer, 451, "Memory is short, try again later.", &fault);
}

void server_transfer_abort(struct server_transfer *transfer, enum ferry_error kind, const char *why)
{
    struct fault fault = {0};
    fault_set(&fault, kind, "%s", why);
    server_transfer_fail(transfer, 426, "Transfer aborted.", &fault);
}

void server_transfer_orphan(struct server_transfer *transfer)
{
    if (server_transfer_is_upload(transfer) && transfer->stage != TRANSFER_OPENING)
        return;
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_LOST, "the control connection ended");
    server_transfer_fail(transfer, 426, "Transfer aborted.", &fault);
}

static void close_descriptor(void *ctx)
{
    int fd = (int)(intptr_t)ctx;
    fd_close(&fd);
}

void server_transfer_kill(struct server_transfer *transfer)
{
    transfer->session->transfer = NULL;
    server_transfer_uncommit(transfer);
    if (transfer->pump)
        pump_free(transfer->pump, close_descriptor, (void *)(intptr_t)fd_take(&transfer->fd));
    server_transfer_free(transfer);
}

/* ---- moving ---- */

static bool transfer_lines(void *ctx, struct buf *out)
{
    const struct server_transfer *transfer = ctx;
    return server_list_lines(transfer->list, out);
}

/* FTP-97: the client learns of each marker when what came before it is in the file, and a byte
 * more, which the part loses when it is kept (FTP-96). */
static void transfer_tell_marks(struct server_transfer *transfer)
{
    struct server_session *session = transfer->session;
    struct server_mark mark;
    while (server_filter_mark(transfer->filter, transfer->written_bytes, &mark)) {
        server_pi_mark(session->pi, bytes_of(mark.text, mark.len),
                       transfer->offset_bytes + mark.made_bytes);
        loop_task_post(session->again);
    }
}

static enum ferry_error transfer_filter(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    struct server_transfer *transfer = ctx;
    enum ferry_error error = server_filter_run(transfer->filter, in, last, out);
    if (server_filter_has_marks(transfer->filter)) {
        transfer_tell_marks(transfer);
        pump_flush(transfer->pump);
    }
    return error;
}

static size_t transfer_wanted(void *ctx)
{
    const struct server_transfer *transfer = ctx;
    return server_filter_wanted(transfer->filter);
}

static void transfer_written(void *ctx, uint64_t bytes)
{
    struct server_transfer *transfer = ctx;
    transfer->written_bytes = bytes;
    transfer_tell_marks(transfer);
}

/* SEC-39 */
static bool transfer_allows(void *ctx, uint64_t bytes)
{
    const struct server_transfer *transfer = ctx;
    const struct server_session *session = transfer->session;
    return session->ops->reserve(session->store, transfer->part, transfer->offset_bytes + bytes);
}

/* MODE B: the file's last block has come, but so may have an end of the connection that is none
 * (TLS-185). */
static bool transfer_was_cut(struct server_transfer *transfer)
{
    if (transfer->mode != TRANSFER_MODE_B || !server_transfer_is_upload(transfer))
        return false;
    server_ahead_read(&transfer->ahead, transfer->stream);
    enum stream_end end = stream_end(transfer->stream);
    return end == STREAM_END_CUT || end == STREAM_END_FAILED;
}

static void transfer_pumped(void *ctx, const struct pump_result *result)
{
    struct server_transfer *transfer = ctx;
    bool sealed = stream_tls(transfer->stream) != NULL;
    struct pump_result seen = *result;
    if (seen.outcome == PUMP_DONE && transfer_was_cut(transfer))
        seen.outcome = PUMP_CUT;
    struct server_outcome outcome =
        server_outcome_of(&seen, server_transfer_is_upload(transfer), sealed);
    const struct fault *filter = server_filter_fault(transfer->filter);
    if (result->outcome == PUMP_DONE && stream_lacks_notify(transfer->stream))
        server_event(transfer->session, LOG_LEVEL_NOTICE, "transfer.no-close-notify",
                     F_STR("path", transfer->path), F_U64("bytes", result->bytes),
                     F_STR("reason", "the client did not end TLS on the data connection"),
                     F_STR("side", "client"),
                     F_STR("advice", "update the client; accept_no_notify lets such files pass"));
    if (result->outcome == PUMP_FAILED && fault_is_set(filter)) {
        struct server_outcome failed = server_outcome_of_filter(filter->kind);
        bool blocks = transfer->mode == TRANSFER_MODE_B;
        server_transfer_set_fault(transfer, failed.code, blocks ? filter->what : failed.reply,
                                  filter);
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
            fault.os_error = seen.outcome == PUMP_LIMIT ? EDQUOT : 0;
        }
        server_transfer_set_fault(transfer, outcome.code, outcome.reply, &fault);
        transfer->keep = transfer->keep && outcome.keep;
    }
    transfer_stop_pump(transfer);
}

/* MODE B: only where one can go on from a marker, by REST. */
static bool transfer_has_marks(const struct server_transfer *transfer)
{
    bool kept = !server_transfer_is_upload(transfer) || transfer->keep;
    return kept && !transfer->ascii_type && !transfer->list;
}

static enum ferry_error transfer_make_filter(struct server_transfer *transfer)
{
    bool upload = server_transfer_is_upload(transfer);
    struct server_ahead *ahead = &transfer->ahead;
    struct server_filter_want want = {
        .to_wire = !upload,
        .ascii = transfer->ascii_type && !transfer->list,
        .ascii_strict = transfer->session->rules->ascii_strict,
        .mode_z = transfer->mode == TRANSFER_MODE_Z,
        .level = transfer->level,
        .mode_b = transfer->mode == TRANSFER_MODE_B,
        .offset_bytes = transfer->offset_bytes,
        .marks = transfer_has_marks(transfer),
        .ahead = bytes_of(ahead->bytes, upload ? ahead->len : 0),
    };
    enum ferry_error error = server_filter_new(&want, &transfer->filter);
    if (upload)
        ahead->len = 0;
    return error;
}

/* That of the account, which its sessions share. */
static void transfer_set_rate(const struct server_transfer *transfer,
                              struct pump_settings *settings)
{
    const struct server_session *session = transfer->session;
    struct ledger_entry *account =
        server_limits_account(&session->shared->limits, bytes_str(session->user));
    bool upload = server_transfer_is_upload(transfer);
    uint64_t rate = upload ? session->rate_up : session->rate_down;
    if (!account || rate == 0)
        return;
    settings->rate = upload ? &account->up : &account->down;
    settings->rate_rule = (struct rate_rule){rate, CLOCK_NS_PER_S};
}

static void transfer_move(struct server_transfer *transfer)
{
    const struct server_shared *shared = transfer->session->shared;
    bool upload = server_transfer_is_upload(transfer);
    bool blocks = transfer->mode == TRANSFER_MODE_B;
    if (transfer_make_filter(transfer) != FERRY_OK) {
        server_transfer_fail_memory(transfer);
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
        .wanted = upload && blocks ? transfer_wanted : NULL,
        .written = upload && blocks ? transfer_written : NULL,
        .allows = upload ? transfer_allows : NULL,
        .hook_ctx = transfer,
        .keep_stream = !upload && blocks,
        .length_bytes = upload ? 0 : transfer->range_bytes,
        .max_bytes = upload ? transfer->range_bytes : 0,
        .sync = upload,
        .at_once = transfer->in_place,
        .accept_no_notify = upload && transfer->session->rules->accept_no_notify,
        .stall_ns = transfer->session->rules->stall_timeout_ns,
        .done = transfer_pumped,
        .ctx = transfer,
    };
    transfer_set_rate(transfer, &settings);
    if (pump_new(&settings, &transfer->pump) == FERRY_OK)
        transfer->stage = TRANSFER_MOVING;
    else
        server_transfer_fail_memory(transfer);
}

/* ---- the data connection ---- */

static void data_ready(void *ctx, struct stream *stream, struct server_binding *binding,
                       enum tls_proof proof)
{
    struct server_session *session = ctx;
    struct server_transfer *transfer = session->transfer;
    const struct tls_engine *engine = stream_tls(stream);
    transfer->stream = stream;
    transfer->binding = server_binding_ref(binding);
    transfer->proof = proof;
    transfer->tls = engine ? tls_version_name(tls_engine_facts(engine)->version) : "";
    server_security_note_data(session, engine);
    if (session->kept)
        transfer->ahead = *server_kept_ahead(session->kept);
    server_ports_forget(session);
    transfer_move(transfer);
}

static void data_failed(void *ctx, int code, const struct fault *fault)
{
    const struct server_session *session = ctx;
    server_transfer_fail(session->transfer, code, fault->what, fault);
}

static void data_refused(void *ctx, const struct address *peer, const struct fault *fault)
{
    char from[ADDRESS_TEXT_BYTES];
    address_text(peer, from);
    server_event((const struct server_session *)ctx, LOG_LEVEL_NOTICE, "data.refused",
                 F_STR("from", from), F_VISIBLE("reason", fault->what),
                 F_VISIBLE("alert", fault->peer_said), F_STR("side", server_event_side(fault)),
                 F_VISIBLE("advice", server_event_advice(fault)));
}

const struct server_data_events server_transfer_data_events = {
    .ready = data_ready,
    .failed = data_failed,
    .refused = data_refused,
};
