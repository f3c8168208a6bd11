/* One control connection of a client. */
#include "client/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client/host.h"
#include "client/remark.h"
#include "net/socket.h"

enum {
    READ_BYTES = 16 * 1024,
    READS_PER_TURN = 16, /* a server that never stops talking must not keep the loop */
};

static const struct stream_events control_events;
static void dispatch(struct client_session *session);

/* ---- who waits ---- */

static enum ferry_error wait_for(struct client_session *session, enum verb verb,
                                 client_reply_fn *fn, void *ctx)
{
    if (session->waiting_count == CLIENT_WAITING_MAX)
        return fault_set(&session->fault, FERRY_E_LIMIT, "too many commands wait for a reply");
    size_t at = (session->waiting_first + session->waiting_count++) % CLIENT_WAITING_MAX;
    session->waiting[at] = (struct client_waiting){.verb = verb, .fn = fn, .ctx = ctx};
    return FERRY_OK;
}

static struct client_waiting take_first(struct client_session *session)
{
    struct client_waiting first = session->waiting[session->waiting_first];
    session->waiting_first = (session->waiting_first + 1) % CLIENT_WAITING_MAX;
    session->waiting_count--;
    return first;
}

/* Tells all who wait, in order; one of them may begin something else and must not be told of it. */
static void announce_failure(struct client_session *session)
{
    for (size_t told = session->waiting_count; told > 0 && session->waiting_count > 0; told--) {
        struct client_waiting first = take_first(session);
        first.fn(first.ctx, NULL);
    }
}

/* ---- the end of a connection ---- */

static void drop(struct client_session *session)
{
    connect_free(session->connect);
    session->connect = NULL;
    stream_free(session->control);
    session->control = NULL;
    user_pi_free(session->pi);
    session->pi = NULL;
    session->unread = false;
    session->handshake_deadline_ns = CLOCK_NEVER;
    loop_timer_at(session->timer, CLOCK_NEVER);
}

enum ferry_error client_session_fail(struct client_session *session, enum ferry_error kind)
{
    if (session->failed == FERRY_OK) {
        session->failed = kind;
        loop_task_post(session->task);
    }
    return kind;
}

/* As client_session_fail, with the words and the kind of another object's fault. */
static void fail_with(struct client_session *session, const struct fault *fault)
{
    if (!fault_is_set(&session->fault))
        session->fault = *fault;
    client_session_fail(session, fault->kind);
}

void client_session_close(struct client_session *session)
{
    drop(session);
    tls_sessions_free(session->tls_sessions);
    session->tls_sessions = NULL;
    tls_context_unref(session->tls);
    session->tls = NULL;
    alloc_free(session->host);
    session->host = NULL;
    session->peer = (struct client_peer){0};
    session->failed = FERRY_OK;
    session->waiting_count = 0;
}

bool client_session_is_up(const struct client_session *session)
{
    return session->pi && session->failed == FERRY_OK;
}

bool client_session_is_sealed(const struct client_session *session)
{
    return session->control && stream_is_sealed(session->control);
}

/* ---- from the user-PI to the socket ---- */

static void arm(struct client_session *session)
{
    uint64_t at = user_pi_deadline(session->pi);
    if (session->handshake_deadline_ns < at)
        at = session->handshake_deadline_ns;
    loop_timer_at(session->timer, at);
}

/* Hands on what the user-PI wants to send, as far as there is room; the rest goes when the stream
 * says that there is room again. That the stream has ended is seen on the reading side. */
static void write_out(struct client_session *session)
{
    for (;;) {
        struct bytes out = user_pi_output(session->pi);
        size_t taken = 0;
        if (out.len == 0 || stream_write(session->control, out, &taken) != FERRY_OK || taken == 0)
            break;
        user_pi_wrote(session->pi, taken);
    }
    arm(session);
}

