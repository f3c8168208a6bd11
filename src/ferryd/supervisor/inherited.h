/* Listening sockets that whoever started the server made for it (socket activation, sd_listen_fds):
 * they stay open while no server runs, so that no connection is refused meanwhile. */
#ifndef FERRY_FERRYD_SUPERVISOR_INHERITED_H
#define FERRY_FERRYD_SUPERVISOR_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "net/address.h"

enum { INHERITED_MAX = 64 };

struct inherited_socket {
    int fd;
    struct address at; /* of none if it is no listening TCP socket */
    bool used;
};

struct inherited {
    struct inherited_socket list[INHERITED_MAX];
    size_t count;
};

/* Takes the descriptors that the environment tells of (LISTEN_PID, LISTEN_FDS), and removes what it
 * says from there. */
void inherited_init(struct inherited *inherited);
void inherited_fini(struct inherited *inherited);

/* The socket that listens on that address and port, which stays the struct's; -1: there is none.
 * Nobody may shut it down: it is its maker's as well. */
int inherited_find(struct inherited *inherited, const struct address *at);

/* Warns of those that no listen block is for: who connects there waits for ever. */
void inherited_tell_unused(const struct inherited *inherited, const struct log *log);

#endif
