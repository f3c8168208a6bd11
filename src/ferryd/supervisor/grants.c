/* Grants, and the processes that serve files. */
#include "ferryd/supervisor/grants.h"

#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "proc/channel.h"
#include "proc/restart.h"
#include "store/roots.h"

/* Cut uploads that nobody goes on with are looked for in a root this often, when it is granted. */
static const uint64_t SWEEP_NS = 24 * 3600 * CLOCK_NS_PER_S;
/* A process without a session stays for the next one. */
static const uint64_t IDLE_NS = 5 * CLOCK_NS_PER_S;

#define ADVICE "the next login starts another; if this comes often, look at the events before it"

struct grant {
    TAILQ_ENTRY(grant) link;
    struct child *worker;
    uint64_t id;
    char *root, *owner, *denied_names, *rights, *roots; /* until the process is ready; then NULL */
    uint8_t rules;
    uint64_t quota_bytes, quota_files;
};

/* The process of a user, or what is to be kept in mind of the last one. */
struct steward {
    LIST_ENTRY(steward) link;
    struct grants *all;
    struct identity identity;
    struct parcel *parcel; /* by which it was made */
    struct child *child;   /* NULL: there is none */
    bool ready, leaving;
    uint64_t parts_kept_ns;
    struct restart restart;
    uint64_t not_before_ns; /* it died too often to be started again at once */
    struct loop_timer *idle;
    TAILQ_HEAD(grant_list, grant) grants;
};

/* A root whose cut uploads were looked at. */
struct swept {
    LIST_ENTRY(swept) link;
    char *root;
    uint64_t again_ns; /* when they are to be looked at again */
};

struct grants {
    LIST_HEAD(, swept) swept;
    struct loop *loop;
    const struct log *log;
    int log_fd;
    const char *folder;
    void (*ended)(void *ctx);
    void *ctx;
    LIST_HEAD(, steward) stewards;
};

static size_t grants_count(const struct grants *grants)
{
    size_t count = 0;
    const struct steward *steward;
    LIST_FOREACH (steward, &grants->stewards, link)
        count += steward->child != NULL;
    return count;
}

/* ---- grants ---- */

static void grant_free(struct steward *steward, struct grant *grant)
{
    TAILQ_REMOVE(&steward->grants, grant, link);
    alloc_free(grant->root);
    alloc_free(grant->owner);
    alloc_free(grant->denied_names);
    alloc_free(grant->rights);
    alloc_free(grant->roots);
    alloc_free(grant);
    if (TAILQ_EMPTY(&steward->grants))
        loop_timer_at(steward->idle, loop_now_ns(steward->all->loop) + IDLE_NS);
}

static struct grant *grant_new(struct steward *steward, struct child *worker,
                               const struct grant_ask *ask)
{
    struct grant *grant = alloc_zero(sizeof(*grant));
    if (!grant)
        return NULL;
    *grant = (struct grant){.worker = worker,
                            .id = ask->grant,
                            .root = alloc_bytes(ask->root),
                            .owner = alloc_bytes(ask->owner),
                            .denied_names = alloc_bytes(ask->denied_names),
                            .rights = alloc_bytes(ask->rights),
                            .roots = alloc_bytes(ask->roots),
                            .rules = ask->rules,
                            .quota_bytes = ask->quota_bytes,
                            .quota_files = ask->quota_files};
    TAILQ_INSERT_TAIL(&steward->grants, grant, link);
    loop_timer_at(steward->idle, CLOCK_NEVER);
    if (grant->root && grant->owner && grant->denied_names && grant->rights && grant->roots)
        return grant;
    grant_free(steward, grant);
    return NULL;
}

static void deny(struct child *worker, uint64_t id, const char *why)
{
    struct wire_writer *writer = child_message(worker, MESSAGE_DENIED);
    wire_put_u64(writer, id);
    wire_put_bytes(writer, bytes_str(why));
    child_send(worker, -1);
}

/* ---- cut uploads ---- */