enum ferry_error client_session_send(struct client_session *session, enum verb verb,
                                     struct bytes argument, client_reply_fn *fn, void *ctx)
{
    if (session->failed != FERRY_OK)
        return fault_set(&session->fault, session->failed, "the control connection is gone");
    if (!session->pi)
        return fault_set(&session->fault, FERRY_E_STATE, "the session is not connected");
    enum ferry_error error = wait_for(session, verb, fn, ctx);
    if (error != FERRY_OK)
        return error;

    error = user_pi_send(session->pi, verb, argument, loop_now_ns(session->loop));
    if (error != FERRY_OK) {
        session->waiting_count--;
        bool unfit = error == FERRY_E_ARGUMENT;
        return fault_set(&session->fault, error, "the argument of %s %s", verb_row(verb)->name,
                         unfit ? "holds a byte that no command can carry" : "cannot be sent");
    }
    write_out(session);
    return FERRY_OK;
}

enum ferry_error client_session_check_path(struct client_session *session, struct bytes path)
{
    if (bytes_find(path, '\n') == path.len && bytes_find(path, '\0') == path.len)
        return FERRY_OK;
    return fault_set(&session->fault, FERRY_E_ARGUMENT,
                     "the path %.*s holds a byte that no command can carry", BYTES_FMT(path));
}

void client_session_hold(struct client_session *session, bool hold)
{
    if (!session->pi)
        return;
    user_pi_hold_deadline(session->pi, hold, loop_now_ns(session->loop));
    arm(session);
}

