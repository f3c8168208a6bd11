/* Where a server of LDAP is. */
#include "ferryd/directory/server_url.h"

#include "base/text.h"

enum { PORT_LDAP = 389, PORT_LDAPS = 636 };

static bool is_of_host(char c, bool bracket)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || text_is_digit(c) || c == '-' ||
           c == '.' || c == '_' || (bracket && c == ':');
}

static bool is_host(struct bytes host, bool bracket)
{
    for (size_t i = 0; i < host.len; i++)
        if (!is_of_host(host.ptr[i], bracket))
            return false;
    return host.len > 0;
}

enum ferry_error server_url_read(struct bytes text, struct server_url *out, struct fault *fault)
{
    struct bytes rest = text;
    bool tls = bytes_starts(text, BYTES_LIT("ldaps://"));
    uint64_t port = tls ? PORT_LDAPS : PORT_LDAP;
    if (!tls && !bytes_starts(text, BYTES_LIT("ldap://")))
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "\"%.*s\" begins neither with ldaps:// nor with ldap://", BYTES_FMT(text));
    rest = bytes_skip(rest, tls ? 8 : 7);
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '/')
        rest.len--;
    bool bracket = bytes_starts(rest, BYTES_LIT("["));
    rest = bytes_skip(rest, bracket ? 1 : 0);
    size_t end = bytes_find(rest, bracket ? ']' : ':');
    struct bytes host = bytes_first(rest, end);
    rest = bytes_skip(rest, end);
    bool closed = !bracket || bytes_starts(rest, BYTES_LIT("]"));
    rest = bytes_skip(rest, bracket ? 1 : 0);
    bool has_port = bytes_starts(rest, BYTES_LIT(":"));
    if (!closed || !is_host(host, bracket) || (!has_port && rest.len > 0) ||
        (has_port && (!text_u64(bytes_skip(rest, 1), UINT16_MAX, &port) || port == 0)))
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "\"%.*s\" must be a host, or a host and a port, behind its //",
                         BYTES_FMT(text));
    *out = (struct server_url){.tls = tls, .host = host, .port = (uint16_t)port};
    return FERRY_OK;
}
