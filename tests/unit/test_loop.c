/* The event loop: deferred calls, readiness, deadlines, and how it runs. */
#include "net/loop.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/alloc_fail.h"
#include "support/net_kit.h"

/* ---- tasks ---- */

struct note {
    struct loop_task *task;
    struct note *posts; /* posted when this one is called */
    bool frees_itself;
    unsigned calls;
    char *log; /* gets `mark` appended */
    char mark;
};

static void note_called(void *ctx)
{
    struct note *note = ctx;
    note->calls++;
    if (note->log)
        note->log[strlen(note->log)] = note->mark;
    if (note->posts)
        loop_task_post(note->posts->task);
    if (note->frees_itself)
        loop_task_free(note->task);
}

static void note_open(struct note *note, struct net_kit *kit)
{
    note->task = loop_task_new(kit->loop, note_called, note);
    assert_non_null(note->task);
}

static void a_task_is_called_once_later_in_order(void **state)
{
    struct net_kit *kit = *state;
    char log[8] = "";
    struct note a = {.log = log, .mark = 'a'}, b = {.log = log, .mark = 'b'};
    note_open(&a, kit);
    note_open(&b, kit);
    loop_task_post(b.task);
    loop_task_post(a.task);
    loop_task_post(b.task);
    assert_string_equal(log, "");
    net_kit_idle(kit);
    assert_string_equal(log, "ba");
    loop_task_post(a.task);
    net_kit_idle(kit);
    assert_string_equal(log, "baa");
    loop_task_free(a.task);
    loop_task_free(b.task);
}

static void a_waiting_task_keeps_the_loop_awake(void **state)
{
    struct net_kit *kit = *state;
    struct note a = {0}, b = {.posts = &a};
    note_open(&a, kit);
    note_open(&b, kit);
    loop_task_post(b.task);
    NET_UNTIL(kit, a.calls == 1); /* the limit is the only thing else that could wake it */
    assert_int_equal(b.calls, 1);
    loop_task_free(a.task);
    loop_task_free(b.task);
}

static void a_freed_task_is_not_called(void **state)
{
    struct net_kit *kit = *state;
    struct note itself = {.frees_itself = true}, never = {0}, after = {0};
    note_open(&itself, kit);
    note_open(&never, kit);
    note_open(&after, kit);
    loop_task_post(itself.task);
    loop_task_post(never.task);
    loop_task_post(after.task);
    loop_task_free(never.task);
    net_kit_idle(kit);
    assert_int_equal(itself.calls, 1);
    assert_int_equal(never.calls, 0);
    assert_int_equal(after.calls, 1);
    loop_task_free(after.task);
    loop_task_free(NULL);
}

struct flag_watch {
    struct loop_watch *watch;
    unsigned readable, writable;
    int fd;
    bool reads;
    struct flag_watch *frees; /* frees this one's watch and closes its descriptor when called */
};

static void flag(void *ctx, bool readable, bool writable)
{
    struct flag_watch *it = ctx;
    it->readable += readable;
    it->writable += writable;
    char byte;
    if (it->reads && readable)
        assert_true(read(it->fd, &byte, 1) <= 1);
    if (it->frees) {
        struct flag_watch *other = it->frees;
        it->frees = NULL;
        loop_watch_free(other->watch);
        other->watch = NULL;
        close(other->fd);
    }
}

static void flag_open(struct flag_watch *it, struct net_kit *kit, int fd)
{
    *it = (struct flag_watch){.fd = fd};
    it->watch = loop_watch_new(kit->loop, fd, flag, it);
    assert_non_null(it->watch);
}

static void tasks_that_post_each_other_do_not_starve_sockets(void **state)
{
    struct net_kit *kit = *state;
    struct note a = {0}, b = {.posts = &a};
    a.posts = &b;
    note_open(&a, kit);
    note_open(&b, kit);
    loop_task_post(a.task);
    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct flag_watch watch;
    flag_open(&watch, kit, fds[0]);
    loop_watch_want(watch.watch, true, false);
    assert_int_equal(write(fds[1], "x", 1), 1);
    NET_UNTIL(kit, watch.readable > 0);
    loop_watch_free(watch.watch);
    close(fds[0]);
    close(fds[1]);
    loop_task_free(a.task);
    loop_task_free(b.task);
}

