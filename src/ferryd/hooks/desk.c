/* The channels to the workers. */
#include "ferryd/hooks/desk.h"

#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/link.h"
#include "ferryd/messages.h"

struct desk_worker {
    TAILQ_ENTRY(desk_worker) link;
    struct desk *desk;
    int fd; /* until the desk is open; else -1 */
    struct link *channel;
    struct post_peer *peer;
};

static void worker_free(struct desk_worker *worker)
{
    TAILQ_REMOVE(&worker->desk->workers, worker, link);
    if (worker->peer)
        post_peer_free(worker->peer);
    if (worker->channel)
        checks_forget(worker->desk->checks, worker);
    link_free(worker->channel);
    fd_close(&worker->fd);
    alloc_free(worker);
}

/* ---- answers ---- */

/* If it cannot be sent the worker does not read: it meets its end, and asks again. */
static void send(const struct desk_worker *worker)
{
    struct fault fault = {0};
    (void)!link_send(worker->channel, NULL, 0, &fault);
}

static void on_recorded(void *ctx, const uint8_t id[static HOOK_ID_BYTES], enum hook_answer answer)
{
    const struct desk_worker *worker = ctx;
    struct wire_writer *writer = link_begin(worker->channel, HOOK_RECORDED);
    wire_put_bytes(writer, bytes_of(id, HOOK_ID_BYTES));
    wire_put_u8(writer, (uint8_t)answer);
    send(worker);
}

static void on_settled(void *ctx, const uint8_t id[static HOOK_ID_BYTES])
{
    const struct desk_worker *worker = ctx;
    wire_put_bytes(link_begin(worker->channel, HOOK_SETTLED), bytes_of(id, HOOK_ID_BYTES));
    send(worker);
}

static const struct post_answers answers = {.recorded = on_recorded, .settled = on_settled};

void desk_checked(void *owner, uint64_t number, enum hook_verdict verdict, const char *words,
                  const char *why)
{
    const struct desk_worker *worker = owner;
    struct wire_writer *writer = link_begin(worker->channel, HOOK_CHECKED);
    wire_put_u64(writer, number);
    wire_put_u8(writer, (uint8_t)verdict);
    wire_put_bytes(writer, bytes_first(bytes_str(words), MESSAGE_WORDS_BYTES));
    wire_put_bytes(writer, bytes_first(bytes_str(why), MESSAGE_WORDS_BYTES));
    send(worker);
}

/* ---- what workers say ---- */

static enum ferry_error take_record(struct desk_worker *worker, struct wire_reader *reader,
                                    struct fault *fault)
{
    struct hook_event event;
    uint8_t flags = wire_get_u8(reader);
    enum ferry_error error = hook_wire_get_event(reader, &event, fault);
    if (error == FERRY_OK)
        post_record(worker->peer, flags & HOOK_PROVISIONAL, &event);
    return error;
}

static enum ferry_error take_settle(struct desk_worker *worker, struct wire_reader *reader,
                                    struct fault *fault)
{
    uint8_t id[HOOK_ID_BYTES];
    enum ferry_error error = hook_wire_get_id(reader, id, fault);
    if (error == FERRY_OK)
        post_settle(worker->peer, id, (enum hook_settled)wire_get_u8(reader));
    return error;
}

static enum ferry_error take_check(struct desk_worker *worker, struct wire_reader *reader, int fd,
                                   struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    struct hook_event event;
    uint64_t number = wire_get_u64(reader);
    enum ferry_error error = hook_wire_get_event(reader, &event, fault);
    if (error == FERRY_OK &&
        checks_ask(worker->desk->checks, worker, number, &event, fd_take(&owned)) != FERRY_OK)
        desk_checked(worker, number, HOOK_FAILED, "", "memory is short");
    return error;
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    struct desk_worker *worker = ctx;
    switch ((enum hook_message)row->type) {
    case HOOK_RECORD:
        return take_record(worker, reader, fault);
    case HOOK_SETTLE:
        return take_settle(worker, reader, fault);
    case HOOK_CHECK:
        return take_check(worker, reader, fd_take(&raw->fds[0]), fault);
    case HOOK_CANCEL:
        checks_cancel(worker->desk->checks, worker, wire_get_u64(reader));
        break;
    case HOOK_MESSAGE_NONE:
    case HOOK_RECORDED:
    case HOOK_SETTLED:
    case HOOK_CHECKED:
        break;
    }
    return FERRY_OK;
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct desk_worker *worker = ctx;
    if (fault_is_set(why))
        log_event(worker->desk->log, LOG_LEVEL_ERROR, "channel.ended", F_STR("process", "worker"),
                  F_VISIBLE("reason", why->what), F_STR("side", "server"),
                  F_STR("advice", "the supervisor starts another: role.died has the cause"));
    worker_free(worker);
}

/* ---- life ---- */

void desk_init(struct desk *desk, struct loop *loop, const struct log *log)
{
    *desk = (struct desk){.loop = loop, .log = log};
    TAILQ_INIT(&desk->workers);
}

static enum ferry_error connect_worker(struct desk_worker *worker)
{
    const struct desk *desk = worker->desk;
    const struct link_setup setup = {
        .loop = desk->loop,
        .table = &hook_messages_to_hooks,
        .peer = ROLE_WORKER,
        .message = on_message,
        .closed = on_closed,
        .ctx = worker,
    };
    worker->peer = post_peer_new(desk->post, &answers, worker);
    return worker->peer ? link_new(&setup, fd_take(&worker->fd), &worker->channel) : FERRY_E_MEMORY;
}

enum ferry_error desk_add(struct desk *desk, int fd)
{
    CLEANUP(fd_close) int owned = fd;
    struct desk_worker *worker = alloc_zero(sizeof(*worker));
    if (!worker)
        return FERRY_E_MEMORY;
    *worker = (struct desk_worker){.desk = desk, .fd = fd_take(&owned)};
    TAILQ_INSERT_TAIL(&desk->workers, worker, link);
    enum ferry_error error = desk->post ? connect_worker(worker) : FERRY_OK;
    if (error != FERRY_OK)
        worker_free(worker);
    return error;
}

enum ferry_error desk_open(struct desk *desk, struct post *post, struct checks *checks)
{
    struct desk_worker *worker;
    enum ferry_error error = FERRY_OK;
    desk->post = post;
    desk->checks = checks;
    TAILQ_FOREACH (worker, &desk->workers, link)
        if (error == FERRY_OK)
            error = connect_worker(worker);
    return error;
}
