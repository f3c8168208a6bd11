/* Listening sockets that were made for the server. */
#include "ferryd/supervisor/inherited.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "net/socket.h"

enum { FIRST_FD = 3 }; /* SD_LISTEN_FDS_START */

static bool number_of(const char *name, uint64_t max, uint64_t *out)
{
    const char *text = getenv(name);
    return text && text_u64(bytes_str(text), max, out);
}

static bool says(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

/* It accepts without waiting, as workers need it: that is the socket's, whoever holds it. */
static void take(struct inherited *inherited, int fd)
{
    struct inherited_socket *taken = &inherited->list[inherited->count];
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return;
    inherited->count++;
    *taken = (struct inherited_socket){.fd = fd};
    if (says(fd, SO_ACCEPTCONN, 1) && says(fd, SO_TYPE, SOCK_STREAM) &&
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && socket_local(fd, &taken->at) != FERRY_OK)
        taken->at = (struct address){0};
}

void inherited_init(struct inherited *inherited)
{
    uint64_t pid, count;
    *inherited = (struct inherited){0};
    if (number_of("LISTEN_PID", INT32_MAX, &pid) && pid == (uint64_t)getpid() &&
        number_of("LISTEN_FDS", INHERITED_MAX, &count))
        for (int i = 0; i < (int)count; i++)
            take(inherited, FIRST_FD + i);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

void inherited_fini(struct inherited *inherited)
{
    while (inherited->count > 0)
        fd_close(&inherited->list[--inherited->count].fd);
}

int inherited_find(struct inherited *inherited, const struct address *at)
{
    for (size_t i = 0; i < inherited->count; i++) {
        struct inherited_socket *one = &inherited->list[i];
        if (one->at.len == 0 || !address_same_host(&one->at, at) ||
            address_port(&one->at) != address_port(at))
            continue;
        one->used = true;
        return one->fd;
    }
    return -1;
}

void inherited_tell_unused(const struct inherited *inherited, const struct log *log)
{
    for (size_t i = 0; i < inherited->count; i++) {
        const struct inherited_socket *one = &inherited->list[i];
        char text[ADDRESS_TEXT_BYTES] = "";
        if (one->used)
            continue;
        if (one->at.len > 0)
            address_text(&one->at, text);
        log_event(log, LOG_LEVEL_ERROR, "socket.unused", F_U64("descriptor", (uint64_t)one->fd),
                  F_STR("address", text),
                  F_U64("port", one->at.len > 0 ? address_port(&one->at) : 0),
                  F_STR("side", "server"),
                  F_STR("advice", "make the listen blocks of ferryd.conf and the lines of "
                                  "ferryd.socket the same"));
    }
}
