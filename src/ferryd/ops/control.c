/* The control socket. */
#include "ferryd/ops/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/ops/control_private.h"

enum {
    CLIENTS_MAX = 64,
    GROUPS_MAX = 256,                 /* of a client */
    OUT_MAX_BYTES = 32 * 1024 * 1024, /* that wait for one who does not read */
};

/* For a request to come, and to be answered: a reload starts many processes. */
static const uint64_t IDLE_NS = 60 * CLOCK_NS_PER_S;
static const uint64_t ANSWER_NS = 90 * CLOCK_NS_PER_S;

/* ---- clients ---- */

static void client_free(struct control_client *client)
{
    struct control *control = client->control;
    control_stop(client);
    LIST_REMOVE(client, link);
    control->client_count--;
    loop_watch_free(client->watch);
    loop_timer_free(client->late);
    loop_task_free(client->again);
    fd_close(&client->fd);
    buf_fini(&client->in);
    buf_fini(&client->out);
    alloc_free(client);
    if (!control->closing && control->watch)
        loop_watch_want(control->watch, true, false); /* there is room again */
}

static void tell_if_idle(struct control *control)
{
    const struct control_client *client;
    if (!control->closing || !control->idle)
        return;
    LIST_FOREACH (client, &control->clients, link)
        if (client->busy || buf_len(&client->out) > 0)
            return;
    void (*idle)(void *ctx) = control->idle;
    control->idle = NULL;
    idle(control->idle_ctx);
}

/* false: it is gone. */
static bool client_send(struct control_client *client)
{
    while (buf_len(&client->out) > 0) {
        struct bytes out = buf_view(&client->out);
        ssize_t sent = send(client->fd, out.ptr, out.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0)
            return false;
        buf_consume(&client->out, (size_t)sent);
    }
    loop_watch_want(client->watch, true, buf_len(&client->out) > 0);
    return !(client->leaving && buf_len(&client->out) == 0);
}

static int append(const char *text, size_t len, void *out)
{
    return buf_append(out, bytes_of(text, len)) == FERRY_OK ? 0 : -1;
}

/* One who does not read what it asked for is closed when it is next looked at. */
void control_write(struct control_client *client, json_t *line)
{
    if (!line || json_dump_callback(line, append, &client->out, JSON_COMPACT) != 0 ||
        buf_append(&client->out, BYTES_LIT("\n")) != FERRY_OK)
        client->leaving = true;
    json_decref(line);
    loop_watch_want(client->watch, true, true);
}

static void request_over(struct control_client *client)
{
    client->busy = false;
    loop_timer_at(client->late, loop_now_ns(client->control->setup.loop) + IDLE_NS);
    if (client->follows)
        loop_timer_at(client->late, CLOCK_NEVER);
    client->leaving |= client->control->closing;
    loop_task_post(client->again);
}

void control_reply(struct control_client *client, json_t *result)
{
    if (!result) {
        control_refuse(client, "the server's memory is short", "");
        return;
    }
    control_write(client,
                  json_pack("{s:i, s:b, s:o}", "v", CONTROL_VERSION, "ok", 1, "result", result));
    request_over(client);
}

void control_refuse(struct control_client *client, const char *error, const char *advice)
{
    control_write(client, json_pack("{s:i, s:b, s:s, s:s}", "v", CONTROL_VERSION, "ok", 0, "error",
                                    error, "advice", advice));
    request_over(client);
}

void control_refuse_for(struct control_client *client, const char *error, const char *advice,
                        const char *mistakes)
{
    control_write(client, json_pack("{s:i, s:b, s:s, s:s, s:s}", "v", CONTROL_VERSION, "ok", 0,
                                    "error", error, "advice", advice, "mistakes", mistakes));
    request_over(client);
}

/* ---- requests ---- */

static void begin(struct control_client *client, struct bytes line)
{
    struct fault fault = {0};
    client->busy = true;
    client->follows = false;
    loop_timer_at(client->late, loop_now_ns(client->control->setup.loop) + ANSWER_NS);
    if (control_request_parse(line, &client->request, &fault) == FERRY_OK) {
        control_run(client);
        return;
    }
    client->leaving = fault.kind == FERRY_E_PROTOCOL;
    control_refuse(client, fault.what, "ferryctl and ferryd should be of the same version");
}

/* The next request, if it has come whole. false: it never will. */
static bool next_request(struct control_client *client)
{
    struct bytes in = buf_view(&client->in);
    size_t end = bytes_find(in, '\n');
    if (client->busy || client->leaving)
        return true;
    if (end == in.len)
        return in.len < CONTROL_LINE_BYTES;
    char line[CONTROL_LINE_BYTES];
    memcpy(line, in.ptr, end);
    buf_consume(&client->in, end + 1);
    begin(client, bytes_of(line, end));
    return true;
}

