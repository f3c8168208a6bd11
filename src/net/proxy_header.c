/* The PROXY protocol's header, versions 1 and 2. */
#include "net/proxy_header.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* Version 1: a line. */
enum { LINE_MAX_BYTES = 107 }; /* section 2.1, with its CRLF */

/* Version 2: a signature, version and command, family, length; addresses; TLVs (section 2.2). */
enum {
    V2_FIXED_BYTES = 16,
    V2_AT_COMMAND = 12,
    V2_AT_FAMILY = 13,
    V2_AT_LENGTH = 14,
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    V2_FAMILY_MAX = 3,    /* the high half: UNSPEC, INET, INET6, UNIX */
    V2_TRANSPORT_MAX = 2, /* the low half: UNSPEC, STREAM, DGRAM */
    V2_TCP4 = 0x11,
    V2_TCP6 = 0x21,
    TLV_FIXED_BYTES = 3,
    TLV_CRC32C = 3,
    CRC32C_BYTES = 4,
};

static const struct bytes line_start = {.ptr = "PROXY ", .len = 6};
static const struct bytes signature = {.ptr = "\r\n\r\n\0\r\nQUIT\n", .len = 12};

static enum ferry_error refuse(struct fault *fault, const char *why)
{
    return fault_set(fault, FERRY_E_PROTOCOL, "no PROXY protocol header: %s", why);
}

/* ---- version 1 ---- */

static bool take_address(struct bytes word, int family, struct address *out)
{
    char text[ADDRESS_TEXT_BYTES] = "";
    bool ipv6 = bytes_find(word, ':') < word.len;
    bool has_nul = bytes_find(word, '\0') < word.len;
    if (word.len >= sizeof(text) || has_nul || (family == AF_INET6) != ipv6)
        return false;
    memcpy(text, word.ptr, word.len);
    return address_parse(text, 0, out) == FERRY_OK;
}

/* "Heading zeroes are not permitted" (section 2.1). */
static bool take_port(struct bytes word, struct address *out)
{
    uint64_t port;
    if ((word.len > 1 && word.ptr[0] == '0') || !text_u64(word, UINT16_MAX, &port))
        return false;
    address_set_port(out, (uint16_t)port);
    return true;
}

/* "source destination source-port destination-port", one blank between them. */
static bool take_ends(struct bytes rest, int family, struct proxy_header *out)
{
    struct bytes source = bytes_cut(&rest, ' ');
    struct bytes destination = bytes_cut(&rest, ' ');
    struct bytes source_port = bytes_cut(&rest, ' ');
    return take_address(source, family, &out->source) &&
           take_address(destination, family, &out->destination) &&
           take_port(source_port, &out->source) && take_port(rest, &out->destination);
}

static enum ferry_error line_parse(struct bytes line, struct proxy_header *out, struct fault *fault)
{
    struct bytes rest = bytes_skip(line, line_start.len);
    struct bytes protocol = bytes_cut(&rest, ' ');
    if (bytes_equal(protocol, BYTES_LIT("UNKNOWN")))
        return FERRY_OK; /* "must ignore anything presented before the CRLF" */
    bool known = bytes_equal(protocol, BYTES_LIT("TCP4"))   ? take_ends(rest, AF_INET, out)
                 : bytes_equal(protocol, BYTES_LIT("TCP6")) ? take_ends(rest, AF_INET6, out)
                                                            : false;
    if (!known)
        return refuse(fault, "its line is malformed");
    out->relayed = true;
    return FERRY_OK;
}

/* Looks at what is there of the line; `*len` is its length with CRLF, 0 if that is not known yet.
 */
static enum ferry_error line_measure(struct bytes in, size_t *len, struct fault *fault)
{
    size_t cr = bytes_find(in, '\r');
    if (bytes_find(in, '\n') < cr)
        return refuse(fault, "a line feed without a carriage return");
    if (cr + 1 < in.len && in.ptr[cr + 1] != '\n')
        return refuse(fault, "a carriage return without a line feed");
    *len = cr + 1 < in.len ? cr + 2 : 0;
    if (*len > LINE_MAX_BYTES || (*len == 0 && in.len >= LINE_MAX_BYTES))
        return refuse(fault, "its line is too long");
    return FERRY_OK;
}

/* ---- version 2 ---- */

static uint8_t byte_at(struct bytes in, size_t at)
{
    return (uint8_t)in.ptr[at];
}

static uint16_t number_at(struct bytes in, size_t at)
{
    return (uint16_t)(byte_at(in, at) << 8 | byte_at(in, at + 1));
}

/* Castagnoli's CRC of RFC 4960 appendix B, of `in` as if the checksum at `hole` were 0. */
static uint32_t crc32c(struct bytes in, size_t hole)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < in.len; i++) {
        crc ^= i - hole < CRC32C_BYTES ? 0 : byte_at(in, i);
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
    }
    return ~crc;
}