/* NULL: memory is short. */
static struct swept *swept_find(struct grants *all, const char *root)
{
    struct swept *swept;
    LIST_FOREACH (swept, &all->swept, link)
        if (strcmp(swept->root, root) == 0)
            return swept;
    swept = alloc_zero(sizeof(*swept));
    char *copy = alloc_str(root);
    if (!swept || !copy) {
        alloc_free(swept);
        alloc_free(copy);
        return NULL;
    }
    swept->root = copy;
    LIST_INSERT_HEAD(&all->swept, swept, link);
    return swept;
}

/* Has the process remove what is too old, if that is due. */
static void sweep(const struct steward *steward, const char *root)
{
    uint64_t now_ns = loop_now_ns(steward->all->loop);
    struct swept *swept = swept_find(steward->all, root);
    if (!swept || swept->again_ns > now_ns)
        return;
    swept->again_ns = now_ns + SWEEP_NS;
    struct wire_writer *writer = child_message(steward->child, MESSAGE_SWEEP);
    wire_put_bytes(writer, bytes_str(root));
    int64_t before_ns = clock_wall_ns(&clock_system) - (int64_t)steward->parts_kept_ns;
    wire_put_i64(writer, before_ns / (int64_t)CLOCK_NS_PER_S);
    child_send(steward->child, -1);
}

/* The grant's root and its further ones. */
static void sweep_all(const struct steward *steward, const struct grant *grant)
{
    struct bytes rest = bytes_str(grant->roots);
    struct fault ignored = {0};
    struct roots_line line;
    bool got = true;
    sweep(steward, grant->root);
    while (roots_next(&rest, &line, &got, &ignored) == FERRY_OK && got) {
        CLEANUP(alloc_free_str) char *directory = alloc_bytes(line.directory);
        if (directory)
            sweep(steward, directory);
    }
}

/* ---- the process ---- */

/* The ends of a new channel: one for the process, one for the worker. */
static void attach(struct steward *steward, struct grant *grant)
{
    int ends[2];
    struct fault fault = {0};
    if (channel_pair(ends, &fault) != FERRY_OK) {
        deny(grant->worker, grant->id, fault.what);
        grant_free(steward, grant);
        return;
    }
    struct wire_writer *writer = child_message(steward->child, MESSAGE_ATTACH);
    wire_put_u64(writer, grant->id);
    wire_put_bytes(writer, bytes_str(grant->root));
    wire_put_bytes(writer, bytes_str(grant->owner));
    wire_put_u8(writer, grant->rules);
    wire_put_bytes(writer, bytes_str(grant->denied_names));
    wire_put_u64(writer, grant->quota_bytes);
    wire_put_u64(writer, grant->quota_files);
    wire_put_bytes(writer, bytes_str(grant->rights));
    wire_put_bytes(writer, bytes_str(grant->roots));
    child_send(steward->child, ends[0]);
    wire_put_u64(child_message(grant->worker, MESSAGE_GRANTED), grant->id);
    child_send(grant->worker, ends[1]);
    sweep_all(steward, grant);
    alloc_free_str(&grant->root);
    alloc_free_str(&grant->owner);
    alloc_free_str(&grant->denied_names);
    alloc_free_str(&grant->rights);
    alloc_free_str(&grant->roots);
}

static void steward_free(struct steward *steward)
{
    struct grant *grant;
    while ((grant = TAILQ_FIRST(&steward->grants)))
        grant_free(steward, grant);
    LIST_REMOVE(steward, link);
    loop_timer_free(steward->idle);
    child_free(steward->child);
    parcel_unref(steward->parcel);
    alloc_free(steward);
}

static void on_ready(void *ctx, struct bytes missing)
{
    (void)missing; /* the same as of the other roles */
    struct steward *steward = ctx;
    steward->ready = true;
    if (TAILQ_EMPTY(&steward->grants)) /* who asked has gone meanwhile */
        loop_timer_at(steward->idle, loop_now_ns(steward->all->loop) + IDLE_NS);
    struct grant *grant = TAILQ_FIRST(&steward->grants);
    while (grant) {
        struct grant *next = TAILQ_NEXT(grant, link);
        if (!steward->leaving)
            attach(steward, grant);
        grant = next;
    }
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)ctx;
    (void)reader;
    (void)raw;
    return row->type == MESSAGE_DRAINING
               ? FERRY_OK
               : fault_set(fault, FERRY_E_PROTOCOL, "it said %s", row->name);
}

