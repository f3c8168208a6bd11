/* `ferryd run`: from the configuration to crews of processes, until a signal ends it. */
#include "ferryd/supervisor/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/command.h"
#include "ferryd/hosts.h"
#include "ferryd/say.h"
#include "ferryd/settings.h"
#include "ferryd/supervisor/crew.h"
#include "ferryd/supervisor/scribe.h"
#include "ferryd/supervisor/standings.h"
#include "ferryd/supervisor/tell.h"
#include "ferryd/watch.h"

/* Crews whose sessions go on after a reload; with so many, the oldest gets the grace of an end, and
 * with one more is ended. */
enum { OLD_CREWS = 8 };

static const int signals[] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};

struct supervisor {
    const char *path, *folder;
    int ready_fd;
    struct loop *loop;
    struct scribe *scribe;
    const struct log *log; /* the scribe's */
    struct listeners listeners;
    struct grants *grants;
    struct standings standings;
    uint32_t last_number, last_crew; /* of processes, of crews */
    uint64_t restarts[ROLE_COUNT];
    int bans;            /* memory, or a file, that auth keeps them in; -1: not yet */
    struct watch *watch; /* of the files; NULL: the system has none */
    struct loop_signal *signals[ARRAY_LEN(signals)];

    struct conf *conf; /* at work, */
    struct crew *crew; /* by it */
    struct crew *old[OLD_CREWS];

    /* The change under way; `changing` until it is told of. */
    bool changing;
    enum tell_change change;
    struct conf *new_conf; /* the one at work if just its files are others; NULL: it is made */
    struct crew *new_crew;
    struct crew *closing;         /* the old one, which still accepts connections */
    bool reload_due, renewal_due; /* when this one is over */

    bool draining, over, failed;
};

static void on_gone(void *ctx, struct crew *crew);

/* ---- who counts for all ---- */

/* The newest auth is that of all workers. `before`: the crew that it takes over from, or NULL. */
static void join(struct supervisor *self, struct crew *before)
{
    if (before)
        crew_succeed(self->crew, before);
    for (size_t i = 0; i < OLD_CREWS; i++)
        if (self->old[i])
            crew_succeed(self->crew, self->old[i]);
    crew_introduced(self->crew);
}

static void on_renewed(void *ctx, struct crew *crew)
{
    struct supervisor *self = ctx;
    if (crew == self->crew)
        join(self, NULL);
}

static struct child *on_worker(void *ctx, uint32_t number)
{
    const struct supervisor *self = ctx;
    struct child *worker = self->crew ? crew_worker(self->crew, number) : NULL;
    if (!worker && self->new_crew)
        worker = crew_worker(self->new_crew, number);
    for (size_t i = 0; i < OLD_CREWS && !worker; i++)
        if (self->old[i])
            worker = crew_worker(self->old[i], number);
    return worker;
}

/* Once, for as long as this process lives. */
static bool open_bans(struct supervisor *self, struct conf *conf)
{
    const char *path = settings_global(conf)->ban_file;
    if (self->bans >= 0)
        return true;
    self->bans = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)
                      : memfd_create("bans", MFD_CLOEXEC);
    struct fault fault = {0};
    if (self->bans >= 0)
        return true;
    (void)fault_errno(&fault, FERRY_E_FILE, "%s cannot be opened", path ? path : "memory for bans");
    conf_mistake(conf, conf_next(conf, NULL, NULL), "ban_file", "%s", fault.what);
    return false;
}

/* ---- a change ---- */

static void drop_new(struct supervisor *self)
{
    crew_free(self->new_crew);
    listeners_unbind(&self->listeners);
    ops_sockets_unbind(&self->standings.sockets);
    scribe_drop(self->scribe);
    if (self->new_conf != self->conf)
        conf_free(self->new_conf);
    self->new_crew = NULL;
    self->new_conf = NULL;
}

static void change_begin(struct supervisor *self, enum tell_change change);

static void change_end(struct supervisor *self)
{
    self->changing = false;
    bool reload = self->reload_due;
    bool renew = self->renewal_due;
    self->reload_due = self->renewal_due = false;
    if (self->draining || !self->conf)
        return;
    if (reload || renew)
        change_begin(self, reload ? TELL_RELOAD : TELL_RENEWAL);
}

