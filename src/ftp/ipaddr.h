/* Numeric addresses in text: dotted IPv4, and IPv6 as RFC 4291 section 2.2 reads and RFC 5952
 * writes it. The C library's own functions live in a socket header, which this room does without.
 */
#ifndef FERRY_FTP_IPADDR_H
#define FERRY_FTP_IPADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { IPADDR_V4_BYTES = 4, IPADDR_V6_BYTES = 16 };

/* All of `text` as four decimal numbers without leading zeros. false, with `out` untouched: it is
 * not. */
NODISCARD bool ipaddr_parse_v4(struct bytes text, uint8_t out[IPADDR_V4_BYTES]);

/* All of `text` as an IPv6 address, its last 32 bits perhaps dotted; no scope id. false, with `out`
 * untouched: it is not. */
NODISCARD bool ipaddr_parse_v6(struct bytes text, uint8_t out[IPADDR_V6_BYTES]);

/* Append the text of an address. Errors as buf_append. */
NODISCARD enum ferry_error ipaddr_format_v4(struct buf *out, const uint8_t in[IPADDR_V4_BYTES]);
NODISCARD enum ferry_error ipaddr_format_v6(struct buf *out, const uint8_t in[IPADDR_V6_BYTES]);

#endif
