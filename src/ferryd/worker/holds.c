/* The logins that the sessions of a worker have. */
#include "ferryd/worker/holds.h"

#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/messages.h"
#include "ferryd/peer_wire.h"
#include "ferryd/worker/remote_store.h"

static void hold_free(struct hold *hold)
{
    TAILQ_REMOVE(&hold->holds->list, hold, link);
    alloc_free(hold);
}

static void on_released(void *ctx)
{
    struct hold *hold = ctx;
    struct link *auth = hold->holds->auth;
    struct fault fault = {0};
    if (auth) {
        wire_put_u64(link_begin(auth, MESSAGE_LOGOUT), hold->grant);
        (void)!link_send(auth, NULL, 0, &fault); /* if it has gone, it has forgotten */
    }
    hold_free(hold);
}

static void on_lost(void *ctx)
{
    struct hold *hold = ctx;
    if (hold->ended) /* the hold may be gone after it */
        hold->ended(hold->ctx, "The process that serves your files has ended. Log in again");
}

static void announce(struct link *auth, const struct hold *hold)
{
    struct fault fault = {0};
    struct wire_writer *writer = link_begin(auth, MESSAGE_SEATED);
    wire_put_u64(writer, hold->grant);
    wire_put_bytes(writer, bytes_str(hold->name));
    peer_wire_put(writer, &hold->peer);
    wire_put_u64(writer, hold->stamp);
    (void)!link_send(auth, NULL, 0, &fault);
}

struct backend_store *holds_store(struct holds *holds, struct loop *loop, const struct hold *hold,
                                  int fd)
{
    CLEANUP(fd_close) int owned = fd;
    struct backend_store *store = NULL;
    struct hold *copy = alloc_zero(sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = *hold;
    copy->holds = holds;
    TAILQ_INSERT_TAIL(&holds->list, copy, link);
    const struct remote_store_events events = {on_released, on_lost, copy};
    if (remote_store_new(loop, fd_take(&owned), &events, &store) != FERRY_OK) {
        hold_free(copy);
        return NULL;
    }
    if (holds->auth && !copy->is_known)
        announce(holds->auth, copy);
    return store;
}

void holds_connect(struct holds *holds, struct link *auth)
{
    const struct hold *hold;
    holds->auth = auth;
    if (auth)
        TAILQ_FOREACH (hold, &holds->list, link)
            announce(auth, hold);
}

void holds_end(struct holds *holds, uint64_t grant, const char *words)
{
    struct hold *hold;
    TAILQ_FOREACH (hold, &holds->list, link) {
        if (hold->grant != grant)
            continue;
        if (hold->ended)
            hold->ended(hold->ctx, words); /* the hold may be gone */
        return;
    }
}

void holds_init(struct holds *holds)
{
    *holds = (struct holds){.auth = NULL};
    TAILQ_INIT(&holds->list);
}
