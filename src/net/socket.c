/* TCP sockets. */
#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/fd.h"

/* A keepalive probe each minute; after five without an answer the connection is dead. */
enum { KEEPALIVE_IDLE_S = 60, KEEPALIVE_INTERVAL_S = 60, KEEPALIVE_PROBES = 5 };

enum { RANGE_BACKLOG = 4 }; /* a passive listener waits for one connection */

static const struct sockaddr *system_address(const struct address *address)
{
    return (const struct sockaddr *)(const void *)&address->storage;
}

static void set_option(int fd, int level, int name, int value)
{
    /* Every option here only makes things better; what needs it fails by itself, in words. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

static int new_socket(const struct address *address)
{
    return socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static enum ferry_error fail(struct fault *fault, const char *deed, const struct address *address)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    enum ferry_error kind = errno == EMFILE || errno == ENFILE ? FERRY_E_LIMIT : FERRY_E_CONNECT;
    return fault_errno(fault, kind, "%s %s port %u", deed, text, (unsigned)address_port(address));
}

/* ---- listening ---- */

/* A listening socket, or -1 with errno. */
static int listen_at(const struct address *at, int backlog)
{
    CLEANUP(fd_close) int fd = new_socket(at);
    if (fd < 0)
        return -1;
    /* Else connections in TIME_WAIT keep a port of the range taken for a minute (FTP-58). */
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (at->storage.ss_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (bind(fd, system_address(at), at->len) < 0 || listen(fd, backlog) < 0)
        return -1;
    return fd_take(&fd);
}

enum ferry_error socket_listen(const struct address *at, int backlog, int *fd, struct fault *fault)
{
    *fd = listen_at(at, backlog);
    return *fd < 0 ? fail(fault, "listen on", at) : FERRY_OK;
}

static uint32_t greatest_common_divisor(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* A walk that meets each of 0..count-1 once, in an order that is hard to guess. */
struct walk {
    uint32_t at, stride, count;
};

static bool walk_start(struct walk *walk, uint32_t count)
{
    uint32_t random[2];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return false;
    uint32_t stride = random[1] % count + 1;
    while (greatest_common_divisor(stride, count) != 1)
        stride = stride % count + 1;
    *walk = (struct walk){.at = random[0] % count, .stride = stride, .count = count};
    return true;
}

static uint32_t walk_next(struct walk *walk)
{
    uint32_t at = walk->at;
    walk->at = (walk->at + walk->stride) % walk->count;
    return at;
}

enum ferry_error socket_listen_range(const struct address *at, uint16_t low, uint16_t high, int *fd,
                                     struct fault *fault)
{
    struct address address = *at;
    struct walk walk;
    uint32_t count = (uint32_t)high - low + 1;
    if (!walk_start(&walk, count))
        return fault_errno(fault, FERRY_E_LIMIT, "choose a port");
    for (uint32_t tried = 0; tried < count; tried++) {
        address_set_port(&address, (uint16_t)(low + walk_next(&walk)));
        *fd = listen_at(&address, RANGE_BACKLOG);
        if (*fd >= 0)
            return FERRY_OK;
        if (errno != EADDRINUSE)
            return fail(fault, "listen on", &address);
    }
    return fault_set(fault, FERRY_E_LIMIT, "all ports from %u to %u are taken", (unsigned)low,
                     (unsigned)high);
}

/* accept(2): errors of the connection that was about to be accepted; the next may be fine. */
static bool spoils_one_connection(int os_error)
{
    static const int errors[] = {
        EINTR,     ECONNABORTED, ENETDOWN,     EPROTO,     ENOPROTOOPT,
        EHOSTDOWN, ENONET,       EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
    };
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        if (os_error == errors[i])
            return true;
    }
    return false;
}

enum ferry_error socket_accept(int listener, int *fd, struct address *peer)
{
    struct sockaddr_storage from;
    socklen_t len;
    do {
        len = sizeof(from);
        *fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (*fd < 0 && spoils_one_connection(errno));
    if (*fd >= 0) {
        address_from_system((const struct sockaddr *)&from, len, peer);
        return FERRY_OK;
    }
    bool out_of_something =
        errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    return out_of_something ? FERRY_E_LIMIT : FERRY_E_STATE;
}

/* ---- connecting ---- */

static bool bind_from(int fd, const struct address *from)
{
    if (!from)
        return true;
    /* A fixed port (20, in active mode) is used again and again; a free one is chosen by connect,
     * which knows the other end. */
    if (address_port(from) != 0)
        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    else
        set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return bind(fd, system_address(from), from->len) == 0;
}

enum ferry_error socket_connect(const struct address *to, const struct address *from, int *fd,
                                struct fault *fault)
{
    *fd = -1;
    CLEANUP(fd_close) int made = new_socket(to);
    if (made < 0)
        return fail(fault, "connect to", to);
    if (!bind_from(made, from))
        return fail(fault, "connect from", from);
    if (connect(made, system_address(to), to->len) < 0 && errno != EINPROGRESS)
        return fail(fault, "connect to", to);
    *fd = fd_take(&made);
    return FERRY_OK;
}

enum ferry_error socket_connected(int fd, const struct address *to, struct fault *fault)
{
    int os_error = 0;
    socklen_t len = sizeof(os_error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &os_error, &len) < 0)
        return fail(fault, "connect to", to);
    if (os_error == 0)
        return FERRY_OK;
    errno = os_error;
    if (os_error != ETIMEDOUT)
        return fail(fault, "connect to", to);
    char text[ADDRESS_TEXT_BYTES];
    address_text(to, text);
    return fault_errno(fault, FERRY_E_TIMEOUT, "connect to %s port %u", text,
                       (unsigned)address_port(to));
}

/* ---- both ---- */

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *len);

static enum ferry_error socket_name(name_fn *get, int fd, struct address *out)
{
    struct sockaddr_storage storage = {0};
    socklen_t len = sizeof(storage);
    *out = (struct address){0};
    if (get(fd, (struct sockaddr *)&storage, &len) < 0)
        return FERRY_E_CONNECT;
    address_from_system((const struct sockaddr *)&storage, len, out);
    return FERRY_OK;
}

enum ferry_error socket_local(int fd, struct address *out)
{
    return socket_name(getsockname, fd, out);
}

enum ferry_error socket_peer(int fd, struct address *out)
{
    return socket_name(getpeername, fd, out);
}

void socket_send_at_once(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void socket_tune_control(int fd)
{
    socket_send_at_once(fd);
    set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1); /* the DM of a Telnet Synch (FTP-7) */
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}
