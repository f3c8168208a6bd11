/* The processes of one configuration: keys, auth and workers. A reload makes a new crew; the old
 * one stays until the last of its sessions is over. */
#ifndef FERRY_FERRYD_SUPERVISOR_CREW_H
#define FERRY_FERRYD_SUPERVISOR_CREW_H

#include "base/log.h"
#include "ferryd/supervisor/grants.h"
#include "ferryd/supervisor/listeners.h"
#include "ferryd/supervisor/parcel.h"

struct crew;

/* All from the loop; may free the crew. */
struct crew_events {
    /* It serves. Once. */
    void (*running)(void *ctx, struct crew *crew);
    /* It cannot, instead of `running`. */
    void (*failed)(void *ctx, struct crew *crew, const struct fault *why);
    /* After crew_drain: it accepts no connections any more. Once. */
    void (*closed)(void *ctx, struct crew *crew);
    /* After `closed`: its last process has ended. */
    void (*gone)(void *ctx, struct crew *crew);
    /* A process is being started, to which channels to others may be given. */
    void (*started)(void *ctx, struct child *child, enum role role);
    /* It runs, and another auth of it serves its workers from now on. Must not free the crew. */
    void (*renewed)(void *ctx, struct crew *crew);
    /* The worker of that number, in any crew; NULL: there is none. */
    struct child *(*worker)(void *ctx, uint32_t number);
    void *ctx;
};

struct crew_setup {
    struct loop *loop;
    const struct log *log;
    int log_fd;         /* that the roles send to */
    const char *folder; /* of the roles' programs */
    const struct listeners *listeners;
    struct grants *grants;
    uint32_t id;           /* not 0 */
    uint32_t *next_number; /* of the processes of all crews */
    uint64_t *restarts;    /* counts, by role */
    int bans;              /* what auth keeps its bans in, of which it is given a duplicate */
    struct crew_events events;
};

/* Starts them, with what is in `parcel`, of which it keeps a reference; `events` tells what came of
 * it. FERRY_E_MEMORY. */
NODISCARD enum ferry_error crew_new(const struct crew_setup *setup, struct parcel *parcel,
                                    struct crew **out);

/* Kills those that are left. NULL is fine. */
void crew_free(struct crew *crew);

/* How many workers it is to have. */
unsigned crew_workers(const struct crew *crew);

/* A worker of it that serves; NULL: none has that number. */
struct child *crew_worker(const struct crew *crew, uint32_t number);

/* The auth of `crew`, which runs, is that of the workers of an older one, too: it counts the
 * sessions of both, and decides by the newer accounts. The auth of the older one ends with it. */
void crew_succeed(struct crew *crew, struct crew *older);

/* Tells the auth of a crew that it knows all workers by now. */
void crew_introduced(struct crew *crew);
/* Calls `each` with every process. */
void crew_each(const struct crew *crew,
               void (*each)(void *ctx, struct child *child, enum role role), void *ctx);

struct parcel *crew_parcel(const struct crew *crew);
uint32_t crew_id(const struct crew *crew);

/* For a crew that runs: no new sessions. Those it has get `grace_ns`, or all time
 * (MESSAGE_DRAIN_PATIENT). May be called again, with the grace that counts. */
void crew_drain(struct crew *crew, uint64_t grace_ns);

#endif
