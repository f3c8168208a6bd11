/* Asks of auth's, each given to a process of its own that holds one conversation with PAM: one that
 * hangs is killed, and blocks nobody. The broker reads no password: that goes from auth to that
 * process. Sessions that were opened are closed when auth says so, or at its end. */
#ifndef FERRY_FERRYD_PAM_BROKER_H
#define FERRY_FERRYD_PAM_BROKER_H

#include <sys/queue.h>

#include "base/log.h"
#include "ferryd/link.h"
#include "net/loop.h"

enum { BROKER_RUNNING_MAX = 16, BROKER_SESSIONS_MAX = 65536 };

struct broker_run;
struct broker_session;

struct broker {
    struct loop *loop;
    struct log *log;
    const char *program; /* which is told "conversation" */
    const char *service;
    uint64_t patience_ns; /* for each conversation */
    struct link *auth;    /* NULL: there is none now */
    unsigned running;
    LIST_HEAD(, broker_run) runs;
    LIST_HEAD(, broker_session) sessions;
    unsigned session_count;
    void (*idle)(void *ctx); /* after broker_leave: the last conversation is over */
    void *ctx;
};

void broker_init(struct broker *broker, struct loop *loop, struct log *log);

/* A channel to auth in the place of the one before; takes `fd`, on failure too. FERRY_E_MEMORY. */
NODISCARD enum ferry_error broker_connect(struct broker *broker, int fd);

/* Closes all sessions and takes no more asks; then `idle` is called, not from here. */
void broker_leave(struct broker *broker, void (*idle)(void *ctx), void *ctx);

#endif
