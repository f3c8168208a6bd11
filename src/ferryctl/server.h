/* A server that runs, at its control socket (ferryd/ops/control.h): lines of JSON each way. */
#ifndef FERRY_FERRYCTL_SERVER_H
#define FERRY_FERRYCTL_SERVER_H

#include <stdio.h>

#include <jansson.h>

#include "base/compiler.h"
#include "base/fault.h"

struct server {
    FILE *stream;
    const char *path; /* of the socket */
};

/* Connects; `path` NULL: to the server of root's, or else of the folder one is in. The words for
 * what may be wrong are in `fault`. */
NODISCARD enum ferry_error server_open(const char *path, struct server *out, struct fault *fault);

/* For CLEANUP. */
void server_close(struct server *server);

/* Sends a request, which it takes (NULL: memory is short), and waits for its reply, `*out`,
 * whatever it says. FERRY_E_LOST: the server has gone meanwhile; FERRY_E_PROTOCOL: it speaks
 * another language. */
NODISCARD enum ferry_error server_ask(struct server *server, json_t *request, json_t **out,
                                      struct fault *fault);

/* The next line that it sends. Errors as server_ask. */
NODISCARD enum ferry_error server_next(struct server *server, json_t **out, struct fault *fault);

#endif
