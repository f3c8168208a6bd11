/* A TCP connection to a name, by "happy eyeballs" (RFC 8305). */
#include "net/connect.h"

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

/* A name may have many addresses; nobody waits for more than these. */
enum { ADDRESSES_MAX = 16 };

#define ATTEMPT_DELAY_NS (250 * CLOCK_NS_PER_MS) /* RFC 8305 section 5 */

struct attempt {
    struct connect *connect;
    struct address to;
    int fd; /* -1: not begun, or failed */
    struct loop_watch *watch;
};

struct connect {
    struct loop *loop;
    connect_fn *fn;
    void *ctx;
    char *host;
    uint16_t port;
    struct loop_lookup *lookup;
    struct loop_timer *deadline, *stagger;
    struct loop_task *begin; /* so that nothing is called from inside connect_start */
    struct attempt attempts[ADDRESSES_MAX];
    size_t count, begun, failed;
    struct fault fault; /* of the first attempt that failed */
    bool done;
};

static void attempt_end(struct attempt *attempt)
{
    loop_watch_free(attempt->watch);
    attempt->watch = NULL;
    fd_close(&attempt->fd);
}

static void stop(struct connect *connect)
{
    for (size_t i = 0; i < connect->begun; i++)
        attempt_end(&connect->attempts[i]);
    connect->begun = 0;
    loop_lookup_free(connect->lookup);
    loop_timer_free(connect->deadline);
    loop_timer_free(connect->stagger);
    loop_task_free(connect->begin);
    connect->lookup = NULL;
    connect->deadline = connect->stagger = NULL;
    connect->begin = NULL;
    connect->done = true;
}

/* The callee may free `connect`: last thing to be called. */
static void give_up(struct connect *connect)
{
    stop(connect);
    connect->fn(connect->ctx, -1, NULL, &connect->fault);
}

static void attempt_failed(struct attempt *attempt);

static void attempt_ready(void *ctx, bool readable, bool writable)
{
    struct attempt *attempt = ctx;
    struct connect *connect = attempt->connect;
    (void)readable;
    (void)writable;
    if (socket_connected(attempt->fd, &attempt->to, &connect->fault) != FERRY_OK) {
        attempt_failed(attempt);
        return;
    }
    loop_watch_free(attempt->watch);
    attempt->watch = NULL;
    int fd = fd_take(&attempt->fd);
    struct address peer = attempt->to;
    stop(connect);
    connect->fn(connect->ctx, fd, &peer, NULL);
}

/* false: it failed at once. */
static bool attempt_begin(struct attempt *attempt)
{
    struct connect *connect = attempt->connect;
    if (socket_connect(&attempt->to, NULL, &attempt->fd, &connect->fault) != FERRY_OK)
        return false;
    attempt->watch = loop_watch_new(connect->loop, attempt->fd, attempt_ready, attempt);
    if (!attempt->watch) {
        fault_set(&connect->fault, FERRY_E_MEMORY, "connect: no memory");
        fd_close(&attempt->fd);
        return false;
    }
    loop_watch_want(attempt->watch, false, true);
    return true;
}

/* Begins the next attempt that does not fail at once; gives up when none is left or under way. */
static void begin_next(struct connect *connect)
{
    while (connect->begun < connect->count) {
        struct attempt *attempt = &connect->attempts[connect->begun++];
        if (attempt_begin(attempt)) {
            loop_timer_at(connect->stagger, loop_now_ns(connect->loop) + ATTEMPT_DELAY_NS);
            return;
        }
        connect->failed++;
    }
    loop_timer_at(connect->stagger, CLOCK_NEVER);
    if (connect->failed == connect->count)
        give_up(connect);
}

static void attempt_failed(struct attempt *attempt)
{
    struct connect *connect = attempt->connect;
    attempt_end(attempt);
    connect->failed++;
    begin_next(connect);
}

static void add_address(struct connect *connect, const struct address *to)
{
    connect->attempts[connect->count++] = (struct attempt){.connect = connect, .to = *to, .fd = -1};
}

