/* Accounts, kept by another process. */
#include "ferryd/worker/remote_auth.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "account/demand.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/identity_wire.h"
#include "ferryd/link.h"
#include "ferryd/messages.h"
#include "ferryd/worker/early.h"
#include "ferryd/worker/holds.h"
#include "ferryd/worker/remote_store.h"

/* A channel to an auth. A new one takes the place of the old one, which stays until its answers
 * have come. */
struct line {
    TAILQ_ENTRY(line) link;
    struct remote_auth *auth;
    uint64_t number;
    struct link *channel;
};

/* A login that is asked for. */
struct ask {
    TAILQ_ENTRY(ask) link;
    uint64_t id;
    login_fn *done; /* NULL: cancelled, and only its channel is still to come */
    login_ended_fn *ended;
    void *ctx;
    char name[LOGIN_NAME_MAX_BYTES + 1];
    struct address peer;
    struct line *line; /* that the answer comes by; NULL: it was not sent, or is answered */

    /* Granted, and the channel is waited for. */
    bool granted;
    uint64_t granted_by; /* number of the line */
    uint64_t grant, stamp;
    char *start;
    bool read_only, by_certificate;
    uint64_t rate_up, rate_down;
    struct charset *charset; /* or NULL */
};

struct remote_auth {
    struct remote_auth_setup setup;
    struct line *line; /* that is asked by; NULL: that process is not there */
    TAILQ_HEAD(, line) lines;
    uint64_t last_id, last_line;
    struct holds holds;
    TAILQ_HEAD(, ask) asks;
    struct early early;
    struct loop_task *unsent; /* tells those who could not ask */
};

/* ---- asks ---- */

static void ask_free(struct remote_auth *auth, struct ask *ask)
{
    TAILQ_REMOVE(&auth->asks, ask, link);
    alloc_free(ask->start);
    alloc_free(ask);
}

/* Ends an ask that was not granted. */
static void ask_end(struct remote_auth *auth, struct ask *ask, enum login_verdict verdict,
                    const struct fault *fault)
{
    login_fn *done = ask->done;
    void *ctx = ask->ctx;
    ask_free(auth, ask);
    if (done)
        done(ctx, verdict, NULL, fault);
}

static void ask_unavailable(struct remote_auth *auth, struct ask *ask, const char *why)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_TEMPORARY, "%s", why);
    ask_end(auth, ask, LOGIN_UNAVAILABLE, &fault);
}

static void send_number(const struct line *line, enum message type, uint64_t number)
{
    struct fault fault = {0};
    if (!line)
        return;
    wire_put_u64(link_begin(line->channel, (uint16_t)type), number);
    (void)!link_send(line->channel, NULL, 0, &fault); /* if auth has gone, it has forgotten */
}

/* ---- grants ---- */

/* Both have come. Takes `fd`. */
static void ask_grant(struct remote_auth *auth, struct ask *ask, int fd)
{
    CLEANUP(fd_close) int owned = fd;
    static const struct fault nothing;
    struct login_grant grant = {
        .ops = &remote_store_ops,
        .start = ask->start,
        .read_only = ask->read_only,
        .charset = ask->charset,
        .by_certificate = ask->by_certificate,
        .rate_up = ask->rate_up,
        .rate_down = ask->rate_down,
    };
    struct hold hold = {
        .grant = ask->grant,
        .stamp = ask->stamp,
        .peer = ask->peer,
        .is_known = auth->line && ask->granted_by == auth->line->number,
        .ended = ask->ended,
        .ctx = ask->ctx,
    };
    memcpy(hold.name, ask->name, sizeof(hold.name));
    if (ask->done)
        grant.store = holds_store(&auth->holds, auth->setup.loop, &hold, fd_take(&owned));
    if (!grant.store) {
        send_number(auth->line, MESSAGE_LOGOUT, ask->grant);
        ask_unavailable(auth, ask, "memory is short");
        return;
    }
    /* Out of the list before the session hears of it: it may ask again at once. */
    TAILQ_REMOVE(&auth->asks, ask, link);
    ask->done(ask->ctx, LOGIN_GRANTED, &grant, &nothing);
    alloc_free(ask->start);
    alloc_free(ask);
}

/* The supervisor cannot make its channel. */
static void ask_deny(struct remote_auth *auth, struct ask *ask, struct bytes why)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_TEMPORARY, "%.*s", BYTES_FMT(why));
    send_number(auth->line, MESSAGE_LOGOUT, ask->grant);
    ask_end(auth, ask, LOGIN_UNAVAILABLE, &fault);
}

