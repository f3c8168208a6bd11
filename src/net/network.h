/* Networks of addresses in CIDR notation (RFC 4632, RFC 4291 section 2.3): who a rule is for. */
#ifndef FERRY_NET_NETWORK_H
#define FERRY_NET_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "net/address.h"

/* An IPv4 network written as IPv4-mapped IPv6 (::ffff:0:0/96 and longer) is kept as IPv4, as
 * addresses are. */
struct network {
    int family;        /* of address_to_raw */
    unsigned bits;     /* of the prefix */
    uint8_t bytes[16]; /* network order; those behind the prefix are 0 */
};

/* "192.0.2.0/24", "2001:db8::/32", or an address for that one host. FERRY_E_ARGUMENT, with the
 * words in `fault`: not a network, or one with bits set behind its prefix (10.1.2.3/8). */
NODISCARD enum ferry_error network_parse(const char *text, struct network *out,
                                         struct fault *fault);

/* Whether `address` lies in it. IPv4 lies in no network of IPv6, not even in ::/0. */
bool network_contains(const struct network *network, const struct address *address);

/* Whether `address` lies in one of `count` networks at `list`. */
bool network_list_contains(const struct network *list, size_t count, const struct address *address);

#endif
