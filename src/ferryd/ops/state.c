/* What ferryd-ops knows of the server. */
#include "ferryd/ops/state.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

enum { ROW_TEXTS_BYTES = 128 * 1024, EVENT_BYTES = 64 * 1024 };

/* ---- rows and their texts ---- */

/* Where the texts of a row stand. */
struct texts {
    const size_t *offsets;
    size_t count;
};

#define TEXTS(list) ((struct texts){(list), ARRAY_LEN(list)})

static const char **text_at(void *row, size_t offset)
{
    return (const char **)(void *)((char *)row + offset);
}

/* A copy of `row` in one block with its texts, made visible; NULL: memory is short. */
static void *row_copy(const void *row, size_t size, struct texts texts)
{
    CLEANUP(buf_fini) struct buf all;
    buf_init(&all, ROW_TEXTS_BYTES);
    char *copy = NULL;
    bool whole = true;
    for (size_t i = 0; i < texts.count && whole; i++) {
        const char *text = *text_at((void *)(uintptr_t)row, texts.offsets[i]);
        whole = text_visible(&all, bytes_str(text)) == FERRY_OK &&
                buf_append(&all, bytes_of("", 1)) == FERRY_OK;
    }
    copy = whole ? alloc_zero(size + buf_len(&all)) : NULL;
    if (!copy)
        return NULL;
    memcpy(copy, row, size);
    if (buf_len(&all) > 0)
        memcpy(copy + size, buf_view(&all).ptr, buf_len(&all));
    const char *next = copy + size;
    for (size_t i = 0; i < texts.count; i++) {
        *text_at(copy, texts.offsets[i]) = next;
        next += strlen(next) + 1;
    }
    return copy;
}

static const size_t session_texts[] = {
    offsetof(struct state_session, account),     offsetof(struct state_session, peer),
    offsetof(struct state_session, local),       offsetof(struct state_session, host),
    offsetof(struct state_session, client),      offsetof(struct state_session, auth),
    offsetof(struct state_session, tls.version), offsetof(struct state_session, tls.cipher),
    offsetof(struct state_session, tls.kex),     offsetof(struct state_session, tls.signature),
    offsetof(struct state_session, certificate), offsetof(struct state_session, command),
    offsetof(struct state_session, path),        offsetof(struct state_session, direction),
};
static const size_t process_texts[] = {
    offsetof(struct state_process, phase),
    offsetof(struct state_process, missing),
};
static const size_t certificate_texts[] = {
    offsetof(struct state_certificate, listens), offsetof(struct state_certificate, file),
    offsetof(struct state_certificate, subject), offsetof(struct state_certificate, names),
    offsetof(struct state_certificate, key),
};
static const size_t use_texts[] = {
    offsetof(struct state_use, account),       offsetof(struct state_use, client),
    offsetof(struct state_use, auth),          offsetof(struct state_use, tls.version),
    offsetof(struct state_use, tls.cipher),    offsetof(struct state_use, tls.kex),
    offsetof(struct state_use, tls.signature),
};
static const size_t account_texts[] = {
    offsetof(struct state_account, name),    offsetof(struct state_account, source),
    offsetof(struct state_account, login),   offsetof(struct state_account, home),
    offsetof(struct state_account, expires),
};
static const size_t ban_texts[] = {
    offsetof(struct state_ban, address),
    offsetof(struct state_ban, reason),
};

#define COPY(row, texts) row_copy((row), sizeof(*(row)), TEXTS(texts))

/* ---- the server ---- */

enum ferry_error state_set_config(struct state *state, struct bytes file, int64_t started_ns,
                                  int64_t loaded_ns)
{
    char *copy = text_visible_dup(file);
    if (!copy)
        return FERRY_E_MEMORY;
    alloc_free(state->config_file);
    state->config_file = copy;
    state->started_ns = started_ns;
    state->config_loaded_ns = loaded_ns;
    return FERRY_OK;
}

