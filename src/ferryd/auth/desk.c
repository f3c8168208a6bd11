/* Where workers ask for logins. */
#include "ferryd/auth/desk.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/auth/login.h"
#include "ferryd/auth/lookups.h"
#include "ferryd/identity_wire.h"
#include "ferryd/messages.h"

struct desk_worker {
    TAILQ_ENTRY(desk_worker) link;
    struct gate_worker gate;
    struct desk *desk;
    uint32_t number;
    int fd;               /* until the desk is open; else -1 */
    struct link *channel; /* from then on */
    TAILQ_HEAD(, ask) asks;
    unsigned ask_count;
    struct lookups lookups;
};

struct ask {
    TAILQ_ENTRY(ask) link;
    struct desk_worker *worker; /* NULL: cancelled, or gone */
    struct desk *desk;
    uint64_t number;
    struct loop_timer *later; /* holds a refusal back, or limits the wait for a turn */
    struct turn turn;
    bool tried; /* its password counts as a failure */
    struct login login;
};

/* ---- asks ---- */

static uint64_t wall_ns(void)
{
    return (uint64_t)clock_wall_ns(&clock_system);
}

/* Its try of a password did not fail, or came to nothing. */
static void settle(struct ask *ask, bool right)
{
    const struct login *login = &ask->login;
    if (ask->tried)
        throttle_undo(&ask->desk->throttle, &login->peer, bytes_str(login->name), right, wall_ns());
    ask->tried = false;
}

/* Nobody waits for the answer any more. */
static void ask_detach(struct ask *ask)
{
    TAILQ_REMOVE(&ask->worker->asks, ask, link);
    ask->worker->ask_count--;
    ask->worker = NULL;
}

static void ask_free(struct ask *ask)
{
    if (ask->worker)
        ask_detach(ask);
    loop_timer_free(ask->later);
    settle(ask, false);
    login_fini(&ask->login);
    alloc_free(ask);
}

/* Waits no more for its turn, if it did. */
static bool stop_waiting(struct ask *ask)
{
    if (!ask->turn.waits)
        return false;
    turns_leave(&ask->desk->turns[ask->login.source], &ask->turn);
    ask->desk->deciding--;
    return true;
}

/* Ends an ask whose answer nobody waits for; one that is on the pool ends when it comes back. */
static void ask_cancel(struct ask *ask)
{
    bool is_mine = stop_waiting(ask) || ask->later;
    ask_detach(ask);
    if (is_mine)
        ask_free(ask);
}

static void log_refusal(const struct ask *ask, const char *why)
{
    char peer[ADDRESS_TEXT_BYTES];
    address_text(&ask->login.peer, peer);
    if (why)
        log_event(ask->desk->log, LOG_LEVEL_NOTICE, "login.refused",
                  F_STR("account", ask->login.name), F_STR("peer", peer), F_STR("reason", why),
                  F_STR("side", "client"),
                  F_STR("advice", "if it is no attack, look at the account (ferryctl account "
                                  "show)"));
}

/* ---- answers ---- */

static void answer(struct ask *ask, uint64_t grant)
{
    struct fault fault = {0};
    const struct login *login = &ask->login;
    struct wire_writer *writer = link_begin(ask->worker->channel, MESSAGE_LOGIN_ANSWER);
    wire_put_u64(writer, ask->number);
    wire_put_u8(writer, (uint8_t)login->verdict);
    wire_put_u64(writer, grant);
    wire_put_bytes(writer, BYTES_LIT("/"));
    wire_put_u8(writer, (login->rules & MESSAGE_RULE_READ_ONLY) != 0);
    wire_put_u8(writer, login->by_certificate);
    wire_put_bytes(writer, bytes_str(login->charset));
    wire_put_u64(writer, login->rate_up);
    wire_put_u64(writer, login->rate_down);
    wire_put_bytes(writer, bytes_first(bytes_str(login->fault.what), MESSAGE_WORDS_BYTES));
    wire_put_u64(writer, login->stamp);
    /* If the worker has gone, its link says so, and its grants end there. */
    (void)!link_send(ask->worker->channel, NULL, 0, &fault);
    ask_free(ask);
}

static void answer_later(void *ctx)
{
    answer(ctx, 0);
}

static void unavailable(struct ask *ask)
{
    ask->login.verdict = LOGIN_ANSWER_UNAVAILABLE;
    log_refusal(ask, ask->login.fault.what);
    answer(ask, 0);
}

