/* Warnings of passive rules by which no data connection can come. */
#include "server/reach.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fd.h"

enum { FEW_PORTS = 8 };

/* Networks whose addresses mean something to those in them only (RFC 1918, 3927, 6598). */
static const struct network private_networks[] = {
    {.family = 1, .bits = 8, .bytes = {10}},        {.family = 1, .bits = 12, .bytes = {172, 16}},
    {.family = 1, .bits = 16, .bytes = {192, 168}}, {.family = 1, .bits = 16, .bytes = {169, 254}},
    {.family = 1, .bits = 10, .bytes = {100, 64}},
};
static const struct network loopback = {.family = 1, .bits = 8, .bytes = {127}};

static bool is_private(const struct address *address)
{
    return network_list_contains(private_networks, ARRAY_LEN(private_networks), address);
}

static bool is_ipv4(const struct address *address)
{
    return address->storage.ss_family == AF_INET;
}

/* "0.0.0.0" or "::": whatever address this host has. */
static bool is_any(const struct address *address)
{
    int family;
    uint8_t bytes[16];
    uint16_t port;
    address_to_raw(address, &family, bytes, &port);
    for (size_t i = 0; i < sizeof(bytes); i++)
        if (bytes[i])
            return false;
    return true;
}

/* Nobody comes from another host anyway. */
static bool is_for_this_host_alone(const struct address *at)
{
    int family;
    uint8_t bytes[16];
    uint16_t port;
    address_to_raw(at, &family, bytes, &port);
    return network_contains(&loopback, at) ||
           (family == 2 && IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)(const void *)bytes));
}

static void warn(const struct log *log, enum log_level level, const char *reason,
                 const struct address *told, const char *advice)
{
    char text[ADDRESS_TEXT_BYTES] = "";
    if (told)
        address_text(told, text);
    log_event(log, level, "passive.warning", F_STR("reason", reason), F_STR("address", text),
              F_STR("side", "server"), F_STR("advice", advice));
}

/* ---- what PASV tells ---- */

/* The IPv4 address that a client of this listener is told most likely, and that is private; false:
 * there is none, or a public one, too. */
static bool only_private(const struct address *at, struct address *out)
{
    *out = *at;
    if (!is_any(at))
        return is_ipv4(at) && is_private(at);
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) < 0)
        return false;
    bool found = false, others = false;
    for (const struct ifaddrs *one = list; one; one = one->ifa_next) {
        if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
            continue;
        struct address address;
        address_from_system(one->ifa_addr, sizeof(struct sockaddr_in), &address);
        if (is_private(&address))
            *out = address;
        found |= is_private(&address);
        others |= !is_private(&address) && !network_contains(&loopback, &address);
    }
    freeifaddrs(list);
    return found && !others;
}

void server_reach_warn_address(const struct log *log, const struct server_rules *rules,
                               const struct address *at)
{
    const struct address *told = &rules->passive_address;
    struct address own;
    if (is_for_this_host_alone(at))
        return;
    if (told->len && !is_ipv4(at) && !is_any(at))
        warn(log, LOG_LEVEL_NOTICE, "PASV is not served over IPv6: passive_address is never told",
             told, "leave it out, or listen on IPv4 as well");
    else if (told->len && network_contains(&loopback, told))
        warn(log, LOG_LEVEL_ERROR, "PASV tells an address that no other host can reach", told,
             "set passive_address to the one that clients connect to");
    else if (told->len && is_private(told))
        warn(log, LOG_LEVEL_NOTICE,
             "PASV tells an address that clients outside of its network cannot reach", told,
             "set passive_address to the one that clients outside connect to, if there are such");
    else if (!told->len && !rules->passive_name && !rules->passive_rule_count &&
             !rules->proxy_count && only_private(at, &own))
        warn(log, LOG_LEVEL_NOTICE,
             "this host has no public IPv4 address: clients that come through NAT and use PASV "
             "are told one that they cannot reach",
             &own, "set passive_address to the one that clients outside connect to");
}

bool server_reach_in_vain(const struct address *told, const struct address *peer)
{
    bool inside = network_contains(&loopback, peer) || is_private(peer);
    return is_ipv4(peer) && !inside && (network_contains(&loopback, told) || is_private(told));
}

/* ---- where it listens ---- */

void server_reach_warn_ports(const struct log *log, const struct server_rules *rules,
                             const struct address *at)
{
    CLEANUP(fd_close) int fd = -1;
    struct fault fault = {0};
    if (!rules->passive_low)
        return;
    if (socket_listen_range(at, rules->passive_low, rules->passive_high, &fd, &fault) != FERRY_OK)
        warn(log, LOG_LEVEL_ERROR, fault.what, NULL,
             "passive_ports must name ports that are free and that the server may listen on");
    else if (rules->passive_high - rules->passive_low + 1 < FEW_PORTS)
        warn(log, LOG_LEVEL_NOTICE,
             "there are few passive ports: one is taken from each PASV or EPSV until its data "
             "connection has come",
             NULL, "widen passive_ports");
}
