/* Addresses as FTP writes them: PORT, PASV's 227, EPRT, EPSV's 229 (RFC 959, 2428, 1123 4.1.2.6;
 * FTP-48 to FTP-55). */
#ifndef FERRY_FTP_HOSTPORT_H
#define FERRY_FTP_HOSTPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum address_family {
    ADDRESS_NONE = 0,
    ADDRESS_V4 = 1,
    ADDRESS_V6 = 2
}; /* RFC 2428's own numbers */

/* A numeric address and port. IPv4-mapped IPv6 addresses are kept as IPv4 (FTP-54). */
struct hostport {
    enum address_family family;
    uint8_t address[16]; /* network order; the first 4 for IPv4, the rest 0 */
    uint16_t port;       /* host order */
};

/* Whether both are the same address, whatever the ports; ADDRESS_NONE is the same as nothing. */
bool hostport_same_address(const struct hostport *a, const struct hostport *b);

/* Appends "1.2.3.4" or "fe80::1", the address without the port. FERRY_E_ARGUMENT: ADDRESS_NONE;
 * else as buf_append. */
NODISCARD enum ferry_error hostport_text(struct buf *out, const struct hostport *in);

/* PORT's argument: six decimal numbers, each 0 to 255; leading zeros are decimal. FERRY_E_ARGUMENT
 * also for 0.0.0.0 and its network, multicast, reserved addresses, broadcast and port 0 (FTP-48).
 * Like all of the parsers here, it leaves `*out` untouched when it fails. */
NODISCARD enum ferry_error hostport_parse_port(struct bytes argument, struct hostport *out);

/* EPRT's argument. FERRY_E_UNSUPPORTED: a family other than 1 and 2 (522); FERRY_E_ARGUMENT:
 * anything else (501). */
NODISCARD enum ferry_error hostport_parse_eprt(struct bytes argument, struct hostport *out);

/* The text of a 227: six numbers anywhere in it (FTP-51, DEV-20). FERRY_E_PROTOCOL: none, or port
 * 0. */
NODISCARD enum ferry_error hostport_parse_pasv(struct bytes text, struct hostport *out);

/* The text of a 229; gives the port only (FTP-52, DEV-24). FERRY_E_PROTOCOL. */
NODISCARD enum ferry_error hostport_parse_epsv(struct bytes text, uint16_t *port);

/* Appends "h1,h2,h3,h4,p1,p2". FERRY_E_ARGUMENT: not IPv4; else as buf_append. */
NODISCARD enum ferry_error hostport_format_port(struct buf *out, const struct hostport *in);

/* Appends "|1|1.2.3.4|5|". FERRY_E_ARGUMENT: ADDRESS_NONE; else as buf_append. */
NODISCARD enum ferry_error hostport_format_eprt(struct buf *out, const struct hostport *in);

#endif
