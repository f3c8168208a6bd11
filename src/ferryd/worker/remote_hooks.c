/* Who is told of what happened, in another process. */
#include "ferryd/worker/remote_hooks.h"

#include <assert.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/hook_wire.h"
#include "ferryd/link.h"
#include "ferryd/settings.h"
#include "ferryd/worker/remote_events.h"

static_assert((int)DEED_LOGIN == (int)HOOK_LOGIN && (int)DEED_UPLOAD == (int)HOOK_UPLOAD &&
                  (int)DEED_DELETE == (int)HOOK_DELETE && (int)DEED_CHANGE == (int)HOOK_CHANGE,
              "deeds are the kinds of events");
static_assert((int)HOOK_DONE == (int)HOOK_SETTLED_DONE &&
                  (int)HOOK_NOT_DONE == (int)HOOK_SETTLED_NOT_DONE &&
                  (int)HOOK_UNKNOWN == (int)HOOK_SETTLED_UNKNOWN,
              "outcomes are the server's");

enum {
    SLACK_S = 5, /* what a check may take beyond its limit */
};

/* A check that is under way. */
struct ask {
    TAILQ_ENTRY(ask) link;
    uint64_t number;
    bool lenient; /* the upload is taken if it cannot be checked */
    hook_fn *done;
    void *ctx;
    uint64_t deadline_ns;
};

struct remote_hooks {
    struct loop *loop;
    const struct log *log;
    const struct conf *conf;
    struct link *link; /* NULL: that process is not there */
    struct remote_events events;
    TAILQ_HEAD(, ask) asks;
    uint64_t last_number;
    struct loop_timer *timer;
};

/* ---- what is wanted ---- */

static bool remote_wants(void *ctx, struct bytes account, enum deed_kind kind)
{
    const struct remote_hooks *hooks = ctx;
    const struct conf_instance *block = NULL;
    while ((block = conf_next(hooks->conf, SETTINGS_HOOK, block))) {
        const struct settings_hook *hook = block->values;
        if ((hook->events & (UINT32_C(1) << kind)) && settings_target_matches(&hook->to, account))
            return true;
    }
    return false;
}

/* How long the checks of the account may take, and whether all of them may fail. false: there are
 * none. */
static bool checks_of(const struct remote_hooks *hooks, struct bytes account, uint64_t *most_ns,
                      bool *lenient)
{
    bool any = false;
    const struct conf_instance *block = NULL;
    *most_ns = SLACK_S * CLOCK_NS_PER_S;
    *lenient = true;
    while ((block = conf_next(hooks->conf, SETTINGS_CHECK, block))) {
        const struct settings_check *check = block->values;
        if (!settings_target_matches(&check->to, account))
            continue;
        any = true;
        *most_ns += check->max_wait_ns;
        *lenient = *lenient && check->on_failure == HOOK_GO_ON;
    }
    return any;
}

static bool remote_checks(void *ctx, struct bytes account)
{
    uint64_t most_ns;
    bool lenient;
    return checks_of(ctx, account, &most_ns, &lenient);
}

/* ---- deadlines ---- */

static void arm(struct remote_hooks *hooks)
{
    uint64_t first_ns = remote_events_deadline(&hooks->events);
    const struct ask *ask;
    TAILQ_FOREACH (ask, &hooks->asks, link)
        if (ask->deadline_ns < first_ns)
            first_ns = ask->deadline_ns;
    loop_timer_at(hooks->timer, first_ns);
}

/* ---- events ---- */

static enum ferry_error remote_record(void *ctx, const struct deed *deed, hook_fn *done,
                                      void *done_ctx, uint64_t *record)
{
    struct remote_hooks *hooks = ctx;
    uint64_t until_ns = loop_now_ns(hooks->loop) + settings_global(hooks->conf)->hooks.wait_ns;
    enum ferry_error error =
        remote_events_record(&hooks->events, deed, until_ns, done, done_ctx, record);
    arm(hooks);
    return error;
}

static void remote_note(void *ctx, const struct deed *deed)
{
    struct remote_hooks *hooks = ctx;
    remote_events_note(&hooks->events, deed);
}

