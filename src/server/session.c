/* One control connection: read, feed, act, write, arm the deadline; and its end. */
#include "server/session.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/secret.h"
#include "server/as_sent.h"
#include "server/change.h"
#include "server/client.h"
#include "server/deeds.h"
#include "server/event.h"
#include "server/extra.h"
#include "server/hash.h"
#include "server/host.h"
#include "server/login.h"
#include "server/names.h"
#include "server/ports.h"
#include "server/presence.h"
#include "server/security.h"
#include "server/session_private.h"
#include "server/stat.h"
#include "server/transfer.h"
#include "server/watch.h"
#include "tls/engine.h"

enum {
    READ_BYTES = 4096,
    ROUNDS_MAX = 16, /* reads in one turn: a client that pipelines holds up nobody else */
    LEAVING_S = 5,   /* for what was written to leave; ending TLS takes up to 5 s more (TLS-155) */
};

/* ---- life ---- */

void server_session_enter(struct server_session *session, enum server_phase phase,
                          uint64_t limit_ns)
{
    server_presence_enter(session, phase);
    session->phase = phase;
    session->phase_deadline_ns =
        limit_ns ? loop_now_ns(session->shared->loop) + limit_ns : CLOCK_NEVER;
    loop_timer_at(session->timer, session->phase_deadline_ns);
}

void server_session_log_out(struct server_session *session)
{
    const struct server_settings *settings = &session->shared->settings;
    if (session->login_asked)
        settings->account_ops->cancel(settings->accounts, session);
    session->login_asked = false;
    session->login_reply_ns = CLOCK_NEVER;
    server_sibling_leave(session->sibling);
    session->sibling = NULL;
    server_stat_free(session->stat);
    session->stat = NULL;
    server_hash_free(session->hash);
    server_ports_forget(session);
    if (session->ops)
        session->ops->release(session->store);
    session->ops = NULL;
    session->store = NULL;
    if (session->logged_in)
        server_deed_note(session, DEED_LOGOUT, BYTES_LIT(""), BYTES_LIT(""));
    server_presence_logged_out(session);
    alloc_free(session->user);
    session->user = NULL;
    server_security_note_data(session, NULL);
}

void server_session_refill(struct server_session *session)
{
    if (stream_is_sealed(session->stream))
        tls_engine_refill(stream_tls(session->stream));
}

void server_session_free(struct server_session *session)
{
    struct server_shared *shared = session->shared;
    server_event_closed(session);
    server_watch_ended(session);
    server_session_log_out(session);
    server_host_forget(session);
    stream_free(session->stream);
    server_pi_free(session->pi);
    server_binding_unref(session->binding);
    loop_timer_free(session->timer);
    loop_task_free(session->again);
    TAILQ_REMOVE(&shared->sessions, session, link);
    shared->count--;
    server_presence_end(session);
    server_rules_unref(session->rules);
    alloc_free(session->farewell_copy);
    alloc_free(session->client);
    alloc_free(session);
    shared->gone(shared->ctx);
}

void server_session_kill(struct server_session *session)
{
    if (session->transfer)
        server_transfer_kill(session->transfer);
    server_session_free(session);
}

void server_session_end(struct server_session *session, const char *why, bool in_order)
{
    session->why = why;
    server_session_enter(session, SERVER_GONE, 0);
    if (in_order)
        server_linger_take(&session->shared->linger, session->stream, session->binding);
    else
        stream_free(session->stream);
    session->stream = NULL;
    if (!session->transfer)
        server_session_free(session);
    else
        server_transfer_orphan(session->transfer);
}

/* TLS did not come about. */
static void session_not_sealed(const struct server_session *session)
{
    struct fault why = *stream_fault(session->stream);
    (void)fault_set(&why, FERRY_E_LOST, "the connection ended during the TLS handshake");
    server_event_unsealed(session, &why);
}

/* The control connection's reading or writing side is over, and nobody said QUIT. */
static void session_lost(struct server_session *session)
{
    bool handshake = session->phase == SERVER_HANDSHAKE;
    if (handshake)
        session_not_sealed(session);
    else
        server_event_lost(session, stream_fault(session->stream));
    switch (stream_end(session->stream)) {
    case STREAM_END_CLOSED:
        server_session_end(session, "the client closed the connection without QUIT", true);
        break;
    case STREAM_END_FAILED:
        /* An alert may be on its way: it is to arrive (TLS-186). */
        server_session_end(session, handshake ? "the TLS handshake failed" : "TLS failed", true);
        break;
    case STREAM_END_CUT:
    case STREAM_OPEN:
        server_session_end(session, "the connection was lost", false);
        break;
    }
}

