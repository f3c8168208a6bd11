/* A server on one loop: listeners, the table of sessions, limits, and its end. */
#include "server/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "server/arrivals.h"
#include "server/entrance.h"
#include "server/reach.h"
#include "server/session.h"
#include "server/transfer.h"

enum {
    ACCEPTS_MAX = 64, /* in one turn of the loop */
    SESSIONS_MAX_DEFAULT = 10000,
    ARRIVALS_MAX = 256, /* connections of proxies, whose headers are awaited */
    LAST_WORDS_S = 6,   /* for the replies of transfers that were ended */
};

/* A listener that has no descriptors left for accept rests so long. */
static const uint64_t REST_NS = CLOCK_NS_PER_S / 5;

/* For an answer of the accounts: longer than the longest that a refusal is held back. */
static const uint64_t ANSWER_NS = 60 * CLOCK_NS_PER_S;

/* How often the log is told of what it does not show (SEC-60). */
static const uint64_t TELL_NS = 60 * CLOCK_NS_PER_S;

struct server_listener {
    LIST_ENTRY(server_listener) link;
    struct server_worker *worker;
    struct server_rules *rules;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *rest;
    struct server_arrivals arrivals;
};

struct server_worker {
    struct server_shared shared;
    LIST_HEAD(, server_listener) listeners;
    struct server_entrance entrance;
    bool draining, aborted;
    struct loop_timer *rotation; /* of the ticket key */
    struct loop_timer *patience; /* of draining */
    struct loop_task *empty;
    struct loop_timer *tell; /* of what the log left out */
    server_drained_fn *drained;
    void *drained_ctx;
};

/* ---- listeners ---- */

static void listener_free(struct server_listener *listener)
{
    loop_watch_free(listener->watch);
    loop_timer_free(listener->rest);
    server_arrivals_fini(&listener->arrivals);
    fd_close(&listener->fd);
    server_rules_unref(listener->rules);
    alloc_free(listener);
}

void server_listener_close(struct server_listener *listener)
{
    LIST_REMOVE(listener, link);
    listener_free(listener);
}

/* Begins what the rules need, and warns of those that lead nowhere. */
static void listener_use_rules(struct server_listener *listener, bool first)
{
    const struct log *log = listener->worker->shared.settings.log;
    const struct server_rules *rules = listener->rules;
    struct address at;
    server_rules_serve(listener->rules, listener->worker->shared.loop,
                       listener->worker->shared.settings.names, log);
    if (socket_local(listener->fd, &at) != FERRY_OK)
        return;
    server_reach_warn_address(log, rules, &at);
    if (first)
        server_reach_warn_ports(log, rules, &at);
}

void server_listener_set_rules(struct server_listener *listener, struct server_rules *rules)
{
    server_rules_ref(rules);
    server_rules_unref(listener->rules);
    listener->rules = rules;
    listener_use_rules(listener, false);
}

static void worker_close_listeners(struct server_worker *worker)
{
    struct server_listener *listener;
    while ((listener = LIST_FIRST(&worker->listeners)))
        server_listener_close(listener);
}

static void listener_rested(void *ctx)
{
    struct server_listener *listener = ctx;
    loop_watch_want(listener->watch, true, false);
}

static void listener_rest(struct server_listener *listener, enum ferry_error error)
{
    const struct server_shared *shared = &listener->worker->shared;
    log_event(
        shared->settings.log, LOG_LEVEL_ERROR, "accept.failed",
        F_STR("reason", error == FERRY_E_LIMIT ? "no descriptors are left" : "the system refuses"),
        F_STR("side", "server"),
        F_STR("advice", "raise the limit of open files, or lower sessions_max"));
    loop_watch_want(listener->watch, false, false);
    loop_timer_at(listener->rest, loop_now_ns(shared->loop) + REST_NS);
}

static void listener_serve(void *ctx, int fd, const struct address *peer,
                           const struct address *reached)
{
    struct server_listener *listener = ctx;
    server_entrance_take(&listener->worker->entrance, listener->rules, fd, peer, reached);
}

