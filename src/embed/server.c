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

/* An address that the server listens on. */
struct entrance {
    SLIST_ENTRY(entrance) link;
    int fd; /* until the start; then -1 */
    enum listen_kind kind;
    struct server_listener *listener; /* from the start on; the worker's */
};

struct ferry_server {
    struct loop *loop;
    struct users *users;
    struct tls_master *master;
    struct tls_context *tls; /* NULL: no certificate */
    enum tls_version tls_min, tls_max;
    struct buf certificate_pem, key_pem; /* until the start */
    struct server_rules rules;           /* of every listener, but for the kind and `tls` */
    char *passive_name;                  /* of `rules` */
    struct network *proxies;             /* of `rules` */
    uint32_t sessions_max;
    struct server_worker *worker; /* NULL: not started */
    SLIST_HEAD(, entrance) entrances;

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
    SLIST_INIT(&server->entrances);
    buf_init(&server->certificate_pem, PEM_MAX_BYTES);
    buf_init(&server->key_pem, PEM_MAX_BYTES);
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

/* ---- settings ---- */

static enum ferry_error make_context(ferry_server *server, struct bytes certificate_pem,
                                     struct bytes key_pem, struct tls_context **out)
{
    struct tls_server_settings settings = {
        .policy = TLS_POLICY_DEFAULT,
        .min = server->tls_min,
        .max = server->tls_max,
        .certificate_pem = certificate_pem,
        .key_pem = key_pem,
    };
    return tls_context_new_server(&settings, out, &server->fault);
}

/* Kept until the start, since the versions of TLS may be set after it. */
static enum ferry_error keep_certificate(ferry_server *server, struct bytes certificate_pem,
                                         struct bytes key_pem)
{
    buf_fini(&server->certificate_pem);
    buf_wipe(&server->key_pem);
    enum ferry_error error = buf_append(&server->certificate_pem, certificate_pem);
    if (error == FERRY_OK)
        error = buf_append(&server->key_pem, key_pem);
    if (error == FERRY_OK)
        return FERRY_OK;
    buf_fini(&server->certificate_pem);
    buf_wipe(&server->key_pem);
    return fault_set(&server->fault, error, "the certificate and key cannot be taken");
}

static enum ferry_error set_rules(ferry_server *server);

/* Takes over `context`. Sessions keep the one that they began with. */
static enum ferry_error change_certificate(ferry_server *server, struct tls_context *context)
{
    struct tls_context *old = server->tls;
    server->tls = context;
    enum ferry_error error = set_rules(server);
    tls_context_unref(old);
    return error;
}

enum ferry_error ferry_server_set_certificate(ferry_server *server, const char *certificate_pem,
                                              size_t certificate_len, const char *key_pem,
                                              size_t key_len)
{
    fault_clear(&server->fault);
    struct bytes certificate = bytes_of(certificate_pem, certificate_len);
    struct bytes key = bytes_of(key_pem, key_len);
    struct tls_context *context = NULL;
    enum ferry_error error = make_context(server, certificate, key, &context);
    if (error == FERRY_OK && server->worker)
        return change_certificate(server, context);
    tls_context_unref(context);
    return error == FERRY_OK ? keep_certificate(server, certificate, key) : error;
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
    const struct user_settings settings = {
        .name = name, .password = password, .root = root, .read_only = read_only};
    return users_add(server->users, &settings, &server->fault);
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
    server->rules.data_resume = policies[policy];
    server->rules.data_resume_scope =
        scope == FERRY_DATA_SCOPE_USER ? DATA_SCOPE_USER : DATA_SCOPE_CONNECTION;
}

void ferry_server_set_plaintext(ferry_server *server, bool allowed)
{
    server->rules.plaintext_allowed = allowed;
}

void ferry_server_set_auth_legacy_words(ferry_server *server, bool allowed)
{
    server->rules.auth_legacy_words = allowed;
}

void ferry_server_set_passive_ports(ferry_server *server, uint16_t low, uint16_t high)
{
    server->rules.passive_low = low;
    server->rules.passive_high = high;
}

enum ferry_error ferry_server_set_passive_address(ferry_server *server, const char *address)
{
    fault_clear(&server->fault);
    struct address numeric = {0};
    char *name = NULL;
    if (address && address_parse(address, 0, &numeric) != FERRY_OK) {
        name = alloc_str(address);
        if (!name)
            return fault_set(&server->fault, FERRY_E_MEMORY, "no memory for a passive address");
    } else if (address && !server_rules_can_tell(&numeric)) {
        return fault_set(&server->fault, FERRY_E_ARGUMENT, "PASV cannot tell %s", address);
    }
    alloc_free(server->passive_name);
    server->rules.passive_name = server->passive_name = name;
    server->rules.passive_address = numeric;
    return FERRY_OK;
}

enum ferry_error ferry_server_add_proxy(ferry_server *server, const char *network)
{
    fault_clear(&server->fault);
    struct network parsed;
    enum ferry_error error = network_parse(network, &parsed, &server->fault);
    if (error != FERRY_OK)
        return error;
    size_t count = server->rules.proxy_count + 1;
    struct network *longer = alloc_resize(server->proxies, count, sizeof(*longer));
    if (!longer)
        return fault_set(&server->fault, FERRY_E_MEMORY, "no memory for a proxy");
    longer[count - 1] = parsed;
    server->rules.proxies = server->proxies = longer;
    server->rules.proxy_count = count;
    return FERRY_OK;
}

void ferry_server_set_active(ferry_server *server, bool allowed)
{
    server->rules.active_allowed = allowed;
}

void ferry_server_set_mode_z(ferry_server *server, bool offered)
{
    server->rules.mode_z = offered;
}

void ferry_server_set_mode_b(ferry_server *server, bool offered)
{
    server->rules.mode_b = offered;
}

void ferry_server_set_keep_cut_uploads(ferry_server *server, bool keep)
{
    server->rules.keep_cut_uploads = keep;
}

void ferry_server_set_sessions_max(ferry_server *server, uint32_t max)
{
    server->sessions_max = max;
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

static enum ferry_error set_rules(ferry_server *server)
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
        error = make_context(server, buf_view(&server->certificate_pem), buf_view(&server->key_pem),
                             &server->tls);
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
    return error == FERRY_OK ? set_rules(server) : error;
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
