/* The embedded server of ferry/server.h: a worker, a list of accounts and a loop in one handle. */
#include "embed/server_private.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "net/socket.h"

enum { BACKLOG = 512, PARTS_KEPT_S = 7 * 24 * 60 * 60 };

/* ---- life ---- */

static void stop_asked(void *ctx, bool readable, bool writable);

static bool server_make(ferry_server *server)
{
    server->loop = loop_new();
    if (!server->loop)
        return false;
    server->users = users_new(server->loop);
    server->master = tls_master_new();
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->stop_fd >= 0)
        server->stop_watch = loop_watch_new(server->loop, server->stop_fd, stop_asked, server);
    if (!server->users || !server->master || !server->stop_watch)
        return false;
    loop_watch_want(server->stop_watch, true, false);
    return true;
}

ferry_server *ferry_server_new(void)
{
    ferry_server *server = alloc_zero(sizeof(*server));
    if (!server)
        return NULL;
    server->stop_fd = -1;
    SLIST_INIT(&server->entrances);
    buf_init(&server->certificate_pem, SERVER_PEM_MAX_BYTES);
    buf_init(&server->key_pem, SERVER_PEM_MAX_BYTES);
    server->rules.auth_legacy_words = true;
    server->rules.active_allowed = true;
    server->rules.keep_cut_uploads = true;
    if (!server_make(server)) {
        ferry_server_free(server);
        return NULL;
    }
    return server;
}

void ferry_server_free(ferry_server *server)
{
    if (!server)
        return;
    server_worker_free(server->worker);
    struct entrance *entrance;
    while ((entrance = SLIST_FIRST(&server->entrances))) {
        SLIST_REMOVE_HEAD(&server->entrances, link);
        fd_close(&entrance->fd);
        alloc_free(entrance);
    }
    loop_watch_free(server->stop_watch);
    fd_close(&server->stop_fd);
    loop_free(server->loop); /* waits for jobs, which use what comes below */
    users_free(server->users);
    tls_context_unref(server->tls);
    tls_master_free(server->master);
    buf_fini(&server->certificate_pem);
    buf_wipe(&server->key_pem);
    alloc_free(server->passive_name);
    alloc_free(server->proxies);
    alloc_free(server);
}

/* ---- listening ---- */

/* Serves those who come from now on by the rules that are set now. */
static enum ferry_error open_entrance(ferry_server *server, struct entrance *entrance)
{
    struct server_rules rules = server->rules;
    rules.kind = entrance->kind;
    rules.tls = server->tls;
    struct server_rules *made = NULL;
    enum ferry_error error = server_rules_new(&rules, &made, &server->fault);
    if (error == FERRY_OK && entrance->listener)
        server_listener_set_rules(entrance->listener, made);
    else if (error == FERRY_OK)
        error = server_worker_listen(server->worker, fd_take(&entrance->fd), made,
                                     &entrance->listener, &server->fault);
    server_rules_unref(made);
    return error;
}

enum ferry_error embed_server_set_rules(ferry_server *server)
{
    enum ferry_error error = FERRY_OK;
    struct entrance *entrance;
    SLIST_FOREACH (entrance, &server->entrances, link)
        if (error == FERRY_OK)
            error = open_entrance(server, entrance);
    return error;
}

static enum ferry_error add_entrance(ferry_server *server, int fd, enum listen_kind kind)
{
    struct entrance *entrance = alloc_zero(sizeof(*entrance));
    if (!entrance) {
        fd_close(&fd);
        return fault_set(&server->fault, FERRY_E_MEMORY, "no memory for a listener");
    }
    *entrance = (struct entrance){.fd = fd, .kind = kind};
    enum ferry_error error = server->worker ? open_entrance(server, entrance) : FERRY_OK;
    if (error == FERRY_OK) {
        SLIST_INSERT_HEAD(&server->entrances, entrance, link);
    } else {
        fd_close(&entrance->fd);
        alloc_free(entrance);
    }
    return error;
}

