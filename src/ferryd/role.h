/* What the main of every role of ferryd has in common: its channel to the supervisor, what it is
 * given before it starts, confinement, and its end. The supervisor is at descriptor 3, the log at
 * 4. */
#ifndef FERRY_FERRYD_ROLE_H
#define FERRY_FERRYD_ROLE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "ferryd/link.h"
#include "ferryd/messages.h"
#include "net/loop.h"
#include "proc/landlock.h"
#include "proc/privs.h"

enum {
    ROLE_SUPERVISOR_FD = 3,
    ROLE_LOG_FD = 4, /* takes the events (ferryd/logwire.h); if it is no socket, stderr does */
};

/* Who a role is to be, as MESSAGE_START says. */
struct role_identity {
    uid_t uid;
    gid_t gid;
    gid_t groups[64];
    size_t group_count;
    enum confinement confinement;
};

/* What the supervisor gives; NULL: nothing of that kind is for this role, and ends it. Descriptors
 * belong to the callee. What fails ends the role, with its words in the supervisor's log. */
struct role_handlers {
    enum ferry_error (*settings)(void *ctx, int fd, struct fault *fault);
    enum ferry_error (*file)(void *ctx, struct bytes name, int fd, struct fault *fault);
    enum ferry_error (*listener)(void *ctx, uint32_t number, int fd, struct fault *fault);
    /* A channel to a process of `peer`; before or after the start. */
    enum ferry_error (*channel)(void *ctx, enum role peer, uint32_t number, int fd,
                                struct fault *fault);
    /* All has been given: makes ready to serve, confines itself by role_confine, serves. Not from
     * inside the loop. */
    enum ferry_error (*start)(void *ctx, const struct role_identity *identity, struct fault *fault);
    /* No new work when this returns; role_leave when the last is done, at the latest in `grace_ns`
     * (MESSAGE_DRAIN_PATIENT: whenever that is). May come again, with the grace that counts then.
     * NULL: it leaves at once. */
    void (*drain)(void *ctx, uint64_t grace_ns);
    /* Messages of a role's own (grants). NULL: none. */
    link_message_fn *other;
};

struct role_main;

/* Runs a role to its end: its `main` returns what this returns. Ends with status 0 when it was told
 * to leave, or the supervisor has gone; 1 when something failed. `ctx` is the handlers'; its role
 * finds the loop and the link by role_loop and role_supervisor from `begin` on, which is called
 * first. */
int role_run(enum role role, const struct role_handlers *handlers,
             void (*begin)(void *ctx, struct role_main *self), void *ctx);

struct loop *role_loop(const struct role_main *self);

/* For messages to the supervisor. */
struct link *role_supervisor(const struct role_main *self);

/* Makes the role's log, which goes to the supervisor; `form` is for where there is none that takes
 * it. May be called again, as soon as the level is known. */
void role_log(struct role_main *self, struct log *log, enum log_level level, enum log_form form);

/* A line for the xferlog. */
void role_xferlog(struct role_main *self, struct bytes line);

/* Ends the loop: role_run returns. */
void role_leave(struct role_main *self);

/* The order of openssl-notes.md section 5: ids and limits, Landlock with `rules` (NULL: nothing),
 * the threads of the pool, seccomp. Whatever opens files or makes descriptors comes before.
 * FERRY_E_DENIED: not possible, and the identity demands it. */
NODISCARD enum ferry_error role_confine(struct role_main *self,
                                        const struct role_identity *identity,
                                        const struct landlock_rules *rules,
                                        const struct privs_limit *limits, size_t limit_count,
                                        struct fault *fault);

#endif
