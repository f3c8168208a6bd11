/* How a session begins: from an accepted socket to the greeting or the handshake. */
#include "server/session.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "server/event.h"
#include "server/presence.h"
#include "server/security.h"
#include "server/session_private.h"

static void to_hostport(const struct address *address, struct hostport *out)
{
    int family = ADDRESS_NONE;
    *out = (struct hostport){0};
    address_to_raw(address, &family, out->address, &out->port);
    out->family = (enum address_family)family;
}

static struct server_pi *session_pi(const struct server_session *session)
{
    const struct server_rules *rules = session->rules;
    bool required = rules->tls && !rules->plaintext_allowed;
    struct server_pi_settings pi = {
        .tls_available = rules->tls != NULL,
        .implicit = session->implicit,
        .tls_required = required,
        .dialect = rules->dialect,
        .auth_legacy_words = rules->auth_legacy_words,
        .extras = rules->extras,
        .mode_z = rules->mode_z,
        .mode_b = rules->mode_b,
        .login_timeout_ns = rules->login_timeout_ns,
        .idle_timeout_ns = rules->idle_timeout_ns,
    };
    to_hostport(&session->reached, &pi.local);
    to_hostport(&session->peer, &pi.peer);
    return server_pi_new(&pi, session->opened_ns);
}

static bool session_make(struct server_session *session, int fd)
{
    struct loop *loop = session->shared->loop;
    session->stream = stream_new(loop, fd, &server_session_events, session);
    session->pi = session_pi(session);
    session->timer = loop_timer_new(loop, server_session_expired, session);
    session->again = loop_task_new(loop, server_session_go_on, session);
    return session->stream && session->pi && session->timer && session->again;
}

/* Greets, or begins the handshake before that. */
static void session_begin(struct server_session *session)
{
    server_pi_greet(session->pi, session->opened_ns);
    if (session->implicit && !session->rules->dialect.greet_before_tls)
        server_security_start(session);
    else
        server_session_turn(session);
}

void server_session_decide(struct server_session *session, bool waited)
{
    enum { TLS_HANDSHAKE_RECORD = 22 };
    unsigned char first = 0;
    if (!stream_peek(session->stream, &first) && !waited)
        return;
    session->implicit = first == TLS_HANDSHAKE_RECORD;
    if (session->implicit)
        server_pi_turn_implicit(session->pi);
    server_session_enter(session, SERVER_SERVING, 0);
    session_begin(session);
}

enum ferry_error server_session_new(struct server_shared *shared, struct server_rules *rules,
                                    int fd, const struct server_guest *guest)
{
    CLEANUP(fd_close) int owned = fd;
    struct address local;
    enum ferry_error error = socket_local(fd, &local);
    struct server_session *session = error == FERRY_OK ? alloc_zero(sizeof(*session)) : NULL;
    if (!session && !guest->refusal)
        server_presence_leave(shared, guest->peer, guest->place);
    if (!session)
        return error == FERRY_OK ? FERRY_E_MEMORY : error;
    session->shared = shared;
    session->id = server_event_session_id(shared);
    session->opened_ns = loop_now_ns(shared->loop);
    session->peer = *guest->peer;
    session->local = local;
    session->reached = guest->reached ? *guest->reached : local;
    session->place = guest->place;
    session->rules = server_rules_ref(rules);
    session->implicit = rules->kind == LISTEN_IMPLICIT;
    session->phase_deadline_ns = CLOCK_NEVER;
    session->login_reply_ns = CLOCK_NEVER;
    TAILQ_INSERT_TAIL(&shared->sessions, session, link);
    shared->count++;
    session->refused = guest->refusal != NULL;
    server_presence_begin(session);
    socket_tune_control(fd);
    if (!session_make(session, fd_take(&owned))) {
        session->why = "memory is short";
        server_session_free(session);
        return FERRY_E_MEMORY;
    }
    server_event_opened(session);
    if (rules->kind == LISTEN_EITHER) {
        server_session_enter(session, SERVER_UNDECIDED, rules->first_bytes_ns);
        return FERRY_OK;
    }
    if (guest->refusal)
        server_pi_refuse(session->pi, guest->refusal); /* in the place of the greeting (FTP-30) */
    session_begin(session);
    return FERRY_OK;
}
