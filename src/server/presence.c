/* A session as one of many. */
#include "server/presence.h"

enum { REFUSED_MAX = 64 }; /* sessions that are being told that there are too many */

/* ---- being let in ---- */

/* Sessions that are not logged in take at most half of the places (SEC-52). */
static uint32_t waiting_max(const struct server_shared *shared)
{
    uint32_t most = shared->settings.sessions_max;
    return most - most / 2;
}

static void log_refusal(struct server_shared *shared, const struct server_rules *rules,
                        const struct address *peer, const char *reason, const char *advice)
{
    static const char event[] = "session.limited";
    char text[ADDRESS_TEXT_BYTES];
    address_text(peer, text);
    if (server_floods_pass(&shared->floods, peer, event, rules->limits.log_events_per_minute,
                           loop_now_ns(shared->loop)))
        log_event(shared->settings.log, LOG_LEVEL_NOTICE, event, F_STR("peer", text),
                  F_STR("reason", reason), F_STR("side", "client"), F_STR("advice", advice));
}

const char *server_presence_refusal(struct server_shared *shared, const struct server_rules *rules,
                                    const struct address *peer)
{
    static const char full[] = "Too many sessions, try again later";
    if (shared->count - shared->refused >= shared->settings.sessions_max) {
        log_refusal(shared, rules, peer, full, "raise sessions_max if they are wanted");
        return full;
    }
    if (shared->waiting >= waiting_max(shared)) {
        log_refusal(shared, rules, peer, "half of all sessions are not logged in",
                    "lower sessions_per_address, or raise sessions_max");
        return full;
    }
    enum server_limit limit =
        server_limits_enter(&shared->limits, &rules->limits, peer, loop_now_ns(shared->loop));
    if (limit == SERVER_LIMIT_NONE)
        return NULL;
    log_refusal(shared, rules, peer, server_limit_words(limit), server_limit_advice(limit));
    return server_limit_words(limit);
}

bool server_presence_may_tell(const struct server_shared *shared, const struct server_rules *rules)
{
    return rules->kind == LISTEN_EXPLICIT && shared->refused < REFUSED_MAX;
}

/* ---- being counted ---- */

void server_presence_begin(struct server_session *session)
{
    struct server_shared *shared = session->shared;
    if (session->refused)
        shared->refused++;
    else
        shared->waiting++;
}

void server_presence_end(struct server_session *session)
{
    struct server_shared *shared = session->shared;
    if (session->phase == SERVER_HANDSHAKE)
        shared->handshakes--;
    if (session->refused) {
        shared->refused--;
        return;
    }
    shared->waiting--;
    server_limits_leave(&shared->limits, &session->peer);
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
        shared->waiting--;
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
    session->shared->waiting++;
    server_limits_part(&session->shared->limits, bytes_str(session->user));
}
