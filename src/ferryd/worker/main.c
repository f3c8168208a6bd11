/* ferryd-worker: the process that speaks to the clients. It has sockets, TLS and the state of FTP;
 * keys, accounts and files are other processes' (SEC-62). */
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/given.h"
#include "ferryd/role.h"
#include "ferryd/rules.h"
#include "ferryd/worker/charsets.h"
#include "ferryd/worker/confine.h"
#include "ferryd/worker/remote_auth.h"
#include "ferryd/worker/remote_hooks.h"
#include "ferryd/worker/remote_ops.h"
#include "ferryd/worker/remote_signer.h"
#include "server/worker.h"

/* A listening socket that was given. */
struct door {
    STAILQ_ENTRY(door) link;
    uint32_t number; /* of its listen block */
    int fd;
};

struct worker {
    struct role_main *role;
    struct given given;
    struct log log;
    struct charsets *charsets;
    struct remote_auth *auth;
    struct remote_gate gate;
    struct remote_names lookups;
    struct names names; /* by them */
    struct remote_signer *signer;
    struct remote_hooks *hooks;
    struct remote_ops *ops;
    struct tls_master *master;
    struct loop_timer *rotation; /* of the master key */
    struct server_worker *server;
    struct server_rules **rules; /* of the listen blocks, by number */
    size_t rule_count;
    STAILQ_HEAD(, door) doors;
};

/* ---- the master key of tickets ---- */

static void rotate_later(struct worker *worker)
{
    loop_timer_at(worker->rotation,
                  loop_now_ns(role_loop(worker->role)) + TLS_MASTER_PERIOD_S * CLOCK_NS_PER_S);
}

static void on_rotation(void *ctx)
{
    struct worker *worker = ctx;
    if (!tls_master_rotate(worker->master))
        log_event(&worker->log, LOG_LEVEL_ERROR, "tickets.kept",
                  F_STR("reason", "the system gives no random numbers"), F_STR("side", "server"),
                  F_STR("advice", "tickets keep their old key: look at the system"));
    rotate_later(worker);
}

/* ---- what is given ---- */

static void worker_begin(void *ctx, struct role_main *role)
{
    struct worker *worker = ctx;
    struct loop *loop = role_loop(role);
    worker->role = role;
    given_init(&worker->given);
    STAILQ_INIT(&worker->doors);
    remote_names_init(&worker->lookups);
    remote_gate_init(&worker->gate);
    worker->names = (struct names){&remote_names_ops, &worker->lookups};
    role_log(role, &worker->log, LOG_LEVEL_NOTICE, LOG_FORM_TEXT);
    if (charsets_new(&worker->charsets) != FERRY_OK)
        return;
    const struct remote_auth_setup setup = {
        .loop = loop,
        .log = &worker->log,
        .charsets = worker->charsets,
        .names = &worker->lookups,
        .gate = &worker->gate,
    };
    worker->auth = remote_auth_new(&setup);
    worker->signer = remote_signer_new(loop, &worker->log);
    worker->hooks = remote_hooks_new(loop, &worker->log);
    worker->ops = remote_ops_new(loop, &worker->log);
    worker->master = tls_master_new();
    worker->rotation = loop_timer_new(loop, on_rotation, worker);
}

static bool is_made(const struct worker *worker)
{
    return worker->auth && worker->signer && worker->hooks && worker->ops && worker->master &&
           worker->rotation;
}

static enum ferry_error worker_settings(void *ctx, int fd, struct fault *fault)
{
    struct worker *worker = ctx;
    return given_settings(&worker->given, fd, fault);
}

static enum ferry_error worker_file(void *ctx, struct bytes name, int fd, struct fault *fault)
{
    struct worker *worker = ctx;
    return given_file(&worker->given, name, fd, fault);
}

static enum ferry_error worker_listener(void *ctx, uint32_t number, int fd, struct fault *fault)
{
    struct worker *worker = ctx;
    struct door *door = alloc_zero(sizeof(*door));
    if (!door) {
        fd_close(&fd);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listener");
    }
    *door = (struct door){.number = number, .fd = fd};
    STAILQ_INSERT_TAIL(&worker->doors, door, link);
    return FERRY_OK;
}

static enum ferry_error worker_channel(void *ctx, enum role peer, uint32_t number, int fd,
                                       struct fault *fault)
{
    (void)number;
    CLEANUP(fd_close) int owned = fd;
    struct worker *worker = ctx;
    enum ferry_error error = is_made(worker) ? FERRY_OK : FERRY_E_MEMORY;
    if (error == FERRY_OK && peer == ROLE_AUTH)
        error = remote_auth_connect(worker->auth, fd_take(&owned));
    else if (error == FERRY_OK && peer == ROLE_KEYS)
        error = remote_signer_connect(worker->signer, fd_take(&owned));
    else if (error == FERRY_OK && peer == ROLE_HOOKS)
        error = remote_hooks_connect(worker->hooks, fd_take(&owned));
    else if (error == FERRY_OK && peer == ROLE_OPS)
        error = remote_ops_connect(worker->ops, fd_take(&owned));
    else if (error == FERRY_OK)
        return fault_set(fault, FERRY_E_PROTOCOL, "a worker has no channel to %s", role_name(peer));
    return error == FERRY_OK ? error : fault_set(fault, error, "no memory for a channel");
}

