/* All roles that belong to no crew: ops with its sockets and its desk, and hooks. */
#ifndef FERRY_FERRYD_SUPERVISOR_STANDINGS_H
#define FERRY_FERRYD_SUPERVISOR_STANDINGS_H

#include "ferryd/supervisor/crew.h"
#include "ferryd/supervisor/ops_desk.h"
#include "ferryd/supervisor/ops_sockets.h"
#include "ferryd/supervisor/standing.h"

enum { STANDINGS = 2 };

struct standings_setup {
    struct loop *loop;
    const struct log *log;
    int log_fd;
    const char *folder;    /* of the roles' programs */
    const char *file;      /* of the configuration */
    uint32_t *next_number; /* of processes */
    uint64_t *restarts;    /* counts, by role */

    /* Calls `each` with every crew. */
    void (*crews)(void *ctx, void (*each)(void *each_ctx, struct crew *crew), void *each_ctx);
    /* Calls `each` with every process that serves files. */
    void (*files)(void *ctx, void (*each)(void *each_ctx, struct child *child), void *each_ctx);
    /* What standings_are_settled or standings_drain say may be otherwise. */
    void (*changed)(void *ctx);
    /* As ops_desk.h has them. */
    bool (*reload)(void *ctx);
    void (*drain)(void *ctx, uint64_t grace_ns);
    void *ctx;
};

/* Fields are private to standings.c, but for those that the supervisor deals with itself. */
struct standings {
    struct standings_setup setup;
    struct standing *list[STANDINGS];
    struct ops_sockets sockets;
    struct ops_desk *desk;
};

/* FERRY_E_MEMORY; also then to be ended by standings_fini. */
NODISCARD enum ferry_error standings_init(struct standings *standings,
                                          const struct standings_setup *setup);

/* Kills their processes. */
void standings_fini(struct standings *standings);

/* From now on they are as `parcel` says (standing_use). */
void standings_use(struct standings *standings, struct parcel *parcel);

/* Each that serves and has such peers gets a channel to this one. */
void standings_meet(struct standings *standings, struct child *child, enum role role);

bool standings_are_settled(const struct standings *standings);

/* Tells all processes to leave. Returns how many there are. */
size_t standings_drain(struct standings *standings);

#endif
