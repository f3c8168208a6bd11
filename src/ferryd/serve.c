/* `ferryd run`: a plan at work, until a signal ends it. */
#include "ferryd/serve.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/command.h"
#include "ferryd/contexts.h"
#include "ferryd/doors.h"
#include "ferryd/plan.h"
#include "ferryd/rules.h"
#include "ferryd/say.h"
#include "ferryd/watch.h"
#include "server/worker.h"

static const int signals[] = {SIGHUP, SIGTERM, SIGINT};

struct daemon {
    const char *path;
    struct loop *loop;
    struct log log;
    struct plan *plan; /* the one at work */
    struct users *users;
    struct tls_master *master;
    struct server_worker *worker;
    struct doors doors;
    struct watch *watch; /* of the certificates; NULL: the system has none */
    struct loop_signal *signals[ARRAY_LEN(signals)];
    bool draining, over;
};

/* ---- certificates ---- */

static void tell_mistakes(const struct daemon *daemon, const struct conf *conf)
{
    const struct check_mistake *mistake;
    TAILQ_FOREACH (mistake, &conf->check.list, link)
        log_event(&daemon->log, LOG_LEVEL_ERROR, "config.mistake", F_STR("file", mistake->file),
                  F_U64("line", mistake->line), F_STR("text", mistake->text));
}

/* The listener goes on with its old certificate if the new one does not fit. */
static void renew(struct daemon *daemon, struct plan_listener *listener)
{
    struct conf *conf = daemon->plan->conf;
    struct server_rules *rules = NULL;
    check_fini(&conf->check);
    enum ferry_error error = rules_make(conf, listener->block, conf_load_file, NULL, &rules);
    tell_mistakes(daemon, conf);
    log_event(&daemon->log, error == FERRY_OK && rules ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR,
              error == FERRY_OK && rules ? "certificate.renewed" : "certificate.kept",
              F_STR("listen", listener->block->label));
    if (!rules)
        return;
    server_rules_unref(listener->rules);
    listener->rules = rules;
    doors_set_rules(&daemon->doors, listener);
}

static void on_certificates(void *ctx)
{
    struct daemon *daemon = ctx;
    struct plan *plan = daemon->plan;
    for (size_t i = 0; i < plan->count && !daemon->draining; i++) {
        const struct settings_listen *listen = plan->listeners[i].block->values;
        if (listen->host.certificate)
            renew(daemon, &plan->listeners[i]);
    }
}

static enum ferry_error watch_files_of(const struct daemon *daemon,
                                       const struct settings_host *host)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < CONTEXT_FILES && error == FERRY_OK; i++) {
        const char *path = contexts_file_path(host, (enum context_file)i);
        error = path ? watch_file(daemon->watch, path) : FERRY_OK;
    }
    return error;
}

static void watch_certificates(struct daemon *daemon)
{
    watch_free(daemon->watch);
    daemon->watch = watch_new(daemon->loop, on_certificates, daemon);
    enum ferry_error error = daemon->watch ? FERRY_OK : FERRY_E_MEMORY;
    const struct conf *conf = daemon->plan->conf;
    const struct conf_instance *block = NULL;
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_LISTEN, block)))
        error = watch_files_of(daemon, &((const struct settings_listen *)block->values)->host);
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_HOST, block)))
        error = watch_files_of(daemon, block->values);
    if (error != FERRY_OK)
        log_event(&daemon->log, LOG_LEVEL_ERROR, "certificate.unwatched",
                  F_STR("advice", "send SIGHUP when a certificate was renewed"));
}

/* ---- plans ---- */

static void set_log(struct daemon *daemon, const struct settings_global *settings)
{
    daemon->log.level = settings->log_level;
    daemon->log.form = settings->log_form;
}

/* Puts a plan to work, or leaves all as it is and says why in its `check`. Returns whether it did.
 */
static bool put_to_work(struct daemon *daemon, struct plan *plan)
{
    if (plan_is_good(plan) && !doors_bind(&daemon->doors, plan))
        check_add(&plan->conf->check, daemon->path, 0, "memory is short");
    if (!plan_is_good(plan)) {
        doors_unbind(&daemon->doors);
        return false;
    }
    set_log(daemon, settings_global(plan->conf));
    users_take(daemon->users, plan->users);
    doors_open(&daemon->doors, daemon->worker, plan, &daemon->log);
    struct plan *old = daemon->plan;
    daemon->plan = plan;
    plan_free(old);
    watch_certificates(daemon);
    return true;
}

static void reload(struct daemon *daemon)
{
    struct plan *plan = NULL;
    enum ferry_error error = plan_make(daemon->loop, daemon->path, &plan);
    if (error == FERRY_OK && put_to_work(daemon, plan)) {
        log_event(&daemon->log, LOG_LEVEL_NOTICE, "server.reload",
                  F_U64("listeners", daemon->plan->count),
                  F_U64("accounts", users_count(daemon->users)));
        return;
    }
    if (plan)
        tell_mistakes(daemon, plan->conf);
    log_event(&daemon->log, LOG_LEVEL_ERROR, "reload.refused",
              F_STR("reason", plan ? "the file has mistakes" : "memory is short"),
              F_U64("mistakes", plan ? plan->conf->check.count : 0),
              F_STR("advice", "the old rules hold; ferryd check shows the mistakes"));
    plan_free(plan);
}