void server_session_transfer_over(struct server_session *session)
{
    session->transfer = NULL;
    server_ports_transfer_over(session);
    if (session->phase == SERVER_GONE) {
        server_session_free(session);
        return;
    }
    if (session->farewell)
        server_pi_refuse(session->pi, session->farewell);
    server_session_turn(session);
}

/* Now, or when the transfer that runs is over. */
static void session_part(struct server_session *session, const char *farewell, const char *why)
{
    session->farewell = farewell;
    session->parting = why;
    if (session->transfer || session->phase == SERVER_GONE)
        return;
    server_pi_refuse(session->pi, farewell);
    if (session->phase == SERVER_HANDSHAKE || session->phase == SERVER_OPENING_TLS ||
        session->phase == SERVER_UNDECIDED)
        server_session_end(session, why, false);
    else
        server_session_turn(session);
}

void server_session_drain(struct server_session *session)
{
    session_part(session, "The server is shutting down", "the server ended");
}

void server_session_dismiss(struct server_session *session, const char *farewell, const char *why)
{
    struct server_transfer *transfer = session->transfer;
    session_part(session, farewell, why);
    if (transfer)
        server_transfer_abort(transfer, FERRY_E_CANCELLED, why);
}

void server_session_evict(struct server_session *session, const char *words)
{
    server_event(session, LOG_LEVEL_NOTICE, "session.evicted", F_VISIBLE("reason", words),
                 F_STR("side", "server"), F_STR("advice", "the account was changed; see auth.end"));
    if (!session->farewell_copy)
        session->farewell_copy = alloc_str(words);
    server_session_dismiss(session,
                           session->farewell_copy ? session->farewell_copy : "The login has ended",
                           "the account may no longer be used");
}

/* ---- commands ---- */

static void session_rein(struct server_session *session, const struct server_action *action)
{
    (void)action;
    server_session_log_out(session);
    server_host_forget(session);
    if (!stream_is_sealed(session->stream))
        server_security_forget(session); /* what CCC had left */
    server_pi_reply(session->pi, 220, "Ready for a new user.");
}

static const struct {
    server_handler *run;
    bool writes;
} handlers[VERB_COUNT] = {
    [VERB_USER] = {server_login_user, false},     [VERB_PASS] = {server_login_pass, false},
    [VERB_REIN] = {session_rein, false},          [VERB_CWD] = {server_names_cwd, false},
    [VERB_CDUP] = {server_names_cwd, false},      [VERB_PASV] = {server_ports_passive, false},
    [VERB_CPSV] = {server_ports_passive, false},  [VERB_EPSV] = {server_ports_passive, false},
    [VERB_PORT] = {server_ports_active, false},   [VERB_EPRT] = {server_ports_active, false},
    [VERB_RETR] = {server_transfer_start, false}, [VERB_STOR] = {server_transfer_start, true},
    [VERB_STOU] = {server_transfer_start, true},  [VERB_APPE] = {server_transfer_start, true},
    [VERB_LIST] = {server_transfer_start, false}, [VERB_NLST] = {server_transfer_start, false},
    [VERB_MLSD] = {server_transfer_start, false}, [VERB_MLST] = {server_names_mlst, false},
    [VERB_STAT] = {server_stat, false},           [VERB_SIZE] = {server_names_size, false},
    [VERB_MDTM] = {server_names_mdtm, false},     [VERB_MFMT] = {server_names_mfmt, true},
    [VERB_RNFR] = {server_names_rnfr, true},      [VERB_RNTO] = {server_names_rnto, true},
    [VERB_DELE] = {server_names_dele, true},      [VERB_HASH] = {server_hash, false},
    [VERB_XCRC] = {server_hash, false},           [VERB_XMD5] = {server_hash, false},
    [VERB_XSHA] = {server_hash, false},           [VERB_XSHA1] = {server_hash, false},
    [VERB_XSHA256] = {server_hash, false},        [VERB_XSHA512] = {server_hash, false},
    [VERB_MFF] = {server_change, true},           [VERB_SITE] = {server_extra_site, true},
    [VERB_ALLO] = {server_names_allo, true},      [VERB_AVBL] = {server_names_avbl, false},
    [VERB_CLNT] = {server_client_clnt, false},    [VERB_CSID] = {server_client_csid, false},
    [VERB_HOST] = {server_host, false},           [VERB_RMD] = {server_names_rmd, true},
    [VERB_MKD] = {server_names_mkd, true},        [VERB_ABOR] = {server_ports_abor, false},
    [VERB_DSIZ] = {server_extra_dsiz, false},     [VERB_RMDA] = {server_extra_rmda, true},
    [VERB_COMB] = {server_extra_comb, true},      [VERB_PRET] = {server_extra_pret, false},
};