/* ---- descriptors ---- */

static void a_watch_tells_what_is_wanted_and_nothing_else(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct flag_watch watch;
    flag_open(&watch, kit, fds[0]);
    assert_int_equal(write(fds[1], "x", 1), 1);

    net_kit_idle(kit); /* nothing is wanted yet */
    assert_int_equal(watch.readable + watch.writable, 0);

    loop_watch_want(watch.watch, false, true);
    NET_UNTIL(kit, watch.writable > 0);
    assert_int_equal(watch.readable, 0);

    loop_watch_want(watch.watch, true, false);
    watch.writable = 0;
    NET_UNTIL(kit, watch.readable > 2); /* level-triggered: again and again */
    assert_int_equal(watch.writable, 0);

    watch.reads = true;
    NET_UNTIL(kit, recv(fds[0], &(char){0}, 1, MSG_PEEK | MSG_DONTWAIT) < 0);
    watch.readable = 0;
    net_kit_idle(kit);
    assert_int_equal(watch.readable, 0);

    loop_watch_want(watch.watch, false, false);
    assert_int_equal(write(fds[1], "x", 1), 1);
    net_kit_idle(kit);
    assert_int_equal(watch.readable + watch.writable, 0);
    loop_watch_free(watch.watch);
    close(fds[0]);
    close(fds[1]);
}

static void a_watch_freed_by_another_in_the_same_turn_is_not_called(void **state)
{
    struct net_kit *kit = *state;
    int first[2], second[2];
    net_sockets(NET_UNIX, first);
    net_sockets(NET_UNIX, second);
    struct flag_watch a, b;
    flag_open(&a, kit, first[0]);
    flag_open(&b, kit, second[0]);
    a.frees = &b;
    b.frees = &a; /* whichever comes first */
    loop_watch_want(a.watch, true, false);
    loop_watch_want(b.watch, true, false);
    assert_int_equal(write(first[1], "x", 1), 1);
    assert_int_equal(write(second[1], "x", 1), 1);
    NET_UNTIL(kit, a.readable + b.readable > 0);
    assert_int_equal(a.readable + b.readable, 1);

    /* The number of the closed descriptor may be used again at once. */
    struct flag_watch *left = a.readable ? &a : &b;
    int again[2];
    net_sockets(NET_UNIX, again);
    struct flag_watch c;
    flag_open(&c, kit, again[0]);
    loop_watch_want(c.watch, true, false);
    left->readable = 0;
    NET_UNTIL(kit, left->readable > 0);
    assert_int_equal(c.readable, 0);

    loop_watch_free(left->watch);
    loop_watch_free(c.watch);
    close(left->fd);
    close(first[1]);
    close(second[1]);
    close(again[0]);
    close(again[1]);
}

static void a_watch_may_free_itself(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct flag_watch watch;
    flag_open(&watch, kit, fds[0]);
    watch.frees = &watch;
    loop_watch_want(watch.watch, true, true);
    NET_UNTIL(kit, watch.writable == 1);
    net_kit_idle(kit);
    assert_int_equal(watch.writable, 1);
    close(fds[1]);
}

static void what_cannot_be_watched_is_refused(void **state)
{
    struct net_kit *kit = *state;
    assert_null(loop_watch_new(kit->loop, -1, flag, NULL));
    FILE *regular = tmpfile();
    assert_non_null(regular);
    assert_null(loop_watch_new(kit->loop, fileno(regular), flag, NULL));
    fclose(regular);
    loop_watch_free(NULL);
}

static void an_error_of_the_socket_is_told_as_readiness(void **state)
{
    struct net_kit *kit = *state;
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct flag_watch watch;
    flag_open(&watch, kit, fds[0]);
    loop_watch_want(watch.watch, true, false);
    const struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(fds[1]);
    NET_UNTIL(kit, watch.readable > 0);
    assert_int_equal(watch.writable, 1);
    assert_int_equal(recv(fds[0], &(char){0}, 1, 0), -1);
    loop_watch_free(watch.watch);
    close(fds[0]);
}

/* ---- deadlines ---- */

struct alarm {
    struct loop_timer *timer;
    struct loop *loop;
    unsigned calls;
    uint64_t called_ns;
    bool again; /* sets itself for now */
    bool frees_itself;
};

