/* For which host a request is, and whose form it is. */
#include "ferryd/ops/web/host.h"

#include "base/compiler.h"
#include "base/text.h"

/* Without the port. */
static struct bytes name_of(struct bytes host)
{
    if (bytes_starts(host, BYTES_LIT("[")))
        return bytes_first(host, bytes_find(host, ']') + 1);
    return bytes_first(host, bytes_find(host, ':'));
}

static bool is_port(struct bytes text)
{
    uint64_t port;
    return text.len == 0 || (text.ptr[0] == ':' && text_u64(bytes_skip(text, 1), 65535, &port));
}

enum host_kind host_kind(struct bytes host, char *const *hosts, size_t host_count)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "[::1]"};
    struct bytes name = name_of(host);
    if (name.len == 0 || !is_port(bytes_skip(host, name.len)))
        return HOST_FOREIGN;
    for (size_t i = 0; i < host_count; i++)
        if (text_same(name, bytes_str(hosts[i])))
            return HOST_NAMED;
    for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
        if (text_same(name, bytes_str(loopback[i])))
            return HOST_LOOPBACK;
    return HOST_FOREIGN;
}

bool host_is_origin(struct bytes host, struct bytes origin)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct bytes scheme = bytes_str(schemes[i]);
        if (bytes_starts(origin, scheme) && text_same(bytes_skip(origin, scheme.len), host))
            return true;
    }
    return origin.len == 0;
}