static struct ask *find_granted(const struct remote_auth *auth, uint64_t grant)
{
    struct ask *ask;
    TAILQ_FOREACH (ask, &auth->asks, link)
        if (ask->granted && ask->grant == grant)
            return ask;
    return NULL;
}

void remote_auth_granted(struct remote_auth *auth, uint64_t grant, int fd)
{
    struct ask *ask = find_granted(auth, grant);
    if (ask)
        ask_grant(auth, ask, fd);
    else
        early_add(&auth->early, grant, fd);
}

void remote_auth_denied(struct remote_auth *auth, uint64_t grant, struct bytes why)
{
    struct ask *ask = find_granted(auth, grant);
    if (ask)
        ask_deny(auth, ask, why);
    else
        early_add(&auth->early, grant, -1);
}

/* ---- answers ---- */

static struct ask *find_open(const struct line *line, uint64_t id)
{
    struct ask *ask;
    TAILQ_FOREACH (ask, &line->auth->asks, link)
        if (ask->id == id && ask->line == line)
            return ask;
    return NULL;
}

/* What the supervisor has said already of the grant of `ask`. */
static void join_early(struct remote_auth *auth, struct ask *ask)
{
    int fd = -1;
    if (!early_take(&auth->early, ask->grant, &fd))
        return;
    if (fd >= 0)
        ask_grant(auth, ask, fd);
    else
        ask_deny(auth, ask, BYTES_LIT("the account's files cannot be reached"));
}

/* A grant that nobody wants any more: its channel is to be closed when it comes. */
static struct ask *ask_nobody(struct remote_auth *auth)
{
    struct ask *ask = alloc_zero(sizeof(*ask));
    if (ask)
        TAILQ_INSERT_TAIL(&auth->asks, ask, link);
    return ask;
}

/* The answer behind its verdict. */
struct answer {
    uint64_t grant;
    struct bytes start;
    bool read_only, by_certificate;
    uint64_t rate_up, rate_down;
    struct bytes charset, why;
    uint64_t stamp;
};

static void read_answer(struct wire_reader *reader, struct answer *out)
{
    out->grant = wire_get_u64(reader);
    out->start = wire_get_bytes(reader);
    out->read_only = wire_get_u8(reader) != 0;
    out->by_certificate = wire_get_u8(reader) != 0;
    out->charset = wire_get_bytes(reader);
    out->rate_up = wire_get_u64(reader);
    out->rate_down = wire_get_u64(reader);
    out->why = wire_get_bytes(reader);
    out->stamp = wire_get_u64(reader);
}

static void set_charset(struct remote_auth *auth, struct ask *ask, struct bytes name)
{
    ask->charset = name.len > 0 ? charsets_find(auth->setup.charsets, name) : NULL;
    if (name.len > 0 && !ask->charset)
        log_event(auth->setup.log, LOG_LEVEL_ERROR, "charset.unknown", F_BYTES("charset", name),
                  F_STR("reason", "the account's charset is not known here"),
                  F_STR("side", "server"),
                  F_STR("advice", "correct the account's charset; until then its names are bytes"));
}

/* `ask` NULL: it was cancelled. */
static void take_grant(const struct line *line, struct ask *ask, const struct answer *answer)
{
    struct remote_auth *auth = line->auth;
    struct ask *whose = ask ? ask : ask_nobody(auth);
    char *start = alloc_bytes(answer->start);
    if (!whose || !start) {
        alloc_free(start);
        send_number(auth->line, MESSAGE_LOGOUT, answer->grant);
        if (whose)
            ask_unavailable(auth, whose, "memory is short");
        return;
    }
    whose->granted = true;
    whose->line = NULL;
    whose->granted_by = line->number;
    whose->grant = answer->grant;
    whose->stamp = answer->stamp;
    whose->start = start;
    whose->read_only = answer->read_only;
    whose->by_certificate = answer->by_certificate;
    whose->rate_up = answer->rate_up;
    whose->rate_down = answer->rate_down;
    set_charset(auth, whose, answer->charset);
    join_early(auth, whose);
}

