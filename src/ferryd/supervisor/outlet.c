/* One destination of the log. */
#include "ferryd/supervisor/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"

enum {
    CHUNK_BYTES = 4096, /* that a pipe which is ready takes without blocking (PIPE_BUF) */
    LAST_MS = 500,      /* for what waits at the end */
};

/* When a full pipe is tried again, and what failed otherwise. */
static const uint64_t SOON_NS = 50 * CLOCK_NS_PER_MS;
static const uint64_t LATER_NS = CLOCK_NS_PER_S;

struct outlet_waiting {
    STAILQ_ENTRY(outlet_waiting) link;
    size_t len;
    char bytes[];
};

/* How to write without waiting. */
enum manner {
    MANNER_PLAIN,  /* a file, or a descriptor of our own that does not block */
    MANNER_SOCKET, /* by a flag */
    MANNER_ASK,    /* by asking first: the descriptor is shared with others */
};

struct outlet {
    struct loop *loop;
    enum destination_kind kind;
    enum log_form form;
    char *path; /* or NULL */
    int fd;     /* -1: the journal is not there now */
    enum manner manner;
    bool levels; /* lines begin with <N>: the journal reads them (sd-daemon(3)) */
    struct loop_timer *again;
    STAILQ_HEAD(, outlet_waiting) waiting;
    size_t waiting_bytes;
    size_t written; /* of the first one */
    uint64_t lost;
    int why; /* errno of the last failure */
};

/* ---- opening ---- */

static bool is_journal(int fd)
{
    struct stat stat;
    unsigned long long device, inode;
    const char *stream = getenv("JOURNAL_STREAM");
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &stat) == 0 &&
           stat.st_dev == device && stat.st_ino == inode;
}

/* Standard error is others', too: it is not made non-blocking, but opened once more where that is
 * possible. Not a file, whose offset is to be shared. */
static int open_stderr(struct outlet *outlet)
{
    struct stat stat;
    if (fstat(STDERR_FILENO, &stat) < 0) /* it was closed: nobody wants it */
        return open("/dev/null", O_WRONLY | O_CLOEXEC);
    outlet->levels = is_journal(STDERR_FILENO);
    outlet->manner = S_ISREG(stat.st_mode) ? MANNER_PLAIN : MANNER_ASK;
    if (S_ISSOCK(stat.st_mode))
        outlet->manner = MANNER_SOCKET;
    if (S_ISFIFO(stat.st_mode) || S_ISCHR(stat.st_mode)) {
        int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        outlet->manner = fd >= 0 ? MANNER_PLAIN : MANNER_ASK;
        if (fd >= 0)
            return fd;
    }
    return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
}

static int open_journal(struct outlet *outlet)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    outlet->manner = MANNER_SOCKET;
    if (strlen(outlet->path) >= sizeof(to.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, outlet->path, strlen(outlet->path) + 1);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        return -1;
    return fd_take(&fd);
}

static int open_it(struct outlet *outlet)
{
    switch (outlet->kind) {
    case DESTINATION_STDERR:
        return open_stderr(outlet);
    case DESTINATION_FILE:
        outlet->manner = MANNER_PLAIN;
        return open(outlet->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                    0640);
    case DESTINATION_JOURNAL:
        return open_journal(outlet);
    }
    return -1;
}

const char *outlet_name(const struct outlet *outlet)
{
    return outlet->path ? outlet->path : "standard error";
}

static void on_again(void *ctx);