static void remote_settle(void *ctx, uint64_t record, enum hook_outcome outcome)
{
    struct remote_hooks *hooks = ctx;
    remote_events_settle(&hooks->events, record, outcome);
}

/* ---- checks ---- */

static void ask_end(struct remote_hooks *hooks, struct ask *ask, const struct fault *why)
{
    hook_fn *done = ask->done;
    void *ctx = ask->ctx;
    static const struct fault none;
    bool taken = ask->lenient && why->kind == FERRY_E_TEMPORARY;
    if (taken)
        log_event(hooks->log, LOG_LEVEL_ERROR, "check.skipped", F_VISIBLE("reason", why->what),
                  F_STR("side", "server"), F_STR("advice", "see why the process of hooks is away"));
    TAILQ_REMOVE(&hooks->asks, ask, link);
    alloc_free(ask);
    done(ctx, taken ? &none : why);
}

/* Asks whose time was up when they were made are told so later. */
static bool send_check(struct remote_hooks *hooks, const struct deed *deed, uint64_t number, int fd)
{
    char peer[ADDRESS_TEXT_BYTES];
    struct hook_event event;
    struct fault fault = {0};
    remote_event_of(deed, peer, &event);
    if (!hooks->link) {
        fd_close(&fd);
        return false;
    }
    struct wire_writer *writer = link_begin(hooks->link, HOOK_CHECK);
    wire_put_u64(writer, number);
    hook_wire_put_event(writer, &event);
    return link_send(hooks->link, &fd, 1, &fault) == FERRY_OK;
}

static enum ferry_error remote_check(void *ctx, const struct deed *deed, int fd, hook_fn *done,
                                     void *done_ctx)
{
    struct remote_hooks *hooks = ctx;
    CLEANUP(fd_close) int owned = fd;
    uint64_t most_ns;
    bool lenient;
    (void)checks_of(hooks, deed->account, &most_ns, &lenient);
    struct ask *ask = alloc_zero(sizeof(*ask));
    if (!ask)
        return FERRY_E_MEMORY;
    *ask = (struct ask){
        .number = ++hooks->last_number, .lenient = lenient, .done = done, .ctx = done_ctx};
    TAILQ_INSERT_TAIL(&hooks->asks, ask, link);
    uint64_t now_ns = loop_now_ns(hooks->loop);
    bool sent = send_check(hooks, deed, ask->number, fd_take(&owned));
    ask->deadline_ns = sent ? now_ns + most_ns : now_ns;
    arm(hooks);
    return FERRY_OK;
}

static void remote_cancel(void *ctx, void *whose)
{
    struct remote_hooks *hooks = ctx;
    struct fault fault = {0};
    struct ask *ask;
    remote_events_cancel(&hooks->events, whose);
    TAILQ_FOREACH (ask, &hooks->asks, link) {
        if (ask->ctx != whose)
            continue;
        if (hooks->link) {
            wire_put_u64(link_begin(hooks->link, HOOK_CANCEL), ask->number);
            (void)!link_send(hooks->link, NULL, 0, &fault); /* then it has gone */
        }
        TAILQ_REMOVE(&hooks->asks, ask, link);
        alloc_free(ask);
        break; /* a session has one */
    }
}

const struct hook_ops remote_hooks_ops = {
    .wants = remote_wants,
    .checks = remote_checks,
    .check = remote_check,
    .record = remote_record,
    .settle = remote_settle,
    .note = remote_note,
    .cancel = remote_cancel,
};

/* ---- time is up ---- */

static struct ask *late_ask(const struct remote_hooks *hooks, uint64_t now_ns)
{
    struct ask *ask;
    TAILQ_FOREACH (ask, &hooks->asks, link)
        if (ask->deadline_ns <= now_ns)
            return ask;
    return NULL;
}

static void on_time(void *ctx)
{
    struct remote_hooks *hooks = ctx;
    uint64_t now_ns = loop_now_ns(hooks->loop);
    struct ask *ask;
    remote_events_tell_late(&hooks->events, now_ns);
    while ((ask = late_ask(hooks, now_ns))) {
        struct fault fault = {0};
        fault_set(&fault, FERRY_E_TEMPORARY,
                  hooks->link ? "the check took too long" : "the process of hooks is not there");
        ask_end(hooks, ask, &fault);
    }
    arm(hooks);
}

