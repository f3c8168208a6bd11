/* A session as one of many. */
#include "server/presence.h"

enum { REFUSED_MAX = 64 }; /* sessions that are being told that there are too many */

/* ---- being let in ---- */

const char *server_presence_refuse(struct server_shared *shared, const struct server_rules *rules,
                                   const struct address *peer, enum crowd_limit limit)
{
    bool banned = limit == CROWD_BANNED; /* who is banned may come as often as it likes: one line */
    const char *event = banned ? "session.banned" : "session.limited";
    uint64_t per_minute = banned ? 1 : rules->limits.log_events_per_minute;
    char text[ADDRESS_TEXT_BYTES];
    address_text(peer, text);
    if (server_floods_pass(&shared->floods, peer, event, per_minute, loop_now_ns(shared->loop)))
        log_event(shared->settings.log, LOG_LEVEL_NOTICE, event, F_STR("peer", text),
                  F_STR("reason", crowd_reason(limit)),
                  F_STR("side", limit == CROWD_AWAY ? "server" : "client"),
                  F_STR("advice", crowd_advice(limit)));
    return crowd_words(limit);
}

bool server_presence_may_tell(const struct server_shared *shared, const struct server_rules *rules,
                              enum crowd_limit limit)
{
    return rules->kind == LISTEN_EXPLICIT && limit != CROWD_BANNED && shared->refused < REFUSED_MAX;
}

/* ---- being counted ---- */

void server_presence_leave(struct server_shared *shared, const struct address *peer,
                           struct backend_place *place)
{
    const struct server_settings *settings = &shared->settings;
    if (settings->gate_ops)
        settings->gate_ops->leave(settings->gate, place);
    else
        crowd_leave(&shared->crowd, peer);
}

void server_presence_begin(struct server_session *session)
{
    struct server_shared *shared = session->shared;
    if (session->refused)
        shared->refused++;
}

void server_presence_end(struct server_session *session)
{
    struct server_shared *shared = session->shared;
    if (session->phase == SERVER_HANDSHAKE)
        shared->handshakes--;
    if (session->refused)
        shared->refused--;
    else
        server_presence_leave(shared, &session->peer, session->place);
}

void server_presence_enter(struct server_session *session, enum server_phase phase)
{
    struct server_shared *shared = session->shared;
    if (session->phase == SERVER_HANDSHAKE)
        shared->handshakes--;
    if (phase == SERVER_HANDSHAKE)
        shared->handshakes++;
}

bool server_presence_may_shake_hands(struct server_session *session)
{
    uint64_t most = session->rules->limits.handshakes_max;
    if (most == 0 || session->shared->handshakes < most)
        return true;
    server_event(session, LOG_LEVEL_NOTICE, "session.limited",
                 F_STR("reason", "too many TLS handshakes at once"), F_STR("side", "client"),
                 F_STR("advice", "raise handshakes_max if the machine can bear more"));
    return false;
}

/* ---- accounts ---- */

bool server_presence_logged_in(struct server_session *session, uint64_t most)
{
    struct server_shared *shared = session->shared;
    session->logged_in = server_limits_join(&shared->limits, bytes_str(session->user), most);
    if (session->logged_in)
        shared->crowd.known++;
    else
        server_event(session, LOG_LEVEL_NOTICE, "session.limited",
                     F_STR("reason", "too many sessions of the account"), F_STR("side", "client"),
                     F_STR("advice", "raise the account's sessions_max if they are wanted"));
    return session->logged_in;
}

void server_presence_logged_out(struct server_session *session)
{
    if (!session->logged_in)
        return;
    session->logged_in = false;
    session->shared->crowd.known--;
    server_limits_part(&session->shared->limits, bytes_str(session->user));
}