/* Grants. */
static enum ferry_error worker_other(void *ctx, const struct wire_message *row,
                                     struct wire_reader *reader, struct channel_message *raw,
                                     struct fault *fault)
{
    struct worker *worker = ctx;
    uint64_t grant = wire_get_u64(reader);
    if (row->type == MESSAGE_GRANTED)
        remote_auth_granted(worker->auth, grant, fd_take(&raw->fds[0]));
    else if (row->type == MESSAGE_DENIED)
        remote_auth_denied(worker->auth, grant, wire_get_bytes(reader));
    else
        return fault_set(fault, FERRY_E_PROTOCOL, "a %s is not for a worker", row->name);
    return FERRY_OK;
}

/* ---- the start ---- */

/* The rules of the next listen block. */
static enum ferry_error add_rules(struct worker *worker, const struct conf_instance *block,
                                  struct fault *fault)
{
    struct conf *conf = worker->given.conf;
    const struct contexts_input input = {
        .load = given_load,
        .ctx = &worker->given,
        .signer = remote_signer_tls(worker->signer),
    };
    struct server_rules **rules =
        alloc_resize(worker->rules, worker->rule_count + 1, sizeof(struct server_rules *));
    if (!rules)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listener");
    worker->rules = rules;
    if (rules_make(conf, block, &input, &rules[worker->rule_count++]) != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listener");
    const struct check_mistake *first = TAILQ_FIRST(&conf->check.list);
    return first
               ? fault_set(fault, FERRY_E_ARGUMENT, "listen \"%s\": %s", block->label, first->text)
               : FERRY_OK;
}

static void write_xferlog(void *ctx, struct bytes line)
{
    role_xferlog(ctx, line);
}

static enum ferry_error make_server(struct worker *worker, const struct settings_global *global,
                                    struct fault *fault)
{
    const struct server_settings settings = {
        .master = worker->master,
        .account_ops = &remote_auth_ops,
        .accounts = worker->auth,
        .gate_ops = &remote_gate_ops,
        .gate = &worker->gate,
        .names = &worker->names,
        .hook_ops = settings_has_hooks(worker->given.conf) ? &remote_hooks_ops : NULL,
        .hooks = worker->hooks,
        .log = &worker->log,
        .id_tag = (uint32_t)getpid(),
        .ended = remote_ops_ended,
        .ended_ctx = worker->ops,
        .xferlog = global->xferlog ? write_xferlog : NULL,
        .xferlog_ctx = worker->role,
    };
    return server_worker_new(role_loop(worker->role), &settings, &worker->server, fault);
}

static enum ferry_error open_doors(struct worker *worker, struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    struct door *door;
    while (error == FERRY_OK && (door = STAILQ_FIRST(&worker->doors))) {
        struct server_rules *rules =
            door->number < worker->rule_count ? worker->rules[door->number] : NULL;
        error = rules ? server_worker_listen(worker->server, fd_take(&door->fd), rules, NULL, fault)
                      : fault_set(fault, FERRY_E_ARGUMENT, "there is no listen block %u",
                                  (unsigned)door->number);
        STAILQ_REMOVE_HEAD(&worker->doors, link);
        alloc_free(door);
    }
    return error;
}

static enum ferry_error worker_start(void *ctx, const struct role_identity *identity,
                                     struct fault *fault)
{
    struct worker *worker = ctx;
    const struct conf *conf = worker->given.conf;
    if (!conf || !is_made(worker))
        return fault_set(fault, FERRY_E_STATE, "no settings came, or no memory is left");
    const struct settings_global *global = settings_global(conf);
    role_log(worker->role, &worker->log, global->log_level, global->log_form);
    const struct conf_instance *block = NULL;
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_LISTEN, block)))
        error = add_rules(worker, block, fault);
    if (error == FERRY_OK && remote_ops_take_certificates(worker->ops, &worker->given) != FERRY_OK)
        error = fault_set(fault, FERRY_E_MEMORY, "no memory for certificates");
    if (error == FERRY_OK)
        error = make_server(worker, global, fault);
    if (error == FERRY_OK)
        error = worker_confine(worker->role, identity, conf, fault);
    if (error == FERRY_OK)
        error = open_doors(worker, fault);
    if (settings_has_hooks(conf)) { /* which are asked for each session */
        remote_hooks_open(worker->hooks, conf);
        worker->given.conf = NULL;
    }
    given_fini(&worker->given);
    if (error == FERRY_OK) {
        remote_ops_serve(worker->ops, worker->server);
        rotate_later(worker);
    }
    return error;
}

/* ---- the end ---- */

static void on_drained(void *ctx)
{
    struct worker *worker = ctx;
    role_leave(worker->role);
}

static void worker_drain(void *ctx, uint64_t grace_ns)
{
    struct worker *worker = ctx;
    if (grace_ns == MESSAGE_DRAIN_PATIENT)
        server_worker_retire(worker->server, on_drained, worker);
    else
        server_worker_drain(worker->server, grace_ns, on_drained, worker);
}

int main(void)
{
    static const struct role_handlers handlers = {
        .settings = worker_settings,
        .file = worker_file,
        .listener = worker_listener,
        .channel = worker_channel,
        .start = worker_start,
        .drain = worker_drain,
        .other = worker_other,
    };
    static struct worker worker;
    /* At once: what else is done at exit needs more than the role may. */
    _exit(role_run(ROLE_WORKER, &handlers, worker_begin, &worker));
}