/* ---- answers ---- */

static void take_checked(struct remote_hooks *hooks, struct wire_reader *reader)
{
    uint64_t number = wire_get_u64(reader);
    uint8_t verdict = wire_get_u8(reader);
    struct bytes words = wire_get_bytes(reader);
    struct bytes why = wire_get_bytes(reader);
    struct fault fault = {0};
    struct ask *ask;
    if (verdict == HOOK_REFUSED) {
        fault_set(&fault, FERRY_E_REFUSED, "%.*s", BYTES_FMT(why));
        fault_peer(&fault, 0, words);
    } else if (verdict != HOOK_ALLOWED) {
        fault_set(&fault, FERRY_E_TEMPORARY, "%.*s", BYTES_FMT(why));
    }
    TAILQ_FOREACH (ask, &hooks->asks, link)
        if (ask->number == number)
            break;
    if (!ask) /* cancelled meanwhile */
        return;
    ask->lenient = false; /* hooks has gone by that already */
    ask_end(hooks, ask, &fault);
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)raw;
    struct remote_hooks *hooks = ctx;
    enum ferry_error error = FERRY_OK;
    if (row->type == HOOK_RECORDED)
        error = remote_events_recorded(&hooks->events, reader, fault);
    else if (row->type == HOOK_SETTLED)
        error = remote_events_settled(&hooks->events, reader, fault);
    else
        take_checked(hooks, reader);
    remote_events_send(&hooks->events);
    return error;
}

/* ---- the channel ---- */

/* Checks that were under way fail; events wait. */
static void disconnect(struct remote_hooks *hooks)
{
    struct ask *ask;
    link_free(hooks->link);
    hooks->link = NULL;
    remote_events_connect(&hooks->events, NULL);
    while ((ask = TAILQ_FIRST(&hooks->asks))) {
        struct fault fault = {0};
        fault_set(&fault, FERRY_E_TEMPORARY, "the process of hooks ended");
        ask_end(hooks, ask, &fault);
    }
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct remote_hooks *hooks = ctx;
    log_event(hooks->log, LOG_LEVEL_ERROR, "channel.ended", F_STR("process", "hooks"),
              F_VISIBLE("reason", fault_is_set(why) ? why->what : "that process has ended"),
              F_U64("events", hooks->events.letter_count), F_STR("side", "server"),
              F_STR("advice", "the supervisor starts another: role.died has the cause"));
    disconnect(hooks);
}

enum ferry_error remote_hooks_connect(struct remote_hooks *hooks, int fd)
{
    const struct link_setup setup = {
        .loop = hooks->loop,
        .table = &hook_messages_to_worker,
        .peer = ROLE_HOOKS,
        .message = on_message,
        .closed = on_closed,
        .ctx = hooks,
    };
    disconnect(hooks);
    enum ferry_error error = link_new(&setup, fd, &hooks->link);
    if (error != FERRY_OK)
        return error;
    remote_events_connect(&hooks->events, hooks->link);
    return FERRY_OK;
}

/* ---- life ---- */

struct remote_hooks *remote_hooks_new(struct loop *loop, const struct log *log)
{
    struct remote_hooks *hooks = alloc_zero(sizeof(*hooks));
    if (!hooks)
        return NULL;
    *hooks = (struct remote_hooks){.loop = loop, .log = log};
    remote_events_init(&hooks->events, log);
    TAILQ_INIT(&hooks->asks);
    hooks->timer = loop_timer_new(loop, on_time, hooks);
    if (hooks->timer)
        return hooks;
    remote_hooks_free(hooks);
    return NULL;
}

void remote_hooks_free(struct remote_hooks *hooks)
{
    if (!hooks)
        return;
    struct ask *ask;
    remote_events_fini(&hooks->events);
    while ((ask = TAILQ_FIRST(&hooks->asks))) {
        TAILQ_REMOVE(&hooks->asks, ask, link);
        alloc_free(ask);
    }
    loop_timer_free(hooks->timer);
    link_free(hooks->link);
    alloc_free(hooks);
}

void remote_hooks_open(struct remote_hooks *hooks, const struct conf *conf)
{
    hooks->conf = conf;
}