enum ferry_error outlet_new(struct loop *loop, const struct destination *destination,
                            struct outlet **out, struct fault *fault)
{
    struct outlet *outlet = alloc_zero(sizeof(*outlet));
    if (!outlet)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    outlet->loop = loop;
    outlet->kind = destination->kind;
    outlet->form = destination->form;
    outlet->fd = -1;
    STAILQ_INIT(&outlet->waiting);
    outlet->again = loop_timer_new(loop, on_again, outlet);
    outlet->path = destination->path ? alloc_str(destination->path) : NULL;
    enum ferry_error error = FERRY_OK;
    if (!outlet->again || (destination->path && !outlet->path))
        error = fault_set(fault, FERRY_E_MEMORY, "memory is short");
    else if ((outlet->fd = open_it(outlet)) < 0)
        error = fault_errno(fault, FERRY_E_FILE, "write the log to %s", outlet_name(outlet));
    if (error == FERRY_OK)
        *out = outlet;
    else
        outlet_free(outlet);
    return error;
}

bool outlet_is(const struct outlet *outlet, const struct destination *destination)
{
    return outlet->kind == destination->kind && outlet->form == destination->form &&
           bytes_equal(bytes_str(outlet->path), bytes_str(destination->path));
}

enum ferry_error outlet_reopen(struct outlet *outlet, struct fault *fault)
{
    if (outlet->kind != DESTINATION_FILE)
        return FERRY_OK;
    CLEANUP(fd_close) int fd = open_it(outlet);
    if (fd < 0)
        return fault_errno(fault, FERRY_E_FILE, "open %s again", outlet->path);
    fd_close(&outlet->fd);
    outlet->fd = fd_take(&fd);
    outlet->written = 0; /* a line that was begun in the old file is whole in the new one */
    return FERRY_OK;
}

/* ---- writing ---- */

/* How much of it was written; -1 with errno. */
static ssize_t write_some(const struct outlet *outlet, struct bytes bytes)
{
    struct pollfd ready = {.fd = outlet->fd, .events = POLLOUT};
    switch (outlet->manner) {
    case MANNER_PLAIN:
        return write(outlet->fd, bytes.ptr, bytes.len);
    case MANNER_SOCKET:
        return send(outlet->fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    case MANNER_ASK:
        if (poll(&ready, 1, 0) == 1)
            return write(outlet->fd, bytes.ptr, bytes.len < CHUNK_BYTES ? bytes.len : CHUNK_BYTES);
        errno = EAGAIN;
        return -1;
    }
    return -1;
}

/* The journal is started again: so is the connection to it. */
static void reconnect(struct outlet *outlet)
{
    fd_close(&outlet->fd);
    outlet->fd = open_it(outlet);
    if (outlet->fd < 0)
        outlet->why = errno;
}

/* Writes the first line that waits, or goes on with it; false: not now. */
static bool write_first(struct outlet *outlet)
{
    struct outlet_waiting *first = STAILQ_FIRST(&outlet->waiting);
    while (outlet->written < first->len) {
        ssize_t done = write_some(
            outlet, bytes_of(first->bytes + outlet->written, first->len - outlet->written));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            outlet->why = errno;
            return false;
        }
        outlet->written += (size_t)done;
    }
    return true;
}

static void drop_first(struct outlet *outlet)
{
    struct outlet_waiting *first = STAILQ_FIRST(&outlet->waiting);
    STAILQ_REMOVE_HEAD(&outlet->waiting, link);
    outlet->waiting_bytes -= first->len;
    outlet->written = 0;
    alloc_free(first);
}

static void flush(struct outlet *outlet)
{
    while (!STAILQ_EMPTY(&outlet->waiting)) {
        if (write_first(outlet)) {
            drop_first(outlet);
            continue;
        }
        if (outlet->why == EMSGSIZE) { /* it never will be */
            outlet->lost++;
            drop_first(outlet);
            continue;
        }
        bool full = outlet->why == EAGAIN;
        if (!full && outlet->kind == DESTINATION_JOURNAL)
            reconnect(outlet);
        loop_timer_at(outlet->again, loop_now_ns(outlet->loop) + (full ? SOON_NS : LATER_NS));
        return;
    }
}

