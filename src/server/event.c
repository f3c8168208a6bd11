/* The events of a session in the log. */
#include "server/event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum {
    OWN_FIELDS = 3,
    FIELDS_MAX = 20,
    TAG_BITS = 13,
};

/* 2026-01-01 00:00:00 UTC */
static const int64_t EPOCH_MS = INT64_C(1767225600000);

uint64_t server_event_session_id(struct server_shared *shared)
{
    int64_t now_ms = clock_wall_ns(shared->settings.clock) / (int64_t)CLOCK_NS_PER_MS - EPOCH_MS;
    uint64_t stamp = now_ms > 0 ? (uint64_t)now_ms : 0;
    if (stamp <= shared->last_stamp)
        stamp = shared->last_stamp + 1;
    shared->last_stamp = stamp;
    return stamp << TAG_BITS | (shared->settings.id_tag & ((1U << TAG_BITS) - 1));
}

void server_session_log(const struct server_session *session, enum log_level level,
                        const char *name, const struct log_field *fields, size_t count)
{
    struct server_shared *shared = session->shared;
    const struct log *log = shared->settings.log;
    char peer[ADDRESS_TEXT_BYTES];
    if (!log || level > log->level ||
        !server_floods_pass(&shared->floods, &session->peer, name,
                            session->rules->limits.log_events_per_minute,
                            loop_now_ns(shared->loop)))
        return;
    address_text(&session->peer, peer);
    struct log_field all[OWN_FIELDS + FIELDS_MAX] = {
        F_U64("session", session->id),
        F_STR("peer", peer),
        F_STR("account", session->user),
    };
    if (count > FIELDS_MAX)
        count = FIELDS_MAX;
    memcpy(&all[OWN_FIELDS], fields, count * sizeof(*fields));
    log_write(log, level, name, all, OWN_FIELDS + count);
}

/* ---- whose doing, and what to do ---- */

static const struct {
    enum ferry_error kind;
    const char *side, *advice;
} kinds[] = {
    {FERRY_E_MEMORY, "server", "give the server more memory, or lower sessions_max"},
    {FERRY_E_ARGUMENT, "client", "the client asks for a name that cannot be: tell its user"},
    {FERRY_E_LIMIT, "client", "the client goes beyond a limit: tell its user, or raise the limit"},
    {FERRY_E_STATE, "client", "the client is to begin the file again instead of going on with it"},
    {FERRY_E_PROTOCOL, "client",
     "this is no FTP client, or a broken one: nothing is to be done "
     "here; if it comes often, ban its address"},
    {FERRY_E_INJECTION, "client",
     "somebody between client and server slips bytes in, or the "
     "client is broken: update it"},
    {FERRY_E_CONNECT, "network", "look at firewalls and NAT between client and server"},
    {FERRY_E_TIMEOUT, "network", "look at the network, or raise the time-out if it is only slow"},
    {FERRY_E_LOST, "network",
     "if it happens often look at the network, and at NAT that forgets "
     "quiet connections"},
    {FERRY_E_TLS, "peer-config",
     "compare the client's TLS settings with tls_policy, tls_min and "
     "the certificate of the listen block"},
    {FERRY_E_TRUST, "peer-config",
     "compare the client's certificate with client_ca, client_pins "
     "and client_crl"},
    {FERRY_E_AUTH, "client", "if it is no attack, tell the account's owner, or set a new password"},
    {FERRY_E_REFUSED, "client", "look at the rules of the account"},
    {FERRY_E_TEMPORARY, "server", "it passes by itself: the client may try again"},
    {FERRY_E_NOT_FOUND, "client", "the client asks for what is not there"},
    {FERRY_E_EXISTS, "client", "the client is to choose another name, or to remove what is there"},
    {FERRY_E_DENIED, "client",
     "if it should be allowed, look at the account's rights, and at the "
     "file's owner and mode"},
    {FERRY_E_SPACE, "server", "make room on the disk of the account's home"},
    {FERRY_E_FILE, "server", "look at the disk, and at the system's log"},
    {FERRY_E_CUT, "client",
     "the client is to send the file again; if it happens often, look at "
     "the client's settings of TLS and at the network"},
    {FERRY_E_DAMAGED, "client", "the client is to send the file again"},
    {FERRY_E_UNSUPPORTED, "client", "the client is to use another command or name"},
    {FERRY_E_CANCELLED, "client", "the client wanted it so"},
};

/* A quota, or a limit of the file system's. */
static bool is_quota(const struct fault *fault)
{
    return fault->os_error == EDQUOT || fault->os_error == EFBIG;
}

const char *server_event_side(const struct fault *fault)
{
    if (is_quota(fault))
        return "client";
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == fault->kind)
            return kinds[i].side;
    return "server";
}

