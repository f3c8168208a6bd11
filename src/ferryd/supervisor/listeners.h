/* The sockets that workers accept from, one for each worker and listen block. The supervisor keeps
 * them, so that what connects while a worker is started again waits instead of being refused. */
#ifndef FERRY_FERRYD_SUPERVISOR_LISTENERS_H
#define FERRY_FERRYD_SUPERVISOR_LISTENERS_H

#include <sys/queue.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "conf/read.h"
#include "ferryd/supervisor/inherited.h"

struct gate;

struct listeners {
    LIST_HEAD(, gate) list;
    struct inherited inherited;
};

/* Takes the sockets that were made for the server: its environment tells of them. A listen block of
 * the same address uses such a socket, which all workers accept from; the system deals connections
 * of its own ones out. */
void listeners_init(struct listeners *listeners);

/* Closes all. Workers have theirs still. */
void listeners_fini(struct listeners *listeners);

/* Binds what the configuration listens on and nobody does yet, `workers` times. An address that
 * cannot be had is a mistake in its `check`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error listeners_bind(struct listeners *listeners, struct conf *conf,
                                          unsigned workers);

/* Closes again what was bound since the last listeners_keep. */
void listeners_unbind(struct listeners *listeners);

/* From now on these are listened on by `workers` workers, and no others: those end for every
 * process that has them. Tells in the log what begins and what ends. */
void listeners_keep(struct listeners *listeners, const struct conf *conf, unsigned workers,
                    const struct log *log);

/* A duplicate of the socket for worker `index` of the block with that label; -1: there is none, or
 * no descriptor left. */
int listeners_fd(const struct listeners *listeners, const char *label, size_t index);

#endif
