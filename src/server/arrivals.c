/* Connections that were accepted, until it is known whose they are. */
#include "server/arrivals.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "net/proxy_read.h"

/* A proxy sends its header at once; this is time to send it again if it is lost on the way. */
static const uint64_t HEADER_NS = 5 * CLOCK_NS_PER_S;

struct server_arrival {
    LIST_ENTRY(server_arrival) link;
    struct server_arrivals *arrivals;
    struct address proxy;
    struct proxy_read *read;
};

static void arrival_free(struct server_arrival *arrival)
{
    LIST_REMOVE(arrival, link);
    arrival->arrivals->count--;
    proxy_read_free(arrival->read);
    alloc_free(arrival);
}

static void arrival_read(void *ctx, int fd, const struct proxy_header *header,
                         const struct fault *fault)
{
    struct server_arrival *arrival = ctx;
    struct server_arrivals *arrivals = arrival->arrivals;
    const struct address proxy = arrival->proxy;
    arrival_free(arrival);
    if (fd < 0)
        arrivals->events->refused(arrivals->ctx, &proxy, fault);
    else if (header->relayed)
        arrivals->events->known(arrivals->ctx, fd, &header->source, &header->destination);
    else
        arrivals->events->known(arrivals->ctx, fd, &proxy, NULL);
}

static void refuse(struct server_arrivals *arrivals, const struct address *proxy,
                   enum ferry_error error, const char *why)
{
    struct fault fault = {0};
    fault_set(&fault, error, "%s", why);
    arrivals->events->refused(arrivals->ctx, proxy, &fault);
}

void server_arrivals_take(struct server_arrivals *arrivals, const struct server_rules *rules,
                          int fd, const struct address *peer)
{
    CLEANUP(fd_close) int owned = fd;
    if (!network_list_contains(rules->proxies, rules->proxy_count, peer)) {
        arrivals->events->known(arrivals->ctx, fd_take(&owned), peer, NULL);
        return;
    }
    if (arrivals->count >= arrivals->most) {
        refuse(arrivals, peer, FERRY_E_LIMIT, "too many connections wait for their proxy's header");
        return;
    }
    struct server_arrival *arrival = alloc_zero(sizeof(*arrival));
    if (arrival)
        arrival->read =
            proxy_read_start(arrivals->loop, fd_take(&owned), HEADER_NS, arrival_read, arrival);
    if (!arrival || !arrival->read) {
        alloc_free(arrival);
        refuse(arrivals, peer, FERRY_E_MEMORY, "memory is short");
        return;
    }
    arrival->arrivals = arrivals;
    arrival->proxy = *peer;
    LIST_INSERT_HEAD(&arrivals->list, arrival, link);
    arrivals->count++;
}

void server_arrivals_init(struct server_arrivals *arrivals, struct loop *loop, unsigned most,
                          const struct server_arrivals_events *events, void *ctx)
{
    *arrivals = (struct server_arrivals){.loop = loop, .events = events, .ctx = ctx, .most = most};
    LIST_INIT(&arrivals->list);
}

void server_arrivals_fini(struct server_arrivals *arrivals)
{
    struct server_arrival *arrival;
    while ((arrival = LIST_FIRST(&arrivals->list)))
        arrival_free(arrival);
}
