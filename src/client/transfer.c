/* One transfer or listing. What happens is only noted where it happens; `review` then decides, by
 * itself, outside of every callback. */
#include "client/transfer.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client/data.h"
#include "client/remark.h"
#include "client/transfer_words.h"
#include "net/address.h"

enum {
    DRAIN_SECONDS = 30,  /* without data, after the final reply (TLS-178) */
    ANSWER_SECONDS = 10, /* for the final reply, after the data connection failed here */
    LINGER_SECONDS = 2,  /* TLS-112 */
};

enum step { STEP_PROT, STEP_TYPE, STEP_DATA, STEP_REST, STEP_COMMAND };

struct transfer {
    struct client_session *session;
    struct client_transfer_want want;
    char *path;
    client_transfer_fn *done;
    void *ctx;

    enum step step;
    enum protection level;
    struct client_data *data;
    struct pump *pump;
    struct loop_task *review;
    struct loop_timer *timer;

    struct transfer_facts facts;
    struct transfer_story story; /* what the words of a failure are made of */
    bool rest_refused;
    bool retried;
    bool closing;           /* the data connection is being closed in order */
    bool releasing;         /* the pump still uses the file */
    uint64_t drained_bytes; /* when the drain was last looked at */
};

static void go(struct transfer *transfer, enum step step);

/* ---- the end ---- */

static void transfer_free(struct transfer *transfer)
{
    client_data_free(transfer->data);
    loop_task_free(transfer->review);
    loop_timer_free(transfer->timer);
    alloc_free(transfer->path);
    alloc_free(transfer);
}

static void end(struct transfer *transfer, enum ferry_error error)
{
    struct client_session *session = transfer->session;
    const struct client_transfer_result result = {
        .error = error,
        .bytes = transfer->facts.bytes,
        .reply = transfer->facts.final_reply,
        .rest_refused = transfer->rest_refused,
    };
    client_transfer_fn *done = transfer->done;
    void *ctx = transfer->ctx;
    session->cancel = NULL;
    transfer_free(transfer);
    done(ctx, &result);
}

/* ---- stopping ---- */

static void on_released(void *ctx)
{
    struct transfer *transfer = ctx;
    transfer->releasing = false;
    loop_task_post(transfer->review);
}

/* Drops what there is of the data connection, with RST: its end looks like no proper one. */
static void stop_data(struct transfer *transfer)
{
    transfer->facts.data = transfer->story.opened ? DATA_END_CUT : DATA_END_FAILED;
    if (transfer->pump) {
        struct pump *pump = transfer->pump;
        transfer->facts.bytes = pump_bytes(pump);
        transfer->pump = NULL;
        transfer->releasing = true;
        pump_free(pump, on_released, transfer);
    }
    if (transfer->data && client_data_stream(transfer->data))
        stream_abort(client_data_stream(transfer->data));
    client_data_free(transfer->data);
    transfer->data = NULL;
    transfer->closing = false;
    client_session_hold(transfer->session, false);
}

static bool is_answered(const struct transfer *transfer)
{
    return transfer->facts.final_reply != 0 || transfer->facts.control_lost;
}

static void wait_seconds(struct transfer *transfer, unsigned seconds)
{
    loop_timer_at(transfer->timer, loop_now_ns(transfer->session->loop) + seconds * CLOCK_NS_PER_S);
}

/* ---- deciding ---- */

/* Changes what may make a second try succeed: the server wants protected data (TLS-33); or EPSV's
 * port cannot be reached, but PASV's perhaps (DEV-23). false: there is nothing to be changed. */
static bool adapt(struct transfer *transfer)
{
    struct client_session *session = transfer->session;
    const struct transfer_facts *facts = &transfer->facts;
    if (transfer->retried || facts->control_lost || facts->bytes > 0 || transfer->story.cancelled)
        return false;
    bool sealed = client_session_is_sealed(session);
    bool wants_level = facts->final_reply == 521 || facts->final_reply == 522;
    if (sealed && wants_level && transfer->level == PROTECTION_CLEAR) {
        client_remark(session, '*', "the server wants protected data");
        transfer->level = PROTECTION_PRIVATE;
        return true;
    }
    enum ferry_error kind = transfer->story.data.kind;
    bool unreachable = (kind == FERRY_E_CONNECT || kind == FERRY_E_TIMEOUT) &&
                       (facts->final_reply == 425 || facts->final_reply == 426);
    if (unreachable && !transfer->story.opened && session->options->data_mode == FERRY_PASSIVE &&
        !session->peer.epsv_refused) {
        client_remark(session, '*', "the port of EPSV cannot be reached: PASV is tried");
        session->peer.epsv_refused = true;
        return true;
    }
    return false;
}