enum ferry_error ferry_server_listen(ferry_server *server, enum ferry_listen kind,
                                     const char *address, uint16_t port, uint16_t *port_out)
{
    fault_clear(&server->fault);
    CLEANUP(fd_close) int fd = -1;
    struct address at;
    if (address_parse(address, port, &at) != FERRY_OK)
        return fault_set(&server->fault, FERRY_E_ARGUMENT, "%s is no numeric address", address);
    enum ferry_error error = socket_listen(&at, BACKLOG, &fd, &server->fault);
    if (error == FERRY_OK)
        error = socket_local(fd, &at);
    if (error != FERRY_OK)
        return fault_set(&server->fault, error, "cannot listen on %s", address);
    error = add_entrance(server, fd_take(&fd),
                         kind == FERRY_LISTEN_IMPLICIT ? LISTEN_IMPLICIT : LISTEN_EXPLICIT);
    if (error == FERRY_OK && port_out)
        *port_out = address_port(&at);
    return error;
}

/* ---- serving ---- */

static enum ferry_error check_complete(ferry_server *server)
{
    if (server->worker)
        return fault_set(&server->fault, FERRY_E_STATE, "the server was started already");
    if (users_count(server->users) == 0)
        return fault_set(&server->fault, FERRY_E_STATE, "a server needs an account");
    if (SLIST_EMPTY(&server->entrances))
        return fault_set(&server->fault, FERRY_E_STATE, "a server needs an address to listen on");
    if (buf_len(&server->certificate_pem) == 0 && !server->rules.plaintext_allowed)
        return fault_set(&server->fault, FERRY_E_STATE, "a server needs a certificate");
    return FERRY_OK;
}

static enum ferry_error make_worker(ferry_server *server)
{
    enum ferry_error error = FERRY_OK;
    if (buf_len(&server->certificate_pem) > 0)
        error = embed_server_context(server, buf_view(&server->certificate_pem),
                                     buf_view(&server->key_pem), &server->tls);
    if (error != FERRY_OK)
        return error;
    buf_fini(&server->certificate_pem);
    buf_wipe(&server->key_pem);
    const struct server_settings settings = {
        .master = server->master,
        .account_ops = &users_ops,
        .accounts = server->users,
        .sessions_max = server->sessions_max,
        .log = server->log_fn ? &server->log : NULL,
    };
    return server_worker_new(server->loop, &settings, &server->worker, &server->fault);
}

/* What nobody went on with for so long is not waited for any more (SEC-38). */
static void sweep_old_parts(const ferry_server *server)
{
    int64_t now_s = clock_wall_ns(&clock_system) / (int64_t)CLOCK_NS_PER_S;
    users_sweep(server->users, (struct timespec){.tv_sec = now_s - PARTS_KEPT_S});
}

enum ferry_error ferry_server_start(ferry_server *server)
{
    fault_clear(&server->fault);
    enum ferry_error error = check_complete(server);
    if (error == FERRY_OK)
        error = make_worker(server);
    if (error == FERRY_OK)
        sweep_old_parts(server);
    return error == FERRY_OK ? embed_server_set_rules(server) : error;
}

enum ferry_error ferry_server_run(ferry_server *server)
{
    fault_clear(&server->fault);
    if (!server->worker)
        return fault_set(&server->fault, FERRY_E_STATE, "the server was not started");
    while (!server->over)
        loop_turn(server->loop, true);
    return FERRY_OK;
}

void ferry_server_stop(ferry_server *server, uint32_t drain_ms)
{
    /* Only what a signal handler may do: the loop wakes up by the eventfd. */
    uint64_t one = 1;
    atomic_store(&server->drain_ms, drain_ms);
    (void)!write(server->stop_fd, &one, sizeof(one));
}

static void server_drained(void *ctx)
{
    ferry_server *server = ctx;
    server->over = true;
}

static void stop_asked(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    ferry_server *server = ctx;
    uint64_t times = 0;
    if (read(server->stop_fd, &times, sizeof(times)) < 0 || server->stopping)
        return;
    server->stopping = true;
    if (server->worker)
        server_worker_drain(server->worker,
                            (uint64_t)atomic_load(&server->drain_ms) * CLOCK_NS_PER_MS,
                            server_drained, server);
    else
        server->over = true;
}

bool ferry_server_is_over(const ferry_server *server)
{
    return server->over;
}

int ferry_server_fd(const ferry_server *server)
{
    return loop_fd(server->loop);
}

int ferry_server_timeout_ms(const ferry_server *server)
{
    return loop_timeout_ms(server->loop);
}

void ferry_server_turn(ferry_server *server)
{
    loop_turn(server->loop, false);
}

uint32_t ferry_server_sessions(const ferry_server *server)
{
    return server->worker ? server_worker_sessions(server->worker) : 0;
}

const char *ferry_server_error(const ferry_server *server)
{
    return server->fault.what;
}
