/* The IPv4 address of a name, looked up again and again. */
#include "net/resolve.h"

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/clock.h"

/* A name that cannot be looked up now is tried again so soon. */
static const uint64_t RETRY_NS = 10 * CLOCK_NS_PER_S;

struct resolve {
    struct loop *loop;
    char *host;
    uint64_t every_ns;
    resolve_fn *fn;
    void *ctx;
    struct loop_lookup *lookup; /* NULL: none runs */
    struct loop_timer *next;
    struct address address;
    bool known;
};

/* Keeps or replaces the address; false: the answer has none of IPv4. */
static bool choose(const struct addrinfo *list, struct address *kept)
{
    const struct address old = *kept;
    bool found = false;
    for (const struct addrinfo *at = list; at; at = at->ai_next) {
        struct address address;
        address_from_system(at->ai_addr, at->ai_addrlen, &address);
        if (address.storage.ss_family != AF_INET)
            continue;
        if (!found || address_same_host(&address, &old))
            *kept = address;
        found = true;
    }
    address_set_port(kept, 0);
    return found;
}

/* The callee may free `resolve`: last thing to be called. */
static void answered(struct resolve *resolve, const char *error)
{
    uint64_t wait_ns = error && RETRY_NS < resolve->every_ns ? RETRY_NS : resolve->every_ns;
    loop_timer_at(resolve->next, loop_now_ns(resolve->loop) + wait_ns);
    resolve->fn(resolve->ctx, error);
}

static void found(void *ctx, const struct addrinfo *list, const char *error)
{
    struct resolve *resolve = ctx;
    loop_lookup_free(resolve->lookup);
    resolve->lookup = NULL;
    if (list && choose(list, &resolve->address))
        resolve->known = true;
    else if (list)
        error = "the name has no IPv4 address";
    answered(resolve, error);
}

static void look_up(void *ctx)
{
    struct resolve *resolve = ctx;
    enum ferry_error error =
        loop_lookup_new(resolve->loop, resolve->host, found, resolve, &resolve->lookup);
    if (error != FERRY_OK)
        answered(resolve, error == FERRY_E_MEMORY ? "memory is short" : "it is not a host name");
}

struct resolve *resolve_new(struct loop *loop, const char *host, uint64_t every_ns, resolve_fn *fn,
                            void *ctx)
{
    struct resolve *resolve = alloc_zero(sizeof(*resolve));
    if (!resolve)
        return NULL;
    resolve->loop = loop;
    resolve->every_ns = every_ns;
    resolve->fn = fn;
    resolve->ctx = ctx;
    resolve->host = alloc_str(host);
    resolve->next = loop_timer_new(loop, look_up, resolve);
    if (!resolve->host || !resolve->next) {
        resolve_free(resolve);
        return NULL;
    }
    loop_timer_at(resolve->next, loop_now_ns(loop)); /* not from inside this call */
    return resolve;
}

const struct address *resolve_address(const struct resolve *resolve)
{
    return resolve->known ? &resolve->address : NULL;
}

void resolve_free(struct resolve *resolve)
{
    if (!resolve)
        return;
    loop_lookup_free(resolve->lookup);
    loop_timer_free(resolve->next);
    alloc_free(resolve->host);
    alloc_free(resolve);
}