/* Tells the supervisor what the session may reach. */
static enum ferry_error send_grant(struct ask *ask, uint64_t grant)
{
    const struct login *login = &ask->login;
    struct wire_writer *writer = link_begin(ask->desk->supervisor, MESSAGE_GRANT);
    wire_put_u32(writer, ask->worker->number);
    wire_put_u64(writer, grant);
    wire_put_u32(writer, login->user.uid);
    wire_put_u32(writer, login->user.gid);
    wire_put_bytes(writer, bytes_of(login->user.groups, login->user.group_count * sizeof(gid_t)));
    wire_put_bytes(writer, bytes_str(login->home));
    wire_put_bytes(writer, bytes_str(login->name));
    wire_put_u8(writer, (uint8_t)login->rules);
    wire_put_bytes(writer, bytes_str(login->denied_names));
    wire_put_u64(writer, login->quota_bytes);
    wire_put_u64(writer, login->quota_files);
    wire_put_bytes(writer, bytes_str(login->rights));
    wire_put_bytes(writer, bytes_str(login->roots));
    return link_send(ask->desk->supervisor, NULL, 0, &ask->login.fault);
}

static void grant(struct ask *ask)
{
    struct desk *desk = ask->desk;
    struct login *login = &ask->login;
    uint64_t number = 0;
    const struct seats_guest guest = {
        .account = login->name,
        .worker = ask->worker->number,
        .peer = login->peer,
        .stamp = login->stamp,
    };
    enum ferry_error error =
        seats_take(&desk->seats, &guest, login->sessions_max, &number, &login->fault);
    if (error == FERRY_OK) {
        error = send_grant(ask, number);
        if (error != FERRY_OK)
            seats_leave(&desk->seats, ask->worker->number, number);
    }
    desk->gate.crowd.known = desk->seats.count;
    if (error != FERRY_OK)
        unavailable(ask);
    else
        answer(ask, number);
}

static void log_ban(const struct ask *ask)
{
    const struct desk *desk = ask->desk;
    char peer[ADDRESS_TEXT_BYTES];
    address_text(&ask->login.peer, peer);
    log_event(desk->log, LOG_LEVEL_NOTICE, "auth.ban", F_STR("peer", peer),
              F_DUR("lasts", desk->throttle.settings.ban_ns),
              F_STR("reason", "too many failed logins from this address"), F_STR("side", "client"),
              F_STR("advice", "it passes by itself; \"ferryctl bans\" shows and lifts it"));
}

/* A wrong password counts against the address, and its refusal comes the later the more there were.
 */
static void refuse(struct ask *ask)
{
    struct desk *desk = ask->desk;
    bool banned = false;
    uint64_t delay_ns = 0;
    log_refusal(ask, ask->login.why);
    if (ask->login.password)
        delay_ns = throttle_failed(&desk->throttle, &ask->login.peer, wall_ns(), &banned);
    if (banned)
        log_ban(ask);
    if (delay_ns > 0)
        ask->later = loop_timer_new(desk->loop, answer_later, ask);
    if (ask->later)
        loop_timer_at(ask->later, loop_now_ns(desk->loop) + delay_ns);
    else
        answer(ask, 0);
}

/* ---- deciding ---- */

static bool is_banned(const struct ask *ask, struct fault *fault)
{
    const struct desk *desk = ask->desk;
    uint64_t now_ns = wall_ns();
    uint64_t until_ns = throttle_banned_until(&desk->throttle, &ask->login.peer, now_ns);
    if (until_ns > 0)
        fault_set(fault, FERRY_E_LIMIT,
                  "there were too many failed logins from this address: it is banned for %llu s",
                  (unsigned long long)((until_ns - now_ns) / CLOCK_NS_PER_S + 1));
    return until_ns > 0;
}

/* Who asked many times at once, and was banned meanwhile, learns of none whether it was right. */
static void finish(struct ask *ask)
{
    if (ask->login.verdict == LOGIN_ANSWER_REFUSED)
        ask->tried = false; /* it stays counted */
    settle(ask, ask->login.verdict == LOGIN_ANSWER_GRANTED);
    if (is_banned(ask, &ask->login.fault)) {
        unavailable(ask);
        return;
    }
    switch (ask->login.verdict) {
    case LOGIN_ANSWER_GRANTED:
        grant(ask);
        return;
    case LOGIN_ANSWER_REFUSED:
        refuse(ask);
        return;
    case LOGIN_ANSWER_UNAVAILABLE:
        unavailable(ask);
        return;
    }
}

