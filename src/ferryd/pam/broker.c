/* Asks of auth's, each given to a process of its own. */
#include "ferryd/pam/broker.h"

#include <signal.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/messages.h"
#include "ferryd/pam_wire.h"
#include "proc/channel.h"
#include "proc/spawn.h"
#include "proc/strays.h"

/* A session that PAM has opened, or is opening. */
struct broker_session {
    LIST_ENTRY(broker_session) link;
    uint64_t number;
    char *name, *host;
    bool open, over; /* `over` before it is open: it is closed then */
};

/* A process that holds a conversation. */
struct broker_run {
    LIST_ENTRY(broker_run) link;
    struct broker *broker;
    struct spawn_child process;
    struct loop_watch *ended;
    struct loop_timer *late;
    struct broker_session *opens; /* NULL: no session */
};

/* ---- sessions ---- */

static void session_free(struct broker *broker, struct broker_session *session)
{
    LIST_REMOVE(session, link);
    broker->session_count--;
    alloc_free(session->name);
    alloc_free(session->host);
    alloc_free(session);
}

static struct broker_session *session_of(const struct broker *broker, uint64_t number)
{
    struct broker_session *session;
    LIST_FOREACH (session, &broker->sessions, link)
        if (session->number == number)
            return session;
    return NULL;
}

static struct broker_session *session_new(struct broker *broker, uint64_t number, struct bytes name,
                                          struct bytes host)
{
    if (broker->session_count == BROKER_SESSIONS_MAX)
        return NULL;
    struct broker_session *session = alloc_zero(sizeof(*session));
    if (!session)
        return NULL;
    *session = (struct broker_session){
        .number = number, .name = alloc_bytes(name), .host = alloc_bytes(host)};
    LIST_INSERT_HEAD(&broker->sessions, session, link);
    broker->session_count++;
    if (session->name && session->host)
        return session;
    session_free(broker, session);
    return NULL;
}

static enum ferry_error run_start(struct broker *broker, int fd, struct broker_session *opens,
                                  struct fault *fault);

/* Nobody waits for the answer. */
static void start_closing(struct broker *broker, struct broker_session *session)
{
    struct fault fault = {0};
    int ends[2];
    const struct pam_ask ask = {
        .deed = PAM_DEED_CLOSE,
        .service = bytes_str(broker->service),
        .name = bytes_str(session->name),
        .host = bytes_str(session->host),
    };
    enum ferry_error error = channel_pair(ends, &fault);
    if (error == FERRY_OK) {
        CLEANUP(fd_close) int ours = ends[0];
        CLEANUP(fd_close) int theirs = ends[1];
        error = pam_wire_send_ask(ours, &ask, &fault);
        if (error == FERRY_OK)
            error = run_start(broker, theirs, NULL, &fault);
    }
    if (error != FERRY_OK)
        log_event(broker->log, LOG_LEVEL_ERROR, "pam.unclosed", F_STR("account", session->name),
                  F_VISIBLE("reason", fault.what), F_STR("side", "server"),
                  F_STR("advice", "look what else takes the processes and descriptors of the "
                                  "system"));
    session_free(broker, session);
}

/* Those that are over, a few at once, and never in the way of logins. */
static void close_some(struct broker *broker)
{
    struct broker_session *session = LIST_FIRST(&broker->sessions);
    while (session && broker->running < BROKER_RUNNING_MAX / 2) {
        struct broker_session *next = LIST_NEXT(session, link);
        if (session->over && session->open)
            start_closing(broker, session);
        session = next;
    }
}

static void close_all(struct broker *broker)
{
    struct broker_session *session;
    LIST_FOREACH (session, &broker->sessions, link)
        session->over = true;
    close_some(broker);
}

/* ---- conversations ---- */

static void run_free(struct broker_run *run)
{
    LIST_REMOVE(run, link);
    run->broker->running--;
    loop_watch_free(run->ended);
    loop_timer_free(run->late);
    alloc_free(run);
}

static bool is_run(const void *ctx, pid_t pid)
{
    const struct broker *broker = ctx;
    const struct broker_run *run;
    LIST_FOREACH (run, &broker->runs, link)
        if (run->process.pid == pid)
            return true;
    return false;
}

static void on_late(void *ctx)
{
    struct broker_run *run = ctx;
    log_event(run->broker->log, LOG_LEVEL_ERROR, "pam.hung",
              F_DUR("took", run->broker->patience_ns), F_STR("side", "server"),
              F_STR("advice", "look which module of the service does not come to an end"));
    spawn_signal(&run->process, SIGKILL);
}

static void on_ended(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct broker_run *run = ctx;
    struct broker *broker = run->broker;
    struct broker_session *session = run->opens;
    struct spawn_exit end;
    if (!spawn_reap(&run->process, &end))
        return;
    run_free(run);
    /* What a module that hung has started does not come to an end either. */
    strays_collect(end.by_signal, is_run, broker);
    if (session) {
        session->open = !end.by_signal && end.code == 0;
        if (!session->open)
            session_free(broker, session);
    }
    close_some(broker);
    if (broker->idle && broker->running == 0)
        broker->idle(broker->ctx);
}