/* `why`: what a process said, beside what is in the `check` of the new configuration. */
static void change_refused(struct supervisor *self, const struct fault *why)
{
    tell_refused(self->log, self->change, self->path, self->new_conf, why);
    ops_desk_reload_over(self->standings.desk, self->new_conf, why);
    drop_new(self);
    if (self->change == TELL_START)
        self->over = self->failed = true;
    change_end(self);
}

/* Once those who serve sessions and those who stand by serve. */
static void tell_ready(struct supervisor *self)
{
    if (!self->crew || !standings_are_settled(&self->standings))
        return;
    if (self->ready_fd >= 0)
        (void)!write(self->ready_fd, "\n", 1);
    fd_close(&self->ready_fd);
}

static void on_started(void *ctx, struct child *child, enum role role)
{
    struct supervisor *self = ctx;
    standings_meet(&self->standings, child, role);
}

static void on_changed_files(void *ctx)
{
    change_begin(ctx, TELL_RENEWAL);
}

static void watch_files(struct supervisor *self)
{
    watch_free(self->watch);
    self->watch = watch_new(self->loop, on_changed_files, self);
    bool whole = self->watch != NULL;
    const struct conf_instance *block = NULL;
    while (whole && (block = hosts_next(self->conf, block))) {
        for (size_t i = 0; i < HOST_FILES; i++) {
            const char *path = hosts_file_path(hosts_of(block), (enum host_file)i);
            whole = whole && (!path || watch_file(self->watch, path) == FERRY_OK);
        }
    }
    if (!whole)
        log_event(self->log, LOG_LEVEL_ERROR, "certificate.unwatched",
                  F_STR("reason", "the system watches no more files"), F_STR("side", "server"),
                  F_STR("advice", "send SIGHUP when a certificate was renewed"));
}

static size_t old_count(const struct supervisor *self)
{
    size_t count = 0;
    while (count < OLD_CREWS && self->old[count])
        count++;
    return count;
}

/* Takes a crew from among the old ones. */
static void forget_old(struct supervisor *self, const struct crew *crew)
{
    size_t kept = 0;
    for (size_t i = 0; i < OLD_CREWS; i++)
        if (self->old[i] != crew)
            self->old[kept++] = self->old[i];
    while (kept < OLD_CREWS)
        self->old[kept++] = NULL;
}

/* The crew that served until now ends with its sessions. */
static void retire(struct supervisor *self, struct crew *crew)
{
    struct crew *oldest = self->old[0];
    if (old_count(self) == OLD_CREWS) { /* its grace is over */
        forget_old(self, oldest);
        crew_free(oldest);
    }
    self->old[old_count(self)] = crew;
    self->closing = crew;
    crew_drain(crew, MESSAGE_DRAIN_PATIENT);
    if (old_count(self) == OLD_CREWS)
        crew_drain(self->old[0], settings_global(self->conf)->drain_grace_ns);
}

static void on_running(void *ctx, struct crew *crew)
{
    struct supervisor *self = ctx;
    struct crew *before = self->crew;
    if (self->conf != self->new_conf)
        conf_free(self->conf);
    self->conf = self->new_conf;
    self->crew = crew;
    self->new_conf = NULL;
    self->new_crew = NULL;
    scribe_commit(self->scribe, settings_global(self->conf)->log_level);
    listeners_keep(&self->listeners, self->conf, crew_workers(crew), self->log);
    watch_files(self);
    ops_sockets_keep(&self->standings.sockets);
    ops_desk_loaded(self->standings.desk);
    standings_use(&self->standings, crew_parcel(crew));
    tell_ready(self);
    join(self, before);
    if (before) {
        retire(self, before);
        return;
    }
    tell_changed(self->log, self->change, self->conf);
    change_end(self);
}

static void on_failed(void *ctx, struct crew *crew, const struct fault *why)
{
    (void)crew; /* it is the new one */
    struct fault copy = *why;
    change_refused(ctx, &copy);
}

static void on_closed(void *ctx, struct crew *crew)
{
    struct supervisor *self = ctx;
    if (crew != self->closing)
        return;
    self->closing = NULL;
    tell_changed(self->log, self->change, self->conf);
    ops_desk_reload_over(self->standings.desk, self->conf, NULL);
    change_end(self);
}

/* Passwords and keys are in no core file; as many descriptors as the system permits (SEC-53). The
 * processes that are started inherit these. */
