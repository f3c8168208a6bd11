/* The embedded server of ferry/server.h: a worker, a list of accounts and a loop in one handle. */
#include <ferry/server.h>

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"
#include "embed/users.h"
#include "net/loop.h"
#include "net/socket.h"
#include "server/worker.h"
#include "tls/context.h"

enum { BACKLOG = 512, PEM_MAX_BYTES = 1024 * 1024, PARTS_KEPT_S = 7 * 24 * 60 * 60 };

/* A socket that listens before the worker is there. */
struct pending {
    SLIST_ENTRY(pending) link;
    int fd;
    bool implicit;
};

struct ferry_server {
    struct loop *loop;
    struct users *users;
    struct tls_master *master;
    struct tls_context *tls;
    struct buf certificate_pem, key_pem; /* until the start */
    enum tls_version tls_min, tls_max;
    struct server_settings settings;
    struct server_worker *worker; /* NULL: not started */
    SLIST_HEAD(, pending) pending;

    struct log log;
    ferry_server_log_fn *log_fn;
    void *log_ctx;

    int stop_fd; /* an eventfd */
    struct loop_watch *stop_watch;
    atomic_uint drain_ms;
    bool stopping, over;
    struct fault fault;
};

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
    SLIST_INIT(&server->pending);
    buf_init(&server->certificate_pem, PEM_MAX_BYTES);
    buf_init(&server->key_pem, PEM_MAX_BYTES);
    server->settings.auth_legacy_words = true;
    server->settings.active_allowed = true;
    server->settings.keep_cut_uploads = true;
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
    struct pending *pending;
    while ((pending = SLIST_FIRST(&server->pending))) {
        SLIST_REMOVE_HEAD(&server->pending, link);
        fd_close(&pending->fd);
        alloc_free(pending);
    }
    loop_watch_free(server->stop_watch);
    fd_close(&server->stop_fd);
    loop_free(server->loop); /* waits for jobs, which use what comes below */
    users_free(server->users);
    tls_context_unref(server->tls);
    tls_master_free(server->master);
    buf_fini(&server->certificate_pem);
    buf_wipe(&server->key_pem);
    alloc_free(server);
}

/* ---- settings ---- */

static enum ferry_error make_context(ferry_server *server, struct tls_context **out)
{
    struct tls_server_settings settings = {
        .policy = TLS_POLICY_DEFAULT,
        .min = server->tls_min,
        .max = server->tls_max,
        .certificate_pem = buf_view(&server->certificate_pem),
        .key_pem = buf_view(&server->key_pem),
    };
    return tls_context_new_server(&settings, out, &server->fault);
}

enum ferry_error ferry_server_set_certificate(ferry_server *server, const char *certificate_pem,
                                              size_t certificate_len, const char *key_pem,
                                              size_t key_len)
{
    fault_clear(&server->fault);
    buf_fini(&server->certificate_pem);
    buf_wipe(&server->key_pem);
    enum ferry_error error =
        buf_append(&server->certificate_pem, bytes_of(certificate_pem, certificate_len));
    if (error == FERRY_OK)
        error = buf_append(&server->key_pem, bytes_of(key_pem, key_len));
    if (error != FERRY_OK)
        return fault_set(&server->fault, error, "the certificate and key cannot be taken");
    struct tls_context *trial = NULL;
    error = make_context(server, &trial);
    tls_context_unref(trial);
    if (error != FERRY_OK) {
        buf_fini(&server->certificate_pem);
        buf_wipe(&server->key_pem);
    }
    return error;
}

static bool find_version(const char *word, enum tls_version *out)
{
    *out = TLS_VERSION_ANY;
    return !word || tls_version_find(bytes_str(word), out);
}

enum ferry_error ferry_server_set_tls_versions(ferry_server *server, const char *min,
                                               const char *max)
{
    fault_clear(&server->fault);
    enum tls_version lowest, highest;
    if (!find_version(min, &lowest) || !find_version(max, &highest))
        return fault_set(&server->fault, FERRY_E_ARGUMENT, "no such version of TLS");
    if (lowest != TLS_VERSION_ANY && highest != TLS_VERSION_ANY && lowest > highest)
        return fault_set(&server->fault, FERRY_E_ARGUMENT, "the lowest TLS is above the highest");
    server->tls_min = lowest;
    server->tls_max = highest;
    return FERRY_OK;
}

enum ferry_error ferry_server_add_account(ferry_server *server, const char *name,
                                          const char *password, const char *root, bool read_only)
{
    fault_clear(&server->fault);
    return users_add(server->users, name, password, root, read_only, &server->fault);
}

