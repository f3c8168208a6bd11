/* One process of a role. */
#include "ferryd/supervisor/child.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/messages.h"
#include "ferryd/role.h"
#include "proc/spawn.h"

/* To become ready in, and to leave in when its grace is over. */
static const uint64_t START_NS = 30 * CLOCK_NS_PER_S;
static const uint64_t LEAVE_NS = 10 * CLOCK_NS_PER_S;
/* Between the end of a process and that of its channel, whichever comes first. */
static const uint64_t HEAR_NS = CLOCK_NS_PER_S;

struct child {
    struct child_setup setup;
    struct spawn_child process;
    struct loop_watch *ended; /* NULL: it has */
    struct spawn_exit end;    /* then: how */
    struct loop_timer *late;
    struct link *link;
    bool closed; /* the link is over */
    bool ready, leaving;
    char *missing;    /* NULL: nothing, or no memory */
    struct fault why; /* told before the process ended */
};

uint32_t child_number(const struct child *child)
{
    return child->setup.number;
}

enum role child_role(const struct child *child)
{
    return child->setup.role;
}

const char *child_phase(const struct child *child)
{
    return child->leaving ? "draining" : child->ready ? "serving" : "starting";
}

const char *child_missing(const struct child *child)
{
    return child->missing ? child->missing : "";
}

pid_t child_pid(const struct child *child)
{
    return child->process.pid;
}

/* ---- the end ---- */

/* Ends it for a reason, which `over` will tell. */
static void end_for(struct child *child, const struct fault *why)
{
    if (!fault_is_set(&child->why))
        child->why = *why;
    spawn_signal(&child->process, SIGKILL);
}

/* The process has ended, and all that it said was heard. */
static void tell_over(struct child *child)
{
    bool as_told = child->leaving && !child->end.by_signal && child->end.code == 0;
    char words[SPAWN_WORDS_BYTES];
    spawn_describe(&child->end, words);
    if (!as_told)
        (void)fault_set(&child->why, FERRY_E_LOST, "it %s", words);
    struct fault why = child->why;
    loop_timer_at(child->late, CLOCK_NEVER);
    child->setup.over(child->setup.ctx, &why);
}

static void on_late(void *ctx)
{
    struct child *child = ctx;
    struct fault why = {0};
    if (!child->ended) {
        tell_over(child);
        return;
    }
    (void)fault_set(&why, FERRY_E_TIMEOUT, "it %s for too long",
                    child->closed    ? "had no channel"
                    : child->leaving ? "was leaving"
                                     : "was starting");
    end_for(child, &why);
}

static void on_ended(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct child *child = ctx;
    if (!spawn_reap(&child->process, &child->end))
        return;
    loop_watch_free(child->ended);
    child->ended = NULL;
    if (child->closed)
        tell_over(child);
    else
        loop_timer_at(child->late, loop_now_ns(child->setup.loop) + HEAR_NS);
}

/* ---- messages ---- */

static void take_words(struct wire_reader *reader, struct fault *why)
{
    struct bytes what = wire_get_bytes(reader);
    struct bytes advice = wire_get_bytes(reader);
    (void)fault_set(why, FERRY_E_REFUSED, "%.*s", BYTES_FMT(what));
    if (advice.len > 0)
        fault_advise(why, "%.*s", BYTES_FMT(advice));
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    struct child *child = ctx;
    if (row->type == MESSAGE_FAILED) {
        take_words(reader, &child->why);
        return FERRY_OK;
    }
    if (row->type != MESSAGE_READY)
        return child->setup.message(child->setup.ctx, row, reader, raw, fault);
    link_set_state(child->link, MESSAGE_RUNNING);
    if (!child->leaving)
        loop_timer_at(child->late, CLOCK_NEVER);
    struct bytes missing = wire_get_bytes(reader);
    child->ready = true;
    child->missing = missing.len > 0 ? alloc_bytes(missing) : NULL;
    child->setup.ready(child->setup.ctx, missing);
    return FERRY_OK;
}

/* Mostly it is ending anyhow; else it must soon, being out of reach. */
static void on_closed(void *ctx, const struct fault *why)
{
    struct child *child = ctx;
    child->closed = true;
    if (fault_is_set(why) && !fault_is_set(&child->why))
        child->why = *why;
    if (!child->ended)
        tell_over(child);
    else if (fault_is_set(why))
        end_for(child, why);
    else
        loop_timer_at(child->late, loop_now_ns(child->setup.loop) + HEAR_NS);
}

struct wire_writer *child_message(struct child *child, uint16_t type)
{
    return link_begin(child->link, type);
}

void child_send(struct child *child, int fd)
{
    struct fault fault = {0};
    enum ferry_error error = link_send(child->link, &fd, fd >= 0 ? 1 : 0, &fault);
    if (error != FERRY_OK && error != FERRY_E_LOST)
        end_for(child, &fault);
}

static void end_for_want(struct child *child)
{
    struct fault fault = {0};
    (void)fault_set(&fault, FERRY_E_LIMIT, "no descriptors are left to give it");
    end_for(child, &fault);
}

void child_try_send(struct child *child)
{
    struct fault fault = {0};
    (void)!link_send(child->link, NULL, 0, &fault);
}

/* A message that is nothing without its descriptor. */
static void send_with(struct child *child, int fd)
{
    if (fd >= 0)
        child_send(child, fd);
    else
        end_for_want(child);
}

