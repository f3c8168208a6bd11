/* The processes of one configuration. */
#include "ferryd/supervisor/crew.h"

#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "proc/channel.h"
#include "proc/restart.h"

enum { KEYS, AUTH, PAM, SERVERS_MAX }; /* then workers; PAM may not be there */

enum phase {
    PHASE_SERVERS,  /* keys, auth and pam start */
    PHASE_WORKERS,  /* workers start */
    PHASE_RUNNING,  /* who dies is started again */
    PHASE_DRAINING, /* so are those, while there are workers */
    PHASE_LEAVING,  /* those leave */
    PHASE_FAILED,
};

/* A place in a crew; who dies there is followed by another. */
struct post {
    struct crew *crew;
    enum role role;
    size_t index; /* of a worker among workers */
    struct child *child;
    bool ready, draining;
    uint64_t lost_ns; /* when it began not to be ready */
    struct restart restart;
    struct loop_timer *again;
};

struct crew {
    struct crew_setup setup;
    struct parcel *parcel;
    enum phase phase;
    bool told_closed;
    bool succeeded;   /* another crew's auth serves its workers */
    struct fault why; /* PHASE_FAILED */
    struct loop_task *look;
    size_t first_worker, count;
    struct post posts[];
};

static bool is_worker(const struct post *post)
{
    return post->role == ROLE_WORKER;
}

#define ADVICE "it is started again; if this comes often, look at the events before it"

static void tell(const struct post *post, enum log_level level, const char *event,
                 const struct fault *why)
{
    log_event(post->crew->setup.log, level, event, F_STR("role", role_name(post->role)),
              F_U64("pid", post->child ? (uint64_t)child_pid(post->child) : 0),
              F_VISIBLE("reason", why->what), F_STR("side", "server"),
              F_VISIBLE("advice", why->advice[0] ? why->advice : ADVICE));
}

/* ---- channels between them ---- */

/* Gives the two ends of a new channel to a server, and a worker or auth, which asks it. */
static void introduce(struct post *server, struct post *worker)
{
    int ends[2];
    struct fault fault = {0};
    if (channel_pair(ends, &fault) != FERRY_OK) {
        tell(worker, LOG_LEVEL_ERROR, "role.unconnected", &fault);
        return;
    }
    child_channel(server->child, worker->role, child_number(worker->child), ends[0]);
    child_channel(worker->child, server->role, child_number(server->child), ends[1]);
}

/* Auth alone asks PAM: whichever of them is there later makes the two meet. */
static void introduce_pam(struct crew *crew)
{
    struct post *pam = &crew->posts[PAM];
    if (crew->parcel->pam && pam->ready && crew->posts[AUTH].ready)
        introduce(pam, &crew->posts[AUTH]);
}

static void introduce_server(struct post *server)
{
    struct crew *crew = server->crew;
    if (server->role == ROLE_PAM || server->role == ROLE_AUTH)
        introduce_pam(crew);
    for (size_t i = crew->first_worker; i < crew->count && server->role != ROLE_PAM; i++)
        if (crew->posts[i].child)
            introduce(server, &crew->posts[i]);
}

static void introduce_worker(struct post *worker)
{
    for (size_t i = KEYS; i <= AUTH; i++)
        if (worker->crew->posts[i].ready)
            introduce(&worker->crew->posts[i], worker);
}

/* ---- grants ---- */

struct child *crew_worker(const struct crew *crew, uint32_t number)
{
    for (size_t i = crew->first_worker; i < crew->count; i++)
        if (crew->posts[i].ready && child_number(crew->posts[i].child) == number)
            return crew->posts[i].child;
    return NULL;
}