const char *server_event_advice(const struct fault *fault)
{
    if (fault->advice[0])
        return fault->advice;
    if (is_quota(fault))
        return "raise quota or quota_files of the account, or let it remove files";
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == fault->kind)
            return kinds[i].advice;
    return "look at the server's log before it";
}

/* ---- sessions ---- */

void server_event_opened(const struct server_session *session)
{
    if (!session->refused)
        server_count(&session->shared->counters, SERVER_COUNT_CONNECTIONS);
    char reached[ADDRESS_TEXT_BYTES];
    address_text(&session->reached, reached);
    server_event(session, LOG_LEVEL_NOTICE, "session.open",
                 F_STR("listener", listen_kind_name(session->rules->kind)),
                 F_STR("address", reached), F_U64("port", address_port(&session->reached)));
}

/* SSL 3 and before are not spoken. */
static void count_handshake(struct server_session *session, enum tls_version version)
{
    static const enum server_count counts[] = {
        [TLS_VERSION_1_0] = SERVER_COUNT_HANDSHAKES_1_0,
        [TLS_VERSION_1_1] = SERVER_COUNT_HANDSHAKES_1_1,
        [TLS_VERSION_1_2] = SERVER_COUNT_HANDSHAKES_1_2,
        [TLS_VERSION_1_3] = SERVER_COUNT_HANDSHAKES_1_3,
    };
    if (version != TLS_VERSION_ANY && (size_t)version < ARRAY_LEN(counts))
        server_count(&session->shared->counters, counts[version]);
}

static void note_tls(struct server_session *session, const struct tls_facts *facts)
{
    struct server_tls_note *note = &session->tls;
    note->version = facts->version_name;
    note->cipher = facts->cipher;
    note->resumed = facts->resumed;
    snprintf(note->kex, sizeof(note->kex), "%s", facts->kex);
    snprintf(note->signature, sizeof(note->signature), "%s", facts->signature);
}

void server_event_sealed(struct server_session *session, const struct tls_facts *facts)
{
    count_handshake(session, facts->version);
    note_tls(session, facts);
    server_event(session, LOG_LEVEL_NOTICE, "session.tls", F_STR("tls", facts->version_name),
                 F_STR("cipher", facts->cipher), F_STR("resumed", facts->resumed ? "yes" : "no"),
                 F_STR("alpn", facts->alpn), F_STR("server_name", facts->server_name),
                 F_STR("host", facts->host), F_STR("client", facts->peer_subject),
                 F_STR("client_sha256", facts->peer_sha256));
}

void server_event_closed(const struct server_session *session)
{
    const struct server_totals *totals = &session->totals;
    uint64_t took_ns = loop_now_ns(session->shared->loop) - session->opened_ns;
    server_event(session, LOG_LEVEL_NOTICE, "session.close",
                 F_STR("why", session->why ? session->why : "the server ended"),
                 F_DUR("took", took_ns), F_U64("uploads", totals->uploads),
                 F_U64("downloads", totals->downloads), F_U64("received", totals->received_bytes),
                 F_U64("sent", totals->sent_bytes), F_U64("failed", totals->failed));
}

void server_event_lost(const struct server_session *session, const struct fault *why)
{
    server_count_failure(&session->shared->counters, why->kind);
    if (fault_is_set(why))
        server_event(session, LOG_LEVEL_NOTICE, "session.broken", F_VISIBLE("reason", why->what),
                     F_VISIBLE("alert", why->peer_said), F_STR("side", server_event_side(why)),
                     F_VISIBLE("advice", server_event_advice(why)));
}

void server_event_unsealed(const struct server_session *session, const struct fault *why)
{
    server_count(&session->shared->counters, SERVER_COUNT_HANDSHAKES_FAILED);
    server_count_failure(&session->shared->counters, why->kind);
    server_event(session, LOG_LEVEL_NOTICE, "session.tls-failed", F_VISIBLE("reason", why->what),
                 F_VISIBLE("alert", why->peer_said), F_STR("side", server_event_side(why)),
                 F_VISIBLE("advice", server_event_advice(why)));
}

void server_event_refused(const struct server_session *session, const struct fault *why)
{
    server_count_failure(&session->shared->counters, why->kind);
    /* Whoever is waited for here is the client; and of a server that ends it is no fault. */
    bool idle = why->kind == FERRY_E_TIMEOUT;
    const char *side = session->draining ? "server" : server_event_side(why);
    const char *advice =
        session->draining ? "the client is to come again" : server_event_advice(why);
    if (idle)
        advice = session->logged_in ? "raise idle_timeout if clients need longer pauses"
                                    : "raise login_timeout if logins need longer";
    server_event(session, LOG_LEVEL_NOTICE, "session.refused", F_VISIBLE("reason", why->what),
                 F_STR("side", idle ? "client" : side), F_VISIBLE("advice", advice));
}
