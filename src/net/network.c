/* Networks of addresses in CIDR notation. */
#include "net/network.h"

#include <string.h>

#include "base/text.h"

enum { IPV4_BITS = 32, IPV6_BITS = 128, MAPPED_BITS = IPV6_BITS - IPV4_BITS, IPV4 = 1 };

/* The bits of the byte at `index` that a prefix of `bits` covers. */
static uint8_t mask_of(unsigned bits, unsigned index)
{
    unsigned before = index * 8;
    if (bits >= before + 8)
        return 0xff;
    return (uint8_t)(bits <= before ? 0 : 0xff00U >> (bits - before));
}

/* The prefix length after the slash, as it counts for the family that the address was turned into.
 */
static bool parse_bits(struct bytes text, bool written_as_ipv6, struct network *network)
{
    uint64_t bits;
    if (!text_u64(text, written_as_ipv6 ? IPV6_BITS : IPV4_BITS, &bits))
        return false;
    if (written_as_ipv6 && network->family == IPV4) {
        if (bits < MAPPED_BITS)
            return false;
        bits -= MAPPED_BITS;
    }
    network->bits = (unsigned)bits;
    return true;
}

static bool has_bits_behind(const struct network *network)
{
    for (unsigned i = 0; i < sizeof(network->bytes); i++)
        if (network->bytes[i] & (uint8_t)~mask_of(network->bits, i))
            return true;
    return false;
}

enum ferry_error network_parse(const char *text, struct network *out, struct fault *fault)
{
    struct bytes bits = bytes_str(text);
    struct bytes host = bytes_cut(&bits, '/');
    bool has_bits = host.len < strlen(text);

    char numeric[ADDRESS_TEXT_BYTES] = "";
    struct address address;
    if (host.len < sizeof(numeric))
        memcpy(numeric, host.ptr, host.len);
    if (address_parse(numeric, 0, &address) != FERRY_OK)
        return fault_set(fault, FERRY_E_ARGUMENT, "%s is no network", text);

    struct network network;
    uint16_t port;
    address_to_raw(&address, &network.family, network.bytes, &port);
    network.bits = network.family == IPV4 ? IPV4_BITS : IPV6_BITS;
    bool written_as_ipv6 = bytes_find(host, ':') < host.len;
    if (has_bits && !parse_bits(bits, written_as_ipv6, &network))
        return fault_set(fault, FERRY_E_ARGUMENT, "%s is no network: the prefix is not possible",
                         text);
    if (has_bits_behind(&network))
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "%s is no network: the address has bits behind the prefix", text);
    *out = network;
    return FERRY_OK;
}

bool network_contains(const struct network *network, const struct address *address)
{
    int family;
    uint8_t bytes[16];
    uint16_t port;
    address_to_raw(address, &family, bytes, &port);
    if (family != network->family)
        return false;
    for (unsigned i = 0; i < sizeof(bytes); i++)
        if ((bytes[i] & mask_of(network->bits, i)) != network->bytes[i])
            return false;
    return true;
}

bool network_list_contains(const struct network *list, size_t count, const struct address *address)
{
    for (size_t i = 0; i < count; i++)
        if (network_contains(&list[i], address))
            return true;
    return false;
}
