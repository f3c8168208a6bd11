/* Who may be served, counted over all workers, those of older configurations, too (SEC-52). */
#ifndef FERRY_FERRYD_AUTH_GATE_H
#define FERRY_FERRYD_AUTH_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/auth/throttle.h"
#include "ferryd/link.h"
#include "net/crowd.h"
#include "net/loop.h"

struct gate_place;

/* One worker; fields are private to gate.c. */
struct gate_worker {
    TAILQ_ENTRY(gate_worker) link;
    struct gate *gate;
    struct link *channel;
    bool told;                 /* of all that it had before */
    struct gate_place *places; /* uthash */
    unsigned place_count;
};

/* Nobody is admitted before it is known who is there: `counting`. */
struct gate {
    struct loop *loop;
    const struct throttle *throttle;
    struct crowd crowd; /* `known` is kept by who counts the logins */
    bool counting;
    bool introduced; /* all workers have their channel */
    struct loop_timer *patience;
    TAILQ_HEAD(, gate_worker) workers;
};

/* `most` sessions at once. FERRY_E_MEMORY. */
NODISCARD enum ferry_error gate_init(struct gate *gate, struct loop *loop,
                                     const struct throttle *throttle, uint64_t most);

/* After all workers. */
void gate_fini(struct gate *gate);

/* Every worker that there is has been added (MESSAGE_INTRODUCED): those who have told who is there,
 * or have not for 2 s, are all that is waited for. */
void gate_introduced(struct gate *gate);

/* A worker at `channel`, borrowed; and it is gone, with its sessions. */
void gate_worker_init(struct gate_worker *worker, struct gate *gate, struct link *channel);
void gate_worker_fini(struct gate_worker *worker);

/* MESSAGE_ARRIVED, _LEFT, _PRESENT or _TOLD has come from the worker. FERRY_E_PROTOCOL;
 * FERRY_E_LIMIT: more waits than a worker lets wait; FERRY_E_MEMORY. */
NODISCARD enum ferry_error gate_message(struct gate_worker *worker, uint16_t type,
                                        struct wire_reader *reader, struct fault *fault);

#endif
