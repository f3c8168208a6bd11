/* Streams that nobody needs any more, on their way to an orderly close. */
#include "server/linger.h"

#include "base/alloc.h"
#include "base/clock.h"

enum { LINGERING_MAX = 4096 };
static const uint64_t LINGER_NS = 5 * CLOCK_NS_PER_S;

struct server_lingering {
    LIST_ENTRY(server_lingering) link;
    struct server_linger *linger;
    struct stream *stream;
    struct server_binding *binding;
};

static void lingering_free(struct server_lingering *lingering)
{
    LIST_REMOVE(lingering, link);
    lingering->linger->count--;
    stream_free(lingering->stream);
    server_binding_unref(lingering->binding);
    alloc_free(lingering);
}

static void lingering_closed(void *ctx)
{
    lingering_free(ctx);
}

void server_linger_init(struct server_linger *linger)
{
    *linger = (struct server_linger){.streams = LIST_HEAD_INITIALIZER(linger->streams)};
}

void server_linger_fini(struct server_linger *linger)
{
    struct server_lingering *lingering;
    while ((lingering = LIST_FIRST(&linger->streams)))
        lingering_free(lingering);
}

void server_linger_take(struct server_linger *linger, struct stream *stream,
                        struct server_binding *binding)
{
    static const struct stream_events events = {.closed = lingering_closed};
    struct server_lingering *lingering =
        linger->count < LINGERING_MAX ? alloc_zero(sizeof(*lingering)) : NULL;
    if (!lingering) {
        stream_free(stream);
        return;
    }
    lingering->linger = linger;
    lingering->stream = stream;
    lingering->binding = server_binding_ref(binding);
    LIST_INSERT_HEAD(&linger->streams, lingering, link);
    linger->count++;
    stream_set_events(stream, &events, lingering);
    stream_close(stream, LINGER_NS);
}
