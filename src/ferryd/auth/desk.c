/* Where workers ask for logins. */
#include "ferryd/auth/desk.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/auth/login.h"
#include "ferryd/auth/login_wire.h"
#include "ferryd/auth/lookups.h"
#include "ferryd/auth/shares.h"
#include "ferryd/messages.h"
#include "ferryd/peer_wire.h"

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
    uint64_t began_ns;
    struct loop_timer *later; /* holds a refusal back, or limits the wait for a turn */
    struct turn turn;
    struct login login;
};

/* ---- asks ---- */

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
    if (ask->login.visit != 0) { /* its session never began */
        struct source *source = ask->desk->book->sources[ask->login.source];
        source->ops->leave(source, ask->login.visit);
    }
    tries_settle(&ask->desk->tries, &ask->login, false);
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
        .rates = {login->rate_up, login->rate_down},
    };
    enum ferry_error error =
        seats_take(&desk->seats, &guest, login->sessions_max, &number, &login->fault);
    if (error == FERRY_OK) {
        error = send_grant(ask, number);
        if (error != FERRY_OK)
            seats_leave(&desk->seats, seats_find(&desk->seats, ask->worker->number, number));
    }
    desk->gate.crowd.known = desk->seats.count;
    if (error != FERRY_OK) {
        unavailable(ask);
        return;
    }
    struct seats_rates share = shares_spread(desk, login->name, ask->worker->number);
    login->rate_up = share.up;
    login->rate_down = share.down;
    visits_begin(&desk->visits, ask->worker->number, number, desk->book->sources[login->source],
                 login->visit);
    login->visit = 0;
    answer(ask, number);
}

/* A wrong password counts against the address, and its refusal comes the later the more there were.
 */
static void refuse(struct ask *ask)
{
    struct desk *desk = ask->desk;
    uint64_t delay_ns = 0;
    log_refusal(ask, ask->login.why);
    if (ask->login.password)
        delay_ns = tries_failed(&desk->tries, &ask->login);
    if (delay_ns > 0)
        ask->later = loop_timer_new(desk->loop, answer_later, ask);
    if (ask->later)
        loop_timer_at(ask->later, ask->began_ns + delay_ns); /* the time it took is not told */
    else
        answer(ask, 0);
}

/* ---- deciding ---- */

/* Who asked many times at once, and was banned meanwhile, learns of none whether it was right. */
static void finish(struct ask *ask)
{
    tries_settle(&ask->desk->tries, &ask->login, true);
    if (tries_are_banned(&ask->desk->tries, &ask->login, &ask->login.fault)) {
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
        tries_settle(&ask->desk->tries, &ask->login, true);
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
    return fault_is_set(fault) || !tries_begin(&desk->tries, &ask->login, fault);
}

static void ask_begin(struct ask *ask)
{
    if (is_too_much(ask, &ask->login.fault))
        unavailable(ask);
    else
        ask_source(ask);
}

/* ---- messages ---- */

static enum ferry_error on_ask(struct desk_worker *worker, struct wire_reader *reader,
                               struct fault *fault)
{
    struct ask *ask = alloc_zero(sizeof(*ask));
    if (!ask)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a login");
    ask->desk = worker->desk;
    ask->began_ns = loop_now_ns(worker->desk->loop);
    ask->login.seed = shelf_seed(worker->desk->tries.throttle.shelf);
    enum ferry_error error = login_wire_get(reader, &ask->number, &ask->login, fault);
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
    visits_end(&desk->visits, worker->number, grant);
    struct seat *seat = seats_find(&desk->seats, worker->number, grant);
    if (!seat && seats_gave(&desk->seats, grant))
        return FERRY_OK;
    if (seat)
        shares_leave(desk, seat);
    desk->gate.crowd.known = desk->seats.count;
    wire_put_u64(link_begin(supervisor, MESSAGE_REVOKE), grant);
    return link_send(supervisor, NULL, 0, fault);
}

/* A login that another auth granted. */
static enum ferry_error on_seated(struct desk_worker *worker, struct wire_reader *reader,
                                  struct fault *fault)
{
    struct desk *desk = worker->desk;
    char account[ACCOUNT_NAME_BYTES + 1];
    struct seats_guest guest = {.account = account, .worker = worker->number};
    uint64_t grant = wire_get_u64(reader);
    enum ferry_error error = login_wire_name(reader, account, fault);
    if (error == FERRY_OK)
        error = peer_wire_get(reader, &guest.peer, fault);
    if (error != FERRY_OK)
        return error;
    guest.stamp = wire_get_u64(reader);
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
    worker->desk->review.spread = true;
    visits_end_all(&worker->desk->visits, worker->number);
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
    visits_init(&desk->visits);
}

enum ferry_error desk_open(struct desk *desk, const struct desk_setup *setup)
{
    struct desk_worker *worker;
    desk->book = setup->book;
    for (unsigned i = 0; i < setup->book->count; i++)
        turns_init(&desk->turns[i], setup->book->sources[i]->turns);
    desk->tries.log = desk->log;
    throttle_init(&desk->tries.throttle, &setup->throttle, setup->shelf);
    if (gate_init(&desk->gate, desk->loop, &desk->tries.throttle, setup->sessions_max) !=
            FERRY_OK ||
        review_init(&desk->review, desk) != FERRY_OK)
        return FERRY_E_MEMORY;
    TAILQ_FOREACH (worker, &desk->workers, link)
        if (worker_serve(worker) != FERRY_OK)
            return FERRY_E_MEMORY;
    return FERRY_OK;
}

struct link *desk_worker(const struct desk *desk, uint32_t number)
{
    const struct desk_worker *worker;
    TAILQ_FOREACH (worker, &desk->workers, link)
        if (worker->number == number)
            return worker->channel;
    return NULL;
}
