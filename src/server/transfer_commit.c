/* An upload that is whole: it is checked, recorded, and takes its name, in this order. */
#include "base/fd.h"
#include "server/deeds.h"
#include "server/failure.h"
#include "server/transfer_private.h"

static const struct server_settings *settings_of(const struct server_transfer *transfer)
{
    return &transfer->session->shared->settings;
}

static void deed_of(const struct server_transfer *transfer, enum deed_kind kind, struct deed *out)
{
    const struct server_session *session = transfer->session;
    server_deed_of(session, kind, out);
    out->path = bytes_str(transfer->path);
    out->bytes = transfer->bytes;
    out->offset_bytes = transfer->offset_bytes;
    out->took_ns = loop_now_ns(session->shared->loop) - transfer->started_ns;
    out->tls = transfer->tls[0] ? session->data_tls : NULL;
}

/* ---- it takes its name ---- */

/* `fault`: of the commit. A process that has gone may have done it. */
static void settle(struct server_transfer *transfer, const struct fault *fault)
{
    const struct server_settings *settings = settings_of(transfer);
    enum hook_outcome outcome = !fault_is_set(fault)               ? HOOK_DONE
                                : fault->kind == FERRY_E_TEMPORARY ? HOOK_UNKNOWN
                                                                   : HOOK_NOT_DONE;
    if (transfer->has_record)
        settings->hook_ops->settle(settings->hooks, transfer->record, outcome);
    transfer->has_record = false;
}

static void committed(void *ctx, const struct fault *fault)
{
    struct server_transfer *transfer = ctx;
    settle(transfer, fault);
    if (!fault_is_set(fault)) {
        transfer->has_part = false;
        server_transfer_finish(transfer);
        return;
    }
    /* FERRY_E_STATE here: two were appending, or the file changed under a resumed upload. */
    struct server_failure failure = server_failure_of(transfer->verb, fault);
    if (fault->kind == FERRY_E_STATE)
        failure = (struct server_failure){450, "The file was changed by another meanwhile."};
    server_transfer_set_fault(transfer, failure.code, failure.text, fault);
    transfer->keep = false;
    server_transfer_abandon(transfer);
}

static void commit(struct server_transfer *transfer)
{
    const struct server_session *session = transfer->session;
    transfer->stage = TRANSFER_COMMITTING;
    session->ops->commit(session->store, transfer->part, committed, transfer);
}

/* ---- it is recorded ---- */

static void not_recorded(struct server_transfer *transfer, const struct fault *fault)
{
    static const struct fault undone = {.kind = FERRY_E_CANCELLED};
    bool full = fault->kind == FERRY_E_SPACE;
    settle(transfer, &undone);
    server_transfer_set_fault(transfer, full ? 452 : 451,
                              full ? "Too much is waiting to be reported, try again later."
                                   : "The upload cannot be recorded now, try again later.",
                              fault);
    server_transfer_abandon(transfer);
}

static void recorded(void *ctx, const struct fault *fault)
{
    struct server_transfer *transfer = ctx;
    if (fault_is_set(fault))
        not_recorded(transfer, fault);
    else
        commit(transfer);
}

static void record(struct server_transfer *transfer)
{
    const struct server_settings *settings = settings_of(transfer);
    struct deed deed;
    if (!server_deeds_wanted(transfer->session, DEED_UPLOAD)) {
        commit(transfer);
        return;
    }
    deed_of(transfer, DEED_UPLOAD, &deed);
    transfer->stage = TRANSFER_RECORDING;
    if (settings->hook_ops->record(settings->hooks, &deed, recorded, transfer, &transfer->record) ==
        FERRY_OK) {
        transfer->has_record = true;
        return;
    }
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_MEMORY, "memory is short");
    not_recorded(transfer, &fault);
}

/* ---- it is checked ---- */

static void not_checked(struct server_transfer *transfer, const struct fault *fault)
{
    bool refused = fault->kind == FERRY_E_REFUSED;
    const char *words = refused ? "The upload was refused by a check."
                                : "The upload cannot be checked now, try again later.";
    if (refused && fault->peer_said[0])
        words = fault->peer_said;
    server_transfer_set_fault(transfer, refused ? 550 : 451, words, fault);
    transfer->keep = transfer->keep && !refused;
    server_transfer_abandon(transfer);
}

static void checked(void *ctx, const struct fault *fault)
{
    struct server_transfer *transfer = ctx;
    if (fault_is_set(fault))
        not_checked(transfer, fault);
    else
        record(transfer);
}

static void part_read(void *ctx, const struct fault *fault, int fd, uint64_t size_bytes)
{
    (void)size_bytes;
    struct server_transfer *transfer = ctx;
    const struct server_settings *settings = settings_of(transfer);
    if (transfer->code || fault_is_set(fault)) {
        fd_close(&fd);
        if (transfer->code) /* aborted meanwhile */
            server_transfer_abandon(transfer);
        else
            not_checked(transfer, fault);
        return;
    }
    struct deed deed;
    deed_of(transfer, DEED_UPLOAD, &deed);
    transfer->stage = TRANSFER_CHECKING;
    struct fault short_of_memory = {0};
    if (settings->hook_ops->check(settings->hooks, &deed, fd, checked, transfer) == FERRY_OK)
        return;
    fault_set(&short_of_memory, FERRY_E_MEMORY, "memory is short");
    not_checked(transfer, &short_of_memory);
}

void server_transfer_commit(struct server_transfer *transfer)
{
    const struct server_session *session = transfer->session;
    if (!server_deeds_checked(session)) {
        record(transfer);
        return;
    }
    transfer->stage = TRANSFER_READING;
    session->ops->read_part(session->store, transfer->part, part_read, transfer);
}

/* ---- nobody waits for it any more ---- */

void server_transfer_uncommit(struct server_transfer *transfer)
{
    static const struct fault undone = {.kind = FERRY_E_CANCELLED};
    static const struct fault unknown = {.kind = FERRY_E_TEMPORARY};
    const struct server_settings *settings = settings_of(transfer);
    if (settings->hook_ops)
        settings->hook_ops->cancel(settings->hooks, transfer);
    settle(transfer, transfer->stage == TRANSFER_COMMITTING ? &unknown : &undone);
}

void server_transfer_note(const struct server_transfer *transfer)
{
    const struct server_settings *settings = settings_of(transfer);
    struct deed deed;
    if (transfer->code || transfer->verb != VERB_RETR ||
        !server_deeds_wanted(transfer->session, DEED_DOWNLOAD))
        return;
    deed_of(transfer, DEED_DOWNLOAD, &deed);
    settings->hook_ops->note(settings->hooks, &deed);
}