static void listener_refused(void *ctx, const struct address *proxy, const struct fault *fault)
{
    struct server_listener *listener = ctx;
    struct server_shared *shared = &listener->worker->shared;
    char text[ADDRESS_TEXT_BYTES];
    if (!server_floods_pass(&shared->floods, proxy, "proxy.refused",
                            listener->rules->limits.log_events_per_minute,
                            loop_now_ns(shared->loop)))
        return;
    address_text(proxy, text);
    log_event(listener->worker->shared.settings.log, LOG_LEVEL_NOTICE, "proxy.refused",
              F_STR("peer", text), F_STR("reason", fault->what), F_STR("side", "peer-config"),
              F_STR("advice", "let the proxy send the PROXY protocol's header, or take it out of "
                              "proxies"));
}

static void listener_ready(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct server_listener *listener = ctx;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = -1;
        struct address peer;
        enum ferry_error error = socket_accept(listener->fd, &fd, &peer);
        if (error == FERRY_E_STATE)
            return;
        if (error != FERRY_OK) {
            listener_rest(listener, error);
            return;
        }
        server_arrivals_take(&listener->arrivals, listener->rules, fd, &peer);
    }
}

enum ferry_error server_worker_listen(struct server_worker *worker, int fd,
                                      struct server_rules *rules, struct server_listener **out,
                                      struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    struct loop *loop = worker->shared.loop;
    if (rules->tls && !worker->shared.settings.master)
        return fault_set(fault, FERRY_E_ARGUMENT, "TLS needs a ticket key");
    struct server_listener *listener = alloc_zero(sizeof(*listener));
    if (!listener)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listener");
    static const struct server_arrivals_events arrival_events = {
        .known = listener_serve,
        .refused = listener_refused,
    };
    listener->worker = worker;
    listener->rules = server_rules_ref(rules);
    server_arrivals_init(&listener->arrivals, loop, ARRIVALS_MAX, &arrival_events, listener);
    listener->fd = fd_take(&owned);
    listener->watch = loop_watch_new(loop, listener->fd, listener_ready, listener);
    listener->rest = loop_timer_new(loop, listener_rested, listener);
    if (!listener->watch || !listener->rest) {
        listener_free(listener);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listener");
    }
    loop_watch_want(listener->watch, true, false);
    listener_use_rules(listener, true);
    LIST_INSERT_HEAD(&worker->listeners, listener, link);
    if (out)
        *out = listener;
    return FERRY_OK;
}

/* ---- the ticket key ---- */

static void worker_await_rotation(struct server_worker *worker)
{
    const struct server_shared *shared = &worker->shared;
    loop_timer_at(worker->rotation, loop_now_ns(shared->loop) + shared->settings.master_period_ns);
}

static void worker_rotate(void *ctx)
{
    struct server_worker *worker = ctx;
    const struct log *log = worker->shared.settings.log;
    if (tls_master_rotate(worker->shared.settings.master))
        log_event(log, LOG_LEVEL_DEBUG, "tickets.rotated", F_STR("why", "its time had come"));
    else
        log_event(log, LOG_LEVEL_ERROR, "tickets.kept",
                  F_STR("reason", "there is no randomness for a new ticket key"),
                  F_STR("side", "server"),
                  F_STR("advice", "tickets keep their old key: look at the system"));
    worker_await_rotation(worker);
}

/* ---- the end ---- */

static bool is_empty(const struct server_worker *worker)
{
    return worker->shared.count == 0 && server_entrance_count(&worker->entrance) == 0;
}

static void worker_empty(void *ctx)
{
    struct server_worker *worker = ctx;
    if (!worker->draining || !is_empty(worker) || !worker->drained)
        return;
    server_drained_fn *drained = worker->drained;
    worker->drained = NULL;
    loop_timer_at(worker->patience, CLOCK_NEVER);
    server_floods_tell(&worker->shared.floods); /* the process may end with this */
    drained(worker->drained_ctx);
}

static void worker_session_gone(void *ctx)
{
    struct server_worker *worker = ctx;
    if (worker->draining && is_empty(worker))
        loop_task_post(worker->empty);
}

/* The grace is over: transfers get their 426; a little later everything ends. */
static void worker_impatient(void *ctx)
{
    struct server_worker *worker = ctx;
    struct server_session *session = TAILQ_FIRST(&worker->shared.sessions);
    while (session) {
        struct server_session *next = TAILQ_NEXT(session, link);
        if (worker->aborted)
            server_session_kill(session);
        else if (session->transfer)
            server_transfer_abort(session->transfer, FERRY_E_TEMPORARY, "the server ends");
        session = next;
    }
    if (!worker->aborted)
        loop_timer_at(worker->patience,
                      loop_now_ns(worker->shared.loop) + LAST_WORDS_S * CLOCK_NS_PER_S);
    worker->aborted = true;
}

