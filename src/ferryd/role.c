/* What the main of every role of ferryd has in common. */
#include "ferryd/role.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "ferryd/logwire.h"
#include "proc/seccomp.h"

struct role_main {
    enum role role;
    const struct role_handlers *handlers;
    void *ctx;
    struct loop *loop;
    struct link *supervisor;
    struct role_identity identity;
    bool start_due; /* START has come: once the loop has returned */
    bool failed;
    unsigned warm; /* pool threads that have started */
    char missing[MESSAGE_WORDS_BYTES];
    struct logwire logwire;
};

struct loop *role_loop(const struct role_main *self)
{
    return self->loop;
}

struct link *role_supervisor(const struct role_main *self)
{
    return self->supervisor;
}

/* ---- the log ---- */

/* Before anything else is opened. */
static int find_log(void)
{
    struct stat stat;
    bool given = fstat(ROLE_LOG_FD, &stat) == 0 && S_ISSOCK(stat.st_mode);
    return given ? ROLE_LOG_FD : -1;
}

void role_log(struct role_main *self, struct log *log, enum log_level level, enum log_form form)
{
    log_init_fd(log, STDERR_FILENO, level, form, &clock_system);
    if (self->logwire.fd < 0)
        return;
    log->record = logwire_record;
    log->ctx = &self->logwire;
}

void role_xferlog(struct role_main *self, struct bytes line)
{
    if (self->logwire.fd >= 0)
        logwire_line(&self->logwire, line);
}

void role_leave(struct role_main *self)
{
    loop_stop(self->loop);
}

/* ---- confinement ---- */

static void warm_work(void *ctx)
{
    (void)ctx;
}

static void warm_done(void *ctx)
{
    struct role_main *self = ctx;
    self->warm++;
}

/* Every thread of the pool exists when this returns: libuv starts them all with the first job. */
static enum ferry_error start_pool(struct role_main *self)
{
    enum ferry_error error = loop_job(self->loop, warm_work, warm_done, self);
    while (error == FERRY_OK && self->warm == 0)
        loop_turn(self->loop, true);
    return error;
}

static enum ferry_error enter_landlock(struct role_main *self, const struct landlock_rules *rules,
                                       struct fault *fault)
{
    static const struct landlock_rules nothing = {0};
    struct landlock_report report = {0};
    enum ferry_error error = landlock_enter(rules ? rules : &nothing, &report, fault);
    snprintf(self->missing, sizeof(self->missing), "%s", report.missing);
    return error;
}

enum ferry_error role_confine(struct role_main *self, const struct role_identity *identity,
                              const struct landlock_rules *rules, const struct privs_limit *limits,
                              size_t limit_count, struct fault *fault)
{
    const struct privs privs = {
        .uid = identity->uid,
        .gid = identity->gid,
        .groups = identity->groups,
        .group_count = identity->group_count,
        .limits = limits,
        .limit_count = limit_count,
    };
    enum ferry_error error = privs_enter(&privs, fault);
    if (error == FERRY_OK && identity->confinement != CONFINE_OFF)
        error = enter_landlock(self, rules, fault);
    if (error == FERRY_OK && identity->confinement == CONFINE_REQUIRE && self->missing[0])
        error = fault_set(fault, FERRY_E_DENIED, "this kernel cannot confine: %s", self->missing);
    if (error == FERRY_OK && start_pool(self) != FERRY_OK)
        error = fault_set(fault, FERRY_E_MEMORY, "no memory for threads");
    if (error == FERRY_OK && identity->confinement != CONFINE_OFF)
        error = seccomp_enter(self->role, SECCOMP_KILLS, fault);
    return error;
}

/* ---- messages ---- */

static enum ferry_error not_mine(const struct wire_message *row, struct fault *fault)
{
    return fault_set(fault, FERRY_E_PROTOCOL, "a %s is not for this role", row->name);
}

static void take_identity(struct wire_reader *reader, struct role_identity *out)
{
    *out = (struct role_identity){0};
    out->uid = wire_get_u32(reader);
    out->gid = wire_get_u32(reader);
    struct bytes groups = wire_get_bytes(reader);
    out->group_count = groups.len / sizeof(gid_t);
    if (out->group_count > ARRAY_LEN(out->groups))
        out->group_count = ARRAY_LEN(out->groups);
    memcpy(out->groups, groups.ptr ? groups.ptr : "", out->group_count * sizeof(gid_t));
    out->confinement = (enum confinement)wire_get_u8(reader);
}

