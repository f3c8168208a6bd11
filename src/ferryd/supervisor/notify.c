/* What systemd is told. */
#include "ferryd/supervisor/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

enum { STATE_BYTES = 512 };

/* WATCHDOG_PID says whom it is for, if it is there. */
static uint64_t watchdog_of_environment(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t number;
    if (pid && (!text_u64(bytes_str(pid), INT32_MAX, &number) || number != (uint64_t)getpid()))
        return 0;
    if (!usec || !text_u64(bytes_str(usec), UINT64_MAX / 1000, &number))
        return 0;
    return number * 1000;
}

void notify_init(struct notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *notify = (struct notify){0};
    if (path && (path[0] == '/' || path[0] == '@') && strlen(path) < sizeof(notify->socket)) {
        snprintf(notify->socket, sizeof(notify->socket), "%s", path);
        notify->watchdog_ns = watchdog_of_environment();
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_tell(const struct notify *notify, const char *format, ...)
{
    char state[STATE_BYTES];
    size_t len = strlen(notify->socket);
    if (len == 0)
        return;
    va_list words;
    va_start(words, format);
    vsnprintf(state, sizeof(state), format, words);
    va_end(words);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path, notify->socket, len);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    socklen_t to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    /* Who watches us must not be able to stop us. */
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, to_len);
}