/* The fields behind the addresses, from `at` on. Only the checksum says something to us. */
static enum ferry_error check_tlvs(struct bytes header, size_t at, struct fault *fault)
{
    while (at < header.len) {
        if (header.len - at < TLV_FIXED_BYTES)
            return refuse(fault, "a field of it is cut off");
        size_t value = at + TLV_FIXED_BYTES;
        size_t len = number_at(header, at + 1);
        if (len > header.len - value)
            return refuse(fault, "a field of it is longer than the rest");
        if (byte_at(header, at) == TLV_CRC32C) {
            if (len != CRC32C_BYTES)
                return refuse(fault, "its checksum is no CRC32c");
            uint32_t told = (uint32_t)number_at(header, value) << 16 | number_at(header, value + 2);
            if (crc32c(header, value) != told)
                return refuse(fault, "its checksum is wrong");
        }
        at = value + len;
    }
    return FERRY_OK;
}

/* Source and destination of `len` bytes each, then the two ports. */
static enum ferry_error take_binary_ends(struct bytes header, int family, size_t len,
                                         struct proxy_header *out, struct fault *fault)
{
    size_t ports = V2_FIXED_BYTES + 2 * len;
    if (header.len < ports + 4)
        return refuse(fault, "it is too short for its addresses");
    uint8_t raw[16] = {0};
    memcpy(raw, header.ptr + V2_FIXED_BYTES, len);
    address_from_raw(family, raw, number_at(header, ports), &out->source);
    memcpy(raw, header.ptr + V2_FIXED_BYTES + len, len);
    address_from_raw(family, raw, number_at(header, ports + 2), &out->destination);
    out->relayed = true;
    return check_tlvs(header, ports + 4, fault);
}

static enum ferry_error binary_parse(struct bytes header, struct proxy_header *out,
                                     struct fault *fault)
{
    if (byte_at(header, V2_AT_COMMAND) == V2_LOCAL)
        return FERRY_OK; /* all that follows is ignored */
    uint8_t family = byte_at(header, V2_AT_FAMILY);
    if (family == V2_TCP4)
        return take_binary_ends(header, 1, 4, out, fault);
    if (family == V2_TCP6)
        return take_binary_ends(header, 2, 16, out, fault);
    return FERRY_OK; /* "falls back to the UNSPEC mode" */
}

/* As line_measure. */
static enum ferry_error binary_measure(struct bytes in, size_t *len, struct fault *fault)
{
    *len = 0;
    if (in.len > V2_AT_COMMAND && byte_at(in, V2_AT_COMMAND) != V2_LOCAL &&
        byte_at(in, V2_AT_COMMAND) != V2_PROXY)
        return refuse(fault, "its version or command is unknown");
    if (in.len > V2_AT_FAMILY && byte_at(in, V2_AT_COMMAND) == V2_PROXY &&
        (byte_at(in, V2_AT_FAMILY) >> 4 > V2_FAMILY_MAX ||
         (byte_at(in, V2_AT_FAMILY) & 0x0f) > V2_TRANSPORT_MAX))
        return refuse(fault, "its address family is unknown");
    if (in.len < V2_FIXED_BYTES)
        return FERRY_OK;
    size_t whole = V2_FIXED_BYTES + (size_t)number_at(in, V2_AT_LENGTH);
    if (whole > PROXY_HEADER_MAX_BYTES)
        return refuse(fault, "it is too long");
    *len = in.len >= whole ? whole : 0;
    return FERRY_OK;
}

/* ---- both ---- */

static bool begins_as(struct bytes in, struct bytes start)
{
    return bytes_equal(bytes_first(in, start.len), bytes_first(start, in.len));
}

enum ferry_error proxy_header_feed(struct proxy_header_parser *parser, struct bytes in,
                                   size_t *used, bool *done, struct proxy_header *out,
                                   struct fault *fault)
{
    *done = false;
    *out = (struct proxy_header){0};
    size_t before = parser->len;
    struct bytes taken = bytes_first(in, sizeof(parser->bytes) - before);
    if (taken.len > 0)
        memcpy(parser->bytes + before, taken.ptr, taken.len);
    struct bytes all = bytes_of(parser->bytes, before + taken.len);

    bool binary = begins_as(all, signature);
    size_t len = 0;
    enum ferry_error error = binary                       ? binary_measure(all, &len, fault)
                             : begins_as(all, line_start) ? line_measure(all, &len, fault)
                                                          : refuse(fault, "it begins otherwise");
    if (error != FERRY_OK)
        return error;
    parser->len = len > 0 ? len : all.len;
    *used = parser->len - before;
    if (len == 0)
        return FERRY_OK;
    struct bytes header = bytes_first(all, len);
    error = binary ? binary_parse(header, out, fault)
                   : line_parse(bytes_first(header, len - 2), out, fault);
    *done = error == FERRY_OK;
    return error;
}
