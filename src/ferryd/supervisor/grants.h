/* Grants, and the processes that serve files: one for each user with a session (SEC-62). */
#ifndef FERRY_FERRYD_SUPERVISOR_GRANTS_H
#define FERRY_FERRYD_SUPERVISOR_GRANTS_H

#include "base/log.h"
#include "ferryd/supervisor/child.h"
#include "ferryd/supervisor/parcel.h"

struct grants;

/* What auth asks for, views into its message. */
struct grant_ask {
    uint64_t grant;
    uid_t uid;
    gid_t gid;
    struct bytes groups, root, owner, denied_names;
    uint8_t rules;
    uint64_t quota_bytes, quota_files;
    struct bytes rights, roots; /* as MESSAGE_ATTACH has them */
};

/* The processes send their events to `log_fd`. `ended` is called when the last of them has ended,
 * from the loop. NULL: memory is short. */
struct grants *grants_new(struct loop *loop, const struct log *log, int log_fd, const char *folder,
                          void (*ended)(void *ctx), void *ctx);

/* Kills all processes. NULL is fine. */
void grants_free(struct grants *grants);

/* Finds or starts the process of that user that is bound to the homes of `parcel`, and gives it and
 * the worker the ends of a channel; or tells the worker why not. */
void grants_give(struct grants *grants, struct child *worker, struct parcel *parcel,
                 const struct grant_ask *ask);

/* The session is over. A process without any is told to leave after a while. */
void grants_revoke(struct grants *grants, uint64_t grant);

/* The worker has ended, and all that it was granted with it. */
void grants_forget(struct grants *grants, const struct child *worker);

/* Calls `each` with every process. */
void grants_each(const struct grants *grants, void (*each)(void *ctx, struct child *child),
                 void *ctx);

/* Tells all processes to leave. Returns how many there are. */
size_t grants_drain(struct grants *grants);

#endif