static void on_again(void *ctx)
{
    struct control_client *client = ctx;
    struct control *control = client->control;
    if (!next_request(client) || !client_send(client))
        client_free(client);
    tell_if_idle(control);
}

/* false: it has gone, or sends more than anybody may. */
static bool client_read(struct control_client *client)
{
    char space[CONTROL_LINE_BYTES];
    ssize_t got = recv(client->fd, space, sizeof(space), 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    return got > 0 && buf_append(&client->in, bytes_of(space, (size_t)got)) == FERRY_OK;
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    (void)writable;
    struct control_client *client = ctx;
    struct control *control = client->control;
    if ((readable && !client_read(client)) || !next_request(client) || !client_send(client))
        client_free(client);
    tell_if_idle(control);
}

static void on_late(void *ctx)
{
    struct control_client *client = ctx;
    struct control *control = client->control;
    if (!client->busy) {
        client_free(client);
        return;
    }
    control_stop(client);
    control_refuse(client, "the other processes of the server did not answer in time",
                   "look at the log of the server");
    tell_if_idle(control);
}

/* ---- who connects ---- */

static bool is_in_group(int fd, const struct ucred *peer, gid_t group)
{
    gid_t groups[GROUPS_MAX];
    socklen_t len = sizeof(groups);
    if (group == (gid_t)-1)
        return false;
    if (peer->gid == group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
        return false;
    for (size_t i = 0; i < len / sizeof(*groups); i++)
        if (groups[i] == group)
            return true;
    return false;
}

static bool may_ask(const struct control *control, int fd)
{
    const struct control_access *access = &control->setup.access;
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    return peer.uid == 0 || peer.uid == access->uid || is_in_group(fd, &peer, access->group);
}

static struct control_client *client_new(struct control *control, int fd)
{
    struct control_client *client = alloc_zero(sizeof(*client));
    if (!client) {
        fd_close(&fd);
        return NULL;
    }
    client->control = control;
    client->fd = fd;
    buf_init(&client->in, 2 * CONTROL_LINE_BYTES);
    buf_init(&client->out, OUT_MAX_BYTES);
    LIST_INIT(&client->wishes);
    LIST_INSERT_HEAD(&control->clients, client, link);
    control->client_count++;
    client->watch = loop_watch_new(control->setup.loop, fd, on_ready, client);
    client->late = loop_timer_new(control->setup.loop, on_late, client);
    client->again = loop_task_new(control->setup.loop, on_again, client);
    if (client->watch && client->late && client->again)
        return client;
    client_free(client);
    return NULL;
}

static void welcome(struct control *control, int fd)
{
    bool permitted = may_ask(control, fd);
    struct control_client *client = client_new(control, fd);
    if (!client)
        return;
    loop_watch_want(client->watch, true, false);
    loop_timer_at(client->late, loop_now_ns(control->setup.loop) + IDLE_NS);
    if (permitted)
        return;
    client->leaving = true;
    control_refuse(client, "you may not control this server",
                   "be root, or who started it, or a member of its control_group");
}

static void on_connection(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct control *control = ctx;
    if (control->client_count >= CLIENTS_MAX) {
        loop_watch_want(control->watch, false, false);
        return;
    }
    int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        welcome(control, fd);
}

/* ---- its face ---- */

void control_event(struct control *control, const struct state_event *event)
{
    struct control_client *client;
    LIST_FOREACH (client, &control->clients, link)
        if (client->follows && (event->failure || !client->failures))
            control_write(client,
                          json_pack("{s:i, s:O}", "v", CONTROL_VERSION, "event", event->fields));
}

void control_close(struct control *control, void (*idle)(void *ctx), void *ctx)
{
    struct control_client *client;
    control->closing = true;
    control->idle = idle;
    control->idle_ctx = ctx;
    loop_watch_free(control->watch);
    control->watch = NULL;
    fd_close(&control->fd);
    LIST_FOREACH (client, &control->clients, link) {
        client->leaving |= !client->busy;
        loop_task_post(client->again);
    }
    tell_if_idle(control);
}

struct control *control_new(const struct control_setup *setup, int fd)
{
    struct control *control = alloc_zero(sizeof(*control));
    if (!control) {
        fd_close(&fd);
        return NULL;
    }
    control->setup = *setup;
    control->fd = fd;
    LIST_INIT(&control->clients);
    control->watch = loop_watch_new(setup->loop, fd, on_connection, control);
    if (!control->watch) {
        control_free(control);
        return NULL;
    }
    loop_watch_want(control->watch, true, false);
    return control;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    control->closing = true;
    while (!LIST_EMPTY(&control->clients))
        client_free(LIST_FIRST(&control->clients));
    loop_watch_free(control->watch);
    fd_close(&control->fd);
    alloc_free(control);
}
