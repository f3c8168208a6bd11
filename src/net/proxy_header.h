/* The header by which a proxy says whose connection it relays: the PROXY protocol of HAProxy,
 * versions 1 (text) and 2 (binary). Does no I/O. Only what comes from a trusted proxy may be read
 * by it: anybody can write one (SEC-22). */
#ifndef FERRY_NET_PROXY_HEADER_H
#define FERRY_NET_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "net/address.h"

/* The longest header that is taken; the protocol wants one to fit into a packet. */
enum { PROXY_HEADER_MAX_BYTES = 2048 };

/* What a header says. */
struct proxy_header {
    /* false: it is the proxy's own connection (LOCAL, a health check), or of a kind that has no TCP
     * addresses (UNKNOWN): the addresses of the connection itself count. */
    bool relayed;
    struct address source;      /* the client */
    struct address destination; /* where the client connected to */
};

/* A header that is being read. Zeroed to begin. */
struct proxy_header_parser {
    char bytes[PROXY_HEADER_MAX_BYTES];
    size_t len;
};

/* Takes more of what the connection sent, in pieces of any size. `*used` says how many bytes of
 * `in` belong to the header: what follows is the connection's own. `*done`: the header is complete
 * and in `*out`; else all of `in` was used, and more is needed. FERRY_E_PROTOCOL, with the words in
 * `fault`, as soon as it can be no header, or is one that contradicts itself (its CRC32c, the
 * lengths of its fields). */
NODISCARD enum ferry_error proxy_header_feed(struct proxy_header_parser *parser, struct bytes in,
                                             size_t *used, bool *done, struct proxy_header *out,
                                             struct fault *fault);

#endif