static void limit_process(const struct supervisor *self)
{
    rlim_t memory = settings_global(self->new_conf)->memory_max_bytes;
    struct rlimit files;
    bool whole = setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0;
    if (memory > 0)
        whole &= setrlimit(RLIMIT_DATA, &(struct rlimit){memory, memory}) == 0;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        whole &= setrlimit(RLIMIT_NOFILE, &files) == 0;
    }
    if (!whole)
        log_event(self->log, LOG_LEVEL_ERROR, "server.unlimited",
                  F_STR("reason", "the system refuses to set limits of the process"),
                  F_STR("side", "server"), F_STR("advice", "raise its hard limits"));
}

/* Returns whether it is under way; else `fault` or mistakes tell why not. */
static bool start_new(struct supervisor *self, struct fault *fault)
{
    struct parcel *parcel = NULL;
    struct conf *conf = self->new_conf;
    if (conf->check.count > 0 || !open_bans(self, conf))
        return false;
    const struct crew_setup setup = {
        .loop = self->loop,
        .log = self->log,
        .log_fd = scribe_fd(self->scribe),
        .folder = self->folder,
        .listeners = &self->listeners,
        .grants = self->grants,
        .id = ++self->last_crew,
        .next_number = &self->last_number,
        .restarts = self->restarts,
        .bans = self->bans,
        .events = {on_running, on_failed, on_closed, on_gone, on_started, on_renewed, on_worker,
                   self},
    };
    if (parcel_make(conf, &parcel, fault) != FERRY_OK)
        return false;
    enum ferry_error error = FERRY_OK;
    if (conf->check.count == 0)
        error = listeners_bind(&self->listeners, conf, parcel->workers);
    if (error == FERRY_OK && conf->check.count == 0)
        error = ops_sockets_bind(&self->standings.sockets, conf, self->path);
    if (error == FERRY_OK && conf->check.count == 0)
        error = crew_new(&setup, parcel, &self->new_crew);
    if (self->new_crew && self->change == TELL_START)
        standings_use(&self->standings, parcel); /* they are to serve before the first session */
    parcel_unref(parcel);
    if (error != FERRY_OK)
        (void)fault_set(fault, error, "memory is short");
    return self->new_crew != NULL;
}

static void change_begin(struct supervisor *self, enum tell_change change)
{
    struct fault fault = {0};
    if (self->draining)
        return;
    if (self->changing) {
        self->reload_due |= change == TELL_RELOAD;
        self->renewal_due |= change == TELL_RENEWAL;
        return;
    }
    self->changing = true;
    self->change = change;
    if (change == TELL_RELOAD)
        ops_desk_reload_begins(self->standings.desk);
    if (change == TELL_RENEWAL) {
        self->new_conf = self->conf;
        check_fini(&self->conf->check);
    } else if (settings_read(self->path, conf_load_file, NULL, &self->new_conf) != FERRY_OK) {
        (void)fault_set(&fault, FERRY_E_MEMORY, "memory is short");
    }
    if (change != TELL_RENEWAL && self->new_conf && self->new_conf->check.count == 0 &&
        scribe_prepare(self->scribe, self->new_conf) != FERRY_OK)
        (void)fault_set(&fault, FERRY_E_MEMORY, "memory is short");
    if (change == TELL_START && self->new_conf && self->new_conf->check.count == 0) {
        scribe_commit(self->scribe, settings_global(self->new_conf)->log_level);
        tell_root(self->log);
        limit_process(self);
    }
    if (fault_is_set(&fault) || !start_new(self, &fault))
        change_refused(self, &fault);
}

/* ---- the end ---- */

/* Once no crew is left, those who serve files leave, too, and then those who stand by. */
static void look_whether_over(void *ctx)
{
    struct supervisor *self = ctx;
    if (!self->draining || self->crew || self->old[0] || grants_drain(self->grants) > 0)
        return;
    if (standings_drain(&self->standings) == 0)
        self->over = true;
}

static void on_standing_changed(void *ctx)
{
    tell_ready(ctx);
    look_whether_over(ctx);
}

static void on_gone(void *ctx, struct crew *crew)
{
    struct supervisor *self = ctx;
    forget_old(self, crew);
    if (self->crew == crew)
        self->crew = NULL;
    crew_free(crew);
    look_whether_over(self);
}