/* Tells the supervisor why it cannot start, and ends. */
static void say_failed(struct role_main *self, const struct fault *why)
{
    struct fault fault = {0};
    struct wire_writer *writer = link_begin(self->supervisor, MESSAGE_FAILED);
    wire_put_bytes(writer, bytes_str(why->what));
    wire_put_bytes(writer, bytes_str(why->advice));
    (void)!link_send(self->supervisor, NULL, 0, &fault); /* if it has gone, nobody need know */
    self->failed = true;
}

/* Outside of any callback, since confining turns the loop. */
static void start(struct role_main *self)
{
    struct fault fault = {0};
    self->start_due = false;
    if (self->handlers->start(self->ctx, &self->identity, &fault) != FERRY_OK) {
        say_failed(self, &fault);
        return;
    }
    link_set_state(self->supervisor, MESSAGE_RUNNING);
    wire_put_bytes(link_begin(self->supervisor, MESSAGE_READY), bytes_str(self->missing));
    self->failed = link_send(self->supervisor, NULL, 0, &fault) != FERRY_OK;
}

static enum ferry_error take(struct role_main *self, const struct wire_message *row,
                             struct wire_reader *reader, int fd, struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    const struct role_handlers *handlers = self->handlers;
    switch (row->type) {
    case MESSAGE_SETTINGS:
        return handlers->settings ? handlers->settings(self->ctx, fd_take(&owned), fault)
                                  : not_mine(row, fault);
    case MESSAGE_FILE:
        return handlers->file
                   ? handlers->file(self->ctx, wire_get_bytes(reader), fd_take(&owned), fault)
                   : not_mine(row, fault);
    case MESSAGE_LISTENER:
        return handlers->listener
                   ? handlers->listener(self->ctx, wire_get_u32(reader), fd_take(&owned), fault)
                   : not_mine(row, fault);
    default:
        break;
    }
    enum role peer = (enum role)wire_get_u8(reader);
    uint32_t number = wire_get_u32(reader);
    return handlers->channel && (unsigned)peer < ROLE_COUNT
               ? handlers->channel(self->ctx, peer, number, fd_take(&owned), fault)
               : not_mine(row, fault);
}

static enum ferry_error drain(struct role_main *self, uint64_t grace_ns, struct fault *fault)
{
    if (self->handlers->drain)
        self->handlers->drain(self->ctx, grace_ns);
    else
        role_leave(self);
    (void)link_begin(self->supervisor, MESSAGE_DRAINING);
    return link_send(self->supervisor, NULL, 0, fault);
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    struct role_main *self = ctx;
    switch (row->type) {
    case MESSAGE_SETTINGS:
    case MESSAGE_FILE:
    case MESSAGE_LISTENER:
    case MESSAGE_CHANNEL:
        return take(self, row, reader, fd_take(&raw->fds[0]), fault);
    case MESSAGE_START:
        take_identity(reader, &self->identity);
        self->start_due = true;
        loop_stop(self->loop);
        return FERRY_OK;
    case MESSAGE_DRAIN:
        return drain(self, wire_get_u64(reader), fault);
    default:
        return self->handlers->other ? self->handlers->other(self->ctx, row, reader, raw, fault)
                                     : not_mine(row, fault);
    }
}

/* Without a supervisor there is nobody to serve for. */
static void on_closed(void *ctx, const struct fault *why)
{
    struct role_main *self = ctx;
    self->failed = fault_is_set(why);
    role_leave(self);
}

/* ---- life ---- */

int role_run(enum role role, const struct role_handlers *handlers,
             void (*begin)(void *ctx, struct role_main *self), void *ctx)
{
    struct role_main self = {.role = role, .handlers = handlers, .ctx = ctx};
    self.logwire.fd = find_log();
    tzset(); /* else the first line of the log opens files, when that is no longer possible */
    self.loop = loop_new();
    if (!self.loop)
        return 1;
    const struct link_setup setup = {
        .loop = self.loop,
        .table = &messages_from_supervisor,
        .peer = ROLE_SUPERVISOR,
        .state = MESSAGE_STARTING,
        .message = on_message,
        .closed = on_closed,
        .ctx = &self,
    };
    if (link_new(&setup, ROLE_SUPERVISOR_FD, &self.supervisor) != FERRY_OK)
        return 1;
    begin(ctx, &self);
    loop_run(self.loop);
    if (self.start_due) {
        start(&self);
        if (!self.failed)
            loop_run(self.loop);
    }
    return self.failed ? 1 : 0;
}
