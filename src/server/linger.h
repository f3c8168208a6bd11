/* Streams that nobody needs any more, on their way to an orderly close. */
#ifndef FERRY_SERVER_LINGER_H
#define FERRY_SERVER_LINGER_H

#include <stdint.h>
#include <sys/queue.h>

#include "net/stream.h"
#include "server/binding.h"

struct server_lingering;

struct server_linger {
    LIST_HEAD(, server_lingering) streams;
    uint32_t count;
};

void server_linger_init(struct server_linger *linger);

/* Closes at once whatever still lingers. */
void server_linger_fini(struct server_linger *linger);

/* Takes `stream`, whose engine uses `binding` (NULL in clear), and closes it in order: sends what
 * is queued, close_notify and FIN, then reads and drops what the peer still sends, for at most 5 s,
 * so that no RST destroys what it has not read (TLS-186). Frees it in the end. With too many of
 * them, or no memory, it is closed at once. */
void server_linger_take(struct server_linger *linger, struct stream *stream,
                        struct server_binding *binding);

#endif
