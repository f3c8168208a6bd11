/* ftp:// and ftps:// URLs: taken apart and put together. */
#include "ftp/url.h"

#include "base/alloc.h"
#include "base/text.h"
#include "ftp/path.h"

static const struct {
    struct bytes prefix;
    bool implicit;
    uint16_t port;
} schemes[] = {
    {BYTES_LIT("ftp://"), false, URL_PORT_EXPLICIT},
    {BYTES_LIT("ftps://"), true, URL_PORT_IMPLICIT},
};

static const struct {
    struct bytes suffix;
    enum url_type type;
} types[] = {
    {BYTES_LIT(";type=a"), URL_TYPE_ASCII},
    {BYTES_LIT(";type=i"), URL_TYPE_IMAGE},
    {BYTES_LIT(";type=d"), URL_TYPE_DIRECTORY},
};

static enum ferry_error wrong(struct fault *fault, const char *why)
{
    return fault_set(fault, FERRY_E_ARGUMENT, "the URL %s", why);
}

static enum ferry_error take_scheme(struct bytes *rest, struct url *out, struct fault *fault)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct bytes prefix = schemes[i].prefix;
        if (text_same(bytes_first(*rest, prefix.len), prefix)) {
            *rest = bytes_skip(*rest, prefix.len);
            out->implicit = schemes[i].implicit;
            out->port = schemes[i].port;
            return FERRY_OK;
        }
    }
    return wrong(fault, "begins with neither ftp:// nor ftps://");
}

/* Decodes `in` into `decoded`, an empty queue whose cap is the limit of this part. */
static enum ferry_error decode(struct buf *decoded, struct bytes in, const char *part,
                               struct fault *fault)
{
    enum ferry_error error = text_percent_decode(decoded, in);
    if (error == FERRY_E_ARGUMENT)
        return fault_set(fault, error, "the URL's %s has a %% without two hexadecimal digits",
                         part);
    if (error == FERRY_E_LIMIT)
        return fault_set(fault, error, "the URL's %s is too long", part);
    if (error != FERRY_OK)
        return fault_set(fault, error, "no memory for the URL's %s", part);

    struct bytes bytes = buf_view(decoded);
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        if (c == '\r' || c == '\n' || c == '\0')
            return fault_set(fault, FERRY_E_ARGUMENT, "the URL's %s holds a line break or a NUL",
                             part);
    }
    return FERRY_OK;
}

static enum ferry_error copy(struct bytes in, char **out, struct fault *fault)
{
    *out = alloc_bytes(in);
    return *out ? FERRY_OK : fault_set(fault, FERRY_E_MEMORY, "no memory for the URL");
}

static enum ferry_error decode_string(struct bytes in, size_t max_bytes, const char *part,
                                      char **out, struct fault *fault)
{
    CLEANUP(buf_fini) struct buf decoded;
    buf_init(&decoded, max_bytes);
    enum ferry_error error = decode(&decoded, in, part, fault);
    return error == FERRY_OK ? copy(buf_view(&decoded), out, fault) : error;
}

static enum ferry_error parse_password(struct bytes in, struct url *out, struct fault *fault)
{
    CLEANUP(buf_wipe) struct buf decoded;
    buf_init(&decoded, SECRET_MAX_BYTES);
    enum ferry_error error = decode(&decoded, in, "password", fault);
    if (error != FERRY_OK)
        return error;
    error = secret_new(buf_view(&decoded), &out->password);
    return error == FERRY_OK ? error : fault_set(fault, error, "no memory for the password");
}

static enum ferry_error parse_userinfo(struct bytes in, struct url *out, struct fault *fault)
{
    size_t colon = bytes_find(in, ':');
    enum ferry_error error =
        decode_string(bytes_first(in, colon), URL_USER_MAX_BYTES, "user name", &out->user, fault);
    if (error != FERRY_OK || colon == in.len)
        return error;
    return parse_password(bytes_skip(in, colon + 1), out, fault);
}

