/* Programs that are told of an event, or asked about an upload. */
#include "ferryd/hooks/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "ferryd/hooks/environment.h"
#include "proc/spawn.h"

enum { STATUS_TAKEN = 0, STATUS_REFUSED = 1, READ_BYTES = 4096 };

struct runner {
    struct loop *loop;
    struct spawn_child child;
    struct loop_watch *ended, *output;
    struct loop_timer *timer;
    int output_fd;
    bool checks; /* it may refuse */
    bool late;
    char said[1024]; /* the beginning of what it wrote */
    size_t said_len;
    target_fn *done;
    void *ctx;
};

/* ---- what it writes ---- */

/* false: there is no more now. */
static bool read_some(struct runner *runner)
{
    char space[READ_BYTES];
    ssize_t got = read(runner->output_fd, space, sizeof(space));
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
            loop_watch_free(runner->output);
            runner->output = NULL;
        }
        return false;
    }
    size_t room = sizeof(runner->said) - runner->said_len;
    size_t kept = (size_t)got < room ? (size_t)got : room;
    memcpy(runner->said + runner->said_len, space, kept);
    runner->said_len += kept;
    return true;
}

static void on_output(void *ctx, bool readable, bool writable)
{
    (void)writable;
    if (readable)
        (void)read_some(ctx);
}

/* The first line that says something. */
static struct bytes first_line(const struct runner *runner)
{
    struct bytes rest = bytes_of(runner->said, runner->said_len);
    struct bytes line = {0};
    while (rest.len > 0 && line.len == 0)
        line = text_trim(bytes_cut(&rest, '\n'));
    return line;
}

/* ---- its end ---- */

/* The whole session, for the program may have started others. */
static void kill_all(const struct runner *runner)
{
    (void)kill(-runner->child.pid, SIGKILL);
}

static void outcome_of(const struct runner *runner, const struct spawn_exit *exit,
                       struct target_outcome *out)
{
    char words[SPAWN_WORDS_BYTES];
    spawn_describe(exit, words);
    *out = (struct target_outcome){.verdict = TARGET_FAILED};
    text_visible_into(out->words, sizeof(out->words), first_line(runner));
    if (!exit->by_signal && exit->code == STATUS_TAKEN)
        out->verdict = TARGET_TAKEN;
    else if (!exit->by_signal && exit->code == STATUS_REFUSED && runner->checks)
        out->verdict = TARGET_REFUSED;
    snprintf(out->why, sizeof(out->why), "it %s%s%s", runner->late ? "took too long and " : "",
             words, out->words[0] ? ": " : "");
    size_t used = strlen(out->why);
    snprintf(out->why + used, sizeof(out->why) - used, "%s", out->words);
}

static void on_end(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct runner *runner = ctx;
    struct spawn_exit exit;
    struct target_outcome outcome;
    kill_all(runner); /* what is left of its session, while its number is still its own */
    if (!spawn_reap(&runner->child, &exit))
        return;
    loop_watch_free(runner->ended);
    runner->ended = NULL;
    while (runner->output && read_some(runner))
        ;
    outcome_of(runner, &exit, &outcome);
    runner->done(runner->ctx, &outcome);
}

static void on_time(void *ctx)
{
    struct runner *runner = ctx;
    runner->late = true;
    kill_all(runner);
}

/* ---- its start ---- */

/* A file of its own that holds the event, to be read from its beginning; -1 with errno. */
static int file_of(struct bytes text)
{
    CLEANUP(fd_close) int fd = memfd_create("event", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len || lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    return fd_take(&fd);
}

static enum ferry_error start_program(struct runner *runner, const struct target_order *order,
                                      int input_fd, int output_fd, struct fault *fault)
{
    struct environment environment;
    const struct conf_texts *exec = &order->to->exec;
    char **argv = alloc_resize(NULL, exec->count + 1, sizeof(char *));
    enum ferry_error error = environment_init(&environment, order);
    if (!argv || error != FERRY_OK) {
        error = fault_set(fault, argv ? error : FERRY_E_MEMORY, "no environment for a program");
    } else {
        memcpy(argv, exec->list, exec->count * sizeof(char *));
        argv[exec->count] = NULL;
        const struct spawn_program program = {
            .path = exec->list[0],
            .argv = (const char *const *)argv,
            .fds = &input_fd,
            .fd_count = order->file >= 0 ? 1 : 0,
            .error_fd = output_fd,
            .input_fd = input_fd,
            .output_fd = output_fd,
            .environment = (const char *const *)environment.list,
        };
        error = spawn_start(&program, &runner->child, fault);
    }
    environment_fini(&environment);
    alloc_free(argv);
    return error;
}

static bool watch(struct runner *runner, uint64_t timeout_ns)
{
    struct loop *loop = runner->loop;
    runner->ended = loop_watch_new(loop, runner->child.pidfd, on_end, runner);
    runner->output = loop_watch_new(loop, runner->output_fd, on_output, runner);
    runner->timer = loop_timer_new(loop, on_time, runner);
    if (!runner->ended || !runner->output || !runner->timer)
        return false;
    loop_watch_want(runner->ended, true, false);
    loop_watch_want(runner->output, true, false);
    loop_timer_at(runner->timer, loop_now_ns(loop) + timeout_ns);
    return true;
}

enum ferry_error runner_start(const struct target_order *order, struct runner **out,
                              struct fault *fault)
{
    int ends[2];
    struct runner *runner = alloc_zero(sizeof(*runner));
    if (!runner)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a program");
    *runner = (struct runner){.loop = order->loop,
                              .child = {.pid = -1, .pidfd = -1},
                              .output_fd = -1,
                              .checks = order->file >= 0,
                              .done = order->done,
                              .ctx = order->ctx};
    CLEANUP(fd_close) int event = order->file >= 0 ? -1 : file_of(order->event);
    int input_fd = order->file >= 0 ? order->file : event;
    if (input_fd < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        runner_free(runner);
        return fault_errno(fault, FERRY_E_LIMIT, "no descriptors for a program");
    }
    runner->output_fd = ends[0];
    CLEANUP(fd_close) int output_fd = ends[1];
    if (order->file >= 0)
        (void)!lseek(order->file, 0, SEEK_SET); /* another may have read it before */
    enum ferry_error error = start_program(runner, order, input_fd, output_fd, fault);
    if (error == FERRY_OK && !watch(runner, order->timeout_ns))
        error = fault_set(fault, FERRY_E_MEMORY, "no memory for a program");
    if (error == FERRY_OK)
        *out = runner;
    else
        runner_free(runner);
    return error;
}

void runner_free(struct runner *runner)
{
    if (!runner)
        return;
    loop_watch_free(runner->ended);
    loop_watch_free(runner->output);
    loop_timer_free(runner->timer);
    if (runner->child.pidfd >= 0) {
        siginfo_t info;
        kill_all(runner);
        (void)!waitid(P_PIDFD, (id_t)runner->child.pidfd, &info, WEXITED); /* at once */
        fd_close(&runner->child.pidfd);
    }
    fd_close(&runner->output_fd);
    alloc_free(runner);
}
