/* Signs of life on the control connection while a transfer runs. */
#include "server/keepalive.h"

#include "base/alloc.h"

struct server_keepalive {
    struct server_session *session;
    struct loop_timer *timer;
};

static void keepalive_due(void *ctx)
{
    struct server_keepalive *keepalive = ctx;
    struct server_session *session = keepalive->session;
    if (!session->stream) /* an upload comes to its end without it */
        return;
    uint64_t now_ns = loop_now_ns(session->shared->loop);
    uint64_t interval_ns = session->rules->control_keepalive_ns;
    uint64_t next_ns = stream_activity_ns(session->stream) + interval_ns;
    if (next_ns <= now_ns) {
        stream_keepalive(session->stream);
        next_ns = now_ns + interval_ns;
    }
    loop_timer_at(keepalive->timer, next_ns);
}

struct server_keepalive *server_keepalive_new(struct server_session *session)
{
    struct server_keepalive *keepalive = alloc_zero(sizeof(*keepalive));
    if (!keepalive)
        return NULL;
    struct loop *loop = session->shared->loop;
    keepalive->session = session;
    keepalive->timer = loop_timer_new(loop, keepalive_due, keepalive);
    if (keepalive->timer) {
        loop_timer_at(keepalive->timer, loop_now_ns(loop) + session->rules->control_keepalive_ns);
        return keepalive;
    }
    alloc_free(keepalive);
    return NULL;
}

void server_keepalive_free(struct server_keepalive *keepalive)
{
    if (!keepalive)
        return;
    loop_timer_free(keepalive->timer);
    alloc_free(keepalive);
}
