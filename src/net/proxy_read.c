/* Reads a PROXY protocol header from a connection. */
#include "net/proxy_read.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

struct proxy_read {
    struct loop *loop;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *deadline;
    struct proxy_header_parser parser;
    proxy_read_fn *fn;
    void *ctx;
};

static void stop(struct proxy_read *read)
{
    loop_watch_free(read->watch);
    loop_timer_free(read->deadline);
    read->watch = NULL;
    read->deadline = NULL;
}

/* The callee may free `read`: last thing to be called. */
static void give_up(struct proxy_read *read, const struct fault *fault)
{
    stop(read);
    fd_close(&read->fd);
    read->fn(read->ctx, -1, NULL, fault);
}

/* What has come, without taking it: 0 at the end, -1 for an error. */
static ssize_t look(const struct proxy_read *read, char *into)
{
    ssize_t got;
    do
        got = recv(read->fd, into, PROXY_HEADER_MAX_BYTES, MSG_PEEK);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Takes from the socket `len` bytes that were looked at. false: they are not there any more, which
 * cannot be. */
static bool take(const struct proxy_read *read, char *into, size_t len)
{
    return len == 0 || recv(read->fd, into, len, 0) == (ssize_t)len;
}

static void ready(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct proxy_read *read = ctx;
    struct fault fault = {0};
    char *seen = loop_scratch(read->loop);
    ssize_t got = look(read, seen);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        fault_set(&fault, FERRY_E_LOST, "it ended before its PROXY protocol header did");
        give_up(read, &fault);
        return;
    }
    size_t used = 0;
    bool done = false;
    struct proxy_header header;
    enum ferry_error error = proxy_header_feed(&read->parser, bytes_of(seen, (size_t)got), &used,
                                               &done, &header, &fault);
    if (error == FERRY_OK && !take(read, seen, used))
        fault_set(&fault, FERRY_E_LOST, "the PROXY protocol header cannot be read");
    if (fault_is_set(&fault)) {
        give_up(read, &fault);
        return;
    }
    if (!done)
        return;
    stop(read);
    read->fn(read->ctx, fd_take(&read->fd), &header, NULL);
}

static void too_late(void *ctx)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_TIMEOUT, "no PROXY protocol header came in time");
    give_up(ctx, &fault);
}

struct proxy_read *proxy_read_start(struct loop *loop, int fd, uint64_t timeout_ns,
                                    proxy_read_fn *fn, void *ctx)
{
    CLEANUP(fd_close) int owned = fd;
    struct proxy_read *read = alloc_zero(sizeof(*read));
    if (!read)
        return NULL;
    read->loop = loop;
    read->fn = fn;
    read->ctx = ctx;
    read->fd = fd_take(&owned);
    read->watch = loop_watch_new(loop, read->fd, ready, read);
    read->deadline = loop_timer_new(loop, too_late, read);
    if (!read->watch || !read->deadline) {
        proxy_read_free(read);
        return NULL;
    }
    loop_watch_want(read->watch, true, false);
    loop_timer_at(read->deadline, loop_now_ns(loop) + timeout_ns);
    return read;
}

void proxy_read_free(struct proxy_read *read)
{
    if (!read)
        return;
    stop(read);
    fd_close(&read->fd);
    alloc_free(read);
}
