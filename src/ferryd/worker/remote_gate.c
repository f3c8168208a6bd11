/* Who may be served, counted by another process. */
#include "ferryd/worker/remote_gate.h"

#include "base/alloc.h"
#include "ferryd/messages.h"

/* A session, or, until that is decided, a connection. */
struct backend_place {
    TAILQ_ENTRY(backend_place) link;
    uint64_t number;
    struct address peer;
    struct crowd_rules rules;
    arrival_fn *done; /* while it waits */
    void *ctx;
};

/* What cannot be sent is of no use to an auth that has gone; the next one is told all anew. */
static void send_it(struct remote_gate *gate)
{
    struct fault fault = {0};
    (void)!link_send(gate->auth, NULL, 0, &fault);
}

static struct wire_writer *begin(struct remote_gate *gate, enum message type, uint64_t number)
{
    struct wire_writer *writer = link_begin(gate->auth, (uint16_t)type);
    wire_put_u64(writer, number);
    return writer;
}

static void put_peer(struct wire_writer *writer, const struct address *peer)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(peer, text);
    wire_put_bytes(writer, bytes_str(text));
}

static void ask(struct remote_gate *gate, const struct backend_place *place)
{
    if (!gate->auth)
        return;
    struct wire_writer *writer = begin(gate, MESSAGE_ARRIVED, place->number);
    put_peer(writer, &place->peer);
    wire_put_u64(writer, place->rules.sessions_per_address);
    wire_put_u64(writer, place->rules.sessions_per_network);
    wire_put_u64(writer, place->rules.connections_per_minute);
    send_it(gate);
}

static void tell_left(struct remote_gate *gate, uint64_t number)
{
    if (!gate->auth)
        return;
    begin(gate, MESSAGE_LEFT, number);
    send_it(gate);
}

/* ---- struct gate_ops ---- */

static enum ferry_error remote_arrive(void *ctx, const struct address *peer,
                                      const struct crowd_rules *rules, arrival_fn *done,
                                      void *done_ctx)
{
    struct remote_gate *gate = ctx;
    struct backend_place *place = alloc_zero(sizeof(*place));
    if (!place)
        return FERRY_E_MEMORY;
    *place = (struct backend_place){
        .number = ++gate->last, .peer = *peer, .rules = *rules, .done = done, .ctx = done_ctx};
    TAILQ_INSERT_TAIL(&gate->waiting, place, link);
    ask(gate, place);
    return FERRY_OK;
}

/* If it is admitted after all, it has left: remote_gate_answer. */
static void remote_cancel(void *ctx, void *done_ctx)
{
    struct remote_gate *gate = ctx;
    struct backend_place *place = TAILQ_FIRST(&gate->waiting);
    while (place && place->ctx != done_ctx)
        place = TAILQ_NEXT(place, link);
    if (!place)
        return;
    TAILQ_REMOVE(&gate->waiting, place, link);
    alloc_free(place);
}

static void remote_leave(void *ctx, struct backend_place *place)
{
    struct remote_gate *gate = ctx;
    tell_left(gate, place->number);
    TAILQ_REMOVE(&gate->present, place, link);
    alloc_free(place);
}

const struct gate_ops remote_gate_ops = {
    .arrive = remote_arrive,
    .cancel = remote_cancel,
    .leave = remote_leave,
};

/* ---- answers ---- */

enum ferry_error remote_gate_answer(struct remote_gate *gate, struct wire_reader *reader,
                                    struct fault *fault)
{
    uint64_t number = wire_get_u64(reader);
    uint8_t limit = wire_get_u8(reader);
    if (number == 0 || number > gate->last || limit >= CROWD_LIMITS)
        return fault_set(fault, FERRY_E_PROTOCOL, "an answer to no connection that was told of");
    struct backend_place *place = TAILQ_FIRST(&gate->waiting);
    while (place && place->number != number)
        place = TAILQ_NEXT(place, link);
    if (!place) {
        if (limit == CROWD_FREE)
            tell_left(gate, number);
        return FERRY_OK;
    }
    arrival_fn *done = place->done;
    void *ctx = place->ctx;
    TAILQ_REMOVE(&gate->waiting, place, link);
    if (limit == CROWD_FREE) {
        TAILQ_INSERT_TAIL(&gate->present, place, link);
    } else {
        alloc_free(place);
        place = NULL;
    }
    done(ctx, (enum crowd_limit)limit, place);
    return FERRY_OK;
}

void remote_gate_connect(struct remote_gate *gate, struct link *auth)
{
    const struct backend_place *place;
    gate->auth = auth;
    if (!auth)
        return;
    TAILQ_FOREACH (place, &gate->present, link) {
        put_peer(begin(gate, MESSAGE_PRESENT, place->number), &place->peer);
        send_it(gate);
    }
    TAILQ_FOREACH (place, &gate->waiting, link)
        ask(gate, place);
}

void remote_gate_init(struct remote_gate *gate)
{
    *gate = (struct remote_gate){.auth = NULL};
    TAILQ_INIT(&gate->waiting);
    TAILQ_INIT(&gate->present);
}