static void drain(struct supervisor *self, uint64_t grace_ns)
{
    struct fault why = {0};
    self->draining = true;
    (void)fault_set(&why, FERRY_E_STATE, "the server ends");
    ops_desk_reload_over(self->standings.desk, NULL, &why);
    drop_new(self);
    listeners_fini(&self->listeners);
    if (!self->crew) {
        look_whether_over(self);
        return;
    }
    if (grace_ns == MESSAGE_DRAIN_PATIENT)
        grace_ns = settings_global(self->conf)->drain_grace_ns;
    crew_drain(self->crew, grace_ns);
    for (size_t i = 0; i < OLD_CREWS; i++)
        if (self->old[i])
            crew_drain(self->old[i], grace_ns);
}

static void on_signal(void *ctx, int number)
{
    struct supervisor *self = ctx;
    if (number == SIGHUP)
        change_begin(self, TELL_RELOAD);
    else if (number == SIGUSR1)
        scribe_reopen(self->scribe);
    else if (self->draining)
        self->over = true;
    else
        drain(self, MESSAGE_DRAIN_PATIENT);
}

/* ---- life ---- */

static void each_crew(void *ctx, void (*each)(void *each_ctx, struct crew *crew), void *each_ctx)
{
    const struct supervisor *self = ctx;
    if (self->crew)
        each(each_ctx, self->crew);
    if (self->new_crew)
        each(each_ctx, self->new_crew);
    for (size_t i = 0; i < OLD_CREWS && self->old[i]; i++)
        each(each_ctx, self->old[i]);
}

static void each_files(void *ctx, void (*each)(void *each_ctx, struct child *child), void *each_ctx)
{
    const struct supervisor *self = ctx;
    grants_each(self->grants, each, each_ctx);
}

static bool on_reload(void *ctx)
{
    struct supervisor *self = ctx;
    if (!self->draining)
        change_begin(self, TELL_RELOAD);
    return !self->draining;
}

static void on_drain(void *ctx, uint64_t grace_ns)
{
    struct supervisor *self = ctx;
    if (!self->draining)
        drain(self, grace_ns);
}

static enum ferry_error init_standings(struct supervisor *self)
{
    const struct standings_setup setup = {
        .loop = self->loop,
        .log = self->log,
        .log_fd = scribe_fd(self->scribe),
        .folder = self->folder,
        .file = self->path,
        .next_number = &self->last_number,
        .restarts = self->restarts,
        .crews = each_crew,
        .files = each_files,
        .changed = on_standing_changed,
        .reload = on_reload,
        .drain = on_drain,
        .ctx = self,
    };
    return standings_init(&self->standings, &setup);
}

static bool init(struct supervisor *self)
{
    listeners_init(&self->listeners);
    ops_sockets_init(&self->standings.sockets);
    self->loop = loop_new();
    if (!self->loop || scribe_new(self->loop, &self->scribe, NULL) != FERRY_OK)
        return false;
    self->log = scribe_log(self->scribe);
    self->grants = grants_new(self->loop, self->log, scribe_fd(self->scribe), self->folder,
                              look_whether_over, self);
    bool whole = self->grants != NULL;
    whole &= init_standings(self) == FERRY_OK;
    scribe_set_tap(self->scribe, ops_desk_event, self->standings.desk);
    signal(SIGPIPE, SIG_IGN); /* whoever reads the log may leave */
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        self->signals[i] = loop_signal_new(self->loop, signals[i], on_signal, self);
        whole &= self->signals[i] != NULL;
    }
    return whole;
}

static void fini(struct supervisor *self)
{
    if (self->scribe)
        scribe_set_tap(self->scribe, NULL, NULL);
    drop_new(self);
    crew_free(self->crew);
    for (size_t i = 0; i < OLD_CREWS; i++)
        crew_free(self->old[i]);
    grants_free(self->grants);
    standings_fini(&self->standings);
    listeners_fini(&self->listeners);
    watch_free(self->watch);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        loop_signal_free(self->signals[i]);
    scribe_free(self->scribe);
    loop_free(self->loop);
    conf_free(self->conf);
    fd_close(&self->bans);
    fd_close(&self->ready_fd);
}

int supervise(const char *path, const char *folder, int ready_fd)
{
    struct supervisor self = {.path = path, .folder = folder, .ready_fd = ready_fd, .bans = -1};
    if (init(&self)) {
        change_begin(&self, TELL_START);
        while (!self.over)
            loop_turn(self.loop, true);
        if (!self.failed)
            log_event(self.log, LOG_LEVEL_NOTICE, "server.end", F_STR("file", path));
    } else {
        fputs("ferryd: memory is short\n", stderr);
        self.failed = true;
    }
    fini(&self);
    return self.failed ? EXIT_FAILED : EXIT_DONE;
}