static void retry(struct transfer *transfer)
{
    client_data_free(transfer->data);
    transfer->data = NULL;
    loop_timer_at(transfer->timer, CLOCK_NEVER);
    transfer->retried = true;
    transfer->facts = (struct transfer_facts){.download = transfer->facts.download,
                                              .expected_bytes = transfer->facts.expected_bytes};
    transfer->story = (struct transfer_story){.path = transfer->path, .verb = transfer->want.verb};
    go(transfer, STEP_PROT);
}

static void conclude(struct transfer *transfer)
{
    struct fault *fault = &transfer->session->fault;
    struct fault why = {0};
    enum transfer_verdict verdict = transfer_judge(&transfer->facts, &why);
    if (verdict == TRANSFER_RUNNING)
        return;
    if (verdict == TRANSFER_WHOLE && !transfer->story.cancelled) {
        end(transfer, FERRY_OK);
        return;
    }
    if (adapt(transfer)) {
        retry(transfer);
        return;
    }
    fault_clear(fault);
    end(transfer, transfer_words(&transfer->story, &transfer->facts, &why, fault));
}

static void review(void *ctx)
{
    struct transfer *transfer = ctx;
    struct transfer_facts *facts = &transfer->facts;
    if (transfer->step != STEP_COMMAND)
        return;
    bool refused = facts->final_reply != 0 && !reply_is_ok(facts->final_reply);
    bool hopeless = facts->control_lost && !transfer->story.opened;
    /* DEV-38: some servers open no data connection if there is nothing to send. */
    bool needless = is_answered(transfer) && !transfer->story.opened && facts->expected_bytes == 0;
    bool unfinished = facts->data == DATA_END_NONE;
    if (unfinished && (refused || hopeless || needless || transfer->story.cancelled))
        stop_data(transfer);

    if (transfer->closing || transfer->releasing)
        return;
    if (is_answered(transfer))
        conclude(transfer);
    else if (facts->data == DATA_END_FAILED || transfer->story.cancelled)
        wait_seconds(transfer, ANSWER_SECONDS);
}

/* One of the two sides has been silent for too long after the other came to its end. */
static void on_timer(void *ctx)
{
    struct transfer *transfer = ctx;
    struct client_session *session = transfer->session;
    if (!is_answered(transfer)) {
        fault_set(&session->fault, FERRY_E_TIMEOUT, "the server does not answer any more");
        client_session_fail(session, FERRY_E_TIMEOUT);
        return;
    }
    uint64_t bytes = transfer->pump ? pump_bytes(transfer->pump) : 0;
    if (bytes > transfer->drained_bytes) {
        transfer->drained_bytes = bytes;
        wait_seconds(transfer, DRAIN_SECONDS);
        return;
    }
    stop_data(transfer);
    loop_task_post(transfer->review);
}

static void on_cancel(void *ctx)
{
    struct transfer *transfer = ctx;
    transfer->story.cancelled = true;
    if (transfer->step == STEP_COMMAND)
        loop_task_post(transfer->review);
    else
        client_session_fail(transfer->session, FERRY_E_CANCELLED);
}

/* ---- the data ---- */

static void on_closed(void *ctx)
{
    struct transfer *transfer = ctx;
    transfer->closing = false;
    loop_task_post(transfer->review);
}

/* Closes in order and reads what may still come, so that no RST destroys the end of an upload, and
 * tickets that the server sends there are not lost (TLS-112, TLS-186). */
static void close_data(struct transfer *transfer)
{
    static const struct stream_events closing_events = {.closed = on_closed};
    struct stream *stream = client_data_stream(transfer->data);
    transfer->closing = true;
    stream_set_events(stream, &closing_events, transfer);
    stream_close(stream, LINGER_SECONDS * CLOCK_NS_PER_S);
}

static void show_progress(struct transfer *transfer, uint64_t bytes)
{
    const struct client_options *options = transfer->session->options;
    if (!options->progress || transfer->want.kind == CLIENT_LISTING)
        return;
    uint64_t present = transfer->want.present_bytes;
    int64_t expected = transfer->want.expected_bytes;
    int64_t total = expected == TRANSFER_SIZE_UNKNOWN ? -1 : expected + (int64_t)present;
    if (!options->progress(options->progress_ctx, present + bytes, total)) {
        transfer->story.cancelled = true;
        loop_task_post(transfer->review);
    }
}

/* That data flow is a sign of life, so that the reply to come has time, even without a 1xx before
 * it (DEV-30, PAIN 6). */
static void on_progress(void *ctx, uint64_t bytes)
{
    struct transfer *transfer = ctx;
    client_session_hold(transfer->session, true);
    show_progress(transfer, bytes);
}

