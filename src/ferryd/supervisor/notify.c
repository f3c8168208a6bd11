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

#include "base/alloc.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/text.h"

enum {
    STATE_BYTES = 512,
    PATH_BYTES = 108, /* of a Unix socket's address */
};

struct notify {
    struct loop *loop;
    notify_well_fn *well;
    void *ctx;
    char socket[PATH_BYTES];     /* "@NAME" is an abstract one; "": nobody is to be told */
    uint64_t watchdog_ns;        /* how often it must hear of us; 0: it does not watch */
    struct loop_timer *watchdog; /* NULL: likewise */
};

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

static void take_environment(struct notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path && (path[0] == '/' || path[0] == '@') && strlen(path) < sizeof(notify->socket)) {
        snprintf(notify->socket, sizeof(notify->socket), "%s", path);
        notify->watchdog_ns = watchdog_of_environment();
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

/* Tells one state, with lines of more. What cannot be told is not. */
static void PRINTF_LIKE(2, 3) tell(const struct notify *notify, const char *format, ...)
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

void notify_ready(const struct notify *notify, unsigned workers, bool refused)
{
    tell(notify, "READY=1\nSTATUS=Serving by %u workers%s", workers,
         refused ? "; the configuration has mistakes, that of before holds" : "");
}

void notify_reloading(const struct notify *notify)
{
    tell(notify, "RELOADING=1\nMONOTONIC_USEC=%llu",
         (unsigned long long)(clock_monotonic_ns(&clock_system) / 1000));
}

void notify_stopping(const struct notify *notify)
{
    tell(notify, "STOPPING=1\nSTATUS=Waiting for sessions to end");
}

static void on_watchdog(void *ctx)
{
    struct notify *notify = ctx;
    if (notify->well(notify->ctx, notify->watchdog_ns))
        tell(notify, "WATCHDOG=1");
    loop_timer_at(notify->watchdog, loop_now_ns(notify->loop) + notify->watchdog_ns / 3);
}

struct notify *notify_new(struct loop *loop, notify_well_fn *well, void *ctx)
{
    struct notify *notify = alloc_zero(sizeof(*notify));
    if (!notify)
        return NULL;
    *notify = (struct notify){.loop = loop, .well = well, .ctx = ctx};
    take_environment(notify);
    if (notify->watchdog_ns == 0)
        return notify;
    notify->watchdog = loop_timer_new(loop, on_watchdog, notify);
    if (notify->watchdog) {
        on_watchdog(notify);
        return notify;
    }
    notify_free(notify);
    return NULL;
}

void notify_free(struct notify *notify)
{
    if (!notify)
        return;
    loop_timer_free(notify->watchdog);
    alloc_free(notify);
}