static void decide(void *ctx)
{
    struct ask *ask = ctx;
    login_decide(&ask->login, ask->desk->book);
}

static void ask_source(struct ask *ask);

static void decided(void *ctx)
{
    struct ask *ask = ctx;
    struct turns *turns = &ask->desk->turns[ask->login.source];
    unsigned turn = ask->login.turn;
    ask->desk->deciding--;
    if (!ask->worker) {
        if (ask->login.verdict == LOGIN_ANSWER_REFUSED)
            ask->tried = false;
        ask_free(ask);
    } else if (ask->login.undecided) {
        ask->login.source++;
        ask_source(ask);
    } else {
        finish(ask);
    }
    turns_give(turns, turn);
}

static void on_turn(void *ctx, unsigned number)
{
    struct ask *ask = ctx;
    struct desk *desk = ask->desk;
    struct turns *turns = &desk->turns[ask->login.source];
    loop_timer_free(ask->later);
    ask->later = NULL;
    ask->login.turn = number;
    if (loop_job(desk->loop, decide, decided, ask) == FERRY_OK)
        return;
    desk->deciding--;
    fault_set(&ask->login.fault, FERRY_E_MEMORY, "no memory for a login");
    unavailable(ask);
    turns_give(turns, number);
}

static void on_waited(void *ctx)
{
    struct ask *ask = ctx;
    const struct source *source = ask->desk->book->sources[ask->login.source];
    stop_waiting(ask);
    fault_set(&ask->login.fault, FERRY_E_TIMEOUT, "%s is slow: others are waiting for it",
              source->name);
    unavailable(ask);
}

/* Asks the source that it is at, when it has a turn for it. */
static void ask_source(struct ask *ask)
{
    struct desk *desk = ask->desk;
    const struct source *source = desk->book->sources[ask->login.source];
    ask->turn = (struct turn){.fn = on_turn, .ctx = ask};
    desk->deciding++;
    if (!turns_ask(&desk->turns[ask->login.source], &ask->turn))
        return;
    ask->later = loop_timer_new(desk->loop, on_waited, ask);
    if (ask->later) {
        loop_timer_at(ask->later, loop_now_ns(desk->loop) + source->patience_ns);
        return;
    }
    stop_waiting(ask);
    fault_set(&ask->login.fault, FERRY_E_MEMORY, "no memory for a login");
    unavailable(ask);
}

/* Whether the address or the worker has asked too much; `fault` then says so. */
static bool is_too_much(struct ask *ask, struct fault *fault)
{
    struct desk *desk = ask->desk;
    if (desk->deciding >= DESK_DECIDING_MAX || ask->worker->ask_count > DESK_ASKS_MAX)
        fault_set(fault, FERRY_E_LIMIT, "there are too many logins under way");
    if (fault_is_set(fault) || is_banned(ask, fault))
        return true;
    if (!ask->login.password)
        return false;
    ask->tried =
        throttle_try(&desk->throttle, &ask->login.peer, bytes_str(ask->login.name), wall_ns());
    if (!ask->tried)
        fault_set(
            fault, FERRY_E_LIMIT,
            "too many logins to this account or from this address failed; it passes by itself");
    return fault_is_set(fault);
}

static void ask_begin(struct ask *ask)
{
    if (is_too_much(ask, &ask->login.fault))
        unavailable(ask);
    else
        ask_source(ask);
}

/* ---- messages ---- */

static enum ferry_error take_identity(struct bytes from, struct login *login, struct fault *fault)
{
    if (from.len == 0)
        return FERRY_OK;
    login->identity = alloc_zero(sizeof(*login->identity));
    if (!login->identity)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a login");
    return identity_wire_get(from, login->identity, fault);
}

static enum ferry_error take_name(struct bytes from, struct login *login, struct fault *fault)
{
    if (from.len > ACCOUNT_NAME_BYTES)
        return fault_set(fault, FERRY_E_PROTOCOL, "a name of %zu bytes", from.len);
    memcpy(login->name, from.ptr ? from.ptr : "", from.len);
    login->name[from.len] = '\0';
    return FERRY_OK;
}

