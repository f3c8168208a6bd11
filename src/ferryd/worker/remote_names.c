/* Names that auth looks up. */
#include "ferryd/worker/remote_names.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "ferryd/messages.h"

static_assert(NAMES_ADDRESSES_MAX * sizeof(struct in_addr) == MESSAGE_ADDRESSES_BYTES,
              "an answer fits");

struct remote_lookup {
    TAILQ_ENTRY(remote_lookup) link;
    struct remote_names *names;
    uint64_t number;
    names_fn *fn;
    void *ctx;
};

static void remote_cancel(void *lookup)
{
    struct remote_lookup *self = lookup;
    TAILQ_REMOVE(&self->names->lookups, self, link);
    alloc_free(self);
}

static enum ferry_error send_lookup(struct remote_names *names, uint64_t number, const char *host)
{
    struct fault fault = {0};
    struct wire_writer *writer = link_begin(names->auth, MESSAGE_LOOKUP);
    wire_put_u64(writer, number);
    wire_put_bytes(writer, bytes_str(host));
    return link_send(names->auth, NULL, 0, &fault) == FERRY_OK ? FERRY_OK : FERRY_E_LOST;
}

static enum ferry_error remote_begin(void *source, const char *host, names_fn *fn, void *ctx,
                                     void **out)
{
    struct remote_names *names = source;
    if (strlen(host) > MESSAGE_HOST_BYTES)
        return FERRY_E_ARGUMENT;
    if (!names->auth)
        return FERRY_E_LOST;
    struct remote_lookup *lookup = alloc_zero(sizeof(*lookup));
    if (!lookup)
        return FERRY_E_MEMORY;
    *lookup = (struct remote_lookup){.names = names, .number = ++names->last, .fn = fn, .ctx = ctx};
    TAILQ_INSERT_TAIL(&names->lookups, lookup, link);
    enum ferry_error error = send_lookup(names, lookup->number, host);
    if (error != FERRY_OK)
        remote_cancel(lookup);
    else
        *out = lookup;
    return error;
}

const struct names_ops remote_names_ops = {.begin = remote_begin, .cancel = remote_cancel};

static void lookup_end(struct remote_lookup *lookup, const struct in_addr *list, size_t count,
                       const char *error)
{
    names_fn *fn = lookup->fn;
    void *ctx = lookup->ctx;
    remote_cancel(lookup);
    fn(ctx, list, count, count > 0 ? NULL : error);
}

static struct remote_lookup *find(const struct remote_names *names, uint64_t number)
{
    struct remote_lookup *lookup;
    TAILQ_FOREACH (lookup, &names->lookups, link)
        if (lookup->number == number)
            return lookup;
    return NULL;
}

enum ferry_error remote_names_answer(struct remote_names *names, struct wire_reader *reader,
                                     struct fault *fault)
{
    uint64_t number = wire_get_u64(reader);
    struct bytes addresses = wire_get_bytes(reader);
    struct bytes why = wire_get_bytes(reader);
    struct in_addr list[NAMES_ADDRESSES_MAX];
    char words[MESSAGE_WORDS_BYTES + 1];
    if (number == 0 || number > names->last || addresses.len % sizeof(*list) != 0)
        return fault_set(fault, FERRY_E_PROTOCOL, "an answer to no name that was asked for");
    struct remote_lookup *lookup = find(names, number);
    if (!lookup) /* cancelled meanwhile */
        return FERRY_OK;
    memcpy(list, addresses.len > 0 ? addresses.ptr : "", addresses.len);
    snprintf(words, sizeof(words), "%.*s", BYTES_FMT(why));
    lookup_end(lookup, list, addresses.len / sizeof(*list), words);
    return FERRY_OK;
}

void remote_names_connect(struct remote_names *names, struct link *auth)
{
    names->auth = auth;
    struct remote_lookup *lookup;
    while ((lookup = TAILQ_FIRST(&names->lookups)))
        lookup_end(lookup, NULL, 0, "the process that looks names up ended");
}

void remote_names_init(struct remote_names *names)
{
    *names = (struct remote_names){.auth = NULL};
    TAILQ_INIT(&names->lookups);
}
