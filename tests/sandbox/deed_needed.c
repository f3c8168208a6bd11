/* What a role lives on. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "proc/channel.h"
#include "sandbox/deed.h"
#include "sandbox/scene.h"

static char space[CHANNEL_MESSAGE_BYTES];

/* Takes the driver's message; its descriptor is the caller's. */
static int take_hello(struct channel *channel)
{
    struct channel_message message;
    enum channel_got got;
    if (channel_receive(channel, space, &message, &got, NULL) != FERRY_OK ||
        got != CHANNEL_MESSAGE || message.fd_count != 1 ||
        !bytes_equal(message.data, BYTES_LIT("hello")))
        return -1;
    return message.fds[0];
}

bool deed_use_channel(struct scene *scene)
{
    (void)scene;
    struct channel channel;
    channel_init(&channel, SCENE_CHANNEL, CHANNEL_MESSAGE_BYTES);
    int fd = take_hello(&channel);
    char text[sizeof(SCENE_TEXT)] = "";
    bool done = fd >= 0 && read(fd, text, sizeof(text)) == sizeof(SCENE_TEXT) - 1 &&
                channel_send(&channel, BYTES_LIT("back"), &fd, 1, NULL) == FERRY_OK;
    channel_fini(&channel);
    return done;
}

bool deed_use_passed_file(struct scene *scene)
{
    (void)scene;
    struct channel channel;
    channel_init(&channel, SCENE_CHANNEL, CHANNEL_MESSAGE_BYTES);
    CLEANUP(fd_close) int fd = take_hello(&channel);
    char text[sizeof(SCENE_TEXT)] = "";
    return fd >= 0 && pread(fd, text, sizeof(text), 0) == sizeof(SCENE_TEXT) - 1 &&
           pwrite(fd, SCENE_TEXT, sizeof(SCENE_TEXT) - 1, 0) == sizeof(SCENE_TEXT) - 1 &&
           fdatasync(fd) == 0;
}

bool deed_accept_client(struct scene *scene)
{
    (void)scene;
    CLEANUP(fd_close)
    int fd = accept4(SCENE_LISTENER, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    char text[2];
    return fd >= 0 && recv(fd, text, sizeof(text), 0) == 2 && memcmp(text, "hi", 2) == 0 &&
           send(fd, text, sizeof(text), MSG_NOSIGNAL) == 2;
}

/* Counts what a loop must bring: a readable channel, a deadline, a job on the pool. */
struct turns {
    struct loop *loop;
    struct loop_watch *watch;
    int seen, jobs;
};

static void saw(struct turns *turns)
{
    if (++turns->seen == 3)
        loop_stop(turns->loop);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    (void)writable;
    struct turns *turns = ctx;
    loop_watch_want(turns->watch, false, false);
    if (readable)
        saw(turns);
}

static void on_deadline(void *ctx)
{
    saw(ctx);
}

static void on_job(void *ctx)
{
    ((struct turns *)ctx)->jobs++;
}

static void on_job_done(void *ctx)
{
    saw(ctx);
}

bool deed_turn_loop(struct scene *scene)
{
    struct turns turns = {.loop = scene->loop};
    turns.watch = loop_watch_new(scene->loop, SCENE_CHANNEL, on_ready, &turns);
    struct loop_timer *timer = loop_timer_new(scene->loop, on_deadline, &turns);
    if (!turns.watch || !timer)
        return false;
    loop_watch_want(turns.watch, true, false);
    loop_timer_at(timer, loop_now_ns(scene->loop) + 1000000);
    if (loop_job(scene->loop, on_job, on_job_done, &turns) != FERRY_OK)
        return false;
    loop_run(scene->loop);
    loop_watch_free(turns.watch);
    loop_timer_free(timer);
    loop_turn(scene->loop, false);
    return turns.seen == 3 && turns.jobs == 1;
}

/* A whole handshake and an exchange, both ends in memory. */
bool deed_shake_hands(struct scene *scene)
{
    struct tls_login login;
    tls_login_open(&login, scene->tls);
    tls_login_fini(&login);
    return true;
}