void server_session_run(struct server_session *session, const struct server_action *action)
{
    if (!handlers[action->verb].run)
        server_pi_reply(session->pi, 502, "Command not implemented.");
    else if (handlers[action->verb].writes && session->read_only)
        server_pi_reply(session->pi, 550, "This account may only read.");
    else
        handlers[action->verb].run(session, action);
}

static void session_command(struct server_session *session, const struct server_action *action)
{
    if (!session->transfer)
        session->command = *action; /* else it is a STAT meanwhile */
    if (action->path_as_sent.len > 0)
        server_as_sent_find(session);
    else
        server_session_run(session, action);
}

/* The PI ends the session: the last replies are queued. */
static void session_leave(struct server_session *session)
{
    const struct fault *fault = server_pi_fault(session->pi);
    if (fault_is_set(fault)) {
        session->why = session->farewell ? session->parting : fault_kind_name(fault->kind);
        server_event_refused(session, fault);
    } else if (!session->why) {
        session->why = "QUIT";
    }
    server_session_enter(session, SERVER_LEAVING, LEAVING_S * CLOCK_NS_PER_S);
}

static void session_act(struct server_session *session, const struct server_action *action)
{
    uint64_t handshake_ns = session->rules->handshake_timeout_ns;
    switch (action->kind) {
    case SERVER_ACTION_COMMAND:
        session_command(session, action);
        break;
    case SERVER_ACTION_ABORT:
        if (session->transfer)
            server_transfer_abort(session->transfer, FERRY_E_CANCELLED, "the client sent ABOR");
        break;
    case SERVER_ACTION_START_TLS:
        server_session_enter(session, SERVER_OPENING_TLS, handshake_ns);
        break;
    case SERVER_ACTION_STOP_TLS:
        server_security_stock(session);
        server_session_enter(session, SERVER_CLOSING_TLS, 2 * LEAVING_S * CLOCK_NS_PER_S);
        break;
    case SERVER_ACTION_CLOSE:
        session_leave(session);
        break;
    }
}

/* ---- a turn ---- */

/* Hands the PI's output to the stream, as much as that takes; `*written` says whether that was
 * anything. false: the stream takes no more for good. */
static bool session_write(struct server_session *session, bool *written)
{
    *written = false;
    for (;;) {
        struct bytes out = server_pi_output(session->pi);
        size_t taken = 0;
        if (out.len == 0)
            return true;
        if (stream_write(session->stream, out, &taken) != FERRY_OK)
            return false;
        if (taken == 0)
            return true; /* `room` follows */
        server_pi_wrote(session->pi, taken);
        *written = true;
    }
}

/* Acts and writes until nothing is left to do: with its output gone, the PI may take commands that
 * had to wait. false: sending failed. */
static bool session_work(struct server_session *session)
{
    struct server_action action;
    bool written;
    do {
        while (session->phase == SERVER_SERVING && server_pi_next(session->pi, &action))
            session_act(session, &action);
        if (!session_write(session, &written))
            return false;
    } while (written);
    return true;
}

static uint64_t lines_in(const char *in, size_t len)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += in[i] == '\n';
    return lines;
}

/* Feeds the PI once. false: there is nothing to read now. */
static bool session_read(struct server_session *session)
{
    char in[READ_BYTES];
    size_t got = 0;
    const struct rate_rule rule = {session->rules->limits.commands_per_second, CLOCK_NS_PER_S};
    if (session->phase != SERVER_SERVING || !server_pi_wants_input(session->pi) ||
        session->commands_due_ns > loop_now_ns(session->shared->loop))
        return false;
    stream_read(session->stream, in, sizeof(in), &got);
    if (got == 0)
        return false;
    uint64_t now_ns = loop_now_ns(session->shared->loop);
    server_pi_feed(session->pi, bytes_of(in, got), now_ns);
    session->commands_due_ns = rate_spend(&session->commands, &rule, lines_in(in, got), now_ns);
    secret_wipe(in, got); /* it may have held a PASS (SEC-81) */
    return true;
}

