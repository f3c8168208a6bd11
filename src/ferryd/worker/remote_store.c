/* The files of one login in another process: what is asked, and what becomes of the answers. */
#include "ferryd/worker/remote_store.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "embed/local_entry.h"
#include "ferryd/worker/remote_private.h"

/* The longest deeds copy or remove whole trees; one that takes longer than this is stuck. */
static const uint64_t PATIENCE_NS = 600 * CLOCK_NS_PER_S;

/* ---- outcomes ---- */

static struct remote_waiter take_waiter(struct backend_store *store)
{
    struct remote_waiter waiter = store->waiter;
    store->waiter = (struct remote_waiter){0};
    fault_clear(&store->unsent);
    loop_timer_at(store->patience, CLOCK_NEVER);
    return waiter;
}

static void tell_failed(struct backend_store *store, const struct fault *fault)
{
    struct remote_waiter waiter = take_waiter(store);
    switch ((unsigned)waiter.expects) {
    case STORE_DONE:
        waiter.done.plain(waiter.ctx, fault);
        break;
    case STORE_SIZED:
        waiter.done.size(waiter.ctx, fault, 0);
        break;
    case STORE_CHANGED:
        waiter.done.change(waiter.ctx, fault, NULL);
        break;
    case STORE_READING:
        waiter.done.read(waiter.ctx, fault, -1, 0);
        break;
    case STORE_WRITING:
        waiter.done.part(waiter.ctx, fault, NULL);
        break;
    case STORE_ENTRIES:
        if (waiter.single)
            waiter.done.entry(waiter.ctx, fault, NULL);
        else
            waiter.done.batch(waiter.ctx, fault, NULL, 0);
        break;
    default: /* nobody */
        break;
    }
}

/* One thing at a time: the store may be gone after it. */
static void tell_later(void *ctx)
{
    struct backend_store *store = ctx;
    struct fault fault = store->unsent;
    if (fault_is_set(&fault)) {
        if (store->is_lost)
            loop_task_post(store->tell);
        tell_failed(store, &fault);
    } else if (store->is_lost) {
        store->is_lost = false;
        store->lost(store->ctx);
    }
}

enum ferry_error remote_say(struct backend_store *store, const struct store_call *call,
                            struct fault *fault)
{
    struct wire_writer *writer = link_begin(store->link, (uint16_t)call->message);
    if (store_wire_put_call(writer, call) != FERRY_OK)
        return fault_set(fault, FERRY_E_LIMIT, "a name is too long");
    return link_send(store->link, NULL, 0, fault);
}

/* Whatever the last call opened is let go of again. */
static void send_cancel(struct backend_store *store)
{
    struct fault lost = {0};
    struct store_call cancel = {.message = STORE_CANCEL, .number = store->number};
    (void)!remote_say(store, &cancel, &lost); /* then there is nobody that keeps it open */
}

static void tell_part(struct backend_store *store, const struct store_answer *answer,
                      struct channel_message *raw)
{
    struct fault fault = {0};
    CLEANUP(alloc_free_str) char *path = alloc_bytes(answer->path);
    if (!path) {
        fault_set(&fault, FERRY_E_MEMORY, "no memory for an upload");
        send_cancel(store);
        tell_failed(store, &fault);
        return;
    }
    struct store_part part = {
        .fd = fd_take(&raw->fds[0]),
        .part = answer->part,
        .offset_bytes = answer->offset_bytes,
        .path = path,
        .in_place = answer->in_place,
    };
    store->part = answer->part;
    store->end_bytes = answer->end_bytes;
    struct remote_waiter waiter = take_waiter(store);
    waiter.done.part(waiter.ctx, &fault, &part);
}

static void tell_change(struct backend_store *store, const struct store_answer *answer)
{
    struct fault none = {0};
    struct remote_waiter waiter = take_waiter(store);
    waiter.change.mode = (uint16_t)answer->facts.mode;
    waiter.change.group = answer->facts.group;
    waiter.change.time.seconds = answer->facts.time.tv_sec;
    waiter.change.time.nanoseconds = (uint32_t)answer->facts.time.tv_nsec;
    waiter.done.change(waiter.ctx, &none, &waiter.change);
}

/* Entries as they came, and as the server wants them. */
struct batch {
    size_t count;
    struct entry entries[HOME_BATCH];
    struct local_entry_text texts[HOME_BATCH];
    struct listing_entry shown[HOME_BATCH];
};

static void batch_free(struct batch **batch)
{
    for (size_t i = 0; *batch && i < (*batch)->count; i++)
        entry_fini(&(*batch)->entries[i]);
    alloc_free(*batch);
}

static enum ferry_error tell_entries(struct backend_store *store, const struct store_answer *answer,
                                     struct fault *fault)
{
    CLEANUP(batch_free) struct batch *batch = alloc_zero(sizeof(*batch));
    bool single = store->waiter.single;
    if (!batch)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listing");
    if (single && answer->count != 1)
        return fault_set(fault, FERRY_E_PROTOCOL, "the files sent another number of entries");
    enum ferry_error error =
        store_wire_get_entries(answer->entries, answer->count, batch->entries, fault);
    if (error != FERRY_OK)
        return error;
    batch->count = answer->count;
    for (size_t i = 0; i < batch->count; i++)
        local_entry_fill(&batch->shown[i], &batch->texts[i], &batch->entries[i],
                         answer->may_change);
    struct remote_waiter waiter = take_waiter(store);
    if (single)
        waiter.done.entry(waiter.ctx, fault, &batch->shown[0]);
    else
        waiter.done.batch(waiter.ctx, fault, batch->shown, batch->count);
    return FERRY_OK;
}

