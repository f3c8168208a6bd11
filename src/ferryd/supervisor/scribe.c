/* Who writes the log. */
#include "ferryd/supervisor/scribe.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/destination.h"
#include "ferryd/logwire.h"
#include "ferryd/settings.h"
#include "ferryd/supervisor/outlet.h"

enum {
    TURN_DATAGRAMS = 256,       /* read before the loop goes on */
    BUFFER_BYTES = 1024 * 1024, /* of the socket, if the system permits */
};

/* Where the log goes by one configuration. Those of the one at work that are the same are
 * shared until the commit. */
struct outlets {
    struct outlet *list[DESTINATIONS_MAX];
    size_t count;
    struct outlet *xferlog; /* or NULL */
};

struct scribe {
    struct loop *loop;
    struct log log;
    log_record_fn *tap; /* or NULL */
    void *tap_ctx;
    int reader, writer;
    struct loop_watch *watch;
    struct outlets now, next;
    bool prepared;
    uint64_t refused_ns; /* when nonsense was last told of */
    struct logwire_got got;
    char datagram[LOGWIRE_MAX_BYTES];
};

/* ---- writing ---- */

static void write_event(void *ctx, const struct log_event *event)
{
    const struct scribe *scribe = ctx;
    for (size_t i = 0; i < scribe->now.count; i++)
        outlet_event(scribe->now.list[i], event);
    if (scribe->tap)
        scribe->tap(scribe->tap_ctx, event);
}

/* A role that sends what is no event is broken, or no longer ours; it may not fill the log. */
static void tell_nonsense(struct scribe *scribe)
{
    uint64_t now_ns = loop_now_ns(scribe->loop);
    if (scribe->refused_ns > 0 && now_ns - scribe->refused_ns < 60 * CLOCK_NS_PER_S)
        return;
    scribe->refused_ns = now_ns;
    log_event(&scribe->log, LOG_LEVEL_ERROR, "log.nonsense",
              F_STR("reason", "a process sent to the log what is no event"),
              F_STR("side", "server"),
              F_STR("advice", "restart ferryd; if it happens again a process is taken over, or "
                              "this is a mistake in ferryd"));
}

/* true: there may be more. */
static bool read_one(struct scribe *scribe)
{
    ssize_t got = recv(scribe->reader, scribe->datagram, sizeof(scribe->datagram), MSG_DONTWAIT);
    if (got <= 0)
        return false;
    if (logwire_read(bytes_of(scribe->datagram, (size_t)got), &scribe->got) != FERRY_OK)
        tell_nonsense(scribe);
    else if (scribe->got.kind == LOGWIRE_EVENT)
        write_event(scribe, &scribe->got.event);
    else if (scribe->now.xferlog)
        outlet_line(scribe->now.xferlog, scribe->got.line);
    return true;
}

static void on_readable(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct scribe *scribe = ctx;
    for (int i = 0; i < TURN_DATAGRAMS; i++)
        if (!read_one(scribe))
            return;
}

/* ---- where it goes ---- */

static bool holds(const struct outlets *outlets, const struct outlet *outlet)
{
    bool found = outlets->xferlog == outlet;
    for (size_t i = 0; i < outlets->count; i++)
        found |= outlets->list[i] == outlet;
    return found;
}

/* Frees those that are not also in `kept`. */
static void outlets_fini(struct outlets *outlets, const struct outlets *kept)
{
    for (size_t i = 0; i < outlets->count; i++)
        if (!holds(kept, outlets->list[i]))
            outlet_free(outlets->list[i]);
    if (outlets->xferlog && !holds(kept, outlets->xferlog))
        outlet_free(outlets->xferlog);
    *outlets = (struct outlets){0};
}

/* The open one for that destination, or a new one. */
static enum ferry_error find(struct scribe *scribe, const struct destination *destination,
                             struct outlet **out, struct fault *fault)
{
    for (size_t i = 0; i < scribe->now.count; i++) {
        *out = scribe->now.list[i];
        if (outlet_is(*out, destination))
            return FERRY_OK;
    }
    return outlet_new(scribe->loop, destination, out, fault);
}

static enum ferry_error find_xferlog(struct scribe *scribe, const char *path, struct fault *fault)
{
    const struct destination destination = {.kind = DESTINATION_FILE, .path = path};
    if (!path)
        return FERRY_OK;
    scribe->next.xferlog = scribe->now.xferlog;
    if (scribe->next.xferlog && outlet_is(scribe->next.xferlog, &destination))
        return FERRY_OK;
    scribe->next.xferlog = NULL;
    return outlet_new(scribe->loop, &destination, &scribe->next.xferlog, fault);
}

static bool has(const struct outlets *outlets, const struct outlet *outlet)
{
    return outlets->count > 0 && holds(outlets, outlet);
}

