/* The state as JSON. */
#include "ferryd/ops/control_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

void control_time(int64_t wall_ns, char out[static CONTROL_TIME_BYTES])
{
    time_t seconds = (time_t)(wall_ns / (int64_t)CLOCK_NS_PER_S);
    struct tm utc;
    out[0] = '\0';
    if (wall_ns != 0 && gmtime_r(&seconds, &utc))
        strftime(out, CONTROL_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static json_t *time_json(int64_t wall_ns)
{
    char text[CONTROL_TIME_BYTES];
    control_time(wall_ns, text);
    return text[0] ? json_string(text) : json_null();
}

static json_t *number(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

/* Appends what was made, and forgets the whole if it was not. */
static void add(json_t **list, json_t *item)
{
    if (!*list || json_array_append_new(*list, item) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

/* ---- sessions ---- */

static json_t *session_json(const struct state_session *session)
{
    return json_pack(
        "{s:o, s:o, s:b, s:s, s:s, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, "
        "s:o, s:o, s:o, s:b}",
        "session", number(session->id), "account", text_or_null(session->account), "logged_in",
        session->logged_in, "peer", session->peer, "local", session->local, "since",
        time_json(session->since_ns), "worker", (int)session->worker, "host",
        text_or_null(session->host), "client", text_or_null(session->client), "auth",
        text_or_null(session->auth), "tls", text_or_null(session->tls.version), "cipher",
        text_or_null(session->tls.cipher), "kex", text_or_null(session->tls.kex), "resumed",
        session->tls_resumed, "certificate", text_or_null(session->certificate), "command",
        text_or_null(session->command), "path", text_or_null(session->path), "direction",
        text_or_null(session->direction), "bytes", number(session->bytes), "rate",
        number(session->rate), "read_only", session->read_only);
}

json_t *control_sessions(const struct state *state)
{
    const struct state_session *session;
    json_t *list = json_array();
    TAILQ_FOREACH (session, &state->sessions, link)
        add(&list, session_json(session));
    return list;
}

bool control_is_target(const struct state_session *session, const char *target)
{
    char id[24];
    snprintf(id, sizeof(id), "%" PRIu64, session->id);
    return strcmp(target, id) == 0 || strcmp(target, session->peer) == 0 ||
           (session->logged_in && strcmp(target, session->account) == 0);
}

/* ---- status ---- */

static json_t *processes_json(const struct state *state)
{
    const struct state_process *process;
    json_t *list = json_array();
    TAILQ_FOREACH (process, &state->processes, link)
        add(&list, json_pack("{s:s, s:i, s:i, s:i, s:s, s:o}", "role", role_name(process->role),
                             "pid", (int)process->pid, "number", (int)process->number,
                             "configuration", (int)process->crew, "phase", process->phase,
                             "unconfined", text_or_null(process->missing)));
    return list;
}

static json_t *restarts_json(const struct state *state)
{
    json_t *object = json_object();
    for (unsigned role = 0; role < ROLE_COUNT; role++)
        if (state->restarts[role] > 0)
            (void)json_object_set_new(object, role_name((enum role)role),
                                      number(state->restarts[role]));
    return object;
}

static json_t *certificates_json(const struct state *state)
{
    const struct state_certificate *row;
    json_t *list = json_array();
    TAILQ_FOREACH (row, &state->certificates, link)
        add(&list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:i}", "listens", row->listens,
                             "file", row->file, "subject", row->subject, "names", row->names, "key",
                             row->key, "not_before", time_json(row->not_before_ns), "not_after",
                             time_json(row->not_after_ns), "worker", (int)row->worker));
    return list;
}

/* Of all transfers that run, in one direction. */
static uint64_t rate_of(const struct state *state, const char *direction)
{
    const struct state_session *session;
    uint64_t rate = 0;
    TAILQ_FOREACH (session, &state->sessions, link)
        if (strcmp(session->direction, direction) == 0)
            rate += session->rate;
    return rate;
}

json_t *control_status(const struct state *state)
{
    int64_t now_ns = clock_wall_ns(&clock_system);
    uint64_t up_s = now_ns > state->started_ns && state->started_ns > 0
                        ? (uint64_t)(now_ns - state->started_ns) / CLOCK_NS_PER_S
                        : 0;
    const uint64_t *counts = state->counters.counts;
    return json_pack(
        "{s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "version", state->version, "started", time_json(state->started_ns), "uptime", number(up_s),
        "configuration", state->config_file ? state->config_file : "", "loaded",
        time_json(state->config_loaded_ns), "reload_refused",
        text_or_null(state->reload_refused ? state->reload_refused : ""), "sessions",
        number(state->session_count), "transfers", number(state->transfer_count), "rate_up",
        number(rate_of(state, "up")), "rate_down", number(rate_of(state, "down")), "logins",
        number(counts[SERVER_COUNT_LOGINS_GRANTED]), "logins_refused",
        number(counts[SERVER_COUNT_LOGINS_REFUSED]), "failures", number(state->failure_count),
        "restarts", restarts_json(state), "processes", processes_json(state), "certificates",
        certificates_json(state));
}

/* ---- accounts, bans ---- */

static uint64_t sessions_of(const struct state *state, const char *account)
{
    const struct state_session *session;
    uint64_t count = 0;
    TAILQ_FOREACH (session, &state->sessions, link)
        count += session->logged_in && strcmp(session->account, account) == 0;
    return count;
}

json_t *control_accounts(const struct state *state)
{
    const struct state_account *row;
    json_t *list = json_array();
    TAILQ_FOREACH (row, &state->accounts, link)
        add(&list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:o}", "account", row->name, "source",
                             row->source, "login", row->login, "home", text_or_null(row->home),
                             "expires", text_or_null(row->expires), "disabled", row->disabled,
                             "sessions", number(sessions_of(state, row->name))));
    return list;
}

json_t *control_bans(const struct state *state)
{
    const struct state_ban *row;
    json_t *list = json_array();
    TAILQ_FOREACH (row, &state->bans, link)
        add(&list, json_pack("{s:s, s:o, s:s}", "address", row->address, "until",
                             time_json(row->until_ns), "reason", row->reason));
    return list;
}

/* ---- the log ---- */

json_t *control_log(const struct state *state, const struct control_request *request)
{
    const struct state_events *events = request->failures ? &state->failures : &state->events;
    uint64_t there = request->failures ? state->failure_count : state->event_count;
    uint64_t skip = there > request->count ? there - request->count : 0;
    const struct state_event *event;
    json_t *list = json_array();
    STAILQ_FOREACH (event, events, link) {
        if (skip > 0)
            skip--;
        else
            add(&list, json_incref(event->fields));
    }
    return list;
}
