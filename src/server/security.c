/* TLS on the control connection. */
#include "server/security.h"

#include "base/alloc.h"
#include "server/event.h"
#include "server/host.h"
#include "server/presence.h"
#include "tls/engine.h"

/* For a client that uses each ticket once: so many transfers after CCC. Others use the last again.
 */
enum { CCC_TICKETS = 8 };

static enum ferry_error security_engine(struct server_session *session, struct tls_engine **out)
{
    server_binding_unref(session->binding);
    session->binding = server_binding_new(session->shared->settings.master);
    if (!session->binding)
        return FERRY_E_MEMORY;
    const struct tls_server_role role = {
        .binding = server_binding_tls(session->binding),
        .hosts = session->rules->hosts,
        .host = session->host,
    };
    return tls_engine_new_server(session->rules->tls, &role, out);
}

void server_security_start(struct server_session *session)
{
    struct tls_engine *engine = NULL;
    if (!server_presence_may_shake_hands(session)) {
        server_session_end(session, "too many handshakes", false);
        return;
    }
    enum ferry_error error = security_engine(session, &engine);
    struct fault why = {0};
    if (error == FERRY_OK)
        error = stream_start_tls(session->stream, engine);
    if (error == FERRY_OK) {
        server_session_enter(session, SERVER_HANDSHAKE, session->rules->handshake_timeout_ns);
        return;
    }
    (void)fault_set(&why, error, "TLS cannot be started");
    server_event_unsealed(session, &why);
    server_session_end(session, "TLS cannot be started", false);
}

void server_security_sealed(struct server_session *session)
{
    const struct tls_facts *facts = tls_engine_facts(stream_tls(session->stream));
    server_event_sealed(session, facts);
    enum ferry_error error = server_host_sealed(session, facts->host);
    if (error != FERRY_OK) {
        server_session_end(session,
                           error == FERRY_E_STATE ? "SNI names another host than HOST did"
                                                  : "memory is short",
                           true);
        return;
    }
    server_session_enter(session, SERVER_SERVING, 0);
    server_pi_tls_started(session->pi, loop_now_ns(session->shared->loop));
    server_session_turn(session);
}

void server_security_note_data(struct server_session *session, const struct tls_engine *engine)
{
    alloc_free(session->data_tls);
    session->data_tls = engine ? alloc_zero(sizeof(*session->data_tls)) : NULL;
    if (session->data_tls)
        *session->data_tls = *tls_engine_facts(engine);
}

static bool is_cleared(const struct server_session *session)
{
    return server_pi_security(session->pi)->state == SECURITY_CLEARED;
}

void server_security_stock(struct server_session *session)
{
    for (int i = 0; is_cleared(session) && i < CCC_TICKETS; i++)
        server_session_refill(session);
}

void server_security_forget(struct server_session *session)
{
    server_binding_unref(session->binding);
    session->binding = NULL;
}

void server_security_stop(struct server_session *session)
{
    enum stream_stop until = is_cleared(session) ? STREAM_STOP_ANY : STREAM_STOP_NOTIFY;
    if (stream_stop_tls(session->stream, until) != FERRY_OK)
        server_session_end(session, "TLS cannot be ended", true);
}

void server_security_stopped(struct server_session *session)
{
    if (is_cleared(session))
        server_event(session, LOG_LEVEL_NOTICE, "session.ccc",
                     F_STR("control", "in clear from here on"));
    else
        server_security_forget(session);
    server_session_enter(session, SERVER_SERVING, 0);
    server_pi_tls_stopped(session->pi, loop_now_ns(session->shared->loop));
    server_session_turn(session);
}
