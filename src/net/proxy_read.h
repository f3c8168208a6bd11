/* Reads the header of the PROXY protocol from the beginning of a connection, and not one byte
 * more. */
#ifndef FERRY_NET_PROXY_READ_H
#define FERRY_NET_PROXY_READ_H

#include <stdint.h>

#include "base/fault.h"
#include "net/loop.h"
#include "net/proxy_header.h"

struct proxy_read;

/* `fd` is the connection, whose next byte is the first behind the header (the callee owns it); or
 * -1: it was closed, and `fault` says why: FERRY_E_PROTOCOL, FERRY_E_TIMEOUT, FERRY_E_LOST (it
 * ended). `header` and `fault` last for the call only. */
typedef void proxy_read_fn(void *ctx, int fd, const struct proxy_header *header,
                           const struct fault *fault);

/* Reads from `fd`, which it takes, on failure too, for at most `timeout_ns`. `fn` is called exactly
 * once, later, unless proxy_read_free comes first. NULL: no memory. */
struct proxy_read *proxy_read_start(struct loop *loop, int fd, uint64_t timeout_ns,
                                    proxy_read_fn *fn, void *ctx);

/* Frees it, closing the connection if it is not done. May be called from `fn`. NULL is fine. */
void proxy_read_free(struct proxy_read *read);

#endif