static enum ferry_error take_peer(struct bytes from, struct login *login, struct fault *fault)
{
    char text[MESSAGE_NAME_BYTES + 1];
    memcpy(text, from.ptr ? from.ptr : "", from.len);
    text[from.len] = '\0';
    if (address_parse(text, 0, &login->peer) == FERRY_OK)
        return FERRY_OK;
    return fault_set(fault, FERRY_E_PROTOCOL, "the peer's address is none");
}

/* The host that was asked with decides nothing; it is passed by. */
static enum ferry_error take_login(struct ask *ask, struct wire_reader *reader, struct fault *fault)
{
    struct login *login = &ask->login;
    ask->number = wire_get_u64(reader);
    enum ferry_error error = take_name(wire_get_bytes(reader), login, fault);
    bool has_password = wire_get_u8(reader) != 0;
    struct bytes password = wire_get_bytes(reader);
    if (error == FERRY_OK && has_password && secret_new(password, &login->password) != FERRY_OK)
        error = fault_set(fault, FERRY_E_MEMORY, "no memory for a login");
    struct bytes peer = wire_get_bytes(reader);
    if (error == FERRY_OK)
        error = take_peer(peer, login, fault);
    (void)wire_get_bytes(reader);
    login->tls = (enum demand_tls)wire_get_u16(reader);
    return error == FERRY_OK ? take_identity(wire_get_bytes(reader), login, fault) : error;
}

static enum ferry_error on_ask(struct desk_worker *worker, struct wire_reader *reader,
                               struct fault *fault)
{
    struct ask *ask = alloc_zero(sizeof(*ask));
    if (!ask)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a login");
    ask->desk = worker->desk;
    ask->login.seed = shelf_seed(worker->desk->throttle.shelf);
    enum ferry_error error = take_login(ask, reader, fault);
    if (error != FERRY_OK) {
        ask_free(ask);
        return error;
    }
    ask->worker = worker;
    TAILQ_INSERT_TAIL(&worker->asks, ask, link);
    worker->ask_count++;
    ask_begin(ask);
    return FERRY_OK;
}

static void on_cancel(struct desk_worker *worker, uint64_t number)
{
    struct ask *ask = TAILQ_FIRST(&worker->asks);
    while (ask && ask->number != number)
        ask = TAILQ_NEXT(ask, link);
    if (ask)
        ask_cancel(ask);
}

/* The supervisor keeps those who serve files for as long as there are grants: one of an auth before
 * this one that no session ever had is told of, too. */
static enum ferry_error on_logout(struct desk_worker *worker, uint64_t grant, struct fault *fault)
{
    struct link *supervisor = worker->desk->supervisor;
    struct desk *desk = worker->desk;
    if (!seats_leave(&desk->seats, worker->number, grant) && seats_gave(&desk->seats, grant))
        return FERRY_OK;
    desk->gate.crowd.known = desk->seats.count;
    wire_put_u64(link_begin(supervisor, MESSAGE_REVOKE), grant);
    return link_send(supervisor, NULL, 0, fault);
}

/* A login that another auth granted. */
static enum ferry_error on_seated(struct desk_worker *worker, struct wire_reader *reader,
                                  struct fault *fault)
{
    struct desk *desk = worker->desk;
    struct login login = {0}; /* the same fields are read the same way */
    uint64_t grant = wire_get_u64(reader);
    enum ferry_error error = take_name(wire_get_bytes(reader), &login, fault);
    if (error == FERRY_OK)
        error = take_peer(wire_get_bytes(reader), &login, fault);
    if (error != FERRY_OK)
        return error;
    const struct seats_guest guest = {
        .account = login.name,
        .worker = worker->number,
        .peer = login.peer,
        .stamp = wire_get_u64(reader),
    };
    if (!seats_add(&desk->seats, &guest, grant))
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a login");
    desk->gate.crowd.known = desk->seats.count;
    return FERRY_OK;
}

static void on_lookup(struct desk_worker *worker, struct wire_reader *reader)
{
    uint64_t number = wire_get_u64(reader);
    lookups_ask(&worker->lookups, worker->channel, number, wire_get_bytes(reader));
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    struct desk_worker *worker = ctx;
    (void)raw;
    switch (row->type) {
    case MESSAGE_LOGIN_ASK:
        return on_ask(worker, reader, fault);
    case MESSAGE_LOGIN_CANCEL:
        on_cancel(worker, wire_get_u64(reader)); /* it may have been answered meanwhile */
        return FERRY_OK;
    case MESSAGE_LOOKUP:
        on_lookup(worker, reader);
        return FERRY_OK;
    case MESSAGE_SEATED:
        return on_seated(worker, reader, fault);
    case MESSAGE_LOGOUT:
        return on_logout(worker, wire_get_u64(reader), fault);
    default:
        return gate_message(&worker->gate, row->type, reader, fault);
    }
}