enum ferry_error scribe_prepare(struct scribe *scribe, struct conf *conf)
{
    const struct conf_instance *block = conf_next(conf, NULL, NULL);
    const struct settings_global *global = settings_global(conf);
    struct fault fault = {0};
    enum ferry_error error = FERRY_OK;
    scribe_drop(scribe);
    scribe->prepared = true;
    for (size_t i = 0; i < global->log.count && error == FERRY_OK; i++) {
        struct destination destination;
        struct outlet *outlet = NULL;
        if (scribe->next.count == DESTINATIONS_MAX)
            break; /* settings_check.c says so */
        error = destination_parse(global->log.list[i], global->log_form, &destination, &fault);
        if (error == FERRY_OK)
            error = find(scribe, &destination, &outlet, &fault);
        if (error == FERRY_OK && !has(&scribe->next, outlet))
            scribe->next.list[scribe->next.count++] = outlet;
    }
    if (error != FERRY_OK && error != FERRY_E_MEMORY)
        conf_mistake(conf, block, "log", "%s", fault.what);
    if (error == FERRY_OK)
        error = find_xferlog(scribe, global->xferlog, &fault);
    if (error != FERRY_OK && error != FERRY_E_MEMORY && conf->check.count == 0)
        conf_mistake(conf, block, "xferlog", "%s", fault.what);
    return error == FERRY_E_MEMORY ? error : FERRY_OK;
}

void scribe_drop(struct scribe *scribe)
{
    if (!scribe)
        return;
    outlets_fini(&scribe->next, &scribe->now);
    scribe->prepared = false;
}

void scribe_commit(struct scribe *scribe, enum log_level level)
{
    scribe->log.level = level;
    if (scribe->prepared) {
        struct outlets before = scribe->now;
        scribe->now = scribe->next;
        scribe->next = (struct outlets){0};
        scribe->prepared = false;
        outlets_fini(&before, &scribe->now);
    }
    scribe_reopen(scribe);
}

static void reopen(struct scribe *scribe, struct outlet *outlet)
{
    struct fault fault = {0};
    if (outlet_reopen(outlet, &fault) == FERRY_OK)
        return;
    log_event(&scribe->log, LOG_LEVEL_ERROR, "log.kept", F_STR("log", outlet_name(outlet)),
              F_VISIBLE("reason", fault.what), F_STR("side", "server"),
              F_STR("advice", "the file that was open is still written to: make the new one "
                              "possible, and send SIGUSR1"));
}

void scribe_reopen(struct scribe *scribe)
{
    for (size_t i = 0; i < scribe->now.count; i++)
        reopen(scribe, scribe->now.list[i]);
    if (scribe->now.xferlog)
        reopen(scribe, scribe->now.xferlog);
}

/* ---- life ---- */

void scribe_set_tap(struct scribe *scribe, log_record_fn *tap, void *ctx)
{
    scribe->tap = tap;
    scribe->tap_ctx = ctx;
}

const struct log *scribe_log(const struct scribe *scribe)
{
    return &scribe->log;
}

int scribe_fd(const struct scribe *scribe)
{
    return scribe->writer;
}

static enum ferry_error make_pair(struct scribe *scribe, struct fault *fault)
{
    int ends[2];
    int size = BUFFER_BYTES;
    const struct timeval wait = {.tv_sec = LOGWIRE_WAIT_MS / 1000};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fault_errno(fault, FERRY_E_LIMIT, "make a socket for the log");
    scribe->reader = ends[0];
    scribe->writer = ends[1];
    /* As much as is permitted is enough. */
    (void)setsockopt(scribe->writer, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (setsockopt(scribe->writer, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
        return fault_errno(fault, FERRY_E_FILE, "limit how long the log is waited for");
    return FERRY_OK;
}

enum ferry_error scribe_new(struct loop *loop, struct scribe **out, struct fault *fault)
{
    const struct destination first = {.kind = DESTINATION_STDERR, .form = LOG_FORM_TEXT};
    struct scribe *scribe = alloc_zero(sizeof(*scribe));
    if (!scribe)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    scribe->loop = loop;
    scribe->reader = scribe->writer = -1;
    scribe->log = (struct log){
        .record = write_event,
        .ctx = scribe,
        .level = LOG_LEVEL_NOTICE,
        .clock = &clock_system,
    };
    enum ferry_error error = make_pair(scribe, fault);
    if (error == FERRY_OK)
        error = outlet_new(loop, &first, &scribe->now.list[0], fault);
    if (error == FERRY_OK)
        scribe->now.count = 1;
    if (error == FERRY_OK &&
        !(scribe->watch = loop_watch_new(loop, scribe->reader, on_readable, scribe)))
        error = fault_set(fault, FERRY_E_MEMORY, "memory is short");
    if (error != FERRY_OK) {
        scribe_free(scribe);
        return error;
    }
    loop_watch_want(scribe->watch, true, false);
    *out = scribe;
    return FERRY_OK;
}

void scribe_free(struct scribe *scribe)
{
    static const struct outlets none;
    if (!scribe)
        return;
    while (scribe->watch && read_one(scribe))
        continue;
    scribe_drop(scribe);
    outlets_fini(&scribe->now, &none);
    loop_watch_free(scribe->watch);
    fd_close(&scribe->reader);
    fd_close(&scribe->writer);
    alloc_free(scribe);
}
