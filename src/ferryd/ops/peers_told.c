/* What the peers of ferryd-ops tell. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "ferryd/messages.h"
#include "ferryd/ops/peers_private.h"
#include "ferryd/ops_wire.h"

/* When memory is short, a row is left out: that is seen in what else fails then. */
static void try_it(enum ferry_error error)
{
    (void)error;
}

static enum ferry_error bad_texts(struct fault *fault)
{
    return fault_set(fault, FERRY_E_PROTOCOL, "a row has not the texts that it should");
}

/* ---- workers ---- */

static enum ferry_error take_session(struct peer *peer, struct wire_reader *reader,
                                     struct fault *fault)
{
    const char *texts[OPS_SESSION_TEXTS];
    struct state_session row = {.worker = peer->number};
    row.id = wire_get_u64(reader);
    row.since_ns = wire_get_i64(reader);
    unsigned flags = wire_get_u8(reader);
    row.bytes = wire_get_u64(reader);
    row.rate = wire_get_u64(reader);
    row.transfer_since_ns = wire_get_i64(reader);
    if (!ops_get_texts(wire_get_bytes(reader), texts, ARRAY_LEN(texts)))
        return bad_texts(fault);
    row.logged_in = flags & OPS_FLAG_LOGGED_IN;
    row.read_only = flags & OPS_FLAG_READ_ONLY;
    row.tls_resumed = flags & OPS_FLAG_TLS_RESUMED;
    row.account = texts[OPS_SESSION_ACCOUNT];
    row.peer = texts[OPS_SESSION_PEER];
    row.local = texts[OPS_SESSION_LOCAL];
    row.host = texts[OPS_SESSION_HOST];
    row.client = texts[OPS_SESSION_CLIENT];
    row.auth = texts[OPS_SESSION_AUTH];
    row.tls.version = texts[OPS_SESSION_TLS];
    row.tls.cipher = texts[OPS_SESSION_CIPHER];
    row.tls.kex = texts[OPS_SESSION_KEX];
    row.tls.signature = texts[OPS_SESSION_SIGNATURE];
    row.certificate = texts[OPS_SESSION_CERTIFICATE];
    row.command = texts[OPS_SESSION_COMMAND];
    row.path = texts[OPS_SESSION_PATH];
    row.direction = texts[OPS_SESSION_DIRECTION];
    try_it(state_add_session(peer->peers->setup.state, &row));
    return FERRY_OK;
}

static enum ferry_error take_counts(struct peer *peer, struct wire_reader *reader,
                                    struct fault *fault)
{
    struct server_counters *counters = &peer->counters;
    struct bytes counts = wire_get_bytes(reader);
    struct bytes failures = wire_get_bytes(reader);
    if (counts.len != sizeof(counters->counts) || failures.len != sizeof(counters->failures))
        return fault_set(fault, FERRY_E_PROTOCOL, "these are other counters");
    memcpy(counters->counts, counts.ptr, counts.len);
    memcpy(counters->failures, failures.ptr, failures.len);
    peers_sum_counts(peer->peers);
    return FERRY_OK;
}

static enum ferry_error take_certificate(struct peer *peer, struct wire_reader *reader,
                                         struct fault *fault)
{
    const char *texts[OPS_CERTIFICATE_TEXTS];
    struct state_certificate row = {.worker = peer->number};
    row.not_before_ns = wire_get_i64(reader);
    row.not_after_ns = wire_get_i64(reader);
    if (!ops_get_texts(wire_get_bytes(reader), texts, ARRAY_LEN(texts)))
        return bad_texts(fault);
    row.listens = texts[OPS_CERTIFICATE_LISTENS];
    row.file = texts[OPS_CERTIFICATE_FILE];
    row.subject = texts[OPS_CERTIFICATE_SUBJECT];
    row.names = texts[OPS_CERTIFICATE_NAMES];
    row.key = texts[OPS_CERTIFICATE_KEY];
    try_it(state_add_certificate(peer->peers->setup.state, &row));
    return FERRY_OK;
}