static enum ferry_error take_grant(struct crew *crew, struct wire_reader *reader,
                                   struct fault *fault)
{
    const struct crew_events *events = &crew->setup.events;
    struct child *worker = events->worker(events->ctx, wire_get_u32(reader));
    struct grant_ask ask;
    ask.grant = wire_get_u64(reader);
    ask.uid = wire_get_u32(reader);
    ask.gid = wire_get_u32(reader);
    ask.groups = wire_get_bytes(reader);
    ask.root = wire_get_bytes(reader);
    ask.owner = wire_get_bytes(reader);
    ask.rules = wire_get_u8(reader);
    ask.denied_names = wire_get_bytes(reader);
    ask.quota_bytes = wire_get_u64(reader);
    ask.quota_files = wire_get_u64(reader);
    ask.rights = wire_get_bytes(reader);
    ask.roots = wire_get_bytes(reader);
    if (!bytes_starts(ask.root, BYTES_LIT("/")))
        return fault_set(fault, FERRY_E_PROTOCOL, "it granted a root that is no absolute path");
    if (worker) /* else it has died meanwhile */
        grants_give(crew->setup.grants, worker, crew->parcel, &ask);
    return FERRY_OK;
}

/* ---- who starts and ends ---- */

static bool is_at_work(const struct crew *crew)
{
    return crew->phase == PHASE_RUNNING || crew->phase == PHASE_DRAINING;
}

static void on_ready(void *ctx, struct bytes missing)
{
    struct post *post = ctx;
    post->ready = true;
    log_event(post->crew->setup.log, missing.len > 0 ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG,
              "role.ready", F_STR("role", role_name(post->role)),
              F_U64("pid", (uint64_t)child_pid(post->child)), F_BYTES("unconfined", missing));
    if (!is_worker(post))
        introduce_server(post);
    if (post->role == ROLE_AUTH && is_at_work(post->crew))
        post->crew->setup.events.renewed(post->crew->setup.events.ctx, post->crew);
    loop_task_post(post->crew->look);
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)raw;
    struct post *post = ctx;
    if (row->type == MESSAGE_DRAINING) {
        post->draining = true;
        loop_task_post(post->crew->look);
        return FERRY_OK;
    }
    if (row->type == MESSAGE_GRANT)
        return take_grant(post->crew, reader, fault);
    grants_revoke(post->crew->setup.grants, wire_get_u64(reader));
    return FERRY_OK;
}

static void fail(struct crew *crew, const struct post *post, const struct fault *why)
{
    if (crew->phase == PHASE_FAILED)
        return;
    crew->phase = PHASE_FAILED;
    (void)fault_set(&crew->why, why->kind, "%s: %s", role_name(post->role), why->what);
    if (why->advice[0])
        fault_advise(&crew->why, "%s", why->advice);
}

/* Whether somebody must follow who ended at that post. */
static bool is_needed(const struct post *post)
{
    enum phase phase = post->crew->phase;
    if (post->role == ROLE_AUTH && post->crew->succeeded)
        return false;
    return phase == PHASE_RUNNING || (phase == PHASE_DRAINING && !is_worker(post));
}

static void follow(struct post *post)
{
    uint64_t at_ns = restart_died(&post->restart, loop_now_ns(post->crew->setup.loop));
    if (is_needed(post))
        loop_timer_at(post->again, at_ns);
}

static void on_over(void *ctx, const struct fault *why)
{
    struct post *post = ctx;
    struct crew *crew = post->crew;
    if (fault_is_set(why))
        tell(post, LOG_LEVEL_ERROR, "role.died", why);
    if (is_worker(post))
        grants_forget(crew->setup.grants, post->child);
    if (post->ready)
        post->lost_ns = loop_now_ns(crew->setup.loop);
    child_free(post->child);
    post->child = NULL;
    post->ready = false;
    if (crew->phase == PHASE_SERVERS || crew->phase == PHASE_WORKERS)
        fail(crew, post, why);
    follow(post);
    loop_task_post(crew->look);
}

/* ---- starting ---- */

static void give_listeners(const struct post *post)
{
    const struct crew *crew = post->crew;
    for (size_t i = 0; i < crew->parcel->listen_count; i++) {
        int fd = listeners_fd(crew->setup.listeners, crew->parcel->listens[i], post->index);
        child_listener(post->child, (uint32_t)i, fd);
    }
}