static void on_over(void *ctx, const struct fault *why)
{
    struct steward *steward = ctx;
    struct grants *all = steward->all;
    bool as_told = !fault_is_set(why);
    if (!as_told)
        log_event(all->log, LOG_LEVEL_ERROR, "role.died", F_STR("role", role_name(ROLE_FILES)),
                  F_U64("pid", (uint64_t)child_pid(steward->child)),
                  F_U64("uid", steward->identity.uid), F_VISIBLE("reason", why->what),
                  F_STR("side", "server"),
                  F_VISIBLE("advice", why->advice[0] ? why->advice : ADVICE));
    struct grant *grant;
    while ((grant = TAILQ_FIRST(&steward->grants))) {
        if (grant->root)
            deny(grant->worker, grant->id, "the process that serves files has died");
        grant_free(steward, grant);
    }
    loop_timer_at(steward->idle, CLOCK_NEVER);
    child_free(steward->child);
    steward->child = NULL;
    steward->ready = false;
    steward->not_before_ns = restart_died(&steward->restart, loop_now_ns(all->loop));
    if (as_told)
        steward_free(steward);
    if (grants_count(all) == 0)
        all->ended(all->ctx);
}

static void on_idle(void *ctx)
{
    struct steward *steward = ctx;
    if (!steward->child || !steward->ready || steward->leaving)
        return;
    steward->leaving = true;
    child_drain(steward->child, MESSAGE_DRAIN_PATIENT); /* a sweep may go on */
}

static enum ferry_error steward_start(struct steward *steward, const struct parcel *parcel,
                                      struct fault *fault)
{
    struct grants *all = steward->all;
    const struct child_setup setup = {
        .loop = all->loop,
        .role = ROLE_FILES,
        .folder = all->folder,
        .log_fd = all->log_fd,
        .hung_after_ns = parcel->hung_after_ns,
        .ready = on_ready,
        .message = on_message,
        .over = on_over,
        .ctx = steward,
    };
    uint64_t now_ns = loop_now_ns(all->loop);
    if (now_ns < steward->not_before_ns)
        return fault_set(fault, FERRY_E_TEMPORARY, "the process that serves files keeps dying");
    restart_started(&steward->restart, now_ns);
    enum ferry_error error = child_new(&setup, &steward->child, fault);
    if (error != FERRY_OK) {
        steward->not_before_ns = restart_died(&steward->restart, now_ns);
        log_event(all->log, LOG_LEVEL_ERROR, "role.unstarted", F_STR("role", role_name(ROLE_FILES)),
                  F_VISIBLE("reason", fault->what), F_STR("side", "server"),
                  F_VISIBLE("advice", fault->advice[0] ? fault->advice : ADVICE));
        return error;
    }
    steward->ready = steward->leaving = false;
    steward->parts_kept_ns = parcel->parts_kept_ns;
    parcel_give(parcel, ROLE_FILES, steward->child);
    child_begin(steward->child, &steward->identity, parcel->confinement);
    return FERRY_OK;
}

/* The one that can take a grant of that user; NULL: memory is short. */
static struct steward *steward_for(struct grants *all, const struct identity *identity,
                                   struct parcel *parcel)
{
    struct steward *steward;
    LIST_FOREACH (steward, &all->stewards, link)
        if (!steward->leaving && identity_same(&steward->identity, identity) &&
            parcel_same_homes(steward->parcel, parcel))
            return steward;
    steward = alloc_zero(sizeof(*steward));
    if (!steward)
        return NULL;
    *steward = (struct steward){.all = all, .identity = *identity, .parcel = parcel_ref(parcel)};
    TAILQ_INIT(&steward->grants);
    steward->idle = loop_timer_new(all->loop, on_idle, steward);
    LIST_INSERT_HEAD(&all->stewards, steward, link);
    if (steward->idle)
        return steward;
    steward_free(steward);
    return NULL;
}

