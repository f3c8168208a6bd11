/* What ferryd-ops asks of the supervisor, and is told by it. */
#include "ferryd/supervisor/ops_desk.h"

#include <sys/queue.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "conf/check.h"

/* Events that wait to be sent. */
enum { EVENTS_MAX = 512 };

struct waiting_event {
    STAILQ_ENTRY(waiting_event) link;
    char *line;
};

/* Somebody waits for a reload. */
struct reload_ask {
    LIST_ENTRY(reload_ask) link;
    struct child *child;
    uint64_t number;
    bool begun; /* the reload that runs is the one */
};

struct ops_desk {
    struct ops_desk_setup setup;
    int64_t started_ns, loaded_ns; /* wall clock */
    LIST_HEAD(, reload_ask) reloads;
    STAILQ_HEAD(, waiting_event) events;
    unsigned event_count;
    struct loop_task *send;
};

/* ---- status ---- */

static void send_process(void *ctx, struct child *child, uint32_t crew)
{
    struct child *ops = ctx;
    struct wire_writer *writer = child_message(ops, MESSAGE_PROCESS);
    wire_put_u8(writer, (uint8_t)child_role(child));
    wire_put_u32(writer, child_number(child));
    wire_put_u32(writer, (uint32_t)child_pid(child));
    wire_put_u32(writer, crew);
    wire_put_bytes(writer, bytes_str(child_phase(child)));
    wire_put_bytes(writer, bytes_str(child_missing(child)));
    child_send(ops, -1);
}

static void send_status(struct ops_desk *desk, struct child *child, uint64_t ask)
{
    struct wire_writer *writer = child_message(child, MESSAGE_STATUS);
    wire_put_bytes(writer, bytes_first(bytes_str(desk->setup.file), MESSAGE_PATH_BYTES));
    wire_put_i64(writer, desk->started_ns);
    wire_put_i64(writer, desk->loaded_ns);
    child_send(child, -1);
    desk->setup.processes(desk->setup.ctx, send_process, child);
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        writer = child_message(child, MESSAGE_RESTARTS);
        wire_put_u8(writer, (uint8_t)role);
        wire_put_u64(writer, desk->setup.restarts[role]);
        child_send(child, -1);
    }
    wire_put_u64(child_message(child, MESSAGE_STATUS_END), ask);
    child_send(child, -1);
}

/* ---- reload ---- */

static void answer_reload(struct reload_ask *ask, bool done, struct bytes words)
{
    struct wire_writer *writer = child_message(ask->child, MESSAGE_RELOADED);
    wire_put_u64(writer, ask->number);
    wire_put_u8(writer, done);
    wire_put_bytes(writer, bytes_first(words, MESSAGE_MISTAKES_BYTES));
    child_send(ask->child, -1);
    LIST_REMOVE(ask, link);
    alloc_free(ask);
}

static enum ferry_error take_reload(struct ops_desk *desk, struct child *child, uint64_t number,
                                    struct fault *fault)
{
    struct reload_ask *ask = alloc_zero(sizeof(*ask));
    if (!ask)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    ask->child = child;
    ask->number = number;
    LIST_INSERT_HEAD(&desk->reloads, ask, link);
    if (!desk->setup.reload(desk->setup.ctx))
        answer_reload(ask, false, BYTES_LIT("the server is about to end\n"));
    return FERRY_OK;
}

void ops_desk_reload_begins(struct ops_desk *desk)
{
    struct reload_ask *ask;
    LIST_FOREACH (ask, &desk->reloads, link)
        ask->begun = true;
}

static enum ferry_error mistakes_text(const struct ops_desk *desk, const struct conf *conf,
                                      const struct fault *why, struct buf *out)
{
    enum ferry_error error = conf ? check_print(&conf->check, out) : FERRY_OK;
    if (error == FERRY_OK && why && fault_is_set(why))
        error = buf_printf(out, "%s: %s\n", desk->setup.file, why->what);
    if (error == FERRY_OK && why && why->advice[0])
        error = buf_printf(out, "%s: %s\n", desk->setup.file, why->advice);
    return error;
}

