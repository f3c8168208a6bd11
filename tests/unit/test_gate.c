/* Who may be served, counted over workers that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ferryd/auth/gate.h"
#include "ferryd/messages.h"
#include "proc/channel.h"
#include "support/net_kit.h"

enum { WORKERS = 2, SILENT = 255 };

struct fixture {
    struct net_kit net;
    struct shelf shelf;
    struct throttle throttle;
    struct gate gate;
    struct worker {
        struct gate_worker gate;
        struct link *link;
        struct channel peer; /* the worker's end */
    } workers[WORKERS];
};

static const struct throttle_settings throttle_settings = {.ban_after = 1,
                                                           .ban_ns = UINT64_MAX / 4};

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    struct worker *worker = ctx;
    (void)raw;
    return gate_message(&worker->gate, row->type, reader, fault);
}

static void on_closed(void *ctx, const struct fault *why)
{
    (void)why;
    struct worker *worker = ctx;
    gate_worker_fini(&worker->gate);
}

static void add_worker(struct fixture *f, size_t i)
{
    int ends[2];
    struct worker *worker = &f->workers[i];
    const struct link_setup setup = {
        .loop = f->net.loop,
        .table = &messages_to_auth,
        .peer = ROLE_WORKER,
        .state = MESSAGE_RUNNING,
        .message = on_message,
        .closed = on_closed,
        .ctx = worker,
    };
    assert_int_equal(channel_pair(ends, NULL), FERRY_OK);
    channel_init(&worker->peer, ends[1], CHANNEL_MESSAGE_BYTES);
    assert_int_equal(link_new(&setup, ends[0], &worker->link), FERRY_OK);
    gate_worker_init(&worker->gate, &f->gate, worker->link);
}

static int setup(void **state)
{
    static struct fixture f;
    struct fault fault = {0};
    f = (struct fixture){0};
    net_kit_open(&f.net);
    assert_int_equal(shelf_open(&f.shelf, -1, &fault), FERRY_OK);
    throttle_init(&f.throttle, &throttle_settings, &f.shelf);
    assert_int_equal(gate_init(&f.gate, f.net.loop, &f.throttle, 6), FERRY_OK);
    for (size_t i = 0; i < WORKERS; i++)
        add_worker(&f, i);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < WORKERS; i++) {
        gate_worker_fini(&f->workers[i].gate);
        link_free(f->workers[i].link);
        channel_fini(&f->workers[i].peer);
    }
    assert_int_equal(f->gate.crowd.count, 0);
    gate_fini(&f->gate);
    shelf_close(&f->shelf);
    net_kit_close(&f->net);
    return 0;
}

/* ---- a worker's side ---- */

static void say(struct fixture *f, size_t worker, enum message type, uint64_t number,
                const char *peer, uint64_t per_address)
{
    char space[256];
    struct wire_writer writer;
    struct bytes message;
    wire_begin(&writer, (uint16_t)type, space, sizeof(space));
    if (type != MESSAGE_TOLD)
        wire_put_u64(&writer, number);
    if (peer)
        wire_put_bytes(&writer, bytes_str(peer));
    if (type == MESSAGE_ARRIVED) {
        wire_put_u64(&writer, per_address);
        wire_put_u64(&writer, 0);
        wire_put_u64(&writer, 0);
    }
    assert_int_equal(wire_end(&writer, &message), FERRY_OK);
    assert_int_equal(channel_send(&f->workers[worker].peer, message, NULL, 0, NULL), FERRY_OK);
    net_kit_idle(&f->net);
}

/* What the worker is told of that number; SILENT: nothing. */
static unsigned answer(struct fixture *f, size_t worker, uint64_t number)
{
    char space[CHANNEL_MESSAGE_BYTES];
    struct channel_message message;
    enum channel_got got = CHANNEL_NOTHING;
    struct wire_reader reader;
    assert_int_equal(channel_receive(&f->workers[worker].peer, space, &message, &got, NULL),
                     FERRY_OK);
    if (got != CHANNEL_MESSAGE)
        return SILENT;
    wire_open(&reader, message.data, 0);
    assert_int_equal(reader.type, MESSAGE_ADMITTED);
    channel_message_fini(&message);
    assert_int_equal(wire_get_u64(&reader), number);
    return wire_get_u8(&reader);
}

static unsigned arrive(struct fixture *f, size_t worker, uint64_t number, const char *peer,
                       uint64_t per_address)
{
    say(f, worker, MESSAGE_ARRIVED, number, peer, per_address);
    return answer(f, worker, number);
}

static void all_told(struct fixture *f)
{
    for (size_t i = 0; i < WORKERS; i++)
        say(f, i, MESSAGE_TOLD, 0, NULL, 0);
    gate_introduced(&f->gate);
}

/* ---- tests ---- */