void server_worker_retire(struct server_worker *worker, server_drained_fn *drained, void *ctx)
{
    worker->draining = true;
    worker->drained = drained;
    worker->drained_ctx = ctx;
    worker_close_listeners(worker);
    loop_task_post(worker->empty);
}

void server_worker_drain(struct server_worker *worker, uint64_t grace_ns,
                         server_drained_fn *drained, void *ctx)
{
    struct server_shared *shared = &worker->shared;
    log_event(shared->settings.log, LOG_LEVEL_NOTICE, "server.drain",
              F_U64("sessions", shared->count), F_DUR("grace", grace_ns));
    server_worker_retire(worker, drained, ctx);
    loop_timer_at(worker->patience, loop_now_ns(shared->loop) + grace_ns);
    server_entrance_close(&worker->entrance);
    struct server_session *session = TAILQ_FIRST(&shared->sessions);
    while (session) {
        struct server_session *next = TAILQ_NEXT(session, link);
        server_session_drain(session);
        session = next;
    }
}

/* ---- life ---- */

static void worker_tell(void *ctx)
{
    struct server_worker *worker = ctx;
    server_floods_tell(&worker->shared.floods);
    loop_timer_at(worker->tell, loop_now_ns(worker->shared.loop) + TELL_NS);
}

struct server_shared *server_worker_shared(struct server_worker *worker)
{
    return &worker->shared;
}

void server_worker_rate(struct server_worker *worker, struct bytes account, uint64_t up,
                        uint64_t down)
{
    server_limits_rate(&worker->shared.limits, account, up, down);
}

uint32_t server_worker_sessions(const struct server_worker *worker)
{
    return worker->shared.count;
}

enum ferry_error server_worker_new(struct loop *loop, const struct server_settings *settings,
                                   struct server_worker **out, struct fault *fault)
{
    if (!settings->account_ops)
        return fault_set(fault, FERRY_E_ARGUMENT, "a server needs accounts");
    struct server_worker *worker = alloc_zero(sizeof(*worker));
    if (!worker)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a server");
    struct server_shared *shared = &worker->shared;
    shared->loop = loop;
    shared->settings = *settings;
    if (shared->settings.sessions_max == 0)
        shared->settings.sessions_max = SESSIONS_MAX_DEFAULT;
    if (shared->settings.answer_ns == 0)
        shared->settings.answer_ns = ANSWER_NS;
    if (!shared->settings.clock)
        shared->settings.clock = &clock_system;
    if (shared->settings.master_period_ns == 0)
        shared->settings.master_period_ns = TLS_MASTER_PERIOD_S * CLOCK_NS_PER_S;
    server_linger_init(&shared->linger);
    crowd_init(&shared->crowd, shared->settings.sessions_max);
    server_limits_init(&shared->limits);
    server_floods_init(&shared->floods, shared->settings.log);
    TAILQ_INIT(&shared->sessions);
    LIST_INIT(&worker->listeners);
    shared->gone = worker_session_gone;
    shared->ctx = worker;
    worker->patience = loop_timer_new(loop, worker_impatient, worker);
    worker->empty = loop_task_new(loop, worker_empty, worker);
    worker->tell = loop_timer_new(loop, worker_tell, worker);
    worker->rotation = loop_timer_new(loop, worker_rotate, worker);
    if (server_entrance_init(&worker->entrance, shared) != FERRY_OK || !worker->patience ||
        !worker->empty || !worker->tell || !worker->rotation) {
        server_worker_free(worker);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a server");
    }
    loop_timer_at(worker->tell, loop_now_ns(loop) + TELL_NS);
    if (settings->master)
        worker_await_rotation(worker);
    *out = worker;
    return FERRY_OK;
}

void server_worker_free(struct server_worker *worker)
{
    if (!worker)
        return;
    worker_close_listeners(worker);
    server_entrance_fini(&worker->entrance);
    struct server_session *session;
    while ((session = TAILQ_FIRST(&worker->shared.sessions)))
        server_session_kill(session);
    server_linger_fini(&worker->shared.linger);
    server_floods_fini(&worker->shared.floods);
    server_limits_fini(&worker->shared.limits);
    crowd_fini(&worker->shared.crowd);
    loop_timer_free(worker->patience);
    loop_timer_free(worker->tell);
    loop_timer_free(worker->rotation);
    loop_task_free(worker->empty);
    alloc_free(worker);
}
