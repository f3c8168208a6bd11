/* The control socket: many clients at once, each one request at a time, a line of JSON each way.
 * A reply is {"v": 1, "ok": true, "result": ...} or {"v": 1, "ok": false, "error": "...", "advice":
 * "..."}; `log` with `follow` is followed by {"v": 1, "event": {...}} lines until the client goes.
 */
#ifndef FERRY_FERRYD_OPS_CONTROL_H
#define FERRY_FERRYD_OPS_CONTROL_H

#include <sys/types.h>

#include "base/compiler.h"
#include "base/log.h"
#include "ferryd/ops/peers.h"

struct control;

/* Who may ask, besides root. */
struct control_access {
    uid_t uid;   /* who started the server */
    gid_t group; /* (gid_t)-1: none */
};

struct control_setup {
    struct loop *loop;
    const struct log *log;
    struct peers *peers;
    struct state *state;
    struct control_access access;
};

/* Serves the listening socket `fd`, which it takes, on failure too. NULL: memory is short. */
struct control *control_new(const struct control_setup *setup, int fd);

/* Hands a new event to those who follow the log. */
void control_event(struct control *control, const struct state_event *event);

/* Takes no new clients and closes those who wait for nothing; `idle` is called, maybe at once, when
 * nobody is waiting for an answer any more. */
void control_close(struct control *control, void (*idle)(void *ctx), void *ctx);

/* NULL is fine. */
void control_free(struct control *control);

#endif