/* ---- workers ---- */

static void worker_free(struct desk_worker *worker)
{
    struct ask *ask;
    while ((ask = TAILQ_FIRST(&worker->asks)))
        ask_cancel(ask);
    lookups_end(&worker->lookups);
    TAILQ_REMOVE(&worker->desk->workers, worker, link);
    seats_leave_all(&worker->desk->seats, worker->number);
    worker->desk->gate.crowd.known = worker->desk->seats.count;
    gate_worker_fini(&worker->gate);
    link_free(worker->channel);
    fd_close(&worker->fd);
    alloc_free(worker);
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct desk_worker *worker = ctx;
    if (fault_is_set(why))
        log_event(worker->desk->log, LOG_LEVEL_ERROR, "channel.ended",
                  F_U64("number", worker->number), F_STR("process", "worker"),
                  F_VISIBLE("reason", why->what), F_STR("side", "server"),
                  F_STR("advice", "the supervisor starts it again; if this comes often, tell the "
                                  "makers of ferryd"));
    worker_free(worker);
}

static enum ferry_error worker_serve(struct desk_worker *worker)
{
    const struct link_setup setup = {
        .loop = worker->desk->loop,
        .table = &messages_to_auth,
        .peer = ROLE_WORKER,
        .state = MESSAGE_RUNNING,
        .message = on_message,
        .closed = on_closed,
        .ctx = worker,
    };
    enum ferry_error error = link_new(&setup, fd_take(&worker->fd), &worker->channel);
    if (error == FERRY_OK)
        gate_worker_init(&worker->gate, &worker->desk->gate, worker->channel);
    return error;
}

enum ferry_error desk_add_worker(struct desk *desk, uint32_t number, int fd)
{
    CLEANUP(fd_close) int owned = fd;
    struct desk_worker *worker = alloc_zero(sizeof(*worker));
    if (!worker)
        return FERRY_E_MEMORY;
    *worker = (struct desk_worker){.desk = desk, .number = number, .fd = fd_take(&owned)};
    TAILQ_INIT(&worker->asks);
    lookups_init(&worker->lookups, desk->loop);
    TAILQ_INSERT_TAIL(&desk->workers, worker, link);
    enum ferry_error error = desk->book ? worker_serve(worker) : FERRY_OK;
    if (error != FERRY_OK)
        worker_free(worker);
    return error;
}

void desk_init(struct desk *desk, struct loop *loop, struct link *supervisor, struct log *log,
               uint64_t first_grant)
{
    *desk = (struct desk){.loop = loop, .supervisor = supervisor, .log = log};
    TAILQ_INIT(&desk->workers);
    seats_init(&desk->seats, first_grant);
}

enum ferry_error desk_open(struct desk *desk, const struct desk_setup *setup)
{
    struct desk_worker *worker;
    desk->book = setup->book;
    for (unsigned i = 0; i < setup->book->count; i++)
        turns_init(&desk->turns[i], setup->book->sources[i]->turns);
    throttle_init(&desk->throttle, &setup->throttle, setup->shelf);
    if (gate_init(&desk->gate, desk->loop, &desk->throttle, setup->sessions_max) != FERRY_OK ||
        review_init(&desk->review, desk) != FERRY_OK)
        return FERRY_E_MEMORY;
    TAILQ_FOREACH (worker, &desk->workers, link)
        if (worker_serve(worker) != FERRY_OK)
            return FERRY_E_MEMORY;
    return FERRY_OK;
}

void desk_end(struct desk *desk, const struct seat *seat, const char *words)
{
    struct fault fault = {0};
    struct desk_worker *worker;
    TAILQ_FOREACH (worker, &desk->workers, link) {
        if (worker->number != seat->worker)
            continue;
        struct wire_writer *writer = link_begin(worker->channel, MESSAGE_END);
        wire_put_u64(writer, seat->grant);
        wire_put_bytes(writer, bytes_str(words));
        (void)!link_send(worker->channel, NULL, 0, &fault);
    }
}
