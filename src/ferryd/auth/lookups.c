/* Names that are looked up for a worker. */
#include "ferryd/auth/lookups.h"

#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "ferryd/messages.h"
#include "net/names.h"

struct lookup {
    TAILQ_ENTRY(lookup) link;
    struct lookups *lookups;
    struct link *worker;
    uint64_t number;
    void *pending;
};

static void tell(struct link *worker, uint64_t number, struct bytes addresses, const char *why)
{
    struct fault fault = {0};
    struct wire_writer *writer = link_begin(worker, MESSAGE_LOOKED_UP);
    wire_put_u64(writer, number);
    wire_put_bytes(writer, addresses);
    wire_put_bytes(writer, bytes_first(bytes_str(why), MESSAGE_WORDS_BYTES));
    (void)!link_send(worker, NULL, 0, &fault); /* if the worker has gone, its link says so */
}

static void lookup_free(struct lookup *lookup)
{
    TAILQ_REMOVE(&lookup->lookups->list, lookup, link);
    lookup->lookups->count--;
    alloc_free(lookup);
}

static void on_found(void *ctx, const struct in_addr *list, size_t count, const char *error)
{
    struct lookup *lookup = ctx;
    tell(lookup->worker, lookup->number, bytes_of(list, count * sizeof(*list)), error);
    lookup_free(lookup);
}

static enum ferry_error begin(struct lookups *lookups, struct link *worker, uint64_t number,
                              const char *host)
{
    struct lookup *lookup = alloc_zero(sizeof(*lookup));
    if (!lookup)
        return FERRY_E_MEMORY;
    *lookup = (struct lookup){.lookups = lookups, .worker = worker, .number = number};
    TAILQ_INSERT_TAIL(&lookups->list, lookup, link);
    lookups->count++;
    enum ferry_error error =
        names_system.begin(lookups->loop, host, on_found, lookup, &lookup->pending);
    if (error != FERRY_OK)
        lookup_free(lookup);
    return error;
}

void lookups_ask(struct lookups *lookups, struct link *worker, uint64_t number, struct bytes name)
{
    if (lookups->count >= LOOKUPS_MAX) {
        tell(worker, number, bytes_str(NULL), "there are too many look-ups under way");
        return;
    }
    char *host = alloc_bytes(name);
    enum ferry_error error = host ? begin(lookups, worker, number, host) : FERRY_E_MEMORY;
    alloc_free(host);
    if (error != FERRY_OK)
        tell(worker, number, bytes_str(NULL),
             error == FERRY_E_MEMORY ? "memory is short" : "it is not a host name");
}

void lookups_end(struct lookups *lookups)
{
    struct lookup *lookup;
    while ((lookup = TAILQ_FIRST(&lookups->list))) {
        names_system.cancel(lookup->pending);
        lookup_free(lookup);
    }
}

void lookups_init(struct lookups *lookups, struct loop *loop)
{
    *lookups = (struct lookups){.loop = loop};
    TAILQ_INIT(&lookups->list);
}

void lookups_prepare(void)
{
    /* A label of 64 bytes, for which no question can be written to a server of names. */
    static const char none[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    if (getaddrinfo(none, NULL, &hints, &list) == 0)
        freeaddrinfo(list);
}