static void on_pumped(void *ctx, const struct pump_result *result)
{
    struct transfer *transfer = ctx;
    struct stream *stream = client_data_stream(transfer->data);
    transfer->facts.bytes = result->bytes;
    transfer->story.outcome = result->outcome;
    transfer->story.os_error = result->os_error;
    if (fault_is_set(stream_fault(stream)))
        transfer->story.data = *stream_fault(stream);
    if (result->outcome != PUMP_DONE) {
        stop_data(transfer);
    } else {
        pump_free(transfer->pump, NULL, NULL);
        transfer->pump = NULL;
        transfer->facts.data = DATA_END_CLOSED;
        show_progress(transfer, result->bytes);
        close_data(transfer);
        client_session_hold(transfer->session, false);
    }
    loop_task_post(transfer->review);
}

/* Both the connection and the command are under way. */
static void start_pump(struct transfer *transfer)
{
    const struct client_transfer_want *want = &transfer->want;
    const struct pump_settings settings = {
        .loop = transfer->session->loop,
        .stream = client_data_stream(transfer->data),
        .to_stream = want->kind == CLIENT_UPLOAD,
        .fd = want->fd,
        .offset_bytes = want->file_offset_bytes,
        .sink = want->sink,
        .filter = want->filter,
        .hook_ctx = want->hook_ctx,
        .sync = want->sync,
        .max_bytes =
            transfer->facts.expected_bytes > 0 ? (uint64_t)transfer->facts.expected_bytes : 0,
        .stall_ns = transfer->session->options->stall_ns,
        .progress = on_progress,
        .done = on_pumped,
        .ctx = transfer,
    };
    if (pump_new(&settings, &transfer->pump) != FERRY_OK) {
        transfer->story.outcome = PUMP_FAILED;
        stop_data(transfer);
        loop_task_post(transfer->review);
    }
}

static void on_opened(void *ctx)
{
    struct transfer *transfer = ctx;
    const struct tls_engine *engine = stream_tls(client_data_stream(transfer->data));
    transfer->story.opened = true;
    transfer->story.resumed = engine && tls_engine_facts(engine)->resumed;
    if (transfer->step == STEP_COMMAND)
        start_pump(transfer);
}

static void on_data_failed(void *ctx)
{
    struct transfer *transfer = ctx;
    transfer->story.data = *client_data_fault(transfer->data);
    if (transfer->step == STEP_DATA) {
        fault_clear(&transfer->session->fault);
        transfer->session->fault = transfer->story.data;
        end(transfer, transfer->story.data.kind);
        return;
    }
    stop_data(transfer);
    loop_task_post(transfer->review);
}

static void on_prepared(void *ctx)
{
    struct transfer *transfer = ctx;
    go(transfer, transfer->want.offset_bytes > 0 ? STEP_REST : STEP_COMMAND);
}

/* ---- the control connection ---- */

static void on_answer(struct transfer *transfer, const struct reply *reply)
{
    if (reply && reply_is_preliminary(reply->code)) {
        client_session_hold(transfer->session, true);
        if (transfer->data && !transfer->story.opened)
            client_data_expect(transfer->data);
        return;
    }
    if (reply) {
        transfer->facts.final_reply = reply->code;
        fault_peer(&transfer->story.answer, reply->code, reply->text);
    } else {
        transfer->facts.control_lost = true;
        transfer->story.answer = transfer->session->fault;
        transfer->story.cancelled |= transfer->session->fault.kind == FERRY_E_CANCELLED;
    }
    wait_seconds(transfer, DRAIN_SECONDS);
    loop_task_post(transfer->review);
}

static void on_rest(struct transfer *transfer, const struct reply *reply)
{
    if (reply && reply->code == 350) {
        go(transfer, STEP_COMMAND);
        return;
    }
    transfer->rest_refused = reply != NULL;
    end(transfer, client_session_refuse(transfer->session, reply, "restart in the middle of %s",
                                        transfer->path));
}

static void on_type(struct transfer *transfer, const struct reply *reply)
{
    if (reply && reply_is_ok(reply->code)) {
        transfer->session->peer.type = 'I';
        go(transfer, STEP_DATA);
        return;
    }
    end(transfer, client_session_refuse(transfer->session, reply, "take TYPE I"));
}

static void on_prot(struct transfer *transfer, const struct reply *reply)
{
    struct client_session *session = transfer->session;
    if (reply && reply_is_ok(reply->code)) {
        session->peer.level = (char)transfer->level;
        go(transfer, STEP_TYPE);
        return;
    }
    end(transfer, client_session_refuse(session, reply, "take PROT %c", (char)transfer->level));
}