/* Letters and digits, the bytes of an internationalised name, and those of `also`. */
static bool made_of(struct bytes in, struct bytes also)
{
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        char upper = text_upper(c);
        bool plain = text_is_digit(c) || (upper >= 'A' && upper <= 'Z') || (c & 0x80);
        if (!plain && bytes_find(also, c) == also.len)
            return false;
    }
    return in.len > 0;
}

/* Its exact form is for the resolver to judge; here it only must not be anything else. */
static bool looks_like_ipv6(struct bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        if (text_hex_digit(in.ptr[i]) < 0 && in.ptr[i] != ':' && in.ptr[i] != '.')
            return false;
    }
    return bytes_find(in, ':') < in.len;
}

static enum ferry_error set_host(struct bytes in, struct url *out, struct fault *fault)
{
    if (in.len > URL_HOST_MAX_BYTES)
        return fault_set(fault, FERRY_E_LIMIT, "the URL's host name is too long");
    return copy(in, &out->host, fault);
}

static enum ferry_error parse_name(struct bytes in, struct url *out, struct fault *fault)
{
    if (!made_of(in, BYTES_LIT(".-_")))
        return wrong(fault, in.len ? "has a host name that cannot be one" : "names no host");
    return set_host(in, out, fault);
}

/* `in` is what stands between the brackets: an address, perhaps with "%25" and a zone behind it
 * (RFC 6874). */
static enum ferry_error parse_ipv6(struct bytes in, struct url *out, struct fault *fault)
{
    struct bytes zone = in;
    struct bytes address = bytes_cut(&zone, '%');
    bool has_zone = address.len < in.len;
    if (bytes_starts(zone, BYTES_LIT("25")))
        zone = bytes_skip(zone, 2);

    if (!looks_like_ipv6(address) || (has_zone && !made_of(zone, BYTES_LIT(".-_"))))
        return wrong(fault, "has brackets around what is no IPv6 address");

    CLEANUP(buf_fini) struct buf host;
    buf_init(&host, URL_MAX_BYTES);
    enum ferry_error error =
        has_zone ? buf_printf(&host, "%.*s%%%.*s", BYTES_FMT(address), BYTES_FMT(zone))
                 : buf_append(&host, address);
    if (error != FERRY_OK)
        return fault_set(fault, error, "no memory for the URL");
    return set_host(buf_view(&host), out, fault);
}

static enum ferry_error parse_port(struct bytes in, struct url *out, struct fault *fault)
{
    if (in.len == 0)
        return FERRY_OK; /* "host:" means the default (RFC 3986 section 3.2.3) */
    uint64_t port;
    if (!text_u64(in, UINT16_MAX, &port) || port == 0)
        return wrong(fault, "has a port that is not within 1 to 65535");
    out->port = (uint16_t)port;
    return FERRY_OK;
}

static enum ferry_error take_host(struct bytes *rest, struct url *out, struct fault *fault)
{
    if (!bytes_starts(*rest, BYTES_LIT("["))) {
        struct bytes name = bytes_first(*rest, bytes_find(*rest, ':'));
        *rest = bytes_skip(*rest, name.len);
        return parse_name(name, out, fault);
    }
    size_t close = bytes_find(*rest, ']');
    if (close == rest->len)
        return wrong(fault, "has a [ without a ]");
    struct bytes address = bytes_skip(bytes_first(*rest, close), 1);
    *rest = bytes_skip(*rest, close + 1);
    return parse_ipv6(address, out, fault);
}

static enum ferry_error parse_host_port(struct bytes in, struct url *out, struct fault *fault)
{
    enum ferry_error error = take_host(&in, out, fault);
    if (error != FERRY_OK)
        return error;
    if (in.len > 0 && in.ptr[0] != ':')
        return wrong(fault, "has text behind the ]");
    return parse_port(bytes_skip(in, 1), out, fault);
}

