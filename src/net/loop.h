/* The event loop: one per thread, over libuv. Readiness of descriptors, deadlines, deferred calls,
 * jobs on the thread pool, names, signals. Callbacks run on the loop's thread only; every handle
 * belongs to the loop it was started on. A callback may free the handle that called it. */
#ifndef FERRY_NET_LOOP_H
#define FERRY_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "ferry/error.h"

struct loop;

/* NULL: no memory or no descriptors. */
struct loop *loop_new(void);

/* Frees it; everything on it must be stopped before (jobs that still run are waited for, and their
 * `done` is called). NULL is fine. */
void loop_free(struct loop *loop);

/* Runs until loop_stop or until nothing is left to wait for. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* One turn: waits for at least one event (`wait`), or handles what is ready. Not from a callback.
 */
void loop_turn(struct loop *loop, bool wait);

/* For a foreign loop: the descriptor to poll, and how long at most, in milliseconds (-1: for ever).
 * Ask for the time anew before each wait. */
int loop_fd(const struct loop *loop);
int loop_timeout_ms(struct loop *loop);

/* Monotonic time of this turn, or of now outside of one; for deadlines. The scale of
 * clock_system, in steps of a millisecond. */
uint64_t loop_now_ns(struct loop *loop);

/* One block of memory for all of the loop, so that idle connections need none of their own. What is
 * in it lasts only until the next call that may use it, too: no callback comes in between. */
enum { LOOP_SCRATCH_BYTES = 256 * 1024 };
char *loop_scratch(struct loop *loop);

/* ---- descriptors ---- */
struct loop_watch;

/* After an error both are true: read and write tell which error it was. */
typedef void loop_watch_fn(void *ctx, bool readable, bool writable);

/* Watches `fd` (kept by the caller; made non-blocking), level-triggered. Starts with nothing
 * wanted. NULL: no memory, or `fd` is nothing that can be watched (a regular file). */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_watch_fn *fn, void *ctx);
void loop_watch_want(struct loop_watch *watch, bool readable, bool writable);

/* Stops at once: `fn` is not called again; the descriptor may be closed right after. NULL is
 * fine. */
void loop_watch_free(struct loop_watch *watch);

/* ---- deadlines ---- */
struct loop_timer;
typedef void loop_timer_fn(void *ctx);

/* NULL: no memory. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *fn, void *ctx);

/* Calls `fn` once, when `at_ns` (loop_now_ns's scale) has come. CLOCK_NEVER disarms. Replaces what
 * was set before. */
void loop_timer_at(struct loop_timer *timer, uint64_t at_ns);
void loop_timer_free(struct loop_timer *timer);

/* ---- deferred calls ---- */
/* A call made from the loop, not from inside whoever posts it: at the end of this turn, or in the
 * next if it is posted by another task; at most once however often it was posted. */
struct loop_task;
typedef void loop_task_fn(void *ctx);

/* NULL: no memory. */
struct loop_task *loop_task_new(struct loop *loop, loop_task_fn *fn, void *ctx);
void loop_task_post(struct loop_task *task);

/* A call that was posted is not made. NULL is fine. */
void loop_task_free(struct loop_task *task);

/* ---- jobs ---- */
/* `work` runs on a pool thread and touches only `ctx`; then `done` runs on the loop's thread,
 * always, once. FERRY_E_MEMORY: neither will run. */
typedef void loop_job_fn(void *ctx);
NODISCARD enum ferry_error loop_job(struct loop *loop, loop_job_fn *work, loop_job_fn *done,
                                    void *ctx);

/* ---- names ---- */
struct addrinfo;
struct loop_lookup;

/* `list`: the stream addresses of the name, for the time of the call; or NULL, then `error` says
 * why. */
typedef void loop_lookup_fn(void *ctx, const struct addrinfo *list, const char *error);

/* Looks up `host` on the pool. `fn` is called once, later, unless loop_lookup_free comes first.
 * FERRY_E_ARGUMENT: not a name at all; FERRY_E_MEMORY. */
NODISCARD enum ferry_error loop_lookup_new(struct loop *loop, const char *host, loop_lookup_fn *fn,
                                           void *ctx, struct loop_lookup **out);

/* Gives up if it is not done. May be called from `fn`. NULL is fine. */
void loop_lookup_free(struct loop_lookup *lookup);

/* ---- signals ---- */
struct loop_signal;
typedef void loop_signal_fn(void *ctx, int number);

/* NULL: no memory, or no such signal. */
struct loop_signal *loop_signal_new(struct loop *loop, int number, loop_signal_fn *fn, void *ctx);
void loop_signal_free(struct loop_signal *signal);

#endif