void ops_desk_reload_over(struct ops_desk *desk, const struct conf *conf, const struct fault *why)
{
    CLEANUP(buf_fini) struct buf words;
    buf_init(&words, 1024 * 1024);
    bool done = conf && conf->check.count == 0 && !(why && fault_is_set(why));
    if (!done)
        (void)!mistakes_text(desk, conf, why, &words); /* as many as there is memory for */
    struct reload_ask *ask = LIST_FIRST(&desk->reloads);
    while (ask) {
        struct reload_ask *next = LIST_NEXT(ask, link);
        if (ask->begun)
            answer_reload(ask, done, buf_view(&words));
        ask = next;
    }
}

void ops_desk_loaded(struct ops_desk *desk)
{
    desk->loaded_ns = clock_wall_ns(&clock_system);
}

/* ---- events ---- */

/* In a turn of its own: whoever logs may be reading a message, in whose place another is made. */
static void on_send(void *ctx)
{
    struct ops_desk *desk = ctx;
    struct child *ops = desk->setup.ops(desk->setup.ctx);
    struct waiting_event *event;
    while ((event = STAILQ_FIRST(&desk->events))) {
        STAILQ_REMOVE_HEAD(&desk->events, link);
        desk->event_count--;
        if (ops) {
            wire_put_bytes(child_message(ops, MESSAGE_EVENT), bytes_str(event->line));
            child_try_send(ops);
        }
        alloc_free(event->line);
        alloc_free(event);
    }
}

void ops_desk_event(void *ctx, const struct log_event *event)
{
    struct ops_desk *desk = ctx;
    CLEANUP(buf_fini) struct buf line;
    buf_init(&line, MESSAGE_EVENT_BYTES);
    if (desk->event_count == EVENTS_MAX || !desk->setup.ops(desk->setup.ctx) ||
        log_format(LOG_FORM_JSON, event, &line) != FERRY_OK)
        return;
    struct waiting_event *waiting = alloc_zero(sizeof(*waiting));
    char *copy = alloc_bytes(buf_view(&line));
    if (!waiting || !copy) {
        alloc_free(waiting);
        alloc_free(copy);
        return;
    }
    waiting->line = copy;
    STAILQ_INSERT_TAIL(&desk->events, waiting, link);
    desk->event_count++;
    loop_task_post(desk->send);
}

/* ---- its face ---- */

enum ferry_error ops_desk_message(struct ops_desk *desk, struct child *child,
                                  const struct wire_message *row, struct wire_reader *reader,
                                  struct fault *fault)
{
    uint64_t number = wire_get_u64(reader);
    switch (row->type) {
    case MESSAGE_STATUS_ASK:
        send_status(desk, child, number);
        return FERRY_OK;
    case MESSAGE_RELOAD_ASK:
        return take_reload(desk, child, number, fault);
    case MESSAGE_DRAIN_ASK:
        desk->setup.drain(desk->setup.ctx, number);
        return FERRY_OK;
    default:
        return fault_set(fault, FERRY_E_PROTOCOL, "a %s is not for ops to say", row->name);
    }
}

void ops_desk_gone(struct ops_desk *desk, const struct child *child)
{
    struct reload_ask *ask = LIST_FIRST(&desk->reloads);
    while (ask) {
        struct reload_ask *next = LIST_NEXT(ask, link);
        if (ask->child == child) {
            LIST_REMOVE(ask, link);
            alloc_free(ask);
        }
        ask = next;
    }
}

struct ops_desk *ops_desk_new(const struct ops_desk_setup *setup)
{
    struct ops_desk *desk = alloc_zero(sizeof(*desk));
    if (!desk)
        return NULL;
    desk->setup = *setup;
    desk->started_ns = clock_wall_ns(&clock_system);
    LIST_INIT(&desk->reloads);
    STAILQ_INIT(&desk->events);
    desk->send = loop_task_new(setup->loop, on_send, desk);
    if (desk->send)
        return desk;
    alloc_free(desk);
    return NULL;
}

void ops_desk_free(struct ops_desk *desk)
{
    struct waiting_event *event;
    if (!desk)
        return;
    while ((event = STAILQ_FIRST(&desk->events))) {
        STAILQ_REMOVE_HEAD(&desk->events, link);
        alloc_free(event->line);
        alloc_free(event);
    }
    loop_task_free(desk->send);
    alloc_free(desk);
}
