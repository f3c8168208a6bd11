/* An upload. */
#include "client/put.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "client/remark.h"
#include "client/stat.h"
#include "client/transfer.h"
#include "ftp/feature.h"
#include "ftp/path.h"
#include "ftp/timeval.h"

enum { MFMT_MAX_BYTES = PATH_MAX_BYTES + 64 };

struct put {
    struct client_session *session;
    struct client_put_want want;
    char *remote;
    uint64_t offset_bytes; /* of the file, that are there already */
    bool resumes;          /* by REST: the server may refuse it */
    uint64_t total_bytes;  /* that are there after the transfer */
    client_done_fn *done;
    void *ctx;
};

static enum ferry_error transfer(struct put *put, uint64_t offset_bytes);

static void put_free(struct put *put)
{
    alloc_free(put->remote);
    alloc_free(put);
}

static void end(struct put *put, enum ferry_error result)
{
    client_done_fn *done = put->done;
    void *ctx = put->ctx;
    put_free(put);
    done(ctx, result);
}

/* ---- after the transfer ---- */

static void on_time_set(void *ctx, const struct reply *reply)
{
    struct put *put = ctx;
    if (reply && !reply_is_ok(reply->code))
        client_remark(put->session, '*', "the server did not set the time of %s", put->remote);
    end(put, reply ? FERRY_OK : client_session_refuse(put->session, NULL, "set a time"));
}

static enum ferry_error set_time(struct put *put)
{
    const struct timeval_utc modified = {
        .seconds = put->want.modified.tv_sec,
        .nanoseconds = (uint32_t)put->want.modified.tv_nsec,
        .precision = TIMEVAL_SECOND,
    };
    CLEANUP(buf_fini) struct buf argument;
    buf_init(&argument, MFMT_MAX_BYTES);
    enum ferry_error error = timeval_format(&argument, &modified);
    if (error == FERRY_OK)
        error = buf_printf(&argument, " %s", put->remote);
    if (error != FERRY_OK)
        return fault_set(&put->session->fault, error, "the time of %s cannot be sent", put->remote);
    return client_session_send(put->session, VERB_MFMT, buf_view(&argument), on_time_set, put);
}

static void finish(struct put *put)
{
    bool settable = put->session->peer.features & FEATURE_MFMT;
    if ((put->want.flags & FERRY_KEEP_TIME) == 0 || !settable || !put->want.seekable) {
        end(put, FERRY_OK);
        return;
    }
    enum ferry_error error = set_time(put);
    if (error != FERRY_OK)
        end(put, error);
}

static void on_verified(void *ctx, enum ferry_error result, const struct ferry_entry *entry)
{
    struct put *put = ctx;
    if (result != FERRY_OK) {
        end(put, result);
        return;
    }
    int64_t there = entry->size_bytes;
    if (there == FERRY_SIZE_UNKNOWN || (uint64_t)there == put->total_bytes) {
        finish(put);
        return;
    }
    end(put, fault_set(&put->session->fault, FERRY_E_CUT,
                       "upload %s: the server has %" PRId64 " bytes of %" PRIu64
                       ", although it confirmed the transfer",
                       put->remote, there, put->total_bytes));
}

static void on_transferred(void *ctx, const struct client_transfer_result *result)
{
    struct put *put = ctx;
    struct client_session *session = put->session;
    enum ferry_error error = result->error;
    if (error == FERRY_OK) {
        put->total_bytes = put->offset_bytes + result->bytes;
        error =
            client_stat_start(session, bytes_str(put->remote), CLIENT_STAT_SIZE, on_verified, put);
    } else if (put->resumes && (result->rest_refused || result->reply == 554)) {
        client_remark(session, '*', "the server does not restart there: all of it is sent anew");
        fault_clear(&session->fault);
        error = transfer(put, 0);
    }
    if (error != FERRY_OK)
        end(put, error);
}

/* ---- the transfer ---- */

static enum ferry_error transfer(struct put *put, uint64_t offset_bytes)
{
    bool restarts = put->session->peer.features & FEATURE_REST_STREAM;
    put->offset_bytes = offset_bytes;
    put->resumes = offset_bytes > 0 && restarts;
    const struct client_transfer_want want = {
        .kind = CLIENT_UPLOAD,
        .verb = offset_bytes > 0 && !restarts ? VERB_APPE : VERB_STOR,
        .path = bytes_str(put->remote),
        .offset_bytes = put->resumes ? offset_bytes : 0,
        .present_bytes = offset_bytes,
        .expected_bytes = put->want.seekable ? put->want.size_bytes - (int64_t)offset_bytes
                                             : TRANSFER_SIZE_UNKNOWN,
        .fd = put->want.fd,
        .file_offset_bytes = put->want.seekable ? (int64_t)offset_bytes : FILE_SEQUENTIAL,
    };
    return client_transfer_start(put->session, &want, on_transferred, put);
}

static void on_found(void *ctx, enum ferry_error result, const struct ferry_entry *entry)
{
    struct put *put = ctx;
    int64_t there = result == FERRY_OK ? entry->size_bytes : FERRY_SIZE_UNKNOWN;
    if (result == FERRY_OK && there == put->want.size_bytes) {
        client_remark(put->session, '*', "%s is there already", put->remote);
        end(put, FERRY_OK);
        return;
    }
    bool shorter = there > 0 && there < put->want.size_bytes;
    enum ferry_error error =
        result == FERRY_OK ? transfer(put, shorter ? (uint64_t)there : 0) : result;
    if (error != FERRY_OK)
        end(put, error);
}

enum ferry_error client_put_start(struct client_session *session,
                                  const struct client_put_want *want, client_done_fn *done,
                                  void *ctx)
{
    struct put *put = alloc_zero(sizeof(*put));
    if (!put)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for an upload");
    *put = (struct put){.session = session,
                        .want = *want,
                        .remote = alloc_bytes(want->remote),
                        .done = done,
                        .ctx = ctx};
    enum ferry_error error;
    if (!put->remote)
        error = fault_set(&session->fault, FERRY_E_MEMORY, "no memory for an upload");
    else if ((want->flags & FERRY_RESUME) && want->seekable)
        error = client_stat_start(session, want->remote, CLIENT_STAT_SIZE, on_found, put);
    else
        error = transfer(put, 0);
    if (error != FERRY_OK)
        put_free(put);
    return error;
}
