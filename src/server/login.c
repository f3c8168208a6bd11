/* USER and PASS to an account. */
#include "server/login.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/secret.h"
#include "server/deeds.h"
#include "server/host.h"
#include "server/presence.h"
#include "tls/engine.h"

enum { LOGIN_FAILURES_MAX = 3 };

#define LOGIN_ADVICE "if it is no attack, look at the account's name, password, login and disabled"

/* ---- asking ---- */

/* 421 with these words, and the end; `why` for the log. */
static void login_end(struct server_session *session, const char *why, const char *words)
{
    session->why = why;
    server_pi_reply(session->pi, 421, "%s", words);
}

static void login_no_memory(struct server_session *session)
{
    login_end(session, "memory is short", "Memory is short, try again later.");
}

static void login_ended(void *ctx, const char *words)
{
    server_session_evict(ctx, words);
}

static void login_ask(struct server_session *session, const struct secret *password, login_fn *done)
{
    const struct server_settings *settings = &session->shared->settings;
    bool sealed = stream_is_sealed(session->stream);
    const struct tls_engine *engine = sealed ? stream_tls(session->stream) : NULL;
    struct tls_identity identity;
    enum ferry_error error = engine ? tls_engine_identity(engine, &identity) : FERRY_E_NOT_FOUND;
    struct login_request request = {
        .name = bytes_str(session->user),
        .password = password,
        .peer = &session->peer,
        .tls = engine ? tls_engine_facts(engine) : NULL,
        .identity = error == FERRY_OK ? &identity : NULL,
        .host = server_host_chosen(session),
        .ended = login_ended,
    };
    session->login_asked_ns = loop_now_ns(session->shared->loop);
    session->login_asked =
        error != FERRY_E_MEMORY &&
        settings->account_ops->login(settings->accounts, &request, done, session) == FERRY_OK;
    session->login_until_ns = loop_now_ns(session->shared->loop) + settings->answer_ns;
    if (!session->login_asked)
        login_no_memory(session);
}

static enum ferry_error login_join(struct server_session *session)
{
    struct server_shared *shared = session->shared;
    bool scope_user = session->rules->data_resume_scope == DATA_SCOPE_USER;
    if (!scope_user || !session->binding)
        return FERRY_OK;
    return server_sibling_join(&shared->siblings, server_binding_tls(session->binding),
                               session->user, &session->peer, &session->sibling);
}

static void login_grant(struct server_session *session, const struct login_grant *grant)
{
    session->store = grant->store;
    session->ops = grant->ops;
    session->read_only = grant->read_only;
    if (!server_presence_logged_in(session, grant->sessions_max)) {
        server_session_log_out(session);
        login_end(session, "too many sessions of the account",
                  "Too many sessions of this account.");
        return;
    }
    server_limits_rate(&session->shared->limits, bytes_str(session->user), grant->rate_up,
                       grant->rate_down);
    if (login_join(session) != FERRY_OK) {
        server_session_log_out(session);
        login_no_memory(session);
        return;
    }
    server_count(&session->shared->counters, SERVER_COUNT_LOGINS_GRANTED);
    server_event(session, LOG_LEVEL_NOTICE, "session.login",
                 F_STR("by", grant->by_certificate ? "certificate" : "password"),
                 F_STR("rights", grant->read_only ? "read" : "read and write"));
    server_deed_note(session, DEED_LOGIN, BYTES_LIT(""), BYTES_LIT(""));
    server_pi_set_charset(session->pi, grant->charset);
    server_pi_logged_in(session->pi, bytes_str(grant->start));
    if (grant->by_certificate)
        server_pi_reply(session->pi, 232, "Logged in by certificate.");
    else
        server_pi_reply(session->pi, 230, "Logged in.");
}

static void login_unavailable(struct server_session *session, const struct fault *fault)
{
    server_count(&session->shared->counters, SERVER_COUNT_LOGINS_UNAVAILABLE);
    server_event(session, LOG_LEVEL_ERROR, "session.login-unavailable",
                 F_VISIBLE("reason", fault->what), F_STR("side", "server"),
                 F_VISIBLE("advice", fault->advice[0] ? fault->advice
                                                      : "look at the events of ferryd-auth and "
                                                        "ferryd-files before this one"));
    login_end(session, "logins are not possible", "Logins are not possible now, try again later.");
}

void server_login_late(struct server_session *session)
{
    const struct server_settings *settings = &session->shared->settings;
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_TIMEOUT, "who knows the accounts does not answer");
    settings->account_ops->cancel(settings->accounts, session);
    session->login_asked = false;
    login_unavailable(session, &fault);
}

/* ---- USER ---- */

static void login_user_done(void *ctx, enum login_verdict verdict, const struct login_grant *grant,
                            const struct fault *fault)
{
    struct server_session *session = ctx;
    session->login_asked = false;
    switch (verdict) {
    case LOGIN_GRANTED:
        login_grant(session, grant);
        break;
    case LOGIN_REFUSED:
        /* The same for every name, known or not (FTP-32, TLS-73). */
        server_pi_user_given(session->pi);
        server_pi_reply(session->pi, 331, "Password required.");
        break;
    case LOGIN_UNAVAILABLE:
        login_unavailable(session, fault);
        break;
    }
    server_session_turn(session);
}

void server_login_user(struct server_session *session, const struct server_action *action)
{
    server_session_log_out(session);
    /* A name that is too long is nobody's: it is asked for as an empty one, which costs the same.
     */
    bool possible = action->argument.len <= LOGIN_NAME_MAX_BYTES;
    session->user = possible ? alloc_bytes(action->argument) : alloc_str("");
    if (session->user)
        login_ask(session, NULL, login_user_done);
    else
        login_no_memory(session);
}

/* ---- PASS ---- */

/* The delay counts from the question on, so that it does not show how long the answer took
 * (SEC-84).
 */
static void login_failed(struct server_session *session, const struct fault *fault)
{
    uint64_t delay_ns = session->rules->login_delay_ns << session->login_failures;
    session->login_failures++;
    server_count(&session->shared->counters, SERVER_COUNT_LOGINS_REFUSED);
    session->login_reply_ns = session->login_asked_ns + delay_ns;
    server_event(
        session, LOG_LEVEL_NOTICE, "session.login-failed",
        F_U64("failures", session->login_failures),
        F_STR("reason", fault_is_set(fault) ? fault->what : "unknown account or wrong password"),
        F_STR("side", "client"),
        F_VISIBLE("advice", fault->advice[0] ? fault->advice : LOGIN_ADVICE));
}

void server_login_refuse(struct server_session *session)
{
    session->login_reply_ns = CLOCK_NEVER;
    if (session->login_failures >= LOGIN_FAILURES_MAX)
        login_end(session, "too many failed logins", "Too many failed logins.");
    else
        server_pi_reply(session->pi, 530, "Login incorrect.");
}

static void login_pass_done(void *ctx, enum login_verdict verdict, const struct login_grant *grant,
                            const struct fault *fault)
{
    struct server_session *session = ctx;
    session->login_asked = false;
    switch (verdict) {
    case LOGIN_GRANTED:
        login_grant(session, grant);
        break;
    case LOGIN_REFUSED:
        login_failed(session, fault);
        break;
    case LOGIN_UNAVAILABLE:
        login_unavailable(session, fault);
        break;
    }
    server_session_turn(session);
}

void server_login_pass(struct server_session *session, const struct server_action *action)
{
    CLEANUP(secret_drop) struct secret *password = NULL;
    if (secret_new(action->argument, &password) == FERRY_OK)
        login_ask(session, password, login_pass_done);
    else
        login_no_memory(session);
}