static enum ferry_error on_login_answer(const struct line *line, struct wire_reader *reader,
                                        struct fault *fault)
{
    struct remote_auth *auth = line->auth;
    struct answer answer;
    struct fault why = {0};
    uint64_t id = wire_get_u64(reader);
    enum login_answer verdict = (enum login_answer)wire_get_u8(reader);
    struct ask *ask = find_open(line, id);
    if (id > auth->last_id || verdict > LOGIN_ANSWER_UNAVAILABLE)
        return fault_set(fault, FERRY_E_PROTOCOL, "an answer to nothing that was asked");
    read_answer(reader, &answer);
    switch (verdict) {
    case LOGIN_ANSWER_GRANTED:
        take_grant(line, ask, &answer);
        break;
    case LOGIN_ANSWER_REFUSED:
        if (ask)
            ask_end(auth, ask, LOGIN_REFUSED, &why);
        break;
    case LOGIN_ANSWER_UNAVAILABLE:
        fault_set(&why, FERRY_E_TEMPORARY, "%.*s", BYTES_FMT(answer.why));
        if (ask)
            ask_end(auth, ask, LOGIN_UNAVAILABLE, &why);
        break;
    }
    return FERRY_OK;
}

/* Grants that auth takes back. */

static enum ferry_error on_end(struct remote_auth *auth, struct wire_reader *reader)
{
    uint64_t grant = wire_get_u64(reader);
    struct bytes why = wire_get_bytes(reader);
    char words[MESSAGE_WORDS_BYTES + 1];
    snprintf(words, sizeof(words), "%.*s", BYTES_FMT(why));
    struct ask *ask = find_granted(auth, grant);
    if (ask)
        ask_deny(auth, ask, why);
    holds_end(&auth->holds, grant, words);
    return FERRY_OK;
}

/* ---- the channel ---- */

static void line_free(struct line *line)
{
    TAILQ_REMOVE(&line->auth->lines, line, link);
    link_free(line->channel);
    alloc_free(line);
}

/* The next ask that is to be answered by it. */
static struct ask *find_of(const struct line *line)
{
    struct ask *ask;
    TAILQ_FOREACH (ask, &line->auth->asks, link)
        if (ask->line == line)
            return ask;
    return NULL;
}

static enum ferry_error handle(struct line *line, const struct wire_message *row,
                               struct wire_reader *reader, struct fault *fault)
{
    const struct remote_auth_setup *setup = &line->auth->setup;
    bool current = line == line->auth->line;
    if (row->type == MESSAGE_LOGIN_ANSWER)
        return on_login_answer(line, reader, fault);
    if (!current) /* it is asked for logins alone */
        return FERRY_OK;
    if (row->type == MESSAGE_END)
        return on_end(line->auth, reader);
    if (row->type == MESSAGE_SHARE)
        return FERRY_OK;
    if (row->type == MESSAGE_ADMITTED && setup->gate)
        return remote_gate_answer(setup->gate, reader, fault);
    if (row->type == MESSAGE_LOOKED_UP && setup->names)
        return remote_names_answer(setup->names, reader, fault);
    return fault_set(fault, FERRY_E_PROTOCOL, "an answer to nothing that was asked");
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)raw;
    struct line *line = ctx;
    enum ferry_error error = handle(line, row, reader, fault);
    if (error == FERRY_OK && line != line->auth->line && !find_of(line))
        line_free(line);
    return error;
}

/* Makes `line` the one that is asked by (NULL: there is none). */
static void use_line(struct remote_auth *auth, struct line *line)
{
    auth->line = line;
    struct link *channel = line ? line->channel : NULL;
    if (auth->setup.names)
        remote_names_connect(auth->setup.names, channel);
    if (auth->setup.gate)
        remote_gate_connect(auth->setup.gate, channel);
    holds_connect(&auth->holds, channel);
    if (!line)
        return;
    struct fault fault = {0};
    (void)link_begin(channel, MESSAGE_TOLD);
    (void)!link_send(channel, NULL, 0, &fault);
}

/* That auth has gone. */
static void line_lost(struct line *line)
{
    struct remote_auth *auth = line->auth;
    struct ask *ask;
    if (line == auth->line) {
        use_line(auth, NULL);
        early_clear(&auth->early);
    }
    while ((ask = find_of(line)))
        ask_unavailable(auth, ask, "the process that knows the accounts ended");
    line_free(line);
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct line *line = ctx;
    log_event(line->auth->setup.log, LOG_LEVEL_ERROR, "channel.ended", F_STR("process", "auth"),
              F_VISIBLE("reason", fault_is_set(why) ? why->what : "that process has ended"),
              F_STR("side", "server"),
              F_STR("advice", "the supervisor starts another: role.died has the cause"));
    line_lost(line);
}

