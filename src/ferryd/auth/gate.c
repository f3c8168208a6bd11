/* Who may be served, counted over all workers. */
#include "ferryd/auth/gate.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "ferryd/messages.h"
#include "ferryd/peer_wire.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) alloc_zero(size)
#define uthash_free(memory, size) alloc_free(memory)
#define uthash_nonfatal_oom(place) ((place)->lost = true)
#include <uthash.h>

/* Of one worker: more than it can have descriptors for. */
enum { PLACES_MAX = 4 * 1024 * 1024 };

static const uint64_t PATIENCE_NS = 2 * CLOCK_NS_PER_S;

/* A session, or a connection that waits to be one. */
struct gate_place {
    uint64_t number;
    struct address peer;
    struct crowd_rules rules; /* while it waits */
    bool waits;
    bool lost; /* no memory to put it into the table */
    UT_hash_handle hh;
};

static struct gate_place *find(const struct gate_worker *worker, uint64_t number)
{
    struct gate_place *place = NULL;
    HASH_FIND_BYHASHVALUE(hh, worker->places, &number, sizeof(number), (unsigned)number, place);
    return place;
}

static struct gate_place *place_new(struct gate_worker *worker, uint64_t number,
                                    const struct address *peer)
{
    struct gate_place *place = alloc_zero(sizeof(*place));
    if (!place)
        return NULL;
    *place = (struct gate_place){.number = number, .peer = *peer};
    HASH_ADD_BYHASHVALUE(hh, worker->places, number, sizeof(number), (unsigned)number, place);
    if (place->lost) {
        alloc_free(place);
        return NULL;
    }
    worker->place_count++;
    return place;
}

static void place_free(struct gate_worker *worker, struct gate_place *place)
{
    HASH_DELETE(hh, worker->places, place);
    worker->place_count--;
    if (!place->waits)
        crowd_leave(&worker->gate->crowd, &place->peer);
    alloc_free(place);
}

/* ---- admitting ---- */

static void answer(const struct gate_worker *worker, uint64_t number, enum crowd_limit limit)
{
    struct fault fault = {0};
    struct wire_writer *writer = link_begin(worker->channel, MESSAGE_ADMITTED);
    wire_put_u64(writer, number);
    wire_put_u8(writer, (uint8_t)limit);
    (void)!link_send(worker->channel, NULL, 0, &fault); /* its link tells when it has gone */
}

/* Who is banned is not even counted. */
static enum crowd_limit limit_of(struct gate *gate, const struct gate_place *place)
{
    uint64_t wall_ns = (uint64_t)clock_wall_ns(&clock_system);
    return throttle_banned_until(gate->throttle, &place->peer, wall_ns) > 0
               ? CROWD_BANNED
               : crowd_enter(&gate->crowd, &place->rules, &place->peer, loop_now_ns(gate->loop));
}

static void decide(struct gate_worker *worker, struct gate_place *place)
{
    enum crowd_limit limit = limit_of(worker->gate, place);
    answer(worker, place->number, limit);
    if (limit == CROWD_FREE)
        place->waits = false;
    else
        place_free(worker, place);
}

static void decide_all(struct gate *gate)
{
    struct gate_worker *worker;
    gate->counting = true;
    loop_timer_at(gate->patience, CLOCK_NEVER);
    TAILQ_FOREACH (worker, &gate->workers, link) {
        struct gate_place *place, *next;
        HASH_ITER (hh, worker->places, place, next)
            if (place->waits)
                decide(worker, place);
    }
}

static bool all_have_told(const struct gate *gate)
{
    const struct gate_worker *worker;
    TAILQ_FOREACH (worker, &gate->workers, link)
        if (!worker->told)
            return false;
    return true;
}

static void look(struct gate *gate)
{
    if (!gate->counting && gate->introduced && all_have_told(gate))
        decide_all(gate);
}

static void on_patience(void *ctx)
{
    decide_all(ctx);
}