static enum ferry_error run_watch(struct broker_run *run)
{
    struct loop *loop = run->broker->loop;
    run->ended = loop_watch_new(loop, run->process.pidfd, on_ended, run);
    run->late = loop_timer_new(loop, on_late, run);
    if (!run->ended || !run->late)
        return FERRY_E_MEMORY;
    loop_watch_want(run->ended, true, false);
    loop_timer_at(run->late, loop_now_ns(loop) + run->broker->patience_ns);
    return FERRY_OK;
}

/* `fd` stays the caller's. */
static enum ferry_error run_start(struct broker *broker, int fd, struct broker_session *opens,
                                  struct fault *fault)
{
    const char *const argv[] = {broker->program, "conversation", NULL};
    const struct spawn_program program = {
        .path = broker->program,
        .argv = argv,
        .fds = &fd,
        .fd_count = 1,
        .error_fd = STDERR_FILENO,
    };
    struct broker_run *run = alloc_zero(sizeof(*run));
    if (!run)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    *run = (struct broker_run){.broker = broker, .opens = opens};
    LIST_INSERT_HEAD(&broker->runs, run, link);
    broker->running++;
    enum ferry_error error = spawn_start(&program, &run->process, fault);
    if (error != FERRY_OK) {
        run_free(run);
        return error;
    }
    if (run_watch(run) == FERRY_OK)
        return FERRY_OK;
    spawn_signal(&run->process, SIGKILL);
    struct spawn_exit end;
    while (!spawn_reap(&run->process, &end)) /* at once: it was killed */
        usleep(1000);
    run_free(run);
    return fault_set(fault, FERRY_E_MEMORY, "memory is short");
}

/* ---- what auth says ---- */

/* Closing the channel of an ask is a refusal to take it. */
static void take_ask(struct broker *broker, int fd, struct broker_session *opens)
{
    struct fault fault = {0};
    CLEANUP(fd_close) int owned = fd;
    enum ferry_error error =
        broker->running < BROKER_RUNNING_MAX
            ? run_start(broker, owned, opens, &fault)
            : fault_set(&fault, FERRY_E_LIMIT, "too many conversations are under way");
    if (error == FERRY_OK)
        return;
    log_event(broker->log, LOG_LEVEL_ERROR, "pam.refused", F_VISIBLE("reason", fault.what),
              F_STR("side", "server"),
              F_STR("advice", "look which module of the service takes so long, or what else takes "
                              "the processes of the system"));
    if (opens)
        session_free(broker, opens);
}

static void take_open(struct broker *broker, struct wire_reader *reader, int fd)
{
    CLEANUP(fd_close) int owned = fd;
    uint64_t number = wire_get_u64(reader);
    struct bytes name = wire_get_bytes(reader);
    struct bytes host = wire_get_bytes(reader);
    struct broker_session *session = session_new(broker, number, name, host);
    if (session)
        take_ask(broker, fd_take(&owned), session);
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)fault;
    struct broker *broker = ctx;
    struct broker_session *session;
    switch (row->type) {
    case MESSAGE_PAM_CHECK:
        take_ask(broker, fd_take(&raw->fds[0]), NULL);
        break;
    case MESSAGE_PAM_OPEN:
        take_open(broker, reader, fd_take(&raw->fds[0]));
        break;
    default:
        session = session_of(broker, wire_get_u64(reader));
        if (session)
            session->over = true;
        close_some(broker);
        break;
    }
    return FERRY_OK;
}

static void auth_gone(struct broker *broker)
{
    link_free(broker->auth);
    broker->auth = NULL;
    close_all(broker);
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct broker *broker = ctx;
    if (fault_is_set(why))
        log_event(broker->log, LOG_LEVEL_ERROR, "channel.ended", F_STR("process", "auth"),
                  F_VISIBLE("reason", why->what), F_STR("side", "server"),
                  F_STR("advice", "the supervisor starts it again; if this comes often, tell the "
                                  "makers of ferryd"));
    auth_gone(broker);
}

/* ---- life ---- */

void broker_init(struct broker *broker, struct loop *loop, struct log *log)
{
    *broker = (struct broker){.loop = loop, .log = log};
    LIST_INIT(&broker->runs);
    LIST_INIT(&broker->sessions);
    strays_adopt();
}

enum ferry_error broker_connect(struct broker *broker, int fd)
{
    const struct link_setup setup = {
        .loop = broker->loop,
        .table = &messages_to_pam,
        .peer = ROLE_AUTH,
        .state = MESSAGE_RUNNING,
        .message = on_message,
        .closed = on_closed,
        .ctx = broker,
    };
    auth_gone(broker);
    return link_new(&setup, fd, &broker->auth);
}

void broker_leave(struct broker *broker, void (*idle)(void *ctx), void *ctx)
{
    broker->idle = idle;
    broker->ctx = ctx;
    auth_gone(broker);
}
