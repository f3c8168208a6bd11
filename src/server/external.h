/* The address of a server as clients outside see it, by a name that is looked up again and again
 * (TLS-151), with what the log says of it. */
#ifndef FERRY_SERVER_EXTERNAL_H
#define FERRY_SERVER_EXTERNAL_H

#include <stdint.h>

#include "base/log.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/names.h"

struct server_external;

/* Looks up `name`, borrowed, with `names` (NULL: the system), now and each `every_ns`. NULL: no
 * memory. */
struct server_external *server_external_new(struct loop *loop, const struct names *names,
                                            const struct log *log, const char *name,
                                            uint64_t every_ns);

/* As last heard; NULL: there was no answer yet. Valid until the loop turns. */
const struct address *server_external_address(const struct server_external *external);

/* NULL is fine. */
void server_external_free(struct server_external *external);

#endif
