/* The IPv4 address of a name, looked up again and again. */
#include "net/resolve.h"

#include <netinet/in.h>
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
    struct names names;
    void *lookup; /* NULL: none runs */
    struct loop_timer *next;
    struct address address;
    bool known;
};

/* One that is still among them is kept. */
static void choose(const struct in_addr *list, size_t count, struct address *kept)
{
    const struct address old = *kept;
    for (size_t i = 0; i < count; i++) {
        const struct sockaddr_in system = {.sin_family = AF_INET, .sin_addr = list[i]};
        struct address address;
        address_from_system((const struct sockaddr *)&system, sizeof(system), &address);
        if (i == 0 || address_same_host(&address, &old))
            *kept = address;
    }
}

/* The callee may free `resolve`: last thing to be called. */
static void answered(struct resolve *resolve, const char *error)
{
    uint64_t wait_ns = error && RETRY_NS < resolve->every_ns ? RETRY_NS : resolve->every_ns;
    loop_timer_at(resolve->next, loop_now_ns(resolve->loop) + wait_ns);
    resolve->fn(resolve->ctx, error);
}

static void found(void *ctx, const struct in_addr *list, size_t count, const char *error)
{
    struct resolve *resolve = ctx;
    resolve->lookup = NULL;
    choose(list, count, &resolve->address);
    resolve->known = resolve->known || count > 0;
    answered(resolve, error);
}

static const char *words_of(enum ferry_error error)
{
    return error == FERRY_E_MEMORY     ? "memory is short"
           : error == FERRY_E_ARGUMENT ? "it is not a host name"
                                       : "who looks names up is not there";
}

static void look_up(void *ctx)
{
    struct resolve *resolve = ctx;
    const struct names *names = &resolve->names;
    enum ferry_error error =
        names->ops->begin(names->source, resolve->host, found, resolve, &resolve->lookup);
    if (error != FERRY_OK)
        answered(resolve, words_of(error));
}

struct resolve *resolve_new(struct loop *loop, const struct names *names, const char *host,
                            uint64_t every_ns, resolve_fn *fn, void *ctx)
{
    struct resolve *resolve = alloc_zero(sizeof(*resolve));
    if (!resolve)
        return NULL;
    resolve->loop = loop;
    resolve->names = names ? *names : (struct names){&names_system, loop};
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
    if (resolve->lookup)
        resolve->names.ops->cancel(resolve->lookup);
    loop_timer_free(resolve->next);
    alloc_free(resolve->host);
    alloc_free(resolve);
}
