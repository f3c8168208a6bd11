/* What the log, the xferlog and the session's totals learn of a transfer. */
#include "base/clock.h"
#include "server/event.h"
#include "server/transfer_private.h"
#include "server/xferlog.h"

static uint64_t took_ns(const struct server_transfer *transfer)
{
    return loop_now_ns(transfer->session->shared->loop) - transfer->started_ns;
}

/* Bytes a second; of less than a millisecond it would say nothing. */
static uint64_t rate_of(uint64_t bytes, uint64_t ns)
{
    uint64_t ms = ns / CLOCK_NS_PER_MS;
    return ms > 0 ? bytes * 1000 / ms : bytes;
}

void server_event_transfer_begins(const struct server_transfer *transfer)
{
    server_event(transfer->session, LOG_LEVEL_DEBUG, "transfer.begin",
                 F_STR("verb", server_transfer_verb(transfer)), F_STR("path", transfer->path),
                 F_U64("offset", transfer->offset_bytes));
}

static void log_end(const struct server_transfer *transfer)
{
    const struct server_session *session = transfer->session;
    static const struct tls_facts nothing;
    const struct tls_facts *tls =
        session->data_tls && transfer->tls[0] ? session->data_tls : &nothing;
    uint64_t ns = took_ns(transfer);
    server_event(session, LOG_LEVEL_NOTICE, "transfer.end",
                 F_STR("verb", server_transfer_verb(transfer)), F_STR("path", transfer->path),
                 F_U64("offset", transfer->offset_bytes), F_U64("bytes", transfer->bytes),
                 F_DUR("took", ns), F_U64("rate", rate_of(transfer->bytes, ns)),
                 F_STR("tls", transfer->tls),
                 F_STR("proof", transfer->tls[0] ? tls_proof_words(transfer->proof) : ""),
                 F_STR("cipher", tls->cipher), F_STR("alpn", tls->alpn),
                 F_STR("server_name", tls->server_name), F_STR("client", tls->peer_subject),
                 F_STR("client_sha256", tls->peer_sha256));
}

static void log_failure(const struct server_transfer *transfer)
{
    server_event(transfer->session, LOG_LEVEL_NOTICE, "transfer.failed",
                 F_STR("verb", server_transfer_verb(transfer)), F_STR("path", transfer->path),
                 F_U64("offset", transfer->offset_bytes), F_U64("bytes", transfer->bytes),
                 F_DUR("took", took_ns(transfer)), F_STR("tls", transfer->tls),
                 F_U64("reply", (uint64_t)transfer->code),
                 F_VISIBLE("reason", transfer->fault.what),
                 F_VISIBLE("alert", transfer->fault.peer_said),
                 F_STR("side", server_event_side(&transfer->fault)),
                 F_VISIBLE("advice", server_event_advice(&transfer->fault)),
                 F_STR("left", transfer->in_place ? "in place, cut" : NULL));
}

/* ---- the xferlog ---- */

static void write_xferlog(const struct server_session *session, const struct xferlog_entry *entry)
{
    const struct server_settings *settings = &session->shared->settings;
    struct xferlog_entry whole = *entry;
    CLEANUP(buf_fini) struct buf line;
    buf_init(&line, XFERLOG_LINE_BYTES);
    if (!settings->xferlog)
        return;
    whole.wall_ns = clock_wall_ns(settings->clock);
    whole.peer = &session->peer;
    whole.account = session->user;
    if (xferlog_line(&line, &whole) == FERRY_OK)
        settings->xferlog(settings->xferlog_ctx, buf_view(&line));
}

/* Listings are no transfers to it, nor is what never began. */
static void tell_xferlog(const struct server_transfer *transfer)
{
    const struct xferlog_entry entry = {
        .took_ns = took_ns(transfer),
        .bytes = transfer->bytes,
        .path = transfer->path,
        .ascii = transfer->ascii_type,
        .compressed = transfer->mode == TRANSFER_MODE_Z,
        .sealed = transfer->tls[0] != '\0',
        .complete = transfer->code == 0,
        .direction = server_transfer_is_upload(transfer) ? XFERLOG_INCOMING : XFERLOG_OUTGOING,
    };
    if (!transfer->list && transfer->announced)
        write_xferlog(transfer->session, &entry);
}

void server_event_removed(const struct server_session *session)
{
    const struct xferlog_entry entry = {
        .path = session->command.path.ptr,
        .sealed = stream_is_sealed(session->stream),
        .complete = true,
        .direction = XFERLOG_DELETED,
    };
    write_xferlog(session, &entry);
}

/* ---- the end ---- */

/* Listings are no files. */
static void count_bytes(const struct server_transfer *transfer, struct server_counters *counters)
{
    if (transfer->list)
        return;
    enum server_count what =
        server_transfer_is_upload(transfer) ? SERVER_COUNT_BYTES_UP : SERVER_COUNT_BYTES_DOWN;
    counters->counts[what] += transfer->bytes;
}

static void count_data_connection(const struct server_transfer *transfer)
{
    struct server_session *session = transfer->session;
    struct server_counters *counters = &session->shared->counters;
    if (!transfer->tls[0]) {
        session->data_uses.clear++;
        server_count(counters, SERVER_COUNT_DATA_CLEAR);
    } else if (session->data_tls && session->data_tls->resumed) {
        session->data_uses.resumed++;
        server_count(counters, SERVER_COUNT_DATA_RESUMED);
    } else {
        session->data_uses.full++;
        server_count(counters, SERVER_COUNT_DATA_FULL);
    }
}

static void count_for_server(const struct server_transfer *transfer)
{
    struct server_counters *counters = &transfer->session->shared->counters;
    enum server_count done = transfer->list                        ? SERVER_COUNT_LISTINGS
                             : server_transfer_is_upload(transfer) ? SERVER_COUNT_UPLOADS
                                                                   : SERVER_COUNT_DOWNLOADS;
    /* Each has its failures in the row behind it. */
    server_count(counters, transfer->code ? (enum server_count)(done + 1) : done);
    count_bytes(transfer, counters);
    if (transfer->code)
        server_count_failure(counters, transfer->fault.kind);
    else
        count_data_connection(transfer);
}

static void count(const struct server_transfer *transfer)
{
    struct server_totals *totals = &transfer->session->totals;
    bool upload = server_transfer_is_upload(transfer);
    if (upload)
        totals->received_bytes += transfer->bytes;
    else
        totals->sent_bytes += transfer->bytes;
    if (transfer->code)
        totals->failed++;
    else if (upload)
        totals->uploads++;
    else if (!transfer->list)
        totals->downloads++;
}

void server_event_transfer_over(const struct server_transfer *transfer)
{
    count(transfer);
    count_for_server(transfer);
    tell_xferlog(transfer);
    if (transfer->code == 0)
        log_end(transfer);
    else
        log_failure(transfer);
}
