/* ferryd-ops: the process that an operator asks what the server does, and that has it do things. It
 * outlives reloads. It has no files; its sockets are given. */
#include <grp.h>
#include <unistd.h>

#include <ferry/version.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/given.h"
#include "ferryd/ops/control.h"
#include "ferryd/ops/front.h"
#include "ferryd/ops/http.h"
#include "ferryd/ops/metrics.h"
#include "ferryd/ops/peers.h"
#include "ferryd/ops_wire.h"
#include "ferryd/role.h"
#include "ferryd/settings.h"

struct ops {
    struct role_main *role;
    struct given given;
    struct log log;
    struct state state;
    struct peers *peers;
    struct control *control;
    struct http *metrics;
    struct front front;
    struct loop_timer *patience; /* of its end */
    int sockets[OPS_SOCKETS];    /* until the start; -1: there is none */
};

static void on_event(void *ctx, const struct state_event *event)
{
    const struct ops *ops = ctx;
    if (ops->control)
        control_event(ops->control, event);
}

static void leave(void *ctx)
{
    const struct ops *ops = ctx;
    role_leave(ops->role);
}

/* ---- what is given ---- */

static void ops_begin(void *ctx, struct role_main *role)
{
    struct ops *ops = ctx;
    ops->role = role;
    given_init(&ops->given);
    state_init(&ops->state);
    ops->state.version = FERRY_VERSION;
    for (int i = 0; i < OPS_SOCKETS; i++)
        ops->sockets[i] = -1;
    role_log(role, &ops->log, LOG_LEVEL_NOTICE, LOG_FORM_TEXT);
    const struct peers_setup peers = {
        .loop = role_loop(role),
        .supervisor = role_supervisor(role),
        .log = &ops->log,
        .state = &ops->state,
        .event = on_event,
        .ctx = ops,
    };
    ops->peers = peers_new(&peers);
    ops->patience = loop_timer_new(role_loop(role), leave, ops);
}

static enum ferry_error ops_settings(void *ctx, int fd, struct fault *fault)
{
    struct ops *ops = ctx;
    return given_settings(&ops->given, fd, fault);
}

static enum ferry_error ops_listener(void *ctx, uint32_t number, int fd, struct fault *fault)
{
    struct ops *ops = ctx;
    if (number >= OPS_SOCKETS) {
        fd_close(&fd);
        return fault_set(fault, FERRY_E_PROTOCOL, "there is no socket %u", (unsigned)number);
    }
    fd_close(&ops->sockets[number]);
    ops->sockets[number] = fd;
    return FERRY_OK;
}

static enum ferry_error ops_channel(void *ctx, enum role peer, uint32_t number, int fd,
                                    struct fault *fault)
{
    struct ops *ops = ctx;
    if (ops->peers)
        return peers_add(ops->peers, peer, number, fd, fault);
    fd_close(&fd);
    return fault_set(fault, FERRY_E_MEMORY, "memory is short");
}

static enum ferry_error ops_other(void *ctx, const struct wire_message *row,
                                  struct wire_reader *reader, struct channel_message *raw,
                                  struct fault *fault)
{
    struct ops *ops = ctx;
    (void)raw;
    return peers_supervisor(ops->peers, row, reader, fault);
}

/* ---- the start ---- */

/* Looked up while that can be done. */
static struct control_access access_of(const struct settings_global *global)
{
    const struct group *group = global->control_group ? getgrnam(global->control_group) : NULL;
    return (struct control_access){.uid = geteuid(), .group = group ? group->gr_gid : (gid_t)-1};
}

static enum ferry_error serve_control(struct ops *ops, const struct settings_global *global,
                                      struct fault *fault)
{
    const struct control_setup setup = {
        .loop = role_loop(ops->role),
        .log = &ops->log,
        .peers = ops->peers,
        .state = &ops->state,
        .access = access_of(global),
    };
    int *fd = &ops->sockets[OPS_SOCKET_CONTROL];
    if (*fd < 0)
        return FERRY_OK;
    ops->control = control_new(&setup, fd_take(fd));
    return ops->control ? FERRY_OK : fault_set(fault, FERRY_E_MEMORY, "memory is short");
}

static enum ferry_error serve_metrics(struct ops *ops, struct fault *fault)
{
    static const struct http_route routes[] = {
        {"GET", "/metrics", REFRESH_SESSIONS | REFRESH_PROCESSES | REFRESH_BANS, metrics_handle}};
    const struct http_setup setup = {
        .loop = role_loop(ops->role),
        .routes = routes,
        .route_count = ARRAY_LEN(routes),
        .ctx = &ops->state,
        .refresh = peers_refresh(ops->peers),
    };
    int *fd = &ops->sockets[OPS_SOCKET_METRICS];
    return *fd < 0 ? FERRY_OK : http_new(&setup, fd_take(fd), &ops->metrics, fault);
}

static enum ferry_error serve_web(struct ops *ops, const struct settings_global *global,
                                  struct fault *fault)
{
    const struct front_setup setup = {
        .loop = role_loop(ops->role),
        .log = &ops->log,
        .peers = ops->peers,
        .state = &ops->state,
    };
    return front_open(&ops->front, &setup, global, fd_take(&ops->sockets[OPS_SOCKET_WEB]), fault);
}

static enum ferry_error ops_start(void *ctx, const struct role_identity *identity,
                                  struct fault *fault)
{
    static const struct privs_limit limits[] = {{RLIMIT_NOFILE, 1024}};
    struct ops *ops = ctx;
    if (!ops->given.conf || !ops->peers || !ops->patience)
        return fault_set(fault, FERRY_E_STATE, "no settings came, or no memory is left");
    const struct settings_global *global = settings_global(ops->given.conf);
    role_log(ops->role, &ops->log, global->log_level, global->log_form);
    json_object_seed(0); /* reads a file, which it soon can no more */
    enum ferry_error error = serve_control(ops, global, fault);
    if (error == FERRY_OK)
        error = serve_metrics(ops, fault);
    if (error == FERRY_OK)
        error = serve_web(ops, global, fault);
    given_fini(&ops->given);
    if (error != FERRY_OK)
        return error;
    return role_confine(ops->role, identity, NULL, limits, ARRAY_LEN(limits), fault);
}

/* ---- the end ---- */

/* Who waits for an answer gets it. */
static void ops_drain(void *ctx, uint64_t grace_ns)
{
    struct ops *ops = ctx;
    struct loop *loop = role_loop(ops->role);
    uint64_t grace = grace_ns == MESSAGE_DRAIN_PATIENT ? 0 : grace_ns;
    loop_timer_at(ops->patience, loop_now_ns(loop) + grace);
    if (ops->control)
        control_close(ops->control, leave, ops);
    else
        leave(ops);
}

int main(void)
{
    static const struct role_handlers handlers = {
        .settings = ops_settings,
        .listener = ops_listener,
        .channel = ops_channel,
        .start = ops_start,
        .drain = ops_drain,
        .other = ops_other,
    };
    static struct ops ops;
    /* At once: what else is done at exit needs more than the role may. */
    _exit(role_run(ROLE_OPS, &handlers, ops_begin, &ops));
}