static enum ferry_error post_start(struct post *post, struct fault *fault)
{
    struct crew *crew = post->crew;
    const struct child_setup setup = {
        .loop = crew->setup.loop,
        .role = post->role,
        .number = ++*crew->setup.next_number,
        .folder = crew->setup.folder,
        .log_fd = crew->setup.log_fd,
        .hung_after_ns = crew->parcel->hung_after_ns,
        .ready = on_ready,
        .message = on_message,
        .over = on_over,
        .ctx = post,
    };
    struct identity identity;
    bool own;
    post->ready = post->draining = false;
    restart_started(&post->restart, loop_now_ns(setup.loop));
    enum ferry_error error =
        identity_of_role(post->role, crew->parcel->confinement, &identity, &own, fault);
    if (error == FERRY_OK)
        error = child_new(&setup, &post->child, fault);
    if (error != FERRY_OK)
        return error;
    parcel_give(crew->parcel, post->role, post->child);
    if (post->role == ROLE_AUTH)
        child_file(post->child, MESSAGE_FILE_BANS, fcntl(crew->setup.bans, F_DUPFD_CLOEXEC, 0));
    if (is_worker(post)) {
        introduce_worker(post);
        give_listeners(post);
    }
    crew->setup.events.started(crew->setup.events.ctx, post->child, post->role);
    child_begin(post->child, &identity, crew->parcel->confinement);
    return FERRY_OK;
}

/* In a crew that runs. */
static void on_again(void *ctx)
{
    struct post *post = ctx;
    struct fault fault = {0};
    if (!is_needed(post))
        return;
    if (post_start(post, &fault) == FERRY_OK) {
        post->crew->setup.restarts[post->role]++;
        log_event(post->crew->setup.log, LOG_LEVEL_NOTICE, "role.restarted",
                  F_STR("role", role_name(post->role)),
                  F_U64("pid", (uint64_t)child_pid(post->child)));
        return;
    }
    tell(post, LOG_LEVEL_ERROR, "role.unstarted", &fault);
    follow(post);
}

static void start_all(struct crew *crew, size_t from, size_t to)
{
    for (size_t i = from; i < to && crew->phase != PHASE_FAILED; i++) {
        struct fault fault = {0};
        if (post_start(&crew->posts[i], &fault) == FERRY_OK)
            continue;
        fail(crew, &crew->posts[i], &fault);
        loop_task_post(crew->look);
    }
}

/* ---- the whole ---- */

static bool all_ready(const struct crew *crew, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!crew->posts[i].ready)
            return false;
    return true;
}

static bool any_left(const struct crew *crew, size_t from, size_t to, bool accepting)
{
    for (size_t i = from; i < to; i++)
        if (crew->posts[i].child && !(accepting && crew->posts[i].draining))
            return true;
    return false;
}

/* One that is not ready has nothing to end. */
static void drain_post(struct post *post, uint64_t grace_ns)
{
    loop_timer_at(post->again, CLOCK_NEVER);
    if (post->ready) {
        child_drain(post->child, grace_ns);
        return;
    }
    child_free(post->child);
    post->child = NULL;
}

static void leave(struct crew *crew)
{
    crew->phase = PHASE_LEAVING;
    for (size_t i = 0; i < crew->first_worker; i++)
        drain_post(&crew->posts[i], 0);
    loop_task_post(crew->look);
}

/* What is to be done now; at most one thing is told, since the crew may then be no more. */
static void look(void *ctx)
{
    struct crew *crew = ctx;
    const struct crew_events *events = &crew->setup.events;
    switch (crew->phase) {
    case PHASE_SERVERS:
        if (all_ready(crew, 0, crew->first_worker)) {
            crew->phase = PHASE_WORKERS;
            start_all(crew, crew->first_worker, crew->count);
        }
        break;
    case PHASE_WORKERS:
        if (all_ready(crew, 0, crew->count)) {
            crew->phase = PHASE_RUNNING;
            events->running(events->ctx, crew);
        }
        break;
    case PHASE_RUNNING:
        break;
    case PHASE_DRAINING:
        if (!any_left(crew, crew->first_worker, crew->count, false))
            leave(crew);
        if (!crew->told_closed && !any_left(crew, crew->first_worker, crew->count, true)) {
            crew->told_closed = true;
            events->closed(events->ctx, crew);
        }
        break;
    case PHASE_LEAVING:
        if (!any_left(crew, 0, crew->count, false))
            events->gone(events->ctx, crew);
        break;
    case PHASE_FAILED:
        events->failed(events->ctx, crew, &crew->why);
        break;
    }
}

