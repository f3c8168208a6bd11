/* What ferryd-ops asks of the supervisor, and is told by it: what processes there are, a reload,
 * the end, and the events of the log. */
#ifndef FERRY_FERRYD_SUPERVISOR_OPS_DESK_H
#define FERRY_FERRYD_SUPERVISOR_OPS_DESK_H

#include "base/log.h"
#include "conf/read.h"
#include "ferryd/supervisor/child.h"

struct ops_desk;

struct ops_desk_setup {
    struct loop *loop;
    const char *file; /* of the configuration */
    const uint64_t *restarts;
    /* The process of ops that serves; NULL: there is none. */
    struct child *(*ops)(void *ctx);
    /* Calls `each` with every process and its crew, 0 for those that have none. */
    void (*processes)(void *ctx, void (*each)(void *each_ctx, struct child *child, uint32_t crew),
                      void *each_ctx);
    /* Reads the configuration again, as SIGHUP does. false: the server ends. */
    bool (*reload)(void *ctx);
    /* Ends the server, as SIGTERM does. */
    void (*drain)(void *ctx, uint64_t grace_ns);
    void *ctx;
};

/* NULL: memory is short. */
struct ops_desk *ops_desk_new(const struct ops_desk_setup *setup);
void ops_desk_free(struct ops_desk *desk);

/* For struct standing_events: a message of ops, and the end of its process. */
enum ferry_error ops_desk_message(struct ops_desk *desk, struct child *child,
                                  const struct wire_message *row, struct wire_reader *reader,
                                  struct fault *fault);
void ops_desk_gone(struct ops_desk *desk, const struct child *child);

/* A reload begins; and it is over: all is well if neither `conf` (NULL: it could not be read) has
 * mistakes nor `why` is set (NULL: nothing else). */
void ops_desk_reload_begins(struct ops_desk *desk);
void ops_desk_reload_over(struct ops_desk *desk, const struct conf *conf, const struct fault *why);

/* The configuration at work was read now. */
void ops_desk_loaded(struct ops_desk *desk);

/* Takes an event of the log to ops, later; `ctx` is a struct ops_desk. What ops cannot take is not
 * kept: the log has it. */
log_record_fn ops_desk_event;

#endif