static const struct addrinfo *next_of(const struct addrinfo *from, int family, bool same)
{
    while (from && (from->ai_family == family) != same)
        from = from->ai_next;
    return from;
}

/* The families take turns, the system's favourite first (RFC 8305 section 4). */
static void add_names(struct connect *connect, const struct addrinfo *list)
{
    int family = list->ai_family;
    bool same = true;
    const struct addrinfo *next[2] = {next_of(list, family, false), list}; /* [same] */
    while (connect->count < ADDRESSES_MAX && (next[0] || next[1])) {
        if (!next[same])
            same = !same;
        struct address to;
        address_from_system(next[same]->ai_addr, next[same]->ai_addrlen, &to);
        address_set_port(&to, connect->port);
        add_address(connect, &to);
        next[same] = next_of(next[same]->ai_next, family, same);
        same = !same;
    }
}

static void found(void *ctx, const struct addrinfo *list, const char *error)
{
    struct connect *connect = ctx;
    if (!list) {
        fault_set(&connect->fault, FERRY_E_CONNECT, "look up %s: %s", connect->host, error);
        give_up(connect);
        return;
    }
    add_names(connect, list);
    begin_next(connect);
}

static void begin(void *ctx)
{
    struct connect *connect = ctx;
    if (connect->count > 0) {
        begin_next(connect);
        return;
    }
    enum ferry_error error =
        loop_lookup_new(connect->loop, connect->host, found, connect, &connect->lookup);
    if (error == FERRY_OK)
        return;
    if (error == FERRY_E_MEMORY)
        fault_set(&connect->fault, error, "look up %s: no memory", connect->host);
    else
        fault_set(&connect->fault, FERRY_E_CONNECT, "%s is not a host name", connect->host);
    give_up(connect);
}

static void begin_staggered(void *ctx)
{
    begin_next(ctx);
}

static void too_late(void *ctx)
{
    struct connect *connect = ctx;
    fault_clear(&connect->fault); /* that one address failed is not why it took so long */
    fault_set(&connect->fault, FERRY_E_TIMEOUT, "connect to %s port %u: no answer in time",
              connect->host, (unsigned)connect->port);
    give_up(connect);
}

static struct connect *start(struct loop *loop, const char *host, uint16_t port,
                             uint64_t timeout_ns, connect_fn *fn, void *ctx)
{
    struct connect *connect = alloc_zero(sizeof(*connect));
    if (!connect)
        return NULL;
    connect->loop = loop;
    connect->fn = fn;
    connect->ctx = ctx;
    connect->port = port;
    connect->host = alloc_str(host);
    connect->deadline = loop_timer_new(loop, too_late, connect);
    connect->stagger = loop_timer_new(loop, begin_staggered, connect);
    connect->begin = loop_task_new(loop, begin, connect);
    if (!connect->host || !connect->deadline || !connect->stagger || !connect->begin) {
        connect_free(connect);
        return NULL;
    }
    loop_timer_at(connect->deadline, loop_now_ns(loop) + timeout_ns);
    loop_task_post(connect->begin);
    return connect;
}

struct connect *connect_start(struct loop *loop, const char *host, uint16_t port,
                              uint64_t timeout_ns, connect_fn *fn, void *ctx)
{
    struct connect *connect = start(loop, host, port, timeout_ns, fn, ctx);
    struct address numeric;
    if (connect && address_parse(host, port, &numeric) == FERRY_OK)
        add_address(connect, &numeric);
    return connect;
}

struct connect *connect_start_address(struct loop *loop, const struct address *to,
                                      uint64_t timeout_ns, connect_fn *fn, void *ctx)
{
    char host[ADDRESS_TEXT_BYTES];
    address_text(to, host);
    struct connect *connect = start(loop, host, address_port(to), timeout_ns, fn, ctx);
    if (connect)
        add_address(connect, to);
    return connect;
}

void connect_free(struct connect *connect)
{
    if (!connect)
        return;
    if (!connect->done)
        stop(connect);
    alloc_free(connect->host);
    alloc_free(connect);
}