enum ferry_error state_set_process(struct state *state, const struct state_process *process)
{
    struct state_process *copy = process->phase ? COPY(process, process_texts) : NULL;
    if (process->phase && !copy)
        return FERRY_E_MEMORY;
    struct state_process *old = TAILQ_FIRST(&state->processes);
    while (old && (old->number != process->number || old->role != process->role))
        old = TAILQ_NEXT(old, link);
    if (old && copy)
        TAILQ_INSERT_BEFORE(old, copy, link);
    else if (copy)
        TAILQ_INSERT_TAIL(&state->processes, copy, link);
    if (old)
        TAILQ_REMOVE(&state->processes, old, link);
    alloc_free(old);
    return FERRY_OK;
}

/* ---- sessions ---- */

static void drop_session(struct state *state, struct state_session *session)
{
    TAILQ_REMOVE(&state->sessions, session, link);
    state->session_count--;
    state->transfer_count -= session->direction[0] != '\0';
    alloc_free(session);
}

enum ferry_error state_add_session(struct state *state, const struct state_session *session)
{
    struct state_session *copy = COPY(session, session_texts);
    if (!copy)
        return FERRY_E_MEMORY;
    TAILQ_INSERT_TAIL(&state->sessions, copy, link);
    state->session_count++;
    state->transfer_count += copy->direction[0] != '\0';
    return FERRY_OK;
}

void state_forget_worker(struct state *state, uint32_t worker, bool certificates)
{
    struct state_session *next;
    for (struct state_session *row = TAILQ_FIRST(&state->sessions); row; row = next) {
        next = TAILQ_NEXT(row, link);
        if (row->worker == worker)
            drop_session(state, row);
    }
    struct state_certificate *after;
    for (struct state_certificate *row = TAILQ_FIRST(&state->certificates); row && certificates;
         row = after) {
        after = TAILQ_NEXT(row, link);
        if (row->worker != worker)
            continue;
        TAILQ_REMOVE(&state->certificates, row, link);
        alloc_free(row);
    }
}

enum ferry_error state_add_certificate(struct state *state,
                                       const struct state_certificate *certificate)
{
    struct state_certificate *copy = COPY(certificate, certificate_texts);
    if (!copy)
        return FERRY_E_MEMORY;
    TAILQ_INSERT_TAIL(&state->certificates, copy, link);
    return FERRY_OK;
}

/* ---- what clients used ---- */

static bool is_same_use(const struct state_use *a, const struct state_use *b)
{
    for (size_t i = 0; i < ARRAY_LEN(use_texts); i++)
        if (strcmp(*text_at((void *)(uintptr_t)a, use_texts[i]),
                   *text_at((void *)(uintptr_t)b, use_texts[i])) != 0)
            return false;
    return true;
}

static void add_counts(struct state_use *to, const struct state_use *from)
{
    to->sessions += from->sessions;
    to->data_resumed += from->data_resumed;
    to->data_full += from->data_full;
    to->data_clear += from->data_clear;
    to->last_ns = from->last_ns;
}

static void drop_use(struct state *state, struct state_use *use)
{
    TAILQ_REMOVE(&state->uses, use, link);
    state->use_count--;
    alloc_free(use);
}

enum ferry_error state_add_use(struct state *state, const struct state_use *use)
{
    struct state_use *copy = COPY(use, use_texts);
    if (!copy)
        return FERRY_E_MEMORY;
    struct state_use *old = TAILQ_FIRST(&state->uses);
    while (old && !is_same_use(old, copy))
        old = TAILQ_NEXT(old, link);
    if (old) {
        TAILQ_REMOVE(&state->uses, old, link);
        add_counts(old, copy);
        alloc_free(copy);
        TAILQ_INSERT_HEAD(&state->uses, old, link);
        return FERRY_OK;
    }
    if (state->use_count == STATE_USES_MAX)
        drop_use(state, TAILQ_LAST(&state->uses, state_uses));
    copy->first_ns = copy->last_ns;
    TAILQ_INSERT_HEAD(&state->uses, copy, link);
    state->use_count++;
    return FERRY_OK;
}

/* ---- accounts, bans ---- */

void state_forget_accounts(struct state *state)
{
    struct state_account *account;
    while ((account = TAILQ_FIRST(&state->accounts))) {
        TAILQ_REMOVE(&state->accounts, account, link);
        alloc_free(account);
    }
}

enum ferry_error state_add_account(struct state *state, const struct state_account *account)
{
    struct state_account *copy = COPY(account, account_texts);
    if (!copy)
        return FERRY_E_MEMORY;
    TAILQ_INSERT_TAIL(&state->accounts, copy, link);
    return FERRY_OK;
}

