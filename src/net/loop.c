/* The event loop over libuv, which is seen nowhere else. */
#include "net/loop.h"

#include <assert.h>
#include <netdb.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/clock.h"

struct loop {
    uv_loop_t uv;
    uv_check_t after_poll;
    uv_idle_t awake; /* started while tasks wait: libuv then polls without sleeping */
    TAILQ_HEAD(, loop_task) tasks;
    uint64_t round;      /* of run_tasks */
    unsigned unfinished; /* jobs and lookups */
    bool turning;        /* inside uv_run */
    char scratch[LOOP_SCRATCH_BYTES];
};

struct loop_task {
    TAILQ_ENTRY(loop_task) entry;
    struct loop *loop;
    loop_task_fn *fn;
    void *ctx;
    uint64_t round; /* in which it was posted */
    bool posted;
};

static void run_tasks(uv_check_t *check)
{
    struct loop *loop = check->data;
    /* Those that are posted from now on wait for the next turn: tasks cannot starve sockets. */
    loop->round++;
    struct loop_task *task;
    while ((task = TAILQ_FIRST(&loop->tasks)) && task->round < loop->round) {
        TAILQ_REMOVE(&loop->tasks, task, entry);
        task->posted = false;
        task->fn(task->ctx);
    }
    if (TAILQ_EMPTY(&loop->tasks))
        uv_idle_stop(&loop->awake);
}

static void stay_awake(uv_idle_t *idle)
{
    (void)idle;
}

struct loop *loop_new(void)
{
    struct loop *loop = alloc_zero(sizeof(*loop));
    if (!loop)
        return NULL;
    if (uv_loop_init(&loop->uv) != 0) {
        alloc_free(loop);
        return NULL;
    }
    TAILQ_INIT(&loop->tasks);
    uv_idle_init(&loop->uv, &loop->awake);
    uv_check_init(&loop->uv, &loop->after_poll);
    loop->after_poll.data = loop;
    uv_check_start(&loop->after_poll, run_tasks);
    /* Alone it is no reason to go on running; `awake` is. */
    uv_unref((uv_handle_t *)&loop->after_poll);
    return loop;
}

static void turn(struct loop *loop, uv_run_mode mode)
{
    assert(!loop->turning);
    loop->turning = true;
    uv_run(&loop->uv, mode);
    loop->turning = false;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->unfinished > 0)
        turn(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&loop->awake, NULL);
    uv_close((uv_handle_t *)&loop->after_poll, NULL);
    /* libuv frees handles at the end of a turn; the first may do nothing after a loop_stop. */
    turn(loop, UV_RUN_NOWAIT);
    turn(loop, UV_RUN_NOWAIT);
    int error = uv_loop_close(&loop->uv);
    assert(error == 0 && "something is still started on the loop");
    (void)error;
    alloc_free(loop);
}

