/* Leaving a server in order. */
#include "client/quit.h"

#include "base/alloc.h"
#include "base/clock.h"

enum {
    QUIT_SECONDS = 5, /* FTP-37 */
    LINGER_SECONDS = 1,
};

struct quit {
    struct client_session *session;
    struct loop_timer *timer;
    client_done_fn *done;
    void *ctx;
};

static void quit_free(struct quit *quit)
{
    loop_timer_free(quit->timer);
    alloc_free(quit);
}

/* Whatever happened: nobody is told of it, since the session was to end. */
static void end(void *ctx)
{
    struct quit *quit = ctx;
    struct client_session *session = quit->session;
    client_done_fn *done = quit->done;
    void *done_ctx = quit->ctx;
    session->cancel = NULL;
    client_session_close(session);
    quit_free(quit);
    done(done_ctx, FERRY_OK);
}

static void on_reply(void *ctx, const struct reply *reply)
{
    static const struct stream_events closing = {.closed = end};
    struct quit *quit = ctx;
    if (!reply) {
        end(quit);
        return;
    }
    loop_timer_at(quit->timer, CLOCK_NEVER);
    stream_set_events(quit->session->control, &closing, quit);
    stream_close(quit->session->control, LINGER_SECONDS * CLOCK_NS_PER_S);
}

enum ferry_error client_quit_start(struct client_session *session, client_done_fn *done, void *ctx)
{
    struct quit *quit = alloc_zero(sizeof(*quit));
    if (!quit)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory to quit");
    *quit = (struct quit){.session = session, .done = done, .ctx = ctx};
    quit->timer = loop_timer_new(session->loop, end, quit);
    if (!quit->timer) {
        quit_free(quit);
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory to quit");
    }
    enum ferry_error error =
        client_session_send(session, VERB_QUIT, (struct bytes){0}, on_reply, quit);
    if (error != FERRY_OK) {
        quit_free(quit);
        return error;
    }
    session->cancel = end;
    session->cancel_ctx = quit;
    loop_timer_at(quit->timer, loop_now_ns(session->loop) + QUIT_SECONDS * CLOCK_NS_PER_S);
    return FERRY_OK;
}
