/* Notices when files change. */
#include "ferryd/watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

/* A certificate and its key are two files: both are there when it has been quiet for so long. But
 * in a folder that is never quiet, they are looked at all the same. */
static const uint64_t QUIET_NS = CLOCK_NS_PER_S / 2;
static const uint64_t BUSY_NS = 5 * CLOCK_NS_PER_S;

struct watched {
    SLIST_ENTRY(watched) link;
    char *path;
    struct stat seen; /* zero: it is not there */
};

struct watch {
    struct loop *loop;
    watch_fn *fn;
    void *ctx;
    SLIST_HEAD(, watched) files;
    int fd;
    struct loop_watch *readable;
    struct loop_timer *quiet;
    uint64_t busy_until_ns; /* 0: nothing has happened */
};

static struct stat look(const char *path)
{
    struct stat now;
    return stat(path, &now) == 0 ? now : (struct stat){0};
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void on_events(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct watch *watch = ctx;
    uint64_t now_ns = loop_now_ns(watch->loop);
    /* Which file it was is asked of the files themselves. */
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (read(watch->fd, events, sizeof(events)) > 0)
        ;
    if (watch->busy_until_ns == 0)
        watch->busy_until_ns = now_ns + BUSY_NS;
    uint64_t at_ns = now_ns + QUIET_NS;
    loop_timer_at(watch->quiet, at_ns < watch->busy_until_ns ? at_ns : watch->busy_until_ns);
}

static void on_quiet(void *ctx)
{
    struct watch *watch = ctx;
    bool changed = false;
    watch->busy_until_ns = 0;
    struct watched *file;
    SLIST_FOREACH (file, &watch->files, link) {
        struct stat now = look(file->path);
        changed |= !same(&now, &file->seen);
        file->seen = now;
    }
    if (changed)
        watch->fn(watch->ctx);
}

struct watch *watch_new(struct loop *loop, watch_fn *fn, void *ctx)
{
    struct watch *watch = alloc_zero(sizeof(*watch));
    if (!watch)
        return NULL;
    *watch = (struct watch){.loop = loop, .fn = fn, .ctx = ctx};
    SLIST_INIT(&watch->files);
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch->quiet = loop_timer_new(loop, on_quiet, watch);
    if (watch->fd >= 0)
        watch->readable = loop_watch_new(loop, watch->fd, on_events, watch);
    if (!watch->quiet || !watch->readable) {
        watch_free(watch);
        return NULL;
    }
    loop_watch_want(watch->readable, true, false);
    return watch;
}

static void watch_folder(const struct watch *watch, const char *path)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash == path)
        snprintf(folder, sizeof(folder), "/");
    else if (slash)
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    (void)!inotify_add_watch(watch->fd, folder,
                             IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR);
}

enum ferry_error watch_file(struct watch *watch, const char *path)
{
    struct watched *file = alloc_zero(sizeof(*file));
    char *copy = alloc_str(path);
    if (!file || !copy) {
        alloc_free(file);
        alloc_free(copy);
        return FERRY_E_MEMORY;
    }
    file->path = copy;
    file->seen = look(path);
    SLIST_INSERT_HEAD(&watch->files, file, link);
    char real[PATH_MAX];
    watch_folder(watch, path);
    if (realpath(path, real))
        watch_folder(watch, real);
    return FERRY_OK;
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    struct watched *file;
    while ((file = SLIST_FIRST(&watch->files))) {
        SLIST_REMOVE_HEAD(&watch->files, link);
        alloc_free(file->path);
        alloc_free(file);
    }
    loop_watch_free(watch->readable);
    loop_timer_free(watch->quiet);
    fd_close(&watch->fd);
    alloc_free(watch);
}
