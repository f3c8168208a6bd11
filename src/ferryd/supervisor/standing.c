/* A role that belongs to no crew. */
#include "ferryd/supervisor/standing.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "proc/channel.h"
#include "proc/restart.h"

/* For one that was replaced, to finish what it has begun. */
static const uint64_t GRACE_NS = 5 * CLOCK_NS_PER_S;

enum place { SERVING, STARTING, LEAVING, PLACES };

/* A process, in one of the places; they are exchanged by swapping pointers. */
struct stand {
    struct standing *standing;
    struct child *child;
};

struct standing {
    struct standing_setup setup;
    struct parcel *parcel; /* NULL: nothing is wanted yet */
    struct stand *places[PLACES];
    bool settled; /* one was ready, or failed */
    bool leaving;
    struct restart restart;
    struct loop_timer *again;
};

static void tell(const struct standing *standing, const struct child *child, enum log_level level,
                 const char *event, const struct fault *why)
{
    log_event(standing->setup.log, level, event, F_STR("role", role_name(standing->setup.role)),
              F_U64("pid", child ? (uint64_t)child_pid(child) : 0), F_VISIBLE("reason", why->what),
              F_STR("side", "server"),
              F_VISIBLE("advice", why->advice[0]
                                      ? why->advice
                                      : "it is started again; if this comes often, look at the "
                                        "events before it"));
}

static bool is_wanted(const struct standing *standing)
{
    return !standing->leaving && standing->parcel &&
           standing->parcel->settings[standing->setup.role] >= 0;
}

/* ---- processes ---- */

static void stand_free(struct standing *standing, enum place place)
{
    struct stand *stand = standing->places[place];
    standing->places[place] = NULL;
    if (!stand)
        return;
    if (stand->child && standing->setup.events.gone)
        standing->setup.events.gone(standing->setup.events.ctx, stand->child);
    child_free(stand->child);
    alloc_free(stand);
}

/* Its channels stay until it has gone, so that what was begun comes to its end. */
static void retire(struct standing *standing)
{
    if (!standing->places[SERVING])
        return;
    stand_free(standing, LEAVING); /* its grace is over */
    standing->places[LEAVING] = standing->places[SERVING];
    standing->places[SERVING] = NULL;
    child_drain(standing->places[LEAVING]->child, GRACE_NS);
}

static void on_ready(void *ctx, struct bytes missing)
{
    struct stand *stand = ctx;
    struct standing *standing = stand->standing;
    log_event(standing->setup.log, missing.len > 0 ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG,
              "role.ready", F_STR("role", role_name(standing->setup.role)),
              F_U64("pid", (uint64_t)child_pid(stand->child)), F_BYTES("unconfined", missing));
    retire(standing);
    standing->places[SERVING] = stand;
    standing->places[STARTING] = NULL;
    standing->settled = true;
    standing->setup.events.serves(standing->setup.events.ctx, standing);
    standing->setup.events.changed(standing->setup.events.ctx);
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)raw;
    struct stand *stand = ctx;
    const struct standing_events *events = &stand->standing->setup.events;
    if (row->type == MESSAGE_DRAINING)
        return FERRY_OK;
    return events->message
               ? events->message(events->ctx, stand->child, row, reader, fault)
               : fault_set(fault, FERRY_E_PROTOCOL, "a %s is not for the supervisor", row->name);
}

static enum place place_of(const struct standing *standing, const struct stand *stand)
{
    enum place place = SERVING;
    while (standing->places[place] != stand)
        place++;
    return place;
}

/* Another one is tried, now or later. */
static void follow(struct standing *standing)
{
    uint64_t now_ns = loop_now_ns(standing->setup.loop);
    if (is_wanted(standing))
        loop_timer_at(standing->again, restart_died(&standing->restart, now_ns));
}

static void on_over(void *ctx, const struct fault *why)
{
    struct stand *stand = ctx;
    struct standing *standing = stand->standing;
    enum place place = place_of(standing, stand);
    if (fault_is_set(why))
        tell(standing, stand->child, LOG_LEVEL_ERROR, "role.died", why);
    stand_free(standing, place);
    if (place != LEAVING && !standing->places[STARTING])
        follow(standing);
    standing->settled = true;
    standing->setup.events.changed(standing->setup.events.ctx);
}