static enum ferry_error parse_authority(struct bytes in, struct url *out, struct fault *fault)
{
    const char *at = in.len ? memrchr(in.ptr, '@', in.len) : NULL;
    if (!at)
        return parse_host_port(in, out, fault);
    size_t userinfo_len = (size_t)(at - in.ptr);
    enum ferry_error error = parse_userinfo(bytes_first(in, userinfo_len), out, fault);
    if (error != FERRY_OK)
        return error;
    return parse_host_port(bytes_skip(in, userinfo_len + 1), out, fault);
}

/* Cuts a `;type=` from the end of `*path`. */
static enum ferry_error take_type(struct bytes *path, struct url *out, struct fault *fault)
{
    const char *semicolon = path->len ? memrchr(path->ptr, ';', path->len) : NULL;
    if (!semicolon)
        return FERRY_OK;
    struct bytes suffix = bytes_skip(*path, (size_t)(semicolon - path->ptr));
    struct bytes key = BYTES_LIT(";type=");
    if (!text_same(bytes_first(suffix, key.len), key))
        return FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (text_same(suffix, types[i].suffix)) {
            out->type = types[i].type;
            path->len -= suffix.len;
            return FERRY_OK;
        }
    }
    return wrong(fault, "has a ;type= other than a, i or d");
}

static enum ferry_error parse_parts(struct bytes text, struct url *out, struct fault *fault)
{
    if (text.len > URL_MAX_BYTES)
        return fault_set(fault, FERRY_E_LIMIT, "the URL is longer than %d bytes", URL_MAX_BYTES);
    enum ferry_error error = take_scheme(&text, out, fault);
    if (error != FERRY_OK)
        return error;
    error = parse_authority(bytes_cut(&text, '/'), out, fault);
    if (error != FERRY_OK)
        return error;
    error = take_type(&text, out, fault);
    if (error != FERRY_OK)
        return error;
    return decode_string(text, PATH_MAX_BYTES, "path", &out->path, fault);
}

enum ferry_error url_parse(struct bytes text, struct url *out, struct fault *fault)
{
    *out = (struct url){0};
    enum ferry_error error = parse_parts(text, out, fault);
    if (error != FERRY_OK)
        url_fini(out);
    return error;
}

void url_fini(struct url *url)
{
    alloc_free(url->user);
    secret_free(url->password);
    alloc_free(url->host);
    alloc_free(url->path);
    *url = (struct url){0};
}

/* The host as it stands in a URL: an IPv6 address in brackets, its zone's '%' written as %25. */
static enum ferry_error format_host(struct buf *out, const char *host)
{
    struct bytes zone = bytes_str(host);
    struct bytes address = bytes_cut(&zone, '%');
    if (bytes_find(address, ':') == address.len)
        return buf_append(out, address);
    return buf_printf(out, "[%.*s%s%.*s]", BYTES_FMT(address), zone.len ? "%25" : "",
                      BYTES_FMT(zone));
}

static enum ferry_error format_parts(struct buf *out, const struct url *url)
{
    const struct bytes scheme = schemes[url->implicit ? 1 : 0].prefix;
    enum ferry_error error = buf_append(out, scheme);
    if (error == FERRY_OK && url->user) {
        error = text_percent_encode(out, bytes_str(url->user), "");
        if (error == FERRY_OK)
            error = buf_append(out, BYTES_LIT("@"));
    }
    if (error == FERRY_OK)
        error = format_host(out, url->host);
    if (error == FERRY_OK && url->port != schemes[url->implicit ? 1 : 0].port)
        error = buf_printf(out, ":%u", (unsigned)url->port);
    if (error == FERRY_OK)
        error = buf_append(out, BYTES_LIT("/"));
    if (error == FERRY_OK)
        error = text_percent_encode(out, bytes_str(url->path), "/");
    return error;
}

enum ferry_error url_format(struct buf *out, const struct url *url)
{
    enum ferry_error error = format_parts(out, url);
    for (size_t i = 0; i < ARRAY_LEN(types) && error == FERRY_OK; i++) {
        if (types[i].type == url->type)
            error = buf_append(out, types[i].suffix);
    }
    return error;
}