static void on_reply(void *ctx, const struct reply *reply)
{
    struct transfer *transfer = ctx;
    switch (transfer->step) {
    case STEP_PROT:
        on_prot(transfer, reply);
        break;
    case STEP_TYPE:
        on_type(transfer, reply);
        break;
    case STEP_REST:
        on_rest(transfer, reply);
        break;
    case STEP_COMMAND:
        on_answer(transfer, reply);
        break;
    case STEP_DATA: /* its replies go to client/data.c */
        break;
    }
}

/* ---- the steps ---- */

static enum ferry_error command(struct transfer *transfer, enum verb verb, struct bytes argument)
{
    return client_session_send(transfer->session, verb, argument, on_reply, transfer);
}

static enum ferry_error send_rest(struct transfer *transfer)
{
    char offset[24];
    snprintf(offset, sizeof(offset), "%" PRIu64, transfer->want.offset_bytes);
    return command(transfer, VERB_REST, bytes_str(offset));
}

static enum ferry_error open_data(struct transfer *transfer)
{
    static const struct client_data_events events = {
        .prepared = on_prepared, .opened = on_opened, .failed = on_data_failed};
    transfer->facts.sealed = transfer->level == PROTECTION_PRIVATE;
    return client_data_open(transfer->session, transfer->level, &events, transfer, &transfer->data);
}

static enum ferry_error send_command(struct transfer *transfer)
{
    enum ferry_error error = command(transfer, transfer->want.verb, bytes_str(transfer->path));
    if (error == FERRY_OK && transfer->story.opened && transfer->data)
        start_pump(transfer);
    return error;
}

/* Takes up `step`, or the first one behind it that has something to do. */
static enum ferry_error take_up(struct transfer *transfer, enum step step)
{
    const struct client_peer *peer = &transfer->session->peer;
    bool private = transfer->level == PROTECTION_PRIVATE;
    bool sealed = client_session_is_sealed(transfer->session);
    transfer->step = step;
    switch (step) {
    case STEP_PROT:
        if (sealed && (char)transfer->level != peer->level)
            return command(transfer, VERB_PROT, private ? BYTES_LIT("P") : BYTES_LIT("C"));
        return take_up(transfer, STEP_TYPE);
    case STEP_TYPE:
        if (transfer->want.kind != CLIENT_LISTING && peer->type != 'I')
            return command(transfer, VERB_TYPE, BYTES_LIT("I"));
        return take_up(transfer, STEP_DATA);
    case STEP_DATA:
        return open_data(transfer);
    case STEP_REST:
        return send_rest(transfer);
    case STEP_COMMAND:
        return send_command(transfer);
    }
    return FERRY_E_STATE;
}

static void go(struct transfer *transfer, enum step step)
{
    enum ferry_error error = take_up(transfer, step);
    if (error != FERRY_OK)
        end(transfer, error);
}

/* ---- the beginning ---- */

static struct transfer *transfer_new(struct client_session *session,
                                     const struct client_transfer_want *want)
{
    struct transfer *transfer = alloc_zero(sizeof(*transfer));
    if (!transfer)
        return NULL;
    bool listing = want->kind == CLIENT_LISTING;
    const struct client_options *options = session->options;
    transfer->session = session;
    transfer->want = *want;
    transfer->path = alloc_bytes(want->path);
    transfer->level = PROTECTION_CLEAR;
    if (client_session_is_sealed(session))
        transfer->level = listing ? options->listings : options->files;
    transfer->facts.download = want->kind != CLIENT_UPLOAD;
    /* A local file may change while it is sent: what counts is what the server has afterwards. */
    bool upload = want->kind == CLIENT_UPLOAD;
    transfer->facts.expected_bytes = upload ? TRANSFER_SIZE_UNKNOWN : want->expected_bytes;
    transfer->story.path = transfer->path;
    transfer->story.verb = want->verb;
    transfer->review = loop_task_new(session->loop, review, transfer);
    transfer->timer = loop_timer_new(session->loop, on_timer, transfer);
    if (!transfer->path || !transfer->review || !transfer->timer) {
        transfer_free(transfer);
        return NULL;
    }
    return transfer;
}

enum ferry_error client_transfer_start(struct client_session *session,
                                       const struct client_transfer_want *want,
                                       client_transfer_fn *done, void *ctx)
{
    if (session->peer.protection_refused)
        return fault_set(&session->fault, FERRY_E_TLS,
                         "the server refused to protect data connections (PROT P)");
    enum ferry_error error = client_session_check_path(session, want->path);
    if (error != FERRY_OK)
        return error;
    struct transfer *transfer = transfer_new(session, want);
    if (!transfer)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a transfer");
    transfer->done = done;
    transfer->ctx = ctx;
    error = take_up(transfer, STEP_PROT);
    if (error != FERRY_OK) {
        transfer_free(transfer);
        return error;
    }
    session->cancel = on_cancel;
    session->cancel_ctx = transfer;
    return FERRY_OK;
}
