/* Names that the system looks up. */
#include "net/names.h"

#include <netdb.h>

#include "base/alloc.h"
#include "net/address.h"
#include "net/loop.h"

struct system_lookup {
    struct loop_lookup *lookup;
    names_fn *fn;
    void *ctx;
};

static void system_cancel(void *lookup)
{
    struct system_lookup *self = lookup;
    loop_lookup_free(self->lookup);
    alloc_free(self);
}

/* Those of IPv4, with what was mapped to IPv6. */
static size_t take_addresses(const struct addrinfo *list, struct in_addr out[NAMES_ADDRESSES_MAX])
{
    size_t count = 0;
    for (const struct addrinfo *at = list; at && count < NAMES_ADDRESSES_MAX; at = at->ai_next) {
        struct address address;
        address_from_system(at->ai_addr, at->ai_addrlen, &address);
        if (address.storage.ss_family == AF_INET)
            out[count++] = ((const struct sockaddr_in *)(const void *)&address.storage)->sin_addr;
    }
    return count;
}

static void on_found(void *ctx, const struct addrinfo *list, const char *error)
{
    struct system_lookup *self = ctx;
    struct in_addr found[NAMES_ADDRESSES_MAX];
    size_t count = take_addresses(list, found);
    if (list && count == 0)
        error = "the name has no IPv4 address";
    self->fn(self->ctx, found, count, error);
    system_cancel(self);
}

static enum ferry_error system_begin(void *source, const char *host, names_fn *fn, void *ctx,
                                     void **out)
{
    struct system_lookup *self = alloc_zero(sizeof(*self));
    if (!self)
        return FERRY_E_MEMORY;
    *self = (struct system_lookup){.fn = fn, .ctx = ctx};
    enum ferry_error error = loop_lookup_new(source, host, on_found, self, &self->lookup);
    if (error != FERRY_OK) {
        alloc_free(self);
        return error;
    }
    *out = self;
    return FERRY_OK;
}

const struct names_ops names_system = {.begin = system_begin, .cancel = system_cancel};
