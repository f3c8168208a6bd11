/* Numeric TCP addresses. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

/* The family numbers of RFC 2428 section 2. */
enum { RAW_IPV4 = 1, RAW_IPV6 = 2 };

static const struct sockaddr_in *ipv4(const struct address *address)
{
    return (const struct sockaddr_in *)(const void *)&address->storage;
}

static const struct sockaddr_in6 *ipv6(const struct address *address)
{
    return (const struct sockaddr_in6 *)(const void *)&address->storage;
}

static void set_ipv4(struct address *out, const void *bytes, in_port_t port_net)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port_net};
    memcpy(&in.sin_addr, bytes, sizeof(in.sin_addr));
    *out = (struct address){.len = sizeof(in)};
    memcpy(&out->storage, &in, sizeof(in));
}

static void set_ipv6(struct address *out, const void *bytes, in_port_t port_net)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = port_net};
    memcpy(&in.sin6_addr, bytes, sizeof(in.sin6_addr));
    address_from_system((const struct sockaddr *)&in, sizeof(in), out);
}

enum ferry_error address_parse(const char *text, uint16_t port, struct address *out)
{
    struct in_addr four;
    if (inet_pton(AF_INET, text, &four) == 1) {
        set_ipv4(out, &four, htons(port));
        return FERRY_OK;
    }
    struct in6_addr six;
    if (inet_pton(AF_INET6, text, &six) == 1) {
        set_ipv6(out, &six, htons(port));
        return FERRY_OK;
    }
    return FERRY_E_ARGUMENT;
}

void address_from_system(const struct sockaddr *in, socklen_t len, struct address *out)
{
    *out = (struct address){0};
    out->len = len < sizeof(out->storage) ? len : (socklen_t)sizeof(out->storage);
    memcpy(&out->storage, in, out->len);
    if (out->storage.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&ipv6(out)->sin6_addr))
        return;
    struct sockaddr_in6 mapped = *ipv6(out);
    set_ipv4(out, mapped.sin6_addr.s6_addr + 12, mapped.sin6_port);
}

void address_from_raw(int family, const uint8_t bytes[16], uint16_t port, struct address *out)
{
    if (family == RAW_IPV4)
        set_ipv4(out, bytes, htons(port));
    else if (family == RAW_IPV6)
        set_ipv6(out, bytes, htons(port));
    else
        *out = (struct address){0};
}

void address_to_raw(const struct address *in, int *family, uint8_t bytes[16], uint16_t *port)
{
    memset(bytes, 0, 16);
    *family = 0;
    *port = address_port(in);
    if (in->storage.ss_family == AF_INET) {
        *family = RAW_IPV4;
        memcpy(bytes, &ipv4(in)->sin_addr, sizeof(struct in_addr));
    } else if (in->storage.ss_family == AF_INET6) {
        *family = RAW_IPV6;
        memcpy(bytes, &ipv6(in)->sin6_addr, sizeof(struct in6_addr));
    }
}

uint16_t address_port(const struct address *address)
{
    if (address->storage.ss_family == AF_INET)
        return ntohs(ipv4(address)->sin_port);
    if (address->storage.ss_family == AF_INET6)
        return ntohs(ipv6(address)->sin6_port);
    return 0;
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->storage.ss_family == AF_INET)
        ((struct sockaddr_in *)(void *)&address->storage)->sin_port = htons(port);
    else if (address->storage.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)&address->storage)->sin6_port = htons(port);
}

/* An address that was written without its interface has scope 0, which says nothing. */
static bool same_scope(uint32_t a, uint32_t b)
{
    return a == b || a == 0 || b == 0;
}

bool address_same_host(const struct address *a, const struct address *b)
{
    if (a->storage.ss_family != b->storage.ss_family)
        return false;
    if (a->storage.ss_family == AF_INET)
        return ipv4(a)->sin_addr.s_addr == ipv4(b)->sin_addr.s_addr;
    if (a->storage.ss_family == AF_INET6)
        return IN6_ARE_ADDR_EQUAL(&ipv6(a)->sin6_addr, &ipv6(b)->sin6_addr) &&
               same_scope(ipv6(a)->sin6_scope_id, ipv6(b)->sin6_scope_id);
    return false;
}

void address_text(const struct address *in, char out[ADDRESS_TEXT_BYTES])
{
    const void *bytes = NULL;
    if (in->storage.ss_family == AF_INET)
        bytes = &ipv4(in)->sin_addr;
    else if (in->storage.ss_family == AF_INET6)
        bytes = &ipv6(in)->sin6_addr;
    if (!bytes || !inet_ntop(in->storage.ss_family, bytes, out, ADDRESS_TEXT_BYTES))
        out[0] = '\0';
}
