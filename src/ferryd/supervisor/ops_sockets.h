/* The sockets that ferryd-ops listens on. The supervisor binds and keeps them, so that who connects
 * while ops is started again waits instead of being refused. */
#ifndef FERRY_FERRYD_SUPERVISOR_OPS_SOCKETS_H
#define FERRY_FERRYD_SUPERVISOR_OPS_SOCKETS_H

#include "base/compiler.h"
#include "base/fault.h"
#include "conf/read.h"
#include "ferryd/ops_wire.h"
#include "ferryd/supervisor/child.h"

/* Where one listens; `name` NULL: it does not. */
struct ops_place {
    char *name; /* path, or address and port */
    int fd;
};

/* Zeroed by ops_sockets_init. Fields are private to ops_sockets.c. */
struct ops_sockets {
    struct ops_place now[OPS_SOCKETS], next[OPS_SOCKETS];
};

void ops_sockets_init(struct ops_sockets *sockets);

/* Closes all, and removes the socket's file. */
void ops_sockets_fini(struct ops_sockets *sockets);

/* Binds what the configuration `conf`, read from `file`, wants and is not bound yet. What cannot be
 * had is a mistake in its `check`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error ops_sockets_bind(struct ops_sockets *sockets, struct conf *conf,
                                            const char *file);

/* Closes again what was bound since the last ops_sockets_keep. */
void ops_sockets_unbind(struct ops_sockets *sockets);

/* From now on what ops_sockets_bind was asked for is listened on, and nothing else. */
void ops_sockets_keep(struct ops_sockets *sockets);

/* Gives a process duplicates of the newest ones. */
void ops_sockets_give(const struct ops_sockets *sockets, struct child *child);

#endif