static void sec_52_limits_hold_over_all_workers(void **state)
{
    struct fixture *f = *state;
    f->gate.crowd.most = 1000;
    all_told(f);
    assert_int_equal(arrive(f, 0, 1, "192.0.2.1", 2), CROWD_FREE);
    assert_int_equal(arrive(f, 1, 1, "192.0.2.1", 2), CROWD_FREE);
    assert_int_equal(arrive(f, 0, 2, "192.0.2.1", 2), CROWD_ADDRESS);
    assert_int_equal(arrive(f, 0, 3, "192.0.2.2", 2), CROWD_FREE);
    say(f, 1, MESSAGE_LEFT, 1, NULL, 0);
    say(f, 1, MESSAGE_LEFT, 1, NULL, 0); /* it is nobody's */
    assert_int_equal(arrive(f, 0, 4, "192.0.2.1", 2), CROWD_FREE);
    assert_int_equal(f->gate.crowd.count, 3);
}

static void sec_52_all_sessions_are_as_many_as_there_may_be(void **state)
{
    struct fixture *f = *state;
    all_told(f);
    f->gate.crowd.known = 6;
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(arrive(f, i % 2, i + 1, "192.0.2.1", 0), CROWD_FREE);
    assert_int_equal(arrive(f, 0, 7, "192.0.2.1", 0), CROWD_FULL);
    assert_int_equal(arrive(f, 1, 8, "192.0.2.1", 0), CROWD_FULL);
    /* Those of a worker that dies are gone with it. */
    channel_fini(&f->workers[0].peer);
    net_kit_idle(&f->net);
    assert_int_equal(f->gate.crowd.count, 3);
    assert_int_equal(arrive(f, 1, 9, "192.0.2.1", 0), CROWD_FREE);
}

static void nobody_is_admitted_before_it_is_known_who_is_there(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(arrive(f, 0, 8, "192.0.2.1", 2), SILENT);
    say(f, 0, MESSAGE_PRESENT, 1, "192.0.2.1", 0);
    say(f, 0, MESSAGE_TOLD, 0, NULL, 0);
    gate_introduced(&f->gate);
    assert_int_equal(answer(f, 0, 8), SILENT);
    say(f, 1, MESSAGE_PRESENT, 1, "192.0.2.1", 0);
    say(f, 1, MESSAGE_TOLD, 0, NULL, 0);
    assert_int_equal(answer(f, 0, 8), CROWD_ADDRESS);
    assert_int_equal(f->gate.crowd.count, 2);
    say(f, 1, MESSAGE_LEFT, 1, NULL, 0);
    assert_int_equal(arrive(f, 0, 9, "192.0.2.1", 2), CROWD_FREE);
}

static void a_worker_that_is_silent_is_waited_for_no_longer_than_that(void **state)
{
    struct fixture *f = *state;
    say(f, 0, MESSAGE_TOLD, 0, NULL, 0);
    say(f, 0, MESSAGE_ARRIVED, 1, "192.0.2.1", 2);
    gate_introduced(&f->gate);
    uint64_t began_ns = clock_monotonic_ns(&clock_system);
    NET_UNTIL(&f->net, f->gate.counting);
    assert_true(clock_monotonic_ns(&clock_system) - began_ns < 4 * CLOCK_NS_PER_S);
    assert_int_equal(answer(f, 0, 1), CROWD_FREE);
}

static void who_is_banned_is_not_even_counted(void **state)
{
    struct fixture *f = *state;
    bool banned = false;
    struct address peer;
    all_told(f);
    assert_int_equal(address_parse("192.0.2.1", 0, &peer), FERRY_OK);
    throttle_failed(&f->throttle, &peer, (uint64_t)clock_wall_ns(&clock_system), &banned);
    assert_true(banned);
    assert_int_equal(arrive(f, 0, 1, "192.0.2.1", 0), CROWD_BANNED);
    assert_int_equal(arrive(f, 1, 1, "192.0.2.2", 0), CROWD_FREE);
    assert_int_equal(f->gate.crowd.count, 1);
}

static void what_a_worker_may_not_say_ends_it(void **state)
{
    struct fixture *f = *state;
    all_told(f);
    assert_int_equal(arrive(f, 0, 1, "192.0.2.1", 0), CROWD_FREE);
    say(f, 0, MESSAGE_ARRIVED, 1, "192.0.2.1", 0); /* a number in use */
    assert_null(f->workers[0].gate.gate);
    say(f, 1, MESSAGE_PRESENT, 1, "no address", 0);
    assert_null(f->workers[1].gate.gate);
    assert_int_equal(f->gate.crowd.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sec_52_limits_hold_over_all_workers),
        TEST(sec_52_all_sessions_are_as_many_as_there_may_be),
        TEST(nobody_is_admitted_before_it_is_known_who_is_there),
        TEST(a_worker_that_is_silent_is_waited_for_no_longer_than_that),
        TEST(who_is_banned_is_not_even_counted),
        TEST(what_a_worker_may_not_say_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
