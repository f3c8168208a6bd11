/* Addresses as FTP writes them. */
#include "ftp/hostport.h"

#include "base/text.h"
#include "ftp/ipaddr.h"

enum { PORT_NUMBERS = 6 };

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool hostport_same_address(const struct hostport *a, const struct hostport *b)
{
    return a->family != ADDRESS_NONE && a->family == b->family &&
           memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

enum ferry_error hostport_text(struct buf *out, const struct hostport *in)
{
    switch (in->family) {
    case ADDRESS_NONE:
        return FERRY_E_ARGUMENT;
    case ADDRESS_V4:
        return ipaddr_format_v4(out, in->address);
    case ADDRESS_V6:
        return ipaddr_format_v6(out, in->address);
    }
    return FERRY_E_ARGUMENT;
}

/* Whether a data connection may go there at all: not to "any", a group, all, or no port. */
static bool is_usable(const struct hostport *in)
{
    static const uint8_t any[IPADDR_V6_BYTES];
    if (in->port == 0 || memcmp(in->address, any, sizeof(any)) == 0)
        return false;
    if (in->family == ADDRESS_V6)
        return in->address[0] != 0xff;
    return in->address[0] != 0 && in->address[0] < 224; /* 0/8, multicast, reserved, broadcast */
}

/* Six numbers of 0 to 255 with commas between them, and with blanks behind those if `blanks`, taken
 * from the front of `*in`. */
static bool take_numbers(struct bytes *in, bool blanks, uint8_t numbers[PORT_NUMBERS])
{
    for (int i = 0; i < PORT_NUMBERS; i++) {
        if (i > 0) {
            if (in->len == 0 || in->ptr[0] != ',')
                return false;
            *in = bytes_skip(*in, 1);
            while (blanks && in->len > 0 && in->ptr[0] == ' ')
                *in = bytes_skip(*in, 1);
        }
        size_t digits = 0;
        while (digits < in->len && text_is_digit(in->ptr[digits]))
            digits++;
        uint64_t value;
        if (!text_u64(bytes_first(*in, digits), UINT8_MAX, &value))
            return false;
        numbers[i] = (uint8_t)value;
        *in = bytes_skip(*in, digits);
    }
    return true;
}

static struct hostport from_numbers(const uint8_t numbers[PORT_NUMBERS])
{
    struct hostport out = {
        .family = ADDRESS_V4,
        .port = (uint16_t)(numbers[4] << 8 | numbers[5]),
    };
    memcpy(out.address, numbers, IPADDR_V4_BYTES);
    return out;
}

enum ferry_error hostport_parse_port(struct bytes argument, struct hostport *out)
{
    uint8_t numbers[PORT_NUMBERS];
    if (!take_numbers(&argument, false, numbers) || argument.len > 0)
        return FERRY_E_ARGUMENT;
    struct hostport parsed = from_numbers(numbers);
    if (!is_usable(&parsed))
        return FERRY_E_ARGUMENT;
    *out = parsed;
    return FERRY_OK;
}

/* An address in text, of the family that it is said to be; IPv4-mapped ones become IPv4. */
static bool parse_address(struct bytes text, enum address_family family, struct hostport *out)
{
    uint8_t address[IPADDR_V6_BYTES] = {0};
    bool parsed =
        family == ADDRESS_V6 ? ipaddr_parse_v6(text, address) : ipaddr_parse_v4(text, address);
    if (!parsed)
        return false;

    bool mapped =
        family == ADDRESS_V6 && memcmp(address, mapped_prefix, sizeof(mapped_prefix)) == 0;
    memset(out->address, 0, sizeof(out->address));
    if (mapped)
        memcpy(out->address, address + sizeof(mapped_prefix), IPADDR_V4_BYTES);
    else
        memcpy(out->address, address, sizeof(address));
    out->family = mapped ? ADDRESS_V4 : family;
    return true;
}

/* RFC 2428: the delimiter is any of ASCII 33 to 126. */
static bool is_delimiter(char c)
{
    return c > ' ' && c <= '~' && !text_is_digit(c);
}

enum ferry_error hostport_parse_eprt(struct bytes argument, struct hostport *out)
{
    if (argument.len == 0 || !is_delimiter(argument.ptr[0]))
        return FERRY_E_ARGUMENT;
    char delimiter = argument.ptr[0];
    struct bytes rest = bytes_skip(argument, 1);
    if (rest.len == 0 || rest.ptr[rest.len - 1] != delimiter)
        return FERRY_E_ARGUMENT;
    rest.len--;

    struct bytes family_text = bytes_cut(&rest, delimiter);
    struct bytes address_text = bytes_cut(&rest, delimiter);
    uint64_t family;
    uint64_t port;
    if (!text_u64(family_text, UINT16_MAX, &family) || !text_u64(rest, UINT16_MAX, &port))
        return FERRY_E_ARGUMENT;
    if (family != ADDRESS_V4 && family != ADDRESS_V6)
        return FERRY_E_UNSUPPORTED;

    struct hostport parsed = {.port = (uint16_t)port};
    if (!parse_address(address_text, (enum address_family)family, &parsed) || !is_usable(&parsed))
        return FERRY_E_ARGUMENT;
    *out = parsed;
    return FERRY_OK;
}

enum ferry_error hostport_parse_pasv(struct bytes text, struct hostport *out)
{
    bool in_number = false; /* begin at the first digit of a number only: "1227,0,..." is not 227 */
    for (; text.len > 0; text = bytes_skip(text, 1)) {
        struct bytes rest = text;
        uint8_t numbers[PORT_NUMBERS];
        bool found = !in_number && take_numbers(&rest, true, numbers);
        in_number = text_is_digit(text.ptr[0]);
        if (!found || (rest.len > 0 && text_is_digit(rest.ptr[0])))
            continue;
        struct hostport parsed = from_numbers(numbers);
        if (parsed.port == 0)
            return FERRY_E_PROTOCOL;
        *out = parsed;
        return FERRY_OK;
    }
    return FERRY_E_PROTOCOL;
}

static bool take_field(struct bytes *rest, char delimiter, struct bytes *field)
{
    bool ended = bytes_find(*rest, delimiter) < rest->len;
    *field = bytes_cut(rest, delimiter);
    return ended;
}

static bool is_empty_or_address(struct bytes field)
{
    return field.len == 0 || bytes_find(field, '.') < field.len ||
           bytes_find(field, ':') < field.len;
}

/* "ddd6446d", or with a protocol and an address between the delimiters, or with blanks around the
 * port. Gives the port, 0 if `text` does not begin so. */
static uint16_t take_epsv(struct bytes text)
{
    char delimiter = text.ptr[0];
    struct bytes rest = bytes_skip(text, 1);
    struct bytes protocol, address, port_text;
    if (!take_field(&rest, delimiter, &protocol) || !take_field(&rest, delimiter, &address) ||
        !take_field(&rest, delimiter, &port_text) || !is_empty_or_address(address))
        return 0;
    uint64_t port;
    return text_u64(text_trim(port_text), UINT16_MAX, &port) ? (uint16_t)port : 0;
}

enum ferry_error hostport_parse_epsv(struct bytes text, uint16_t *port)
{
    for (; text.len > 0; text = bytes_skip(text, 1)) {
        uint16_t found = is_delimiter(text.ptr[0]) ? take_epsv(text) : 0;
        if (found != 0) {
            *port = found;
            return FERRY_OK;
        }
    }
    return FERRY_E_PROTOCOL;
}

enum ferry_error hostport_format_port(struct buf *out, const struct hostport *in)
{
    if (in->family != ADDRESS_V4)
        return FERRY_E_ARGUMENT;
    return buf_printf(out, "%d,%d,%d,%d,%d,%d", in->address[0], in->address[1], in->address[2],
                      in->address[3], in->port >> 8, in->port & 0xff);
}

enum ferry_error hostport_format_eprt(struct buf *out, const struct hostport *in)
{
    struct buf address;
    buf_init(&address, 64);
    enum ferry_error error = hostport_text(&address, in);
    if (error == FERRY_OK)
        error = buf_printf(out, "|%d|%.*s|%d|", (int)in->family, BYTES_FMT(buf_view(&address)),
                           in->port);
    buf_fini(&address);
    return error;
}
