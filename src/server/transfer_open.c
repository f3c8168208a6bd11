/* How a transfer begins: what its command names is opened, and the 150 is said. */
#include "base/alloc.h"
#include "ftp/path.h"
#include "net/pump.h"
#include "server/event.h"
#include "server/failure.h"
#include "server/list.h"
#include "server/transfer_private.h"

static bool is_listing(const struct server_transfer *transfer)
{
    return transfer->verb == VERB_LIST || transfer->verb == VERB_NLST ||
           transfer->verb == VERB_MLSD;
}

/* RFC 959 section 4.2: whether the data connection is still to come, or open already (MODE B). */
static int opening_code(const struct server_transfer *transfer)
{
    return transfer->session->data ? 150 : 125;
}

/* The 1xx is queued: the client may send its ClientHello now at the latest (TLS-64). */
static void transfer_announced(struct server_transfer *transfer)
{
    struct server_session *session = transfer->session;
    transfer->announced = true;
    transfer->stage = TRANSFER_CONNECTING;
    server_event_transfer_begins(transfer);
    if (session->data)
        server_data_begin(session->data, session->command.tls_client);
    else
        server_kept_begin(session->kept);
    server_session_turn(session);
}

static void transfer_not_opened(struct server_transfer *transfer, const struct fault *fault)
{
    struct server_failure failure = server_failure_of(transfer->verb, fault);
    server_transfer_set_fault(transfer, failure.code, failure.text, fault);
    server_transfer_finish(transfer);
}

static void transfer_announce_file(struct server_transfer *transfer, uint64_t left_bytes)
{
    struct server_pi *pi = transfer->session->pi;
    struct bytes name = path_base(bytes_str(transfer->path));
    server_session_refill(transfer->session);
    if (transfer->ascii_type)
        server_pi_reply(pi, opening_code(transfer), "Opening ASCII mode data connection for %.*s.",
                        BYTES_FMT(name));
    else
        server_pi_reply(pi, opening_code(transfer),
                        "Opening BINARY mode data connection for %.*s (%llu bytes).",
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
    transfer->in_place = part->in_place;
    transfer->has_part = true;
    if (transfer->range_bytes == 0) {
        transfer->offset_bytes = part->offset_bytes;
    } else if (transfer->offset_bytes > part->offset_bytes) {
        struct fault behind = {0};
        fault_set(&behind, FERRY_E_STATE, "the range begins behind the end of the file");
        struct server_failure failure = server_failure_of(transfer->verb, &behind);
        server_transfer_fail(transfer, failure.code, failure.text, &behind);
        return;
    }
    char *path = alloc_str(part->path);
    if (!path) {
        server_transfer_fail_memory(transfer);
        return;
    }
    alloc_free(transfer->path);
    transfer->path = path;
    server_session_refill(transfer->session);
    int code = opening_code(transfer);
    if (transfer->verb == VERB_STOU)
        server_pi_reply(pi, code, "FILE: %s", path); /* RFC 1123 4.1.2.9 */
    else
        server_pi_reply(pi, code, "Ready to receive %.*s.", BYTES_FMT(path_base(bytes_str(path))));
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
    server_session_refill(transfer->session);
    server_pi_reply(transfer->session->pi, opening_code(transfer),
                    "Opening data connection for the listing.");
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
    struct server_failure failure = server_failure_of(VERB_LIST, fault);
    server_transfer_fail(ctx, failure.code < 500 ? failure.code : 451, failure.text, fault);
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
    struct server_keepalive *keepalive = server_keepalive_new(session);
    char *path = alloc_bytes(action->path);
    if (!transfer || !keepalive || !path) {
        alloc_free(transfer);
        server_keepalive_free(keepalive);
        alloc_free(path);
        return FERRY_E_MEMORY;
    }
    transfer->session = session;
    transfer->keepalive = keepalive;
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
    transfer->keep = session->rules->keep_cut_uploads && !action->has_range;
    *out = transfer;
    return FERRY_OK;
}

void server_transfer_start(struct server_session *session, const struct server_action *action)
{
    if (!session->data && !server_kept_is_open(session->kept)) {
        server_pi_reply(session->pi, 425, "Use EPSV, PASV, EPRT or PORT first.");
        return;
    }
    struct server_transfer *transfer = NULL;
    enum ferry_error error = transfer_new(session, action, &transfer);
    if (error == FERRY_OK && is_listing(transfer))
        error = transfer_open_list(transfer, action);
    else if (error == FERRY_OK && server_transfer_is_upload(transfer))
        transfer_open_part(transfer, action);
    else if (error == FERRY_OK)
        session->ops->open_read(session->store, transfer->path, read_opened, transfer);
    if (error == FERRY_OK) {
        session->transfer = transfer;
        return;
    }
    if (transfer)
        server_transfer_free(transfer);
    server_pi_reply(session->pi, 451, "Memory is short, try again later.");
}