static void rings(void *ctx)
{
    struct alarm *alarm = ctx;
    alarm->calls++;
    alarm->called_ns = loop_now_ns(alarm->loop);
    if (alarm->again)
        loop_timer_at(alarm->timer, alarm->called_ns);
    if (alarm->frees_itself)
        loop_timer_free(alarm->timer);
}

static void alarm_open(struct alarm *alarm, struct net_kit *kit)
{
    alarm->loop = kit->loop;
    alarm->timer = loop_timer_new(kit->loop, rings, alarm);
    assert_non_null(alarm->timer);
}

static void a_deadline_comes_once_and_not_too_early(void **state)
{
    struct net_kit *kit = *state;
    struct alarm soon = {0}, later = {0}, never = {0}, past = {0}, moved = {0};
    alarm_open(&soon, kit);
    alarm_open(&later, kit);
    alarm_open(&never, kit);
    alarm_open(&past, kit);
    alarm_open(&moved, kit);
    uint64_t now = loop_now_ns(kit->loop);
    loop_timer_at(later.timer, now + 30 * CLOCK_NS_PER_MS);
    loop_timer_at(soon.timer, now + 10 * CLOCK_NS_PER_MS);
    loop_timer_at(never.timer, now + 5 * CLOCK_NS_PER_MS);
    loop_timer_at(never.timer, CLOCK_NEVER);
    loop_timer_at(past.timer, now - CLOCK_NS_PER_S);
    loop_timer_at(moved.timer, now + 1);
    loop_timer_at(moved.timer, now + 20 * CLOCK_NS_PER_MS);
    NET_UNTIL(kit, later.calls > 0);
    assert_int_equal(soon.calls, 1);
    assert_int_equal(past.calls, 1);
    assert_int_equal(moved.calls, 1);
    assert_int_equal(never.calls, 0);
    assert_true(soon.called_ns >= now + 10 * CLOCK_NS_PER_MS);
    assert_true(moved.called_ns >= now + 20 * CLOCK_NS_PER_MS);
    assert_true(later.called_ns >= now + 30 * CLOCK_NS_PER_MS);
    assert_true(soon.called_ns <= moved.called_ns && moved.called_ns <= later.called_ns);
    loop_timer_free(soon.timer);
    loop_timer_free(later.timer);
    loop_timer_free(never.timer);
    loop_timer_free(past.timer);
    loop_timer_free(moved.timer);
    loop_timer_free(NULL);
}

static void a_deadline_set_again_for_now_does_not_hold_the_loop(void **state)
{
    struct net_kit *kit = *state;
    struct alarm alarm = {.again = true};
    alarm_open(&alarm, kit);
    loop_timer_at(alarm.timer, 0);
    NET_UNTIL(kit, alarm.calls > 2); /* each turn of the loop comes back */
    loop_timer_free(alarm.timer);
}

static void a_timer_may_free_itself(void **state)
{
    struct net_kit *kit = *state;
    struct alarm alarm = {.frees_itself = true};
    alarm_open(&alarm, kit);
    loop_timer_at(alarm.timer, 0);
    NET_UNTIL(kit, alarm.calls == 1);
}

static void time_goes_on_between_turns(void **state)
{
    struct net_kit *kit = *state;
    loop_turn(kit->loop, false);
    uint64_t before = loop_now_ns(kit->loop);
    poll(NULL, 0, 20);
    uint64_t after = loop_now_ns(kit->loop);
    assert_true(after - before >= 19 * CLOCK_NS_PER_MS);
    assert_true(after - before < 10 * CLOCK_NS_PER_S);

    /* A deadline set then counts from then. */
    struct alarm alarm = {0};
    alarm_open(&alarm, kit);
    loop_timer_at(alarm.timer, after + 30 * CLOCK_NS_PER_MS);
    loop_turn(kit->loop, false);
    int timeout = loop_timeout_ms(kit->loop);
    assert_true(timeout > 0 && timeout <= 31);
    loop_timer_free(alarm.timer);

    uint64_t system = clock_monotonic_ns(&clock_system);
    uint64_t now = loop_now_ns(kit->loop);
    assert_true(now >= system - CLOCK_NS_PER_S && now <= system + CLOCK_NS_PER_S);
}