static enum ferry_error start_child(struct standing *standing, struct stand *stand,
                                    struct fault *fault)
{
    enum role role = standing->setup.role;
    const struct standing_events *events = &standing->setup.events;
    const struct child_setup setup = {
        .loop = standing->setup.loop,
        .role = role,
        .number = ++*standing->setup.next_number,
        .folder = standing->setup.folder,
        .log_fd = standing->setup.log_fd,
        .ready = on_ready,
        .message = on_message,
        .over = on_over,
        .ctx = stand,
    };
    struct identity identity;
    bool own;
    enum ferry_error error =
        identity_of_role(role, standing->parcel->confinement, &identity, &own, fault);
    if (error == FERRY_OK)
        error = child_new(&setup, &stand->child, fault);
    if (error != FERRY_OK)
        return error;
    standing->places[STARTING] = stand;
    parcel_give(standing->parcel, role, stand->child);
    if (events->give)
        events->give(events->ctx, stand->child);
    child_begin(stand->child, &identity, standing->parcel->confinement);
    return FERRY_OK;
}

static void start(struct standing *standing)
{
    struct fault fault = {0};
    struct stand *stand = alloc_zero(sizeof(*stand));
    restart_started(&standing->restart, loop_now_ns(standing->setup.loop));
    if (stand)
        stand->standing = standing;
    if (!stand)
        (void)fault_set(&fault, FERRY_E_MEMORY, "memory is short");
    else if (start_child(standing, stand, &fault) == FERRY_OK)
        return;
    alloc_free(stand);
    tell(standing, NULL, LOG_LEVEL_ERROR, "role.unstarted", &fault);
    standing->settled = true;
    follow(standing);
    standing->setup.events.changed(standing->setup.events.ctx);
}

static void on_again(void *ctx)
{
    struct standing *standing = ctx;
    if (!is_wanted(standing) || standing->places[STARTING])
        return;
    start(standing);
    if (!standing->places[STARTING])
        return;
    (*standing->setup.restarts)++;
    log_event(standing->setup.log, LOG_LEVEL_NOTICE, "role.restarted",
              F_STR("role", role_name(standing->setup.role)),
              F_U64("pid", (uint64_t)child_pid(standing->places[STARTING]->child)));
}

/* ---- the whole ---- */

void standing_use(struct standing *standing, struct parcel *parcel)
{
    enum role role = standing->setup.role;
    bool same = standing->parcel && parcel_same(standing->parcel, parcel, role);
    parcel_ref(parcel);
    parcel_unref(standing->parcel);
    standing->parcel = parcel;
    if (same)
        return;
    loop_timer_at(standing->again, CLOCK_NEVER);
    standing->restart = (struct restart){0};
    stand_free(standing, STARTING);
    if (is_wanted(standing)) {
        start(standing);
        return;
    }
    retire(standing);
    standing->settled = true;
}

void standing_meet(struct standing *standing, struct child *peer, enum role role)
{
    int ends[2];
    struct fault fault = {0};
    struct stand *stand = standing->places[SERVING];
    if (!stand || standing->leaving || !(standing->setup.peers & ROLE_BIT(role)))
        return;
    if (channel_pair(ends, &fault) != FERRY_OK) {
        tell(standing, stand->child, LOG_LEVEL_ERROR, "role.unconnected", &fault);
        return;
    }
    child_channel(stand->child, role, child_number(peer), ends[0]);
    child_channel(peer, standing->setup.role, child_number(stand->child), ends[1]);
}

struct child *standing_child(const struct standing *standing)
{
    return standing->places[SERVING] ? standing->places[SERVING]->child : NULL;
}

bool standing_is_settled(const struct standing *standing)
{
    return standing->settled;
}

size_t standing_drain(struct standing *standing)
{
    size_t count = 0;
    standing->leaving = true;
    loop_timer_at(standing->again, CLOCK_NEVER);
    stand_free(standing, STARTING);
    retire(standing);
    for (int place = 0; place < PLACES; place++)
        count += standing->places[place] != NULL;
    return count;
}

void standing_each(const struct standing *standing, void (*each)(void *ctx, struct child *child),
                   void *ctx)
{
    for (int place = 0; place < PLACES; place++)
        if (standing->places[place])
            each(ctx, standing->places[place]->child);
}

struct standing *standing_new(const struct standing_setup *setup)
{
    struct standing *standing = alloc_zero(sizeof(*standing));
    if (!standing)
        return NULL;
    standing->setup = *setup;
    standing->again = loop_timer_new(setup->loop, on_again, standing);
    if (standing->again)
        return standing;
    alloc_free(standing);
    return NULL;
}

void standing_free(struct standing *standing)
{
    if (!standing)
        return;
    for (int place = 0; place < PLACES; place++)
        stand_free(standing, (enum place)place);
    loop_timer_free(standing->again);
    parcel_unref(standing->parcel);
    alloc_free(standing);
}
