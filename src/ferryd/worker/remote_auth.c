/* Accounts, kept by another process. */
#include "ferryd/worker/remote_auth.h"

#include <sys/queue.h>

#include "account/demand.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/identity_wire.h"
#include "ferryd/link.h"
#include "ferryd/messages.h"
#include "ferryd/worker/remote_store.h"

/* Channels whose answer has not come yet. Those of an auth that died before it answered stay: the
 * oldest goes. */
enum { EARLY_MAX = 256 };

/* A login that is asked for. */
struct ask {
    TAILQ_ENTRY(ask) link;
    uint64_t id;
    login_fn *done; /* NULL: cancelled, and only its channel is still to come */
    void *ctx;
    bool sent;

    /* Granted, and the channel is waited for. */
    bool granted;
    uint64_t grant;
    char *start;
    bool read_only, by_certificate;
    uint64_t rate_up, rate_down;
    struct charset *charset; /* or NULL */
};

/* What the supervisor said of a grant before auth did. */
struct early {
    TAILQ_ENTRY(early) link;
    uint64_t grant;
    int fd; /* -1: denied */
};

/* A grant that a session has. */
struct hold {
    struct remote_auth *auth;
    uint64_t grant;
    unsigned era;
};

struct remote_auth {
    struct remote_auth_setup setup;
    struct link *channel; /* NULL: that process is not there */
    unsigned era;         /* of this auth: another one knows nothing of the grants before it */
    uint64_t last_id;
    TAILQ_HEAD(, ask) asks;
    TAILQ_HEAD(, early) early;
    unsigned early_count;
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

static void send_number(struct remote_auth *auth, enum message type, uint64_t number)
{
    struct fault fault = {0};
    if (!auth->channel)
        return;
    wire_put_u64(link_begin(auth->channel, (uint16_t)type), number);
    (void)!link_send(auth->channel, NULL, 0, &fault); /* if auth has gone, it has forgotten */
}

/* ---- grants ---- */

static void on_released(void *ctx)
{
    struct hold *hold = ctx;
    if (hold->era == hold->auth->era)
        send_number(hold->auth, MESSAGE_LOGOUT, hold->grant);
    alloc_free(hold);
}

/* The store of a grant; takes `fd`. NULL: memory is short. */
static struct backend_store *store_new(struct remote_auth *auth, uint64_t grant, int fd)
{
    CLEANUP(fd_close) int owned = fd;
    struct backend_store *store = NULL;
    struct hold *hold = alloc_zero(sizeof(*hold));
    if (!hold)
        return NULL;
    *hold = (struct hold){.auth = auth, .grant = grant, .era = auth->era};
    if (remote_store_new(auth->setup.loop, fd_take(&owned), on_released, hold, &store) == FERRY_OK)
        return store;
    alloc_free(hold);
    return NULL;
}

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
    if (ask->done)
        grant.store = store_new(auth, ask->grant, fd_take(&owned));
    if (!grant.store) {
        send_number(auth, MESSAGE_LOGOUT, ask->grant);
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
    send_number(auth, MESSAGE_LOGOUT, ask->grant);
    ask_end(auth, ask, LOGIN_UNAVAILABLE, &fault);
}

static void early_free(struct remote_auth *auth, struct early *early)
{
    TAILQ_REMOVE(&auth->early, early, link);
    auth->early_count--;
    fd_close(&early->fd);
    alloc_free(early);
}

/* Takes `fd`. Without memory the login ends by its time limit. */
static void early_add(struct remote_auth *auth, uint64_t grant, int fd)
{
    struct early *early = alloc_zero(sizeof(*early));
    if (!early) {
        fd_close(&fd);
        return;
    }
    *early = (struct early){.grant = grant, .fd = fd};
    if (auth->early_count == EARLY_MAX)
        early_free(auth, TAILQ_FIRST(&auth->early));
    TAILQ_INSERT_TAIL(&auth->early, early, link);
    auth->early_count++;
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
        early_add(auth, grant, fd);
}

void remote_auth_denied(struct remote_auth *auth, uint64_t grant, struct bytes why)
{
    struct ask *ask = find_granted(auth, grant);
    if (ask)
        ask_deny(auth, ask, why);
    else
        early_add(auth, grant, -1);
}

/* ---- answers ---- */

static struct ask *find_open(const struct remote_auth *auth, uint64_t id)
{
    struct ask *ask;
    TAILQ_FOREACH (ask, &auth->asks, link)
        if (ask->id == id && ask->sent && !ask->granted)
            return ask;
    return NULL;
}

/* What the supervisor has said already of the grant of `ask`. */
static void join_early(struct remote_auth *auth, struct ask *ask)
{
    struct early *early;
    TAILQ_FOREACH (early, &auth->early, link) {
        if (early->grant != ask->grant)
            continue;
        int fd = fd_take(&early->fd);
        early_free(auth, early);
        if (fd >= 0)
            ask_grant(auth, ask, fd);
        else
            ask_deny(auth, ask, BYTES_LIT("the account's files cannot be reached"));
        return;
    }
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
static void take_grant(struct remote_auth *auth, struct ask *ask, const struct answer *answer)
{
    struct ask *whose = ask ? ask : ask_nobody(auth);
    char *start = alloc_bytes(answer->start);
    if (!whose || !start) {
        alloc_free(start);
        send_number(auth, MESSAGE_LOGOUT, answer->grant);
        if (whose)
            ask_unavailable(auth, whose, "memory is short");
        return;
    }
    whose->granted = true;
    whose->grant = answer->grant;
    whose->start = start;
    whose->read_only = answer->read_only;
    whose->by_certificate = answer->by_certificate;
    whose->rate_up = answer->rate_up;
    whose->rate_down = answer->rate_down;
    set_charset(auth, whose, answer->charset);
    join_early(auth, whose);
}

static enum ferry_error on_login_answer(struct remote_auth *auth, struct wire_reader *reader,
                                        struct fault *fault)
{
    struct answer answer;
    struct fault why = {0};
    uint64_t id = wire_get_u64(reader);
    enum login_answer verdict = (enum login_answer)wire_get_u8(reader);
    struct ask *ask = find_open(auth, id);
    if (id > auth->last_id || verdict > LOGIN_ANSWER_UNAVAILABLE)
        return fault_set(fault, FERRY_E_PROTOCOL, "an answer to nothing that was asked");
    read_answer(reader, &answer);
    switch (verdict) {
    case LOGIN_ANSWER_GRANTED:
        take_grant(auth, ask, &answer);
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

/* ---- the channel ---- */

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)raw;
    struct remote_auth *auth = ctx;
    if (row->type == MESSAGE_LOGIN_ANSWER)
        return on_login_answer(auth, reader, fault);
    return auth->setup.names
               ? remote_names_answer(auth->setup.names, reader, fault)
               : fault_set(fault, FERRY_E_PROTOCOL, "an answer to nothing that was asked");
}

static void use_channel(struct remote_auth *auth, struct link *channel)
{
    auth->channel = channel;
    if (auth->setup.names)
        remote_names_connect(auth->setup.names, channel);
}

static void disconnect(struct remote_auth *auth)
{
    link_free(auth->channel);
    use_channel(auth, NULL);
    auth->era++;
    while (!TAILQ_EMPTY(&auth->early))
        early_free(auth, TAILQ_FIRST(&auth->early));
    while (!TAILQ_EMPTY(&auth->asks))
        ask_unavailable(auth, TAILQ_FIRST(&auth->asks),
                        "the process that knows the accounts ended");
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct remote_auth *auth = ctx;
    log_event(auth->setup.log, LOG_LEVEL_ERROR, "channel.ended", F_STR("process", "auth"),
              F_VISIBLE("reason", fault_is_set(why) ? why->what : "that process has ended"),
              F_STR("side", "server"),
              F_STR("advice", "the supervisor starts another: role.died has the cause"));
    disconnect(auth);
}

enum ferry_error remote_auth_connect(struct remote_auth *auth, int fd)
{
    const struct link_setup setup = {
        .loop = auth->setup.loop,
        .table = &messages_auth_to_worker,
        .peer = ROLE_AUTH,
        .state = MESSAGE_RUNNING,
        .message = on_message,
        .closed = on_closed,
        .ctx = auth,
    };
    struct link *channel = NULL;
    disconnect(auth);
    enum ferry_error error = link_new(&setup, fd, &channel);
    use_channel(auth, channel);
    return error;
}

/* ---- the calls of account_ops ---- */

static bool send_ask(struct remote_auth *auth, uint64_t id, const struct login_request *request)
{
    struct fault fault = {0};
    char peer[ADDRESS_TEXT_BYTES];
    char identity[MESSAGE_IDENTITY_BYTES];
    if (!auth->channel)
        return false;
    address_text(request->peer, peer);
    struct wire_writer *writer = link_begin(auth->channel, MESSAGE_LOGIN_ASK);
    wire_put_u64(writer, id);
    wire_put_bytes(writer, request->name);
    wire_put_u8(writer, request->password != NULL);
    wire_put_bytes(writer, secret_reveal(request->password));
    wire_put_bytes(writer, bytes_str(peer));
    wire_put_bytes(writer, bytes_str(request->host ? request->host : ""));
    wire_put_u16(writer, (uint16_t)demand_tls_met(request->tls));
    wire_put_bytes(writer, request->identity ? identity_wire_put(request->identity, identity)
                                             : bytes_str(NULL));
    return link_send(auth->channel, NULL, 0, &fault) == FERRY_OK;
}

static enum ferry_error remote_login(void *accounts, const struct login_request *request,
                                     login_fn *done, void *ctx)
{
    struct remote_auth *auth = accounts;
    struct ask *ask = alloc_zero(sizeof(*ask));
    if (!ask)
        return FERRY_E_MEMORY;
    *ask = (struct ask){.id = ++auth->last_id, .done = done, .ctx = ctx};
    TAILQ_INSERT_TAIL(&auth->asks, ask, link);
    ask->sent = send_ask(auth, ask->id, request);
    if (!ask->sent)
        loop_task_post(auth->unsent);
    return FERRY_OK;
}

static struct ask *find_unsent(const struct remote_auth *auth)
{
    struct ask *ask;
    TAILQ_FOREACH (ask, &auth->asks, link)
        if (ask->done && !ask->sent)
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
    if (ask->sent)
        send_number(auth, MESSAGE_LOGIN_CANCEL, ask->id);
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
    TAILQ_INIT(&auth->early);
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
    disconnect(auth);
    loop_task_free(auth->unsent);
    alloc_free(auth);
}