enum ferry_error client_session_refuse(struct client_session *session, const struct reply *reply,
                                       const char *format, ...)
{
    if (!reply)
        return session->failed;
    char deed[FAULT_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(deed, sizeof(deed), format, args);
    va_end(args);

    enum ferry_error kind = reply->code >= 400 ? reply_failure(reply->code) : FERRY_E_PROTOCOL;
    fault_set(&session->fault, kind, "the server refused to %s", deed);
    fault_peer(&session->fault, reply->code, reply->text);
    return kind;
}

/* ---- TLS ---- */

static void start_tls(struct client_session *session)
{
    const struct tls_client_role role = {
        .sessions = session->tls_sessions,
        .server_name = session->host,
        .trust = &session->trust,
    };
    struct tls_engine *engine = NULL;
    enum ferry_error error = tls_engine_new_client(session->tls, &role, &engine);
    if (error != FERRY_OK) {
        fault_set(&session->fault, error, "no TLS session could be made");
        client_session_fail(session, error);
        return;
    }
    /* FERRY_E_STATE: bytes are there already that came in clear (TLS-131). */
    error = stream_start_tls(session->control, engine);
    if (error != FERRY_OK) {
        error = error == FERRY_E_STATE ? FERRY_E_INJECTION : error;
        fault_set(&session->fault, error, "bytes in clear came where TLS was to begin");
        client_session_fail(session, error);
        return;
    }
    session->handshake_deadline_ns =
        loop_now_ns(session->loop) + CLIENT_HANDSHAKE_SECONDS * CLOCK_NS_PER_S;
    arm(session);
}

static void on_sealed(void *ctx)
{
    struct client_session *session = ctx;
    session->handshake_deadline_ns = CLOCK_NEVER;
    client_remark_tls(session, "control", tls_engine_facts(stream_tls(session->control)));
    user_pi_tls_started(session->pi, loop_now_ns(session->loop));
    if (session->waiting_count > 0 && session->waiting[session->waiting_first].verb == VERB_AUTH) {
        struct client_waiting first = take_first(session);
        first.fn(first.ctx, &(const struct reply){.code = 234});
    }
    dispatch(session);
}

/* No greeting, be it silence or the end: perhaps each waits for the other (TLS-8, PAIN 5). */
static void advise_on_silence(struct client_session *session)
{
    bool greeting =
        session->waiting_count > 0 && session->waiting[session->waiting_first].verb == VERB_NONE;
    bool mute = session->failed == FERRY_E_TIMEOUT || session->failed == FERRY_E_CONNECT;
    if (session->pi && greeting && mute && session->options->security != FERRY_IMPLICIT)
        fault_advise(&session->fault,
                     "if the server waits for TLS from the first byte, use ftps://");
}

/* ---- from the socket to the user-PI ---- */

static void handle(struct client_session *session, const struct pi_event *event)
{
    switch (event->kind) {
    case PI_GREETING:
    case PI_REPLY:
        if (session->waiting_count == 0)
            break;
        if (!reply_is_preliminary(event->reply.code)) {
            struct client_waiting first = take_first(session);
            first.fn(first.ctx, &event->reply);
        } else if (verb_row(event->verb)->allowed & ALLOWED_DATA) {
            struct client_waiting *first = &session->waiting[session->waiting_first];
            first->fn(first->ctx, &event->reply);
        }
        break;
    case PI_START_TLS:
        start_tls(session);
        break;
    case PI_FAILED:
        fail_with(session, user_pi_fault(session->pi));
        break;
    }
}

static void dispatch(struct client_session *session)
{
    struct pi_event event;
    while (session->pi && session->failed == FERRY_OK && user_pi_next(session->pi, &event))
        handle(session, &event);
    if (client_session_is_up(session))
        write_out(session);
}

/* The reading side has ended: the user-PI decides whether that is a failure. */
static void take_end(struct client_session *session)
{
    switch (stream_end(session->control)) {
    case STREAM_OPEN:
        break;
    case STREAM_END_CLOSED:
        user_pi_end(session->pi, true);
        break;
    case STREAM_END_CUT:
        user_pi_end(session->pi, false);
        break;
    case STREAM_END_FAILED:
        fail_with(session, stream_fault(session->control));
        break;
    }
}

void client_session_fetch(struct client_session *session)
{
    if (!session->control || session->failed != FERRY_OK)
        return;
    loop_task_post(session->task);
    char bytes[READ_BYTES];
    session->unread = true;
    for (int reads = 0; reads < READS_PER_TURN && session->unread; reads++) {
        size_t got = 0;
        stream_read(session->control, bytes, sizeof(bytes), &got);
        session->unread = got > 0;
        if (session->unread)
            user_pi_feed(session->pi, bytes_of(bytes, got), loop_now_ns(session->loop));
        else
            take_end(session);
    }
}

static void on_input(void *ctx)
{
    client_session_fetch(ctx);
}

static void on_room(void *ctx)
{
    struct client_session *session = ctx;
    if (client_session_is_up(session))
        write_out(session);
}

static void on_task(void *ctx)
{
    struct client_session *session = ctx;
    dispatch(session);
    if (session->failed != FERRY_OK) {
        advise_on_silence(session);
        drop(session);
        announce_failure(session);
    } else if (session->unread) {
        client_session_fetch(session);
    }
}

static void on_timer(void *ctx)
{
    struct client_session *session = ctx;
    uint64_t now_ns = loop_now_ns(session->loop);
    if (now_ns >= session->handshake_deadline_ns) {
        fault_set(&session->fault, FERRY_E_TIMEOUT, "the TLS handshake was not done in %d seconds",
                  CLIENT_HANDSHAKE_SECONDS);
        fault_advise(&session->fault, "a firewall between may stop TLS");
        client_session_fail(session, FERRY_E_TIMEOUT);
    } else if (session->pi) {
        user_pi_feed(session->pi, (struct bytes){0}, now_ns);
        dispatch(session);
    }
}

/* ---- connecting ---- */

static void remark_address(struct client_session *session, const struct address *peer)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(peer, text);
    client_remark(session, '*', "connected to %s, port %u", text, (unsigned)address_port(peer));
}