void state_forget_bans(struct state *state)
{
    struct state_ban *ban;
    while ((ban = TAILQ_FIRST(&state->bans))) {
        TAILQ_REMOVE(&state->bans, ban, link);
        alloc_free(ban);
    }
}

enum ferry_error state_add_ban(struct state *state, const struct state_ban *ban)
{
    struct state_ban *copy = COPY(ban, ban_texts);
    if (!copy)
        return FERRY_E_MEMORY;
    TAILQ_INSERT_TAIL(&state->bans, copy, link);
    return FERRY_OK;
}

/* ---- events ---- */

const char *state_event_text(const struct state_event *event, const char *name)
{
    const char *text = json_string_value(json_object_get(event->fields, name));
    return text ? text : "";
}

/* What went wrong is told with whose doing it was. */
static bool is_failure(const struct state_event *event)
{
    return strcmp(state_event_text(event, "level"), "error") == 0 ||
           state_event_text(event, "side")[0] != '\0';
}

static void drop_first(struct state_events *events, size_t *count)
{
    struct state_event *event = STAILQ_FIRST(events);
    STAILQ_REMOVE_HEAD(events, link);
    (*count)--;
    json_decref(event->fields);
    alloc_free(event);
}

/* NULL: memory is short. */
static const struct state_event *append(struct state_events *events, size_t *count, size_t most,
                                        const struct state_event *event)
{
    struct state_event *copy = alloc_zero(sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = *event;
    json_incref(copy->fields);
    if (*count == most)
        drop_first(events, count);
    STAILQ_INSERT_TAIL(events, copy, link);
    (*count)++;
    return copy;
}

enum ferry_error state_add_event(struct state *state, struct bytes line)
{
    if (line.len > EVENT_BYTES)
        return FERRY_E_PROTOCOL;
    json_t *fields = json_loadb(line.ptr ? line.ptr : "", line.len, JSON_REJECT_DUPLICATES, NULL);
    struct state_event event = {.number = state->last_event + 1, .fields = fields};
    if (!json_is_object(fields) || state_event_text(&event, "event")[0] == '\0') {
        json_decref(fields);
        return FERRY_E_PROTOCOL;
    }
    event.failure = is_failure(&event);
    const struct state_event *kept =
        append(&state->events, &state->event_count, STATE_EVENTS_MAX, &event);
    bool whole = kept && (!event.failure || append(&state->failures, &state->failure_count,
                                                   STATE_FAILURES_MAX, &event));
    if (kept) {
        state->last_event++;
        state->newest = kept;
    }
    json_decref(fields);
    return whole ? FERRY_OK : FERRY_E_MEMORY;
}

/* ---- life ---- */

void state_init(struct state *state)
{
    *state = (struct state){.version = ""};
    TAILQ_INIT(&state->processes);
    TAILQ_INIT(&state->sessions);
    STAILQ_INIT(&state->events);
    STAILQ_INIT(&state->failures);
    TAILQ_INIT(&state->certificates);
    TAILQ_INIT(&state->uses);
    TAILQ_INIT(&state->accounts);
    TAILQ_INIT(&state->bans);
}

void state_fini(struct state *state)
{
    struct state_process *process;
    struct state_session *session;
    struct state_certificate *certificate;
    while ((process = TAILQ_FIRST(&state->processes))) {
        TAILQ_REMOVE(&state->processes, process, link);
        alloc_free(process);
    }
    while ((session = TAILQ_FIRST(&state->sessions)))
        drop_session(state, session);
    while ((certificate = TAILQ_FIRST(&state->certificates))) {
        TAILQ_REMOVE(&state->certificates, certificate, link);
        alloc_free(certificate);
    }
    while (state->event_count > 0)
        drop_first(&state->events, &state->event_count);
    while (state->failure_count > 0)
        drop_first(&state->failures, &state->failure_count);
    while (!TAILQ_EMPTY(&state->uses))
        drop_use(state, TAILQ_FIRST(&state->uses));
    state_forget_accounts(state);
    state_forget_bans(state);
    alloc_free(state->config_file);
    alloc_free(state->reload_refused);
}