/* Works and reads until nothing is left to do now. false: sending failed. */
static bool session_rounds(struct server_session *session)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        if (!session_work(session))
            return false;
        if (!session_read(session))
            return true;
    }
    loop_task_post(session->again);
    return true;
}

static void session_arm(struct server_session *session)
{
    uint64_t deadline_ns = session->phase_deadline_ns;
    if (session->phase == SERVER_SERVING) {
        if (server_pi_deadline(session->pi) == 0)
            server_pi_feed(session->pi, bytes_str(NULL), loop_now_ns(session->shared->loop));
        deadline_ns = server_pi_deadline(session->pi);
        if (session->login_reply_ns < deadline_ns)
            deadline_ns = session->login_reply_ns;
        if (session->login_asked && session->login_until_ns < deadline_ns)
            deadline_ns = session->login_until_ns;
        if (session->commands_due_ns > loop_now_ns(session->shared->loop) &&
            session->commands_due_ns < deadline_ns)
            deadline_ns = session->commands_due_ns;
    }
    loop_timer_at(session->timer, deadline_ns);
}

/* What a phase waits for may have come. The session may be gone after it. */
static void session_settle(struct server_session *session)
{
    bool written = server_pi_output(session->pi).len == 0;
    bool over = stream_end(session->stream) != STREAM_OPEN || stream_is_broken(session->stream);
    switch (session->phase) {
    case SERVER_UNDECIDED:
        server_session_decide(session, false);
        break;
    case SERVER_SERVING:
        if (over)
            session_lost(session);
        else
            session_arm(session);
        break;
    case SERVER_LEAVING:
        if (written || over)
            server_session_end(session, session->why, true);
        break;
    case SERVER_CLOSING_TLS:
        if (over &&
            stream_end(session->stream) != STREAM_END_CLOSED) /* that is what it waits for */
            session_lost(session);
        else if (written && stream_is_sealed(session->stream))
            server_security_stop(session);
        break;
    case SERVER_OPENING_TLS:
    case SERVER_HANDSHAKE:
        if (over)
            session_lost(session);
        break;
    case SERVER_GONE:
        break;
    }
}

void server_session_turn(struct server_session *session)
{
    if (session->turning || session->phase == SERVER_GONE)
        return;
    session->turning = true;
    bool sending = session_rounds(session);
    session->turning = false;
    server_ports_review(session);
    if (sending)
        session_settle(session);
    else
        session_lost(session);
}

/* ---- events ---- */

void server_session_go_on(void *ctx)
{
    server_session_turn(ctx);
}

static void session_flushed(void *ctx)
{
    struct server_session *session = ctx;
    if (session->phase == SERVER_OPENING_TLS && server_pi_output(session->pi).len == 0)
        server_security_start(session);
    else if (session->phase == SERVER_CLOSING_TLS && !stream_tls(session->stream))
        server_security_stopped(session);
}

static void session_sealed(void *ctx)
{
    server_security_sealed(ctx);
}

const struct stream_events server_session_events = {
    .input = server_session_go_on,
    .room = server_session_go_on,
    .flushed = session_flushed,
    .sealed = session_sealed,
};

void server_session_expired(void *ctx)
{
    struct server_session *session = ctx;
    uint64_t now_ns = loop_now_ns(session->shared->loop);
    if (session->phase == SERVER_UNDECIDED) {
        server_session_decide(session, true);
        return;
    }
    if (session->phase != SERVER_SERVING) {
        bool handshake = session->phase == SERVER_HANDSHAKE;
        struct fault late = {0};
        (void)fault_set(&late, FERRY_E_TIMEOUT,
                        handshake ? "no TLS handshake in time" : "the client does not read");
        if (handshake)
            server_event_unsealed(session, &late);
        else
            server_event_lost(session, &late);
        server_session_end(
            session, handshake ? "no TLS handshake in time" : "the client does not read", false);
        return;
    }
    if (session->login_reply_ns <= now_ns)
        server_login_refuse(session);
    else if (session->login_asked && session->login_until_ns <= now_ns)
        server_login_late(session);
    else if (server_pi_deadline(session->pi) <= now_ns)
        server_pi_feed(session->pi, bytes_str(NULL), now_ns);
    server_session_turn(session);
}