enum ferry_error ferry_server_set_account_charset(ferry_server *server, const char *name,
                                                  const char *charset)
{
    fault_clear(&server->fault);
    return users_set_charset(server->users, name, charset, &server->fault);
}

void ferry_server_set_data_resume(ferry_server *server, enum ferry_data_resume policy,
                                  enum ferry_data_scope scope)
{
    static const enum data_resume policies[] = {
        [FERRY_DATA_RESUME_REQUIRE] = DATA_RESUME_REQUIRE,
        [FERRY_DATA_RESUME_PREFER] = DATA_RESUME_PREFER,
        [FERRY_DATA_RESUME_OFF] = DATA_RESUME_OFF,
    };
    server->settings.data_resume = policies[policy];
    server->settings.data_resume_scope =
        scope == FERRY_DATA_SCOPE_USER ? DATA_SCOPE_USER : DATA_SCOPE_CONNECTION;
}

void ferry_server_set_plaintext(ferry_server *server, bool allowed)
{
    server->settings.plaintext_allowed = allowed;
}

void ferry_server_set_auth_legacy_words(ferry_server *server, bool allowed)
{
    server->settings.auth_legacy_words = allowed;
}

void ferry_server_set_passive_ports(ferry_server *server, uint16_t low, uint16_t high)
{
    server->settings.passive_low = low;
    server->settings.passive_high = high;
}

void ferry_server_set_active(ferry_server *server, bool allowed)
{
    server->settings.active_allowed = allowed;
}

void ferry_server_set_mode_z(ferry_server *server, bool offered)
{
    server->settings.mode_z = offered;
}

void ferry_server_set_keep_cut_uploads(ferry_server *server, bool keep)
{
    server->settings.keep_cut_uploads = keep;
}

void ferry_server_set_sessions_max(ferry_server *server, uint32_t max)
{
    server->settings.sessions_max = max;
}

static void log_line(void *ctx, enum log_level level, struct bytes line)
{
    (void)level;
    const ferry_server *server = ctx;
    server->log_fn(server->log_ctx, line.ptr, line.len);
}

void ferry_server_set_log(ferry_server *server, ferry_server_log_fn *fn, void *ctx, bool json)
{
    server->log_fn = fn;
    server->log_ctx = ctx;
    server->log = (struct log){
        .write = log_line,
        .ctx = server,
        .level = LOG_LEVEL_NOTICE,
        .form = json ? LOG_FORM_JSON : LOG_FORM_TEXT,
        .clock = &clock_system,
    };
    server->settings.log = fn ? &server->log : NULL;
}

/* ---- listening ---- */

static enum ferry_error keep_listener(ferry_server *server, int fd, bool implicit)
{
    if (server->worker)
        return server_worker_listen(server->worker, fd, implicit, &server->fault);
    struct pending *pending = alloc_zero(sizeof(*pending));
    if (!pending) {
        fd_close(&fd);
        return fault_set(&server->fault, FERRY_E_MEMORY, "no memory for a listener");
    }
    pending->fd = fd;
    pending->implicit = implicit;
    SLIST_INSERT_HEAD(&server->pending, pending, link);
    return FERRY_OK;
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
    error = keep_listener(server, fd_take(&fd), kind == FERRY_LISTEN_IMPLICIT);
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
    if (SLIST_EMPTY(&server->pending))
        return fault_set(&server->fault, FERRY_E_STATE, "a server needs an address to listen on");
    if (buf_len(&server->certificate_pem) == 0 && !server->settings.plaintext_allowed)
        return fault_set(&server->fault, FERRY_E_STATE, "a server needs a certificate");
    return FERRY_OK;
}

static enum ferry_error make_worker(ferry_server *server)
{
    enum ferry_error error = FERRY_OK;
    if (buf_len(&server->certificate_pem) > 0)
        error = make_context(server, &server->tls);
    if (error != FERRY_OK)
        return error;
    buf_wipe(&server->key_pem);
    server->settings.tls = server->tls;
    server->settings.master = server->master;
    server->settings.account_ops = &users_ops;
    server->settings.accounts = server->users;
    return server_worker_new(server->loop, &server->settings, &server->worker, &server->fault);
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
    struct pending *pending;
    while (error == FERRY_OK && (pending = SLIST_FIRST(&server->pending))) {
        SLIST_REMOVE_HEAD(&server->pending, link);
        error =
            server_worker_listen(server->worker, pending->fd, pending->implicit, &server->fault);
        alloc_free(pending);
    }
    return error;
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