uint64_t crew_heard_ns(const struct crew *crew)
{
    uint64_t first_ns = UINT64_MAX;
    for (size_t i = 0; i < crew->count; i++) {
        const struct post *post = &crew->posts[i];
        uint64_t heard_ns = post->ready ? child_heard_ns(post->child) : post->lost_ns;
        first_ns = heard_ns < first_ns ? heard_ns : first_ns;
    }
    return first_ns;
}

void crew_succeed(struct crew *crew, struct crew *older)
{
    struct post *auth = &crew->posts[AUTH];
    older->succeeded = true;
    for (size_t i = older->first_worker; i < older->count; i++)
        if (auth->ready && older->posts[i].ready)
            introduce(auth, &older->posts[i]);
}

void crew_introduced(struct crew *crew)
{
    const struct post *auth = &crew->posts[AUTH];
    if (!auth->ready)
        return;
    (void)child_message(auth->child, MESSAGE_INTRODUCED);
    child_send(auth->child, -1);
}

unsigned crew_workers(const struct crew *crew)
{
    return crew->parcel->workers;
}

struct parcel *crew_parcel(const struct crew *crew)
{
    return crew->parcel;
}

uint32_t crew_id(const struct crew *crew)
{
    return crew->setup.id;
}

void crew_each(const struct crew *crew,
               void (*each)(void *ctx, struct child *child, enum role role), void *ctx)
{
    for (size_t i = 0; i < crew->count; i++)
        if (crew->posts[i].child)
            each(ctx, crew->posts[i].child, crew->posts[i].role);
}

void crew_drain(struct crew *crew, uint64_t grace_ns)
{
    if (crew->phase != PHASE_RUNNING && crew->phase != PHASE_DRAINING)
        return;
    crew->phase = PHASE_DRAINING;
    for (size_t i = crew->first_worker; i < crew->count; i++)
        drain_post(&crew->posts[i], grace_ns);
    loop_task_post(crew->look);
}

static bool fill(struct crew *crew)
{
    static const enum role servers[SERVERS_MAX] = {
        [KEYS] = ROLE_KEYS, [AUTH] = ROLE_AUTH, [PAM] = ROLE_PAM};
    bool whole = true;
    crew->look = loop_task_new(crew->setup.loop, look, crew);
    for (size_t i = 0; i < crew->count; i++) {
        struct post *post = &crew->posts[i];
        post->crew = crew;
        post->role = i < crew->first_worker ? servers[i] : ROLE_WORKER;
        post->index = i < crew->first_worker ? 0 : i - crew->first_worker;
        post->again = loop_timer_new(crew->setup.loop, on_again, post);
        whole &= post->again != NULL;
    }
    return whole && crew->look;
}

enum ferry_error crew_new(const struct crew_setup *setup, struct parcel *parcel, struct crew **out)
{
    size_t first_worker = parcel->pam ? SERVERS_MAX : PAM;
    size_t count = first_worker + parcel->workers;
    struct crew *crew = alloc_zero(sizeof(*crew) + count * sizeof(crew->posts[0]));
    if (!crew)
        return FERRY_E_MEMORY;
    crew->setup = *setup;
    crew->parcel = parcel_ref(parcel);
    crew->first_worker = first_worker;
    crew->count = count;
    if (!fill(crew)) {
        crew_free(crew);
        return FERRY_E_MEMORY;
    }
    start_all(crew, 0, first_worker);
    *out = crew;
    return FERRY_OK;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    for (size_t i = 0; i < crew->count; i++) {
        struct post *post = &crew->posts[i];
        if (post->child)
            grants_forget(crew->setup.grants, post->child);
        loop_timer_free(post->again);
        child_free(post->child);
    }
    loop_task_free(crew->look);
    parcel_unref(crew->parcel);
    alloc_free(crew);
}