enum ferry_error remote_auth_connect(struct remote_auth *auth, int fd)
{
    CLEANUP(fd_close) int owned = fd;
    struct line *before = auth->line;
    struct line *line = alloc_zero(sizeof(*line));
    if (!line)
        return FERRY_E_MEMORY;
    const struct link_setup setup = {
        .loop = auth->setup.loop,
        .table = &messages_auth_to_worker,
        .peer = ROLE_AUTH,
        .state = MESSAGE_RUNNING,
        .message = on_message,
        .closed = on_closed,
        .ctx = line,
    };
    line->auth = auth;
    line->number = ++auth->last_line;
    if (link_new(&setup, fd_take(&owned), &line->channel) != FERRY_OK) {
        alloc_free(line);
        return FERRY_E_MEMORY;
    }
    TAILQ_INSERT_TAIL(&auth->lines, line, link);
    use_line(auth, line);
    if (before && !find_of(before))
        line_free(before);
    return FERRY_OK;
}

/* ---- the calls of account_ops ---- */

static bool send_ask(const struct line *line, uint64_t id, const struct login_request *request)
{
    struct fault fault = {0};
    char peer[ADDRESS_TEXT_BYTES];
    char identity[MESSAGE_IDENTITY_BYTES];
    if (!line)
        return false;
    address_text(request->peer, peer);
    struct wire_writer *writer = link_begin(line->channel, MESSAGE_LOGIN_ASK);
    wire_put_u64(writer, id);
    wire_put_bytes(writer, request->name);
    wire_put_u8(writer, request->password != NULL);
    wire_put_bytes(writer, secret_reveal(request->password));
    wire_put_bytes(writer, bytes_str(peer));
    wire_put_bytes(writer, bytes_str(request->host ? request->host : ""));
    wire_put_u16(writer, (uint16_t)demand_tls_met(request->tls));
    wire_put_bytes(writer, request->identity ? identity_wire_put(request->identity, identity)
                                             : bytes_str(NULL));
    return link_send(line->channel, NULL, 0, &fault) == FERRY_OK;
}

static enum ferry_error remote_login(void *accounts, const struct login_request *request,
                                     login_fn *done, void *ctx)
{
    struct remote_auth *auth = accounts;
    struct ask *ask = alloc_zero(sizeof(*ask));
    if (!ask)
        return FERRY_E_MEMORY;
    *ask = (struct ask){.id = ++auth->last_id,
                        .done = done,
                        .ended = request->ended,
                        .ctx = ctx,
                        .peer = *request->peer};
    snprintf(ask->name, sizeof(ask->name), "%.*s", BYTES_FMT(request->name));
    TAILQ_INSERT_TAIL(&auth->asks, ask, link);
    if (send_ask(auth->line, ask->id, request))
        ask->line = auth->line;
    else
        loop_task_post(auth->unsent);
    return FERRY_OK;
}

static struct ask *find_unsent(const struct remote_auth *auth)
{
    struct ask *ask;
    TAILQ_FOREACH (ask, &auth->asks, link)
        if (ask->done && !ask->line && !ask->granted)
            return ask;
    return NULL;
}

static void on_unsent(void *ctx)
{
    struct remote_auth *auth = ctx;
    struct ask *ask;
    while ((ask = find_unsent(auth)))
        ask_unavailable(auth, ask, "the process that knows the accounts is not there");
}

static void remote_cancel(void *accounts, void *ctx)
{
    struct remote_auth *auth = accounts;
    struct ask *ask;
    TAILQ_FOREACH (ask, &auth->asks, link)
        if (ask->done && ask->ctx == ctx)
            break;
    if (!ask)
        return;
    ask->done = NULL;
    if (ask->granted)
        return;
    send_number(ask->line, MESSAGE_LOGIN_CANCEL, ask->id);
    ask_free(auth, ask);
}

const struct account_ops remote_auth_ops = {.login = remote_login, .cancel = remote_cancel};

/* ---- life ---- */

struct remote_auth *remote_auth_new(const struct remote_auth_setup *setup)
{
    struct remote_auth *auth = alloc_zero(sizeof(*auth));
    if (!auth)
        return NULL;
    auth->setup = *setup;
    TAILQ_INIT(&auth->asks);
    TAILQ_INIT(&auth->lines);
    holds_init(&auth->holds);
    early_init(&auth->early);
    auth->unsent = loop_task_new(setup->loop, on_unsent, auth);
    if (auth->unsent)
        return auth;
    alloc_free(auth);
    return NULL;
}

void remote_auth_free(struct remote_auth *auth)
{
    if (!auth)
        return;
    while (!TAILQ_EMPTY(&auth->lines))
        line_lost(TAILQ_FIRST(&auth->lines));
    early_clear(&auth->early);
    loop_task_free(auth->unsent);
    alloc_free(auth);
}