void gate_introduced(struct gate *gate)
{
    gate->introduced = true;
    if (!gate->counting)
        loop_timer_at(gate->patience, loop_now_ns(gate->loop) + PATIENCE_NS);
    look(gate);
}

/* ---- messages ---- */

/* The place that a message begins with: its number and its peer. */
static enum ferry_error take_place(struct gate_worker *worker, struct wire_reader *reader,
                                   struct gate_place **out, struct fault *fault)
{
    struct address peer;
    uint64_t number = wire_get_u64(reader);
    enum ferry_error error = peer_wire_get(reader, &peer, fault);
    if (error != FERRY_OK)
        return error;
    if (find(worker, number))
        return fault_set(fault, FERRY_E_PROTOCOL, "a number that is in use");
    if (worker->place_count >= PLACES_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "more sessions than a worker can have");
    *out = place_new(worker, number, &peer);
    return *out ? FERRY_OK : fault_set(fault, FERRY_E_MEMORY, "no memory for a session");
}

static enum ferry_error on_arrived(struct gate_worker *worker, struct wire_reader *reader,
                                   struct fault *fault)
{
    struct gate_place *place = NULL;
    enum ferry_error error = take_place(worker, reader, &place, fault);
    if (error != FERRY_OK)
        return error;
    place->waits = true;
    place->rules.sessions_per_address = wire_get_u64(reader);
    place->rules.sessions_per_network = wire_get_u64(reader);
    place->rules.connections_per_minute = wire_get_u64(reader);
    if (worker->gate->counting)
        decide(worker, place);
    return FERRY_OK;
}

static enum ferry_error on_present(struct gate_worker *worker, struct wire_reader *reader,
                                   struct fault *fault)
{
    struct gate_place *place = NULL;
    enum ferry_error error = take_place(worker, reader, &place, fault);
    if (error != FERRY_OK)
        return error;
    if (crowd_add(&worker->gate->crowd, &place->peer))
        return FERRY_OK;
    place->waits = true; /* it was not counted */
    place_free(worker, place);
    return fault_set(fault, FERRY_E_MEMORY, "no memory for a session");
}

enum ferry_error gate_message(struct gate_worker *worker, uint16_t type, struct wire_reader *reader,
                              struct fault *fault)
{
    struct gate_place *place;
    switch (type) {
    case MESSAGE_ARRIVED:
        return on_arrived(worker, reader, fault);
    case MESSAGE_PRESENT:
        return on_present(worker, reader, fault);
    case MESSAGE_TOLD:
        worker->told = true;
        look(worker->gate);
        return FERRY_OK;
    default:
        break;
    }
    place = find(worker, wire_get_u64(reader));
    if (place)
        place_free(worker, place);
    return FERRY_OK;
}

/* ---- life ---- */

void gate_worker_init(struct gate_worker *worker, struct gate *gate, struct link *channel)
{
    *worker = (struct gate_worker){.gate = gate, .channel = channel};
    TAILQ_INSERT_TAIL(&gate->workers, worker, link);
}

void gate_worker_fini(struct gate_worker *worker)
{
    struct gate_place *place, *next;
    if (!worker->gate)
        return;
    HASH_ITER (hh, worker->places, place, next)
        place_free(worker, place);
    TAILQ_REMOVE(&worker->gate->workers, worker, link);
    look(worker->gate);
    worker->gate = NULL;
}

enum ferry_error gate_init(struct gate *gate, struct loop *loop, const struct throttle *throttle,
                           uint64_t most)
{
    *gate = (struct gate){.loop = loop, .throttle = throttle};
    TAILQ_INIT(&gate->workers);
    crowd_init(&gate->crowd, most);
    gate->patience = loop_timer_new(loop, on_patience, gate);
    return gate->patience ? FERRY_OK : FERRY_E_MEMORY;
}

void gate_fini(struct gate *gate)
{
    loop_timer_free(gate->patience);
    crowd_fini(&gate->crowd);
}
