/* A TCP connection to a name: addresses looked up on the pool, tried staggered (RFC 8305), the
 * first to answer wins. */
#ifndef FERRY_NET_CONNECT_H
#define FERRY_NET_CONNECT_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "net/loop.h"
#include "net/socket.h"

struct connect;

/* `fd` is the connection (the callee owns it) or -1, then `fault` says why: FERRY_E_CONNECT,
 * FERRY_E_TIMEOUT, FERRY_E_LIMIT (no descriptors) or FERRY_E_MEMORY. `peer` is NULL without a
 * connection. All but `fd` lasts for the call only. */
typedef void connect_fn(void *ctx, int fd, const struct address *peer, const struct fault *fault);

/* Connects to `host` (name or numeric) and `port` within `timeout_ns`. `fn` is called exactly once,
 * later, unless connect_free comes first. NULL: no memory. */
struct connect *connect_start(struct loop *loop, const char *host, uint16_t port,
                              uint64_t timeout_ns, connect_fn *fn, void *ctx);

/* As connect_start, to one numeric address. */
struct connect *connect_start_address(struct loop *loop, const struct address *to,
                                      uint64_t timeout_ns, connect_fn *fn, void *ctx);

/* Frees it, giving up if it is not done. May be called from `fn`. NULL is fine. */
void connect_free(struct connect *connect);

#endif
