/* Who may be served, counted by another process for all workers: struct gate_ops
 * (server/backend.h) as messages. A new auth is told of the sessions that there are; without auth
 * connections wait for the next one, as long as the server lets them. */
#ifndef FERRY_FERRYD_WORKER_REMOTE_GATE_H
#define FERRY_FERRYD_WORKER_REMOTE_GATE_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "ferryd/link.h"
#include "server/backend.h"

/* The `gate` of these is a struct remote_gate. */
extern const struct gate_ops remote_gate_ops;

/* Fields are private to remote_gate.c. */
struct remote_gate {
    struct link *auth; /* NULL: that process is not there */
    uint64_t last;
    TAILQ_HEAD(place_list, backend_place) waiting, present;
};

void remote_gate_init(struct remote_gate *gate);

/* Asks there from now on (NULL: nowhere), and tells it who is there; borrowed until the next call.
 */
void remote_gate_connect(struct remote_gate *gate, struct link *auth);

/* MESSAGE_ADMITTED has come. FERRY_E_PROTOCOL: it answers nothing that was asked. */
NODISCARD enum ferry_error remote_gate_answer(struct remote_gate *gate, struct wire_reader *reader,
                                              struct fault *fault);

#endif