static enum ferry_error take_use(struct peer *peer, struct wire_reader *reader, struct fault *fault)
{
    const char *texts[OPS_USE_TEXTS];
    struct state_use row = {.sessions = 1, .last_ns = clock_wall_ns(&clock_system)};
    row.data_resumed = wire_get_u64(reader);
    row.data_full = wire_get_u64(reader);
    row.data_clear = wire_get_u64(reader);
    if (!ops_get_texts(wire_get_bytes(reader), texts, ARRAY_LEN(texts)))
        return bad_texts(fault);
    row.account = texts[OPS_USE_ACCOUNT];
    row.client = texts[OPS_USE_CLIENT];
    row.auth = texts[OPS_USE_AUTH];
    row.tls.version = texts[OPS_USE_TLS];
    row.tls.cipher = texts[OPS_USE_CIPHER];
    row.tls.kex = texts[OPS_USE_KEX];
    row.tls.signature = texts[OPS_USE_SIGNATURE];
    try_it(state_add_use(peer->peers->setup.state, &row));
    return FERRY_OK;
}

static void take_page(struct peer *peer, struct wire_reader *reader)
{
    uint64_t ask = wire_get_u64(reader);
    uint64_t last = wire_get_u64(reader);
    if (ask != peer->ask)
        return;
    if (last > 0) {
        peers_next_page(peer, last);
        return;
    }
    peer->ask = 0;
    loop_task_post(peer->peers->settle);
}

static void take_kicked(struct peer *peer, struct wire_reader *reader)
{
    struct peers_wish *wish = peers_find_wish(peer->peers, wire_get_u64(reader));
    bool kicked = wire_get_u8(reader) != 0;
    if (wish && wish->worker == peer->number)
        peers_wish_over(wish, kicked, bytes_str(NULL));
}

enum ferry_error peers_on_worker(void *ctx, const struct wire_message *row,
                                 struct wire_reader *reader, struct channel_message *raw,
                                 struct fault *fault)
{
    (void)raw;
    struct peer *peer = ctx;
    bool of_page = row->type == OPS_SESSION || row->type == OPS_COUNTS || row->type == OPS_PAGE;
    if (of_page && peer->fresh) {
        peer->fresh = false;
        state_forget_worker(peer->peers->setup.state, peer->number, false);
    }
    switch (row->type) {
    case OPS_SESSION:
        return take_session(peer, reader, fault);
    case OPS_COUNTS:
        return take_counts(peer, reader, fault);
    case OPS_CERTIFICATE:
        return take_certificate(peer, reader, fault);
    case OPS_USE:
        return take_use(peer, reader, fault);
    case OPS_KICKED:
        take_kicked(peer, reader);
        return FERRY_OK;
    default:
        take_page(peer, reader);
        return FERRY_OK;
    }
}

/* ---- auth ---- */

static void take_account(struct state *state, struct wire_reader *reader)
{
    CLEANUP(alloc_free_str) char *name = alloc_bytes(wire_get_bytes(reader));
    CLEANUP(alloc_free_str) char *source = alloc_bytes(wire_get_bytes(reader));
    CLEANUP(alloc_free_str) char *login = alloc_bytes(wire_get_bytes(reader));
    CLEANUP(alloc_free_str) char *home = alloc_bytes(wire_get_bytes(reader));
    CLEANUP(alloc_free_str) char *expires = alloc_bytes(wire_get_bytes(reader));
    const struct state_account row = {
        .name = name,
        .source = source,
        .login = login,
        .home = home,
        .expires = expires,
        .disabled = wire_get_u8(reader) != 0,
    };
    try_it(state_add_account(state, &row));
}

static void take_ban(struct state *state, struct wire_reader *reader)
{
    char reason[64];
    (void)wire_get_u64(reader);
    CLEANUP(alloc_free_str) char *address = alloc_bytes(wire_get_bytes(reader));
    int64_t until_s = wire_get_i64(reader);
    uint64_t failures = wire_get_u64(reader);
    snprintf(reason, sizeof(reason), "%" PRIu64 " failed logins", failures);
    if (wire_get_u8(reader))
        snprintf(reason, sizeof(reason), "by hand");
    const struct state_ban row = {
        .address = address, .reason = reason, .until_ns = until_s * (int64_t)CLOCK_NS_PER_S};
    try_it(state_add_ban(state, &row));
}