static void tell_answer(struct backend_store *store, const struct store_answer *answer,
                        struct channel_message *raw)
{
    struct fault none = {0};
    struct remote_waiter waiter;
    switch ((unsigned)answer->message) {
    case STORE_WRITING:
        tell_part(store, answer, raw);
        break;
    case STORE_CHANGED:
        tell_change(store, answer);
        break;
    case STORE_READING:
        waiter = take_waiter(store);
        waiter.done.read(waiter.ctx, &none, fd_take(&raw->fds[0]), answer->size_bytes);
        break;
    case STORE_SIZED:
        waiter = take_waiter(store);
        waiter.done.size(waiter.ctx, &none, answer->size_bytes);
        break;
    default: /* STORE_DONE */
        waiter = take_waiter(store);
        waiter.done.plain(waiter.ctx, &none);
        break;
    }
}

/* ---- the link ---- */

static void tell_refused(struct backend_store *store, const struct store_answer *answer)
{
    struct fault fault = {0};
    fault_set(&fault, answer->kind, "%.*s", BYTES_FMT(answer->what));
    fault.os_error = answer->os_error;
    tell_failed(store, &fault);
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    struct backend_store *store = ctx;
    struct store_answer answer;
    (void)row;
    enum ferry_error error = store_wire_get_answer(reader, &answer, fault);
    if (error != FERRY_OK)
        return error;
    if (answer.number > store->number)
        return fault_set(fault, FERRY_E_PROTOCOL, "the files answer what nobody asked");
    if (answer.number < store->number || store->waiter.expects == STORE_NONE)
        return FERRY_OK; /* it was cancelled when this was under way */
    if (answer.message == STORE_FAILED) {
        tell_refused(store, &answer);
        return FERRY_OK;
    }
    if (answer.message != store->waiter.expects)
        return fault_set(fault, FERRY_E_PROTOCOL, "the files answer something else");
    if (answer.message != STORE_ENTRIES) {
        tell_answer(store, &answer, raw);
        return FERRY_OK;
    }
    error = tell_entries(store, &answer, fault);
    if (error == FERRY_E_MEMORY)
        tell_failed(store, fault);
    return error == FERRY_E_PROTOCOL ? error : FERRY_OK;
}

static enum ferry_error gone(struct fault *fault, const char *why)
{
    return fault_set(fault, FERRY_E_TEMPORARY, "the process that keeps the files has ended%s%s",
                     why[0] ? ": " : "", why);
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct backend_store *store = ctx;
    struct fault fault = {0};
    (void)!gone(&fault, why->what);
    store->is_lost = store->lost != NULL;
    loop_task_post(store->tell);
    tell_failed(store, &fault);
}

static void on_late(void *ctx)
{
    struct backend_store *store = ctx;
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_TEMPORARY, "the process that keeps the files does not answer");
    send_cancel(store);
    tell_failed(store, &fault);
}

/* ---- calls ---- */

void remote_ask(struct backend_store *store, struct store_call call, struct remote_waiter waiter)
{
    struct fault fault = {0};
    store->waiter = waiter;
    call.number = ++store->number;
    loop_timer_at(store->patience, loop_now_ns(store->loop) + PATIENCE_NS);
    enum ferry_error error = remote_say(store, &call, &fault);
    if (error == FERRY_OK)
        return;
    fault_clear(&store->unsent);
    if (error == FERRY_E_LOST)
        (void)!gone(&store->unsent, "");
    else
        store->unsent = fault;
    loop_task_post(store->tell);
}

/* ---- life ---- */

void remote_cancel(struct backend_store *store)
{
    if (store->waiter.expects != STORE_NONE && !fault_is_set(&store->unsent))
        send_cancel(store);
    (void)take_waiter(store);
}

static void store_free(struct backend_store *store)
{
    link_free(store->link);
    loop_task_free(store->tell);
    loop_timer_free(store->patience);
    alloc_free(store);
}

void remote_release(struct backend_store *store)
{
    remote_store_event_fn *released = store->released;
    void *ctx = store->ctx;
    store_free(store);
    if (released)
        released(ctx);
}

enum ferry_error remote_store_new(struct loop *loop, int fd,
                                  const struct remote_store_events *events,
                                  struct backend_store **out)
{
    CLEANUP(fd_close) int owned = fd;
    struct backend_store *store = alloc_zero(sizeof(*store));
    if (!store)
        return FERRY_E_MEMORY;
    *store = (struct backend_store){
        .loop = loop, .released = events->released, .lost = events->lost, .ctx = events->ctx};
    const struct link_setup setup = {
        .loop = loop,
        .table = &store_answers,
        .peer = ROLE_FILES,
        .message = on_message,
        .closed = on_closed,
        .ctx = store,
    };
    store->tell = loop_task_new(loop, tell_later, store);
    store->patience = loop_timer_new(loop, on_late, store);
    if (!store->tell || !store->patience ||
        link_new(&setup, fd_take(&owned), &store->link) != FERRY_OK) {
        store_free(store);
        return FERRY_E_MEMORY;
    }
    *out = store;
    return FERRY_OK;
}