static void on_connected(void *ctx, int fd, const struct address *peer, const struct fault *fault)
{
    struct client_session *session = ctx;
    if (fd >= 0)
        remark_address(session, peer);
    else
        fail_with(session, fault);
    connect_free(session->connect);
    session->connect = NULL;
    if (fd < 0)
        return;

    socket_tune_control(fd);
    const struct client_options *options = session->options;
    const struct user_pi_settings settings = {
        .reply_timeout_ns = options->reply_ns,
        .implicit = options->security == FERRY_IMPLICIT,
        .accept_334 = options->legacy || options->auth == FERRY_AUTH_AUTO,
        .trace = options->trace ? client_remark_dialogue : NULL,
        .trace_ctx = session,
    };
    session->control = stream_new(session->loop, fd, &control_events, session);
    session->pi = user_pi_new(&settings, loop_now_ns(session->loop));
    if (!session->control || !session->pi) {
        fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a connection");
        client_session_fail(session, FERRY_E_MEMORY);
        return;
    }
    dispatch(session);
}

static enum ferry_error prepare_tls(struct client_session *session)
{
    const struct client_options *options = session->options;
    session->trust = (struct tls_trust){.pin_count = options->pin_count};
    memcpy(session->trust.pins, options->pins, sizeof(options->pins));
    session->tls_sessions = tls_sessions_new();
    if (!session->tls_sessions)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for TLS sessions");
    return client_options_tls_context(options, &session->tls, &session->fault);
}

enum ferry_error client_session_open(struct client_session *session, const char *host,
                                     uint16_t port, client_reply_fn *greeting, void *ctx)
{
    if (session->pi || session->connect)
        return fault_set(&session->fault, FERRY_E_STATE, "the session is connected already");
    client_session_close(session);
    enum ferry_error error = client_host_ascii(host, &session->host, &session->fault);
    if (error == FERRY_OK && session->options->security != FERRY_PLAINTEXT)
        error = prepare_tls(session);
    if (error != FERRY_OK)
        return error;

    session->connect = connect_start(session->loop, session->host, port,
                                     session->options->connect_ns, on_connected, session);
    if (!session->connect)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory to connect");
    session->waiting[0] = (struct client_waiting){.verb = VERB_NONE, .fn = greeting, .ctx = ctx};
    session->waiting_first = 0;
    session->waiting_count = 1;
    return FERRY_OK;
}

/* ---- interrupts ---- */

void client_session_interrupt(struct client_session *session)
{
    /* The counter of an eventfd only overflows, and the call only fails, if it is set already. */
    ssize_t written = write(session->interrupt_fd, &(const uint64_t){1}, sizeof(uint64_t));
    (void)written;
}

static void on_interrupt(void *ctx, bool readable, bool writable)
{
    (void)writable;
    struct client_session *session = ctx;
    uint64_t count;
    if (!readable || read(session->interrupt_fd, &count, sizeof(count)) < 0)
        return;
    fault_set(&session->fault, FERRY_E_CANCELLED, "interrupted");
    if (session->cancel)
        session->cancel(session->cancel_ctx);
    else
        client_session_fail(session, FERRY_E_CANCELLED);
}

/* ---- life ---- */

static const struct stream_events control_events = {
    .input = on_input,
    .room = on_room,
    .sealed = on_sealed,
};

struct client_session *client_session_new(const struct client_options *options)
{
    struct client_session *session = alloc_zero(sizeof(*session));
    if (!session)
        return NULL;
    session->options = options;
    session->handshake_deadline_ns = CLOCK_NEVER;
    session->interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    session->loop = loop_new();
    if (session->loop) {
        session->timer = loop_timer_new(session->loop, on_timer, session);
        session->task = loop_task_new(session->loop, on_task, session);
    }
    if (session->loop && session->interrupt_fd >= 0)
        session->interrupt =
            loop_watch_new(session->loop, session->interrupt_fd, on_interrupt, session);
    if (!session->timer || !session->task || !session->interrupt) {
        client_session_free(session);
        return NULL;
    }
    loop_watch_want(session->interrupt, true, false);
    return session;
}

void client_session_free(struct client_session *session)
{
    if (!session)
        return;
    if (session->timer)
        client_session_close(session);
    loop_watch_free(session->interrupt);
    loop_task_free(session->task);
    loop_timer_free(session->timer);
    loop_free(session->loop);
    if (session->interrupt_fd >= 0)
        close(session->interrupt_fd);
    alloc_free(session);
}