void child_settings(struct child *child, int fd)
{
    (void)child_message(child, MESSAGE_SETTINGS);
    send_with(child, fd);
}

void child_file(struct child *child, const char *name, int fd)
{
    wire_put_bytes(child_message(child, MESSAGE_FILE), bytes_str(name));
    send_with(child, fd);
}

void child_listener(struct child *child, uint32_t number, int fd)
{
    wire_put_u32(child_message(child, MESSAGE_LISTENER), number);
    send_with(child, fd);
}

void child_channel(struct child *child, enum role peer, uint32_t number, int fd)
{
    struct wire_writer *writer = child_message(child, MESSAGE_CHANNEL);
    wire_put_u8(writer, (uint8_t)peer);
    wire_put_u32(writer, number);
    send_with(child, fd);
}

void child_begin(struct child *child, const struct identity *identity, enum confinement confinement)
{
    struct wire_writer *writer = child_message(child, MESSAGE_START);
    wire_put_u32(writer, identity->uid);
    wire_put_u32(writer, identity->gid);
    wire_put_bytes(writer,
                   bytes_of(identity->groups, identity->group_count * sizeof(*identity->groups)));
    wire_put_u8(writer, (uint8_t)confinement);
    child_send(child, -1);
}

void child_drain(struct child *child, uint64_t grace_ns)
{
    child->leaving = true;
    if (grace_ns != MESSAGE_DRAIN_PATIENT)
        loop_timer_at(child->late, loop_now_ns(child->setup.loop) + grace_ns + LEAVE_NS);
    wire_put_u64(child_message(child, MESSAGE_DRAIN), grace_ns);
    child_send(child, -1);
}

/* ---- life ---- */

/* Installed, all programs are in one folder; where they are built, each is in one of its own. */
static bool find_program(const struct child_setup *setup, char path[static PATH_MAX])
{
    const char *name = role_name(setup->role);
    int len = snprintf(path, PATH_MAX, "%s/ferryd-%s", setup->folder, name);
    if (len < PATH_MAX && access(path, X_OK) == 0)
        return true;
    len = snprintf(path, PATH_MAX, "%s/../%s/ferryd-%s", setup->folder, name, name);
    return len < PATH_MAX && access(path, X_OK) == 0;
}

static enum ferry_error start_program(struct child *child, int channel, struct fault *fault)
{
    char path[PATH_MAX];
    if (!find_program(&child->setup, path))
        return fault_set(fault, FERRY_E_NOT_FOUND, "there is no program ferryd-%s in %s",
                         role_name(child->setup.role), child->setup.folder);
    const char *const argv[] = {path, NULL};
    const int fds[] = {
        [ROLE_SUPERVISOR_FD - SPAWN_FIRST_FD] = channel,
        [ROLE_LOG_FD - SPAWN_FIRST_FD] = child->setup.log_fd,
    };
    const struct spawn_program program = {
        .path = path,
        .argv = argv,
        .fds = fds,
        .fd_count = ARRAY_LEN(fds),
        .error_fd = STDERR_FILENO,
    };
    return spawn_start(&program, &child->process, fault);
}

static enum ferry_error watch_it(struct child *child, int channel)
{
    const struct link_setup setup = {
        .loop = child->setup.loop,
        .table = &messages_to_supervisor,
        .peer = child->setup.role,
        .state = MESSAGE_STARTING,
        .message = on_message,
        .closed = on_closed,
        .ctx = child,
    };
    enum ferry_error error = link_new(&setup, channel, &child->link);
    child->ended = loop_watch_new(setup.loop, child->process.pidfd, on_ended, child);
    child->late = loop_timer_new(setup.loop, on_late, child);
    if (error != FERRY_OK || !child->ended || !child->late)
        return FERRY_E_MEMORY;
    loop_watch_want(child->ended, true, false);
    loop_timer_at(child->late, loop_now_ns(setup.loop) + START_NS);
    return FERRY_OK;
}

enum ferry_error child_new(const struct child_setup *setup, struct child **out, struct fault *fault)
{
    int ends[2];
    enum ferry_error error = channel_pair(ends, fault);
    if (error != FERRY_OK)
        return error;
    CLEANUP(fd_close) int ours = ends[0];
    CLEANUP(fd_close) int theirs = ends[1];
    struct child *child = alloc_zero(sizeof(*child));
    if (!child)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    child->setup = *setup;
    child->process.pidfd = -1;
    error = start_program(child, theirs, fault);
    if (error == FERRY_OK && watch_it(child, fd_take(&ours)) != FERRY_OK)
        error = fault_set(fault, FERRY_E_MEMORY, "memory is short");
    if (error != FERRY_OK) {
        child_free(child);
        return error;
    }
    *out = child;
    return FERRY_OK;
}

void child_free(struct child *child)
{
    if (!child)
        return;
    loop_watch_free(child->ended);
    loop_timer_free(child->late);
    link_free(child->link);
    alloc_free(child->missing);
    if (child->process.pidfd >= 0) {
        struct spawn_exit end;
        struct pollfd ended = {.fd = child->process.pidfd, .events = POLLIN};
        spawn_signal(&child->process, SIGKILL);
        while (!spawn_reap(&child->process, &end))
            (void)poll(&ended, 1, -1);
    }
    alloc_free(child);
}