void loop_run(struct loop *loop)
{
    turn(loop, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_turn(struct loop *loop, bool wait)
{
    turn(loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

int loop_fd(const struct loop *loop)
{
    return uv_backend_fd(&loop->uv);
}

/* libuv's time stands still between two turns, which may lie hours apart in a program that turns
 * its loop only when it wants something. */
static uint64_t now_ms(struct loop *loop)
{
    if (!loop->turning)
        uv_update_time(&loop->uv);
    return uv_now(&loop->uv);
}

int loop_timeout_ms(struct loop *loop)
{
    if (!uv_loop_alive(&loop->uv))
        return -1;
    now_ms(loop);
    return uv_backend_timeout(&loop->uv);
}

uint64_t loop_now_ns(struct loop *loop)
{
    return now_ms(loop) * CLOCK_NS_PER_MS;
}

char *loop_scratch(struct loop *loop)
{
    return loop->scratch;
}

/* libuv still holds a handle for a while after uv_close; each struct begins with its handle. */
static void free_handle(uv_handle_t *handle)
{
    alloc_free(handle);
}

/* ---- descriptors ---- */

struct loop_watch {
    uv_poll_t uv; /* first: see free_handle */
    loop_watch_fn *fn;
    void *ctx;
    int events; /* wanted */
};

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct loop_watch *watch = (struct loop_watch *)uv;
    if (status < 0) {
        /* libuv has stopped it, but left the descriptor with epoll, which a foreign loop would
         * find ready for ever. */
        uv_poll_stop(uv);
        watch->events = 0;
        watch->fn(watch->ctx, true, true);
        return;
    }
    watch->fn(watch->ctx, (events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0);
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_watch_fn *fn, void *ctx)
{
    struct loop_watch *watch = alloc_zero(sizeof(*watch));
    if (!watch)
        return NULL;
    if (uv_poll_init(&loop->uv, &watch->uv, fd) != 0) {
        alloc_free(watch);
        return NULL;
    }
    watch->fn = fn;
    watch->ctx = ctx;
    return watch;
}

void loop_watch_want(struct loop_watch *watch, bool readable, bool writable)
{
    int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    if (events == watch->events)
        return;
    watch->events = events;
    if (events == 0)
        uv_poll_stop(&watch->uv);
    else
        uv_poll_start(&watch->uv, events, on_poll);
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch)
        uv_close((uv_handle_t *)&watch->uv, free_handle);
}

/* ---- deadlines ---- */

struct loop_timer {
    uv_timer_t uv; /* first: see free_handle */
    struct loop *loop;
    loop_timer_fn *fn;
    void *ctx;
};

static void on_timer(uv_timer_t *uv)
{
    struct loop_timer *timer = (struct loop_timer *)uv;
    timer->fn(timer->ctx);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *fn, void *ctx)
{
    struct loop_timer *timer = alloc_zero(sizeof(*timer));
    if (!timer)
        return NULL;
    uv_timer_init(&loop->uv, &timer->uv);
    timer->loop = loop;
    timer->fn = fn;
    timer->ctx = ctx;
    return timer;
}

void loop_timer_at(struct loop_timer *timer, uint64_t at_ns)
{
    if (at_ns == CLOCK_NEVER) {
        uv_timer_stop(&timer->uv);
        return;
    }
    uint64_t now = now_ms(timer->loop);
    uint64_t at_ms = at_ns / CLOCK_NS_PER_MS + (at_ns % CLOCK_NS_PER_MS != 0);
    /* Not 0: libuv calls timers until none is due, so one that sets itself for now would hold the
     * loop. */
    uv_timer_start(&timer->uv, on_timer, at_ms > now ? at_ms - now : 1, 0);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->uv, free_handle);
}

/* ---- deferred calls ---- */

struct loop_task *loop_task_new(struct loop *loop, loop_task_fn *fn, void *ctx)
{
    struct loop_task *task = alloc_zero(sizeof(*task));
    if (!task)
        return NULL;
    *task = (struct loop_task){.loop = loop, .fn = fn, .ctx = ctx};
    return task;
}

void loop_task_post(struct loop_task *task)
{
    if (task->posted)
        return;
    task->posted = true;
    task->round = task->loop->round;
    TAILQ_INSERT_TAIL(&task->loop->tasks, task, entry);
    uv_idle_start(&task->loop->awake, stay_awake);
}

void loop_task_free(struct loop_task *task)
{
    if (task && task->posted)
        TAILQ_REMOVE(&task->loop->tasks, task, entry);
    alloc_free(task);
}

/* ---- jobs ---- */

struct job {
    uv_work_t uv; /* first: uv_work_t * is job * */
    struct loop *loop;
    loop_job_fn *work, *done;
    void *ctx;
};

static void on_pool(uv_work_t *uv)
{
    struct job *job = (struct job *)uv;
    job->work(job->ctx);
}

static void on_job_done(uv_work_t *uv, int status)
{
    struct job job = *(struct job *)uv;
    (void)status; /* only uv_cancel makes it other than 0 */
    alloc_free(uv);
    job.loop->unfinished--;
    job.done(job.ctx);
}

enum ferry_error loop_job(struct loop *loop, loop_job_fn *work, loop_job_fn *done, void *ctx)
{
    struct job *job = alloc_zero(sizeof(*job));
    if (!job)
        return FERRY_E_MEMORY;
    job->loop = loop;
    job->work = work;
    job->done = done;
    job->ctx = ctx;
    uv_queue_work(&loop->uv, &job->uv, on_pool, on_job_done); /* fails only without a function */
    loop->unfinished++;
    return FERRY_OK;
}

/* ---- names ---- */

struct loop_lookup {
    uv_getaddrinfo_t uv; /* first: uv_getaddrinfo_t * is loop_lookup * */
    struct loop *loop;
    loop_lookup_fn *fn; /* NULL: nobody waits any more */
    void *ctx;
    bool done;
};

static void on_names(uv_getaddrinfo_t *uv, int status, struct addrinfo *list)
{
    struct loop_lookup *lookup = (struct loop_lookup *)uv;
    lookup->loop->unfinished--;
    lookup->done = true;
    if (lookup->fn)
        lookup->fn(lookup->ctx, status == 0 ? list : NULL,
                   status == 0 ? NULL : uv_strerror(status));
    else
        alloc_free(lookup);
    uv_freeaddrinfo(list);
}

enum ferry_error loop_lookup_new(struct loop *loop, const char *host, loop_lookup_fn *fn, void *ctx,
                                 struct loop_lookup **out)
{
    struct loop_lookup *lookup = alloc_zero(sizeof(*lookup));
    if (!lookup)
        return FERRY_E_MEMORY;
    lookup->loop = loop;
    lookup->fn = fn;
    lookup->ctx = ctx;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int status = uv_getaddrinfo(&loop->uv, &lookup->uv, on_names, host, NULL, &hints);
    if (status != 0) {
        alloc_free(lookup);
        return status == UV_ENOMEM ? FERRY_E_MEMORY : FERRY_E_ARGUMENT;
    }
    loop->unfinished++;
    *out = lookup;
    return FERRY_OK;
}

void loop_lookup_free(struct loop_lookup *lookup)
{
    if (!lookup)
        return;
    if (lookup->done) {
        alloc_free(lookup);
        return;
    }
    lookup->fn = NULL;
    uv_cancel((uv_req_t *)&lookup->uv); /* one that runs already ends by itself */
}

/* ---- signals ---- */

struct loop_signal {
    uv_signal_t uv; /* first: see free_handle */
    loop_signal_fn *fn;
    void *ctx;
};

static void on_signal(uv_signal_t *uv, int number)
{
    struct loop_signal *signal = (struct loop_signal *)uv;
    signal->fn(signal->ctx, number);
}

struct loop_signal *loop_signal_new(struct loop *loop, int number, loop_signal_fn *fn, void *ctx)
{
    struct loop_signal *signal = alloc_zero(sizeof(*signal));
    if (!signal)
        return NULL;
    if (uv_signal_init(&loop->uv, &signal->uv) != 0) {
        alloc_free(signal);
        return NULL;
    }
    signal->fn = fn;
    signal->ctx = ctx;
    if (uv_signal_start(&signal->uv, on_signal, number) != 0) {
        loop_signal_free(signal);
        return NULL;
    }
    return signal;
}

void loop_signal_free(struct loop_signal *signal)
{
    if (signal)
        uv_close((uv_handle_t *)&signal->uv, free_handle);
}