static void enqueue(struct outlet *outlet, enum log_level level, struct bytes line)
{
    char prefix[8] = "";
    bool stream = outlet->kind != DESTINATION_JOURNAL;
    if (outlet->levels)
        snprintf(prefix, sizeof(prefix), "<%d>", log_priority(level));
    size_t len = strlen(prefix) + line.len + stream;
    struct outlet_waiting *waiting = NULL;
    if (len <= OUTLET_WAITING_BYTES - outlet->waiting_bytes)
        waiting = alloc_zero(sizeof(*waiting) + len);
    if (!waiting) {
        outlet->lost++;
        return;
    }
    waiting->len = len;
    memcpy(waiting->bytes, prefix, strlen(prefix));
    memcpy(waiting->bytes + strlen(prefix), line.ptr, line.len);
    if (stream)
        waiting->bytes[len - 1] = '\n';
    STAILQ_INSERT_TAIL(&outlet->waiting, waiting, link);
    outlet->waiting_bytes += len;
}

static void enqueue_event(struct outlet *outlet, const struct log_event *event)
{
    CLEANUP(buf_fini) struct buf line;
    char alone[LOG_NAME_LINE_BYTES];
    buf_init(&line, LOG_LINE_MAX_BYTES);
    bool whole = log_format(outlet->form, event, &line) == FERRY_OK;
    if (!whole)
        log_format_name(outlet->form, event->name, alone);
    enqueue(outlet, event->level, whole ? buf_view(&line) : bytes_str(alone));
}

/* There is room again: first of all, what is missing is told. */
static void tell_lost(struct outlet *outlet, int64_t wall_ns)
{
    uint64_t lost = outlet->lost;
    if (lost == 0 || !STAILQ_EMPTY(&outlet->waiting))
        return;
    const struct log_field fields[] = {
        F_U64("count", lost),
        F_STR("log", outlet_name(outlet)),
        F_STR("reason", outlet->why == EAGAIN ? "whoever reads the log did not"
                                              : strerror(outlet->why)), /* of this thread alone */
        F_STR("side", "server"),
        F_STR("advice", outlet->why == ENOSPC ? "make room where the log is written"
                                              : "look what holds up the log"),
    };
    const struct log_event event = {
        .wall_ns = wall_ns,
        .level = LOG_LEVEL_ERROR,
        .name = "log.lost",
        .fields = fields,
        .count = ARRAY_LEN(fields),
    };
    outlet->lost = 0;
    enqueue_event(outlet, &event);
}

static void on_again(void *ctx)
{
    struct outlet *outlet = ctx;
    flush(outlet);
    tell_lost(outlet, clock_wall_ns(&clock_system));
    flush(outlet);
}

void outlet_event(struct outlet *outlet, const struct log_event *event)
{
    bool idle = STAILQ_EMPTY(&outlet->waiting);
    tell_lost(outlet, event->wall_ns);
    enqueue_event(outlet, event);
    if (idle)
        flush(outlet);
}

void outlet_line(struct outlet *outlet, struct bytes line)
{
    bool idle = STAILQ_EMPTY(&outlet->waiting);
    enqueue(outlet, LOG_LEVEL_NOTICE, line);
    if (idle)
        flush(outlet);
}

/* ---- the end ---- */

static void write_the_last(struct outlet *outlet)
{
    struct pollfd ready = {.fd = outlet->fd, .events = POLLOUT};
    flush(outlet);
    if (STAILQ_EMPTY(&outlet->waiting) || outlet->kind == DESTINATION_FILE)
        return;
    (void)poll(&ready, 1, LAST_MS);
    flush(outlet);
}

void outlet_free(struct outlet *outlet)
{
    if (!outlet)
        return;
    if (outlet->again)
        write_the_last(outlet);
    while (!STAILQ_EMPTY(&outlet->waiting))
        drop_first(outlet);
    loop_timer_free(outlet->again);
    fd_close(&outlet->fd);
    alloc_free(outlet->path);
    alloc_free(outlet);
}
