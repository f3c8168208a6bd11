/* What the files of the control socket share: control.c (clients and their bytes) and control_run.c
 * (what their words do). Nobody else includes this. */
#ifndef FERRY_FERRYD_OPS_CONTROL_PRIVATE_H
#define FERRY_FERRYD_OPS_CONTROL_PRIVATE_H

#include <sys/queue.h>

#include <jansson.h>

#include "base/buf.h"
#include "ferryd/ops/control.h"
#include "ferryd/ops/control_request.h"

/* A wish under way for a client. */
struct client_wish {
    LIST_ENTRY(client_wish) link;
    struct control_client *client;
    struct peers_wish *wish;
};

struct control_client {
    LIST_ENTRY(control_client) link;
    struct control *control;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *late;
    struct loop_task *again; /* the next request that has come already */
    struct buf in, out;
    bool busy;    /* a request is being answered */
    bool leaving; /* it is closed when all was written */

    struct control_request request; /* the one that is answered */
    struct refresh_wait *wait;
    LIST_HEAD(, client_wish) wishes;
    unsigned wish_count, wish_done; /* of this request */

    bool follows, failures; /* the log */
};

struct control {
    struct control_setup setup;
    int fd;
    struct loop_watch *watch;
    LIST_HEAD(, control_client) clients;
    unsigned client_count;
    bool closing;
    void (*idle)(void *ctx);
    void *idle_ctx;
};

/* ---- control.c: ends the request ---- */

/* Takes `result`; NULL: memory is short. */
void control_reply(struct control_client *client, json_t *result);
void control_refuse(struct control_client *client, const char *error, const char *advice);

/* The same with `mistakes`, a line each. */
void control_refuse_for(struct control_client *client, const char *error, const char *advice,
                        const char *mistakes);

/* Writes one line; takes `line`. */
void control_write(struct control_client *client, json_t *line);

/* ---- control_run.c ---- */

/* Begins what the request wants. */
void control_run(struct control_client *client);

/* Forgets what was begun. */
void control_stop(struct control_client *client);

#endif
