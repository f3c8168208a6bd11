/* HTTP of ferryd-ops, by libmicrohttpd on our loop. */
#include "ferryd/ops/http.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "net/address.h"

enum {
    CONNECTIONS_MAX = 64,
    CONNECTION_BYTES = 32 * 1024, /* for the header of a request */
    CONNECTION_S = 15,            /* without any progress */
};

struct http {
    struct http_setup setup;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct loop_task *again; /* somebody was resumed, which wakes nobody */
    LIST_HEAD(, turn) waiting;
};

/* A request that is coming, or waits for the state. */
struct turn {
    LIST_ENTRY(turn) link; /* while it waits */
    struct http *http;
    struct MHD_Connection *connection;
    const struct http_route *route;
    unsigned status; /* of its refusal; 0: none */
    struct buf body;
    struct refresh_wait *wait;
    bool fresh; /* the state is */
    bool rests; /* until http_wake */
    void *note; /* of http_rest */
    void (*forget)(void *note);
};

/* ---- for handlers ---- */

const char *http_argument(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

enum ferry_error http_reply_header(struct http_reply *reply, const char *name, const char *value)
{
    for (const char *c = value; *c; c++)
        if (text_is_control(*c))
            return FERRY_E_ARGUMENT;
    if (reply->header_count == HTTP_REPLY_HEADERS)
        return FERRY_E_LIMIT;
    char *copy = alloc_str(value);
    if (!copy)
        return FERRY_E_MEMORY;
    reply->headers[reply->header_count].name = name;
    reply->headers[reply->header_count++].value = copy;
    return FERRY_OK;
}

static void reply_init(struct http_reply *reply)
{
    *reply = (struct http_reply){.status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8"};
    buf_init(&reply->body, HTTP_REPLY_MAX_BYTES);
}

static void reply_fini(struct http_reply *reply)
{
    buf_fini(&reply->body);
    for (size_t i = 0; i < reply->header_count; i++)
        alloc_free(reply->headers[i].value);
}

/* ---- replies ---- */

static enum MHD_Result send_reply(struct MHD_Connection *connection, const struct http_reply *reply)
{
    struct bytes body = buf_view(&reply->body);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    bool whole = MHD_add_response_header(response, "Content-Type", reply->type) == MHD_YES;
    whole &= MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES;
    whole &= MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES;
    for (size_t i = 0; i < reply->header_count; i++)
        whole &= MHD_add_response_header(response, reply->headers[i].name,
                                         reply->headers[i].value) == MHD_YES;
    enum MHD_Result result =
        whole ? MHD_queue_response(connection, reply->status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

/* A reply that is just its status, in words. */
static enum MHD_Result send_status(struct MHD_Connection *connection, unsigned status)
{
    struct http_reply reply;
    reply_init(&reply);
    reply.status = status;
    const char *words = MHD_get_reason_phrase_for(status);
    enum MHD_Result result = buf_printf(&reply.body, "%s\n", words ? words : "") == FERRY_OK
                                 ? send_reply(connection, &reply)
                                 : MHD_NO;
    reply_fini(&reply);
    return result;
}

static void peer_text(struct MHD_Connection *connection, char out[ADDRESS_TEXT_BYTES])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct address peer;
    out[0] = '\0';
    if (!info || !info->client_addr)
        return;
    bool six = info->client_addr->sa_family == AF_INET6;
    address_from_system(info->client_addr,
                        six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in), &peer);
    address_text(&peer, out);
}

static enum MHD_Result answer(struct turn *turn, const char *path)
{
    char peer[ADDRESS_TEXT_BYTES];
    struct http_reply reply;
    peer_text(turn->connection, peer);
    const struct http_request request = {
        .method = turn->route->method,
        .path = path,
        .body = buf_view(&turn->body),
        .peer = peer,
        .note = turn->note,
        .connection = turn->connection,
        .turn = turn,
    };
    reply_init(&reply);
    enum MHD_Result result = MHD_YES;
    if (turn->route->handle(turn->http->setup.ctx, &request, &reply) != FERRY_OK)
        result = send_status(turn->connection, MHD_HTTP_INTERNAL_SERVER_ERROR);
    else if (!turn->rests)
        result = send_reply(turn->connection, &reply);
    reply_fini(&reply);
    return result;
}

/* ---- requests ---- */

static bool fits(const struct http_route *route, const char *path)
{
    size_t len = strlen(route->path);
    bool folder = len > 1 && route->path[len - 1] == '/';
    return folder ? strncmp(path, route->path, len) == 0 : strcmp(path, route->path) == 0;
}

/* The route of a request; NULL: `*status` says why not. */
static const struct http_route *find(const struct http *http, const char *method, const char *path,
                                     unsigned *status)
{
    const char *asked = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *status = MHD_HTTP_NOT_FOUND;
    for (size_t i = 0; i < http->setup.route_count; i++) {
        const struct http_route *route = &http->setup.routes[i];
        if (!fits(route, path))
            continue;
        if (strcmp(route->method, asked) == 0)
            return route;
        *status = MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    return NULL;
}

static struct turn *turn_new(struct http *http, struct MHD_Connection *connection,
                             const char *method, const char *path)
{
    struct turn *turn = alloc_zero(sizeof(*turn));
    if (!turn)
        return NULL;
    turn->http = http;
    turn->connection = connection;
    turn->route = find(http, method, path, &turn->status);
    buf_init(&turn->body, HTTP_BODY_MAX_BYTES);
    return turn;
}

static void resume(struct turn *turn)
{
    LIST_REMOVE(turn, link);
    turn->wait = NULL;
    MHD_resume_connection(turn->connection);
    loop_task_post(turn->http->again);
}

struct turn *http_rest(const struct http_request *request, void *note, void (*forget)(void *note))
{
    struct turn *turn = request->turn;
    turn->note = note;
    turn->forget = forget;
    turn->rests = true;
    LIST_INSERT_HEAD(&turn->http->waiting, turn, link);
    MHD_suspend_connection(turn->connection);
    return turn;
}

void http_wake(struct turn *turn)
{
    turn->rests = false;
    resume(turn);
}

static void refreshed(void *ctx)
{
    struct turn *turn = ctx;
    turn->fresh = true;
    resume(turn);
}

/* Lets the connection rest until the state is as the route needs it. */
static bool await_state(struct turn *turn)
{
    if (turn->fresh || turn->route->needs == 0)
        return false;
    if (refresh_begin(turn->http->setup.refresh, turn->route->needs, refreshed, turn,
                      &turn->wait) != FERRY_OK)
        return false;
    LIST_INSERT_HEAD(&turn->http->waiting, turn, link);
    MHD_suspend_connection(turn->connection);
    return true;
}

/* libmicrohttpd calls it for the header, for each piece of the body, and for the end. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **slot)
{
    (void)version;
    struct turn *turn = *slot;
    if (!turn) {
        *slot = turn_new(ctx, connection, method, path);
        return *slot ? MHD_YES : MHD_NO;
    }
    if (*data_size > 0) {
        if (buf_append(&turn->body, bytes_of(data, *data_size)) != FERRY_OK) {
            turn->route = NULL;
            turn->status = MHD_HTTP_CONTENT_TOO_LARGE;
        }
        *data_size = 0;
        return MHD_YES;
    }
    if (!turn->route)
        return send_status(connection, turn->status);
    return await_state(turn) ? MHD_YES : answer(turn, path);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    (void)ctx;
    (void)connection;
    (void)code;
    struct turn *turn = *slot;
    if (!turn)
        return;
    if (turn->forget)
        turn->forget(turn->note);
    buf_wipe(&turn->body); /* a password may be in it */
    alloc_free(turn);
    *slot = NULL;
}

/* ---- on the loop ---- */

static void run(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    (void)MHD_run(http->daemon);
    uint64_t at_ns = CLOCK_NEVER;
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
        at_ns = loop_now_ns(http->setup.loop) + wait_ms * CLOCK_NS_PER_MS;
    loop_timer_at(http->timer, at_ns);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    run(ctx);
}

static void on_time(void *ctx)
{
    run(ctx);
}

/* What a client did wrong is not worth a line of the log. */
static void swallow(void *ctx, const char *format, va_list args)
{
    (void)ctx;
    (void)format;
    (void)args;
}

static struct MHD_Daemon *start(struct http *http, int fd)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER,
                            swallow, NULL, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_S,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_END);
}

enum ferry_error http_new(const struct http_setup *setup, int fd, struct http **out,
                          struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    struct http *http = alloc_zero(sizeof(*http));
    if (!http)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for HTTP");
    http->setup = *setup;
    http->daemon = start(http, fd);
    if (http->daemon) {
        (void)fd_take(&owned);
        const union MHD_DaemonInfo *info =
            MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        http->watch = info ? loop_watch_new(setup->loop, info->epoll_fd, on_ready, http) : NULL;
        http->timer = loop_timer_new(setup->loop, on_time, http);
        http->again = loop_task_new(setup->loop, on_time, http);
    }
    if (!http->watch || !http->timer || !http->again) {
        http_free(http);
        return fault_set(fault, FERRY_E_MEMORY, "HTTP cannot be served");
    }
    loop_watch_want(http->watch, true, false);
    *out = http;
    return FERRY_OK;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    loop_watch_free(http->watch);
    loop_timer_free(http->timer);
    struct turn *turn;
    while ((turn = LIST_FIRST(&http->waiting))) {
        refresh_cancel(turn->wait);
        resume(turn);
    }
    if (http->daemon)
        MHD_stop_daemon(http->daemon); /* closes the socket, too */
    loop_task_free(http->again);
    alloc_free(http);
}
