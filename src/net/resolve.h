/* The IPv4 address of a name, looked up again and again (TLS-151): for a host whose address as seen
 * from outside changes. */
#ifndef FERRY_NET_RESOLVE_H
#define FERRY_NET_RESOLVE_H

#include <stdint.h>

#include "net/address.h"
#include "net/loop.h"
#include "net/names.h"

struct resolve;

/* After each look-up: `error` is NULL if there is an answer, else its words (for the call only),
 * and the answer of before stays. It may free the resolve. */
typedef void resolve_fn(void *ctx, const char *error);

/* Looks up `host` with `names` (NULL: the system), at once and then `every_ns` after each answer;
 * sooner after a failure. NULL: no memory. */
struct resolve *resolve_new(struct loop *loop, const struct names *names, const char *host,
                            uint64_t every_ns, resolve_fn *fn, void *ctx);

/* The address as last heard (port 0), or NULL: there was no answer yet. One that is still among
 * several is kept. Valid until the loop turns. */
const struct address *resolve_address(const struct resolve *resolve);

/* NULL is fine. */
void resolve_free(struct resolve *resolve);

#endif