/* ---- running ---- */

static void stop_loop(void *ctx)
{
    loop_stop(ctx);
}

static void a_run_ends_when_stopped_or_when_nothing_is_left(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    assert_non_null(loop);
    loop_run(loop); /* nothing to wait for */

    struct note note = {0};
    note.task = loop_task_new(loop, note_called, &note);
    loop_task_post(note.task);
    loop_run(loop); /* a task is something to wait for */
    assert_int_equal(note.calls, 1);
    loop_task_free(note.task);

    struct loop_timer *timer = loop_timer_new(loop, stop_loop, loop);
    struct loop_timer *far = loop_timer_new(loop, stop_loop, loop);
    loop_timer_at(timer, loop_now_ns(loop));
    loop_timer_at(far, loop_now_ns(loop) + 3600 * CLOCK_NS_PER_S);
    loop_run(loop);
    loop_timer_free(timer);
    loop_timer_free(far);
    loop_free(loop);
}

static void a_foreign_loop_can_drive_it(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    assert_non_null(loop);
    assert_int_equal(loop_timeout_ms(loop), -1); /* nothing to wait for */

    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct flag_watch watch = {.fd = fds[0], .reads = true};
    watch.watch = loop_watch_new(loop, fds[0], flag, &watch);
    loop_watch_want(watch.watch, true, false);
    assert_int_equal(loop_timeout_ms(loop), 0); /* epoll does not know of it yet */
    loop_turn(loop, false);
    assert_int_equal(loop_timeout_ms(loop), -1);

    struct pollfd ready = {.fd = loop_fd(loop), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 0), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(poll(&ready, 1, 1000), 1);
    loop_turn(loop, false);
    assert_int_equal(watch.readable, 1);

    struct note note = {0};
    note.task = loop_task_new(loop, note_called, &note);
    loop_task_post(note.task);
    assert_int_equal(loop_timeout_ms(loop), 0);
    loop_turn(loop, false);
    assert_int_equal(note.calls, 1);
    loop_task_free(note.task);
    loop_watch_free(watch.watch);
    close(fds[0]);
    close(fds[1]);
    loop_free(loop);
}

/* ---- no memory ---- */

static void nothing(void *ctx)
{
    (void)ctx;
}

static void no_signal(void *ctx, int number)
{
    (void)ctx;
    (void)number;
}

static enum ferry_error use_everything(void *ctx)
{
    (void)ctx;
    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct loop *loop = loop_new();
    enum ferry_error error = loop ? FERRY_OK : FERRY_E_MEMORY;
    if (loop) {
        struct loop_watch *watch = loop_watch_new(loop, fds[0], flag, NULL);
        struct loop_timer *timer = loop_timer_new(loop, rings, NULL);
        struct loop_task *task = loop_task_new(loop, note_called, NULL);
        struct loop_signal *signal = loop_signal_new(loop, SIGUSR2, no_signal, NULL);
        if (!watch || !timer || !task || !signal)
            error = FERRY_E_MEMORY;
        else
            error = loop_job(loop, nothing, nothing, NULL);
        loop_watch_free(watch);
        loop_timer_free(timer);
        loop_task_free(task);
        loop_signal_free(signal);
        loop_free(loop);
    }
    close(fds[0]);
    close(fds[1]);
    return error;
}

static void memory_may_be_short_anywhere(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(use_everything, NULL, 20), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_task_is_called_once_later_in_order, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_waiting_task_keeps_the_loop_awake, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_freed_task_is_not_called, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(tasks_that_post_each_other_do_not_starve_sockets,
                                        net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_watch_tells_what_is_wanted_and_nothing_else,
                                        net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_watch_freed_by_another_in_the_same_turn_is_not_called,
                                        net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_watch_may_free_itself, net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_watched_is_refused, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(an_error_of_the_socket_is_told_as_readiness, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_deadline_comes_once_and_not_too_early, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_deadline_set_again_for_now_does_not_hold_the_loop,
                                        net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_timer_may_free_itself, net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(time_goes_on_between_turns, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test(a_run_ends_when_stopped_or_when_nothing_is_left),
        cmocka_unit_test(a_foreign_loop_can_drive_it),
        cmocka_unit_test(memory_may_be_short_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
