/* A role that belongs to no crew: its one process outlives reloads, and is replaced only when its
 * own settings are others. Whoever of the crews is its peer gets a channel to the one that serves
 * (MESSAGE_CHANNEL, while running, too), and a new one to its successor. */
#ifndef FERRY_FERRYD_SUPERVISOR_STANDING_H
#define FERRY_FERRYD_SUPERVISOR_STANDING_H

#include "base/log.h"
#include "ferryd/supervisor/child.h"
#include "ferryd/supervisor/parcel.h"

struct standing;

/* All from the loop. */
struct standing_events {
    /* A process is being started: what it is given beyond settings and files. NULL: nothing. */
    void (*give)(void *ctx, struct child *child);
    /* It serves now: standing_meet is to be called with each of its peers. */
    void (*serves)(void *ctx, struct standing *standing);
    /* A message of its own, from the one that serves or one that leaves. */
    enum ferry_error (*message)(void *ctx, struct child *child, const struct wire_message *row,
                                struct wire_reader *reader, struct fault *fault);
    /* The process is to be forgotten. NULL: nobody cares. */
    void (*gone)(void *ctx, const struct child *child);
    /* What standing_is_settled or standing_count say may be otherwise. */
    void (*changed)(void *ctx);
    void *ctx;
};

struct standing_setup {
    struct loop *loop;
    const struct log *log;
    int log_fd;         /* what the processes send their events to */
    const char *folder; /* of the roles' programs */
    enum role role;
    unsigned peers;        /* ROLE_BITs: whom of the crews it has channels to */
    uint32_t *next_number; /* of processes, those of the crews, too */
    uint64_t *restarts;    /* counts */
    struct standing_events events;
};

/* NULL: memory is short. */
struct standing *standing_new(const struct standing_setup *setup);

/* Kills its processes. NULL is fine. */
void standing_free(struct standing *standing);

/* From now on it is as `parcel` says, of which a reference is kept: started, replaced if its
 * settings are others, or ended if it has none. A successor that does not start leaves the one
 * before in its place; it is tried again, later and later. */
void standing_use(struct standing *standing, struct parcel *parcel);

/* Gives `peer`, of `role`, and the process that serves the ends of a channel; nothing if there is
 * none, or that role is not its peer. */
void standing_meet(struct standing *standing, struct child *peer, enum role role);

/* The one that serves; NULL: there is none now. */
struct child *standing_child(const struct standing *standing);

/* It serves, is not wanted, or has failed to start at least once. */
bool standing_is_settled(const struct standing *standing);

/* Tells its processes to leave. Returns how many there are. */
size_t standing_drain(struct standing *standing);

/* Calls `each` with every process, those that start or leave, too. */
void standing_each(const struct standing *standing, void (*each)(void *ctx, struct child *child),
                   void *ctx);

#endif