/* ---- signals ---- */

static void on_drained(void *ctx)
{
    struct daemon *daemon = ctx;
    daemon->over = true;
}

static void on_signal(void *ctx, int number)
{
    struct daemon *daemon = ctx;
    if (number == SIGHUP) {
        if (!daemon->draining)
            reload(daemon);
        return;
    }
    if (daemon->draining) {
        daemon->over = true;
        return;
    }
    daemon->draining = true;
    doors_forget(&daemon->doors);
    server_worker_drain(daemon->worker, settings_global(daemon->plan->conf)->drain_grace_ns,
                        on_drained, daemon);
}

static bool catch_signals(struct daemon *daemon)
{
    signal(SIGPIPE, SIG_IGN); /* whoever reads the log may leave */
    bool all = true;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        daemon->signals[i] = loop_signal_new(daemon->loop, signals[i], on_signal, daemon);
        all &= daemon->signals[i] != NULL;
    }
    return all;
}

/* ---- life ---- */

static void daemon_fini(struct daemon *daemon)
{
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        loop_signal_free(daemon->signals[i]);
    watch_free(daemon->watch);
    server_worker_free(daemon->worker);
    doors_fini(&daemon->doors);
    loop_free(daemon->loop); /* waits for jobs, which use what comes below */
    users_free(daemon->users);
    tls_master_free(daemon->master);
    plan_free(daemon->plan);
}

/* What does not depend on the file. */
static bool daemon_init(struct daemon *daemon, const char *path)
{
    *daemon = (struct daemon){.path = path};
    doors_init(&daemon->doors);
    log_init_fd(&daemon->log, STDERR_FILENO, LOG_LEVEL_NOTICE, LOG_FORM_TEXT, &clock_system);
    daemon->loop = loop_new();
    daemon->users = daemon->loop ? users_new(daemon->loop) : NULL;
    daemon->master = tls_master_new();
    return daemon->users && daemon->master && catch_signals(daemon);
}

static enum ferry_error make_worker(struct daemon *daemon, const struct plan *plan,
                                    struct fault *fault)
{
    const struct server_settings settings = {
        .master = daemon->master,
        .account_ops = &users_ops,
        .accounts = daemon->users,
        .sessions_max = (uint32_t)settings_global(plan->conf)->sessions_max,
        .log = &daemon->log,
    };
    return server_worker_new(daemon->loop, &settings, &daemon->worker, fault);
}

/* Returns whether it serves; else said why. */
static bool start(struct daemon *daemon)
{
    struct fault fault = {0};
    struct plan *plan = NULL;
    if (plan_make(daemon->loop, daemon->path, &plan) != FERRY_OK ||
        make_worker(daemon, plan, &fault) != FERRY_OK) {
        fprintf(stderr, "ferryd: %s\n", fault.what[0] ? fault.what : "memory is short");
        plan_free(plan);
        return false;
    }
    if (!put_to_work(daemon, plan)) {
        say_mistakes(stderr, plan->conf);
        plan_free(plan);
        return false;
    }
    int64_t now_s = clock_wall_ns(&clock_system) / (int64_t)CLOCK_NS_PER_S;
    uint64_t kept_s = settings_global(plan->conf)->parts_kept_ns / CLOCK_NS_PER_S;
    users_sweep(daemon->users, (struct timespec){.tv_sec = now_s - (int64_t)kept_s});
    return true;
}

/* Passwords and keys are in no core file; as many descriptors as the system permits (SEC-53). */
static void limit_process(const struct daemon *daemon)
{
    rlim_t memory = settings_global(daemon->plan->conf)->memory_max_bytes;
    struct rlimit files;
    bool whole = setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0;
    if (memory > 0)
        whole &= setrlimit(RLIMIT_DATA, &(struct rlimit){memory, memory}) == 0;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        whole &= setrlimit(RLIMIT_NOFILE, &files) == 0;
    }
    if (!whole)
        log_event(&daemon->log, LOG_LEVEL_ERROR, "server.unlimited",
                  F_STR("reason", "the system refuses to set limits of the process"),
                  F_STR("side", "server"), F_STR("advice", "raise its hard limits"));
}

static void tell_ready(int fd)
{
    CLEANUP(fd_close) int owned = fd;
    if (owned >= 0)
        (void)!write(owned, "\n", 1);
}

int serve(const char *path, int ready_fd)
{
    struct daemon daemon;
    bool whole = daemon_init(&daemon, path);
    if (!whole)
        fputs("ferryd: memory is short\n", stderr);
    bool started = whole && start(&daemon);
    if (started) {
        limit_process(&daemon);
        if (geteuid() == 0)
            log_event(&daemon.log, LOG_LEVEL_ERROR, "server.root",
                      F_STR("reason", "it runs as root, and so does all that clients ask for"));
        tell_ready(ready_fd);
        while (!daemon.over)
            loop_turn(daemon.loop, true);
        log_event(&daemon.log, LOG_LEVEL_NOTICE, "server.end",
                  F_U64("sessions", server_worker_sessions(daemon.worker)));
    }
    daemon_fini(&daemon);
    return started ? EXIT_DONE : EXIT_FAILED;
}