static void take_done(struct peer *peer, struct wire_reader *reader)
{
    uint64_t number = wire_get_u64(reader);
    bool done = wire_get_u8(reader) != 0;
    struct bytes words = wire_get_bytes(reader);
    struct peers_wish *wish = peers_find_wish(peer->peers, number);
    if (wish && wish->worker == peer->number)
        peers_wish_over(wish, done, words);
    if (number == peer->ask)
        peer->ask = 0;
    if (number == peer->bans_ask)
        peer->bans_ask = 0;
    loop_task_post(peer->peers->settle);
}

enum ferry_error peers_on_auth(void *ctx, const struct wire_message *row,
                               struct wire_reader *reader, struct channel_message *raw,
                               struct fault *fault)
{
    (void)raw;
    (void)fault;
    struct peer *peer = ctx;
    if (row->type == MESSAGE_ACCOUNT_ROW) {
        take_account(peer->peers->setup.state, reader);
        return FERRY_OK;
    }
    if (row->type == MESSAGE_BAN_ROW)
        take_ban(peer->peers->setup.state, reader);
    else
        take_done(peer, reader);
    return FERRY_OK;
}

/* ---- the supervisor ---- */

static void forget_processes(struct state *state)
{
    struct state_process *process;
    while ((process = TAILQ_FIRST(&state->processes))) {
        struct state_process gone = {.role = process->role, .number = process->number};
        try_it(state_set_process(state, &gone));
    }
}

static void take_process(struct state *state, struct wire_reader *reader)
{
    struct state_process row = {0};
    row.role = (enum role)wire_get_u8(reader);
    row.number = wire_get_u32(reader);
    row.pid = (pid_t)wire_get_u32(reader);
    row.crew = wire_get_u32(reader);
    CLEANUP(alloc_free_str) char *phase = alloc_bytes(wire_get_bytes(reader));
    CLEANUP(alloc_free_str) char *missing = alloc_bytes(wire_get_bytes(reader));
    row.phase = phase;
    row.missing = missing;
    if (phase && (unsigned)row.role < ROLE_COUNT)
        try_it(state_set_process(state, &row));
}

static void take_event(struct peers *peers, struct wire_reader *reader)
{
    struct state *state = peers->setup.state;
    if (state_add_event(state, wire_get_bytes(reader)) == FERRY_OK)
        peers->setup.event(peers->setup.ctx, state->newest);
    else
        state->events_lost++;
}

static void take_reloaded(struct peers *peers, struct wire_reader *reader)
{
    struct state *state = peers->setup.state;
    struct peers_wish *wish = peers_find_wish(peers, wire_get_u64(reader));
    bool done = wire_get_u8(reader) != 0;
    struct bytes words = wire_get_bytes(reader);
    alloc_free(state->reload_refused);
    state->reload_refused = done ? NULL : text_visible_dup(text_trim(words));
    if (wish && wish->worker == 0)
        peers_wish_over(wish, done, words);
}

enum ferry_error peers_supervisor(struct peers *peers, const struct wire_message *row,
                                  struct wire_reader *reader, struct fault *fault)
{
    struct state *state = peers->setup.state;
    switch (row->type) {
    case MESSAGE_STATUS: {
        struct bytes file = wire_get_bytes(reader);
        int64_t started_ns = wire_get_i64(reader);
        try_it(state_set_config(state, file, started_ns, wire_get_i64(reader)));
        forget_processes(state);
        return FERRY_OK;
    }
    case MESSAGE_PROCESS:
        take_process(state, reader);
        return FERRY_OK;
    case MESSAGE_RESTARTS: {
        uint8_t role = wire_get_u8(reader);
        if (role < ROLE_COUNT)
            state->restarts[role] = wire_get_u64(reader);
        return FERRY_OK;
    }
    case MESSAGE_STATUS_END:
        peers->status_ask = 0;
        loop_task_post(peers->settle);
        return FERRY_OK;
    case MESSAGE_EVENT:
        take_event(peers, reader);
        return FERRY_OK;
    case MESSAGE_RELOADED:
        take_reloaded(peers, reader);
        return FERRY_OK;
    default:
        return fault_set(fault, FERRY_E_PROTOCOL, "a %s is not for ops", row->name);
    }
}
