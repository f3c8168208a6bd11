/* One process of a role: started, given what it is to have over its channel, watched until it has
 * ended. It never outlives the struct. */
#ifndef FERRY_FERRYD_SUPERVISOR_CHILD_H
#define FERRY_FERRYD_SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/link.h"
#include "ferryd/supervisor/identity.h"
#include "net/loop.h"

struct child;

struct child_setup {
    struct loop *loop;
    enum role role;
    uint32_t number;    /* for its peers */
    const char *folder; /* where the programs of the roles are */
    int log_fd;         /* where it sends its events (ferryd/logwire.h); borrowed */
    /* It serves. `missing`: what could not be confined, "" if nothing. */
    void (*ready)(void *ctx, struct bytes missing);
    /* A message other than those of its start. */
    link_message_fn *message;
    /* The process has ended. `why` is not set if it was told to and did; else it has the words. May
     * free the child. */
    void (*over)(void *ctx, const struct fault *why);
    void *ctx;
};

/* Starts the program. Errors as spawn_start. */
NODISCARD enum ferry_error child_new(const struct child_setup *setup, struct child **out,
                                     struct fault *fault);

/* Kills the process if it still runs, and waits for its end. NULL is fine. */
void child_free(struct child *child);

uint32_t child_number(const struct child *child);
pid_t child_pid(const struct child *child);
enum role child_role(const struct child *child);

/* "starting", "serving", "draining"; static. */
const char *child_phase(const struct child *child);

/* What of it could not be confined, as it said; "" if nothing. */
const char *child_missing(const struct child *child);

/* What it is given; descriptors are taken, on failure too. One that cannot be given what it needs
 * is killed: `over` tells. */
void child_settings(struct child *child, int fd);
void child_file(struct child *child, const char *name, int fd);
void child_listener(struct child *child, uint32_t number, int fd);
void child_channel(struct child *child, enum role peer, uint32_t number, int fd);

/* START: it has all that it needs to become ready. */
void child_begin(struct child *child, const struct identity *identity,
                 enum confinement confinement);

/* DRAIN. MESSAGE_DRAIN_PATIENT: its work takes as long as it takes; else it is killed soon after
 * `grace_ns`. */
void child_drain(struct child *child, uint64_t grace_ns);

/* For other messages: begin one by link_begin, fill it, then child_send, which kills the process if
 * it cannot be sent. */
struct wire_writer *child_message(struct child *child, uint16_t type);
void child_send(struct child *child, int fd);

/* The same, but what cannot be sent is lost, and the process lives. */
void child_try_send(struct child *child);

#endif