/* ---- what crews ask for ---- */

static enum ferry_error give(struct grants *all, struct child *worker, struct parcel *parcel,
                             const struct grant_ask *ask, struct fault *fault)
{
    struct identity identity;
    enum ferry_error error = identity_of_grant(ask->uid, ask->gid, ask->groups, &identity, fault);
    if (error != FERRY_OK)
        return error;
    struct steward *steward = steward_for(all, &identity, parcel);
    if (!steward)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    error = steward->child ? FERRY_OK : steward_start(steward, parcel, fault);
    if (error != FERRY_OK)
        return error;
    struct grant *grant = grant_new(steward, worker, ask);
    if (!grant)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    if (steward->ready)
        attach(steward, grant);
    return FERRY_OK;
}

void grants_give(struct grants *grants, struct child *worker, struct parcel *parcel,
                 const struct grant_ask *ask)
{
    struct fault fault = {0};
    if (give(grants, worker, parcel, ask, &fault) == FERRY_OK)
        return;
    log_event(grants->log, LOG_LEVEL_ERROR, "grant.denied", F_U64("uid", ask->uid),
              F_BYTES("root", ask->root), F_VISIBLE("reason", fault.what), F_STR("side", "server"),
              F_VISIBLE("advice",
                        fault.advice[0] ? fault.advice : "look at the account's home and user"));
    deny(worker, ask->grant, fault.what);
}

void grants_revoke(struct grants *grants, uint64_t id)
{
    struct steward *steward;
    LIST_FOREACH (steward, &grants->stewards, link) {
        struct grant *grant;
        TAILQ_FOREACH (grant, &steward->grants, link) {
            if (grant->id == id) {
                grant_free(steward, grant);
                return;
            }
        }
    }
}

void grants_forget(struct grants *grants, const struct child *worker)
{
    struct steward *steward;
    LIST_FOREACH (steward, &grants->stewards, link) {
        struct grant *grant = TAILQ_FIRST(&steward->grants);
        while (grant) {
            struct grant *next = TAILQ_NEXT(grant, link);
            if (grant->worker == worker)
                grant_free(steward, grant);
            grant = next;
        }
    }
}

/* ---- life ---- */

void grants_each(const struct grants *grants, void (*each)(void *ctx, struct child *child),
                 void *ctx)
{
    struct steward *steward;
    LIST_FOREACH (steward, &grants->stewards, link)
        if (steward->child)
            each(ctx, steward->child);
}

size_t grants_drain(struct grants *grants)
{
    struct steward *steward;
    LIST_FOREACH (steward, &grants->stewards, link) {
        if (!steward->ready) {
            child_free(steward->child);
            steward->child = NULL;
        } else if (steward->child && !steward->leaving) {
            child_drain(steward->child, 0);
        }
        steward->leaving = true;
    }
    return grants_count(grants);
}

struct grants *grants_new(struct loop *loop, const struct log *log, int log_fd, const char *folder,
                          void (*ended)(void *ctx), void *ctx)
{
    struct grants *grants = alloc_zero(sizeof(*grants));
    if (!grants)
        return NULL;
    *grants = (struct grants){
        .loop = loop,
        .log = log,
        .log_fd = log_fd,
        .folder = folder,
        .ended = ended,
        .ctx = ctx,
    };
    LIST_INIT(&grants->stewards);
    LIST_INIT(&grants->swept);
    return grants;
}

void grants_free(struct grants *grants)
{
    if (!grants)
        return;
    struct steward *steward;
    while ((steward = LIST_FIRST(&grants->stewards)))
        steward_free(steward);
    struct swept *swept;
    while ((swept = LIST_FIRST(&grants->swept))) {
        LIST_REMOVE(swept, link);
        alloc_free(swept->root);
        alloc_free(swept);
    }
    alloc_free(grants);
}
