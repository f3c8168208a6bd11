/* The worker's store and the files process' sessions, over a channel, in one process (SEC-63).
 * The cases of support/store_cases.c hold here, too. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ferryd/files/session.h"
#include "ferryd/link.h"
#include "ferryd/store_wire.h"
#include "ferryd/worker/remote_store.h"
#include "proc/channel.h"
#include "support/store_cases.h"

static unsigned sessions, released;
static struct fault ended_why;

static void on_ended(void *ctx, const struct fault *why)
{
    (void)ctx;
    sessions--;
    ended_why = *why;
}

static void on_released(void *ctx)
{
    (void)ctx;
    released++;
}

static void open_session(struct store_rig *rig, const char *root, bool read_only, int fd)
{
    const struct files_grant grant = {
        .root = root, .owner = BYTES_LIT("anna"), .rules = {.read_only = read_only}};
    assert_int_equal(files_session_new(rig->net.loop, &grant, fd, on_ended, NULL), FERRY_OK);
    sessions++;
}

static void open_store(struct store_rig *rig, int fd)
{
    rig->ops = &remote_store_ops;
    const struct remote_store_events events = {.released = on_released};
    assert_int_equal(remote_store_new(rig->net.loop, fd, &events, &rig->store), FERRY_OK);
}

static void open_both(struct store_rig *rig, bool read_only)
{
    int ends[2];
    struct fault fault = {0};
    assert_int_equal(channel_pair(ends, &fault), FERRY_OK);
    open_session(rig, rig->dir.path, read_only, ends[0]);
    open_store(rig, ends[1]);
}

static void settle(struct store_rig *rig)
{
    NET_UNTIL(&rig->net, sessions == 0);
}

static int setup(void **state)
{
    static struct store_rig rig;
    *state = &rig;
    ended_why = (struct fault){0};
    return store_rig_setup(&rig, open_both, settle);
}

/* Ends what setup has opened. */
static void close_both(struct store_rig *rig)
{
    rig->ops->release(rig->store);
    rig->store = NULL;
    settle(rig);
}

/* ---- what only a channel has ---- */

/* All that a listing tells comes over, and a batch that is too long for a message comes as several.
 */
static void long_batches(void **state)
{
    enum { COUNT = 130 };
    struct store_rig *f = *state;
    char name[300], target[1001];
    memset(target, 't', sizeof(target) - 1);
    target[sizeof(target) - 1] = '\0';
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "dir/z%03d%0200d", i, 0);
        tempdir_symlink(&f->dir, target, name);
    }
    size_t seen = 0, batches = 0;
    f->ops->list_open(f->store, "/dir", &(struct store_list_want){.pattern = "z*"}, store_rig_plain,
                      f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    do {
        f->ops->list_next(f->store, store_rig_batch, f);
        assert_int_equal(store_rig_answer(f), FERRY_OK);
        snprintf(name, sizeof(name), "z%03zu%0200d", seen, 0);
        if (f->count > 0)
            assert_string_equal(f->path, name);
        seen += f->count;
        batches++;
    } while (f->count > 0);
    assert_int_equal(seen, COUNT);
    assert_true(batches > COUNT / HOME_BATCH + 2);
}

static void facts_and_links(void **state)
{
    struct store_rig *f = *state;
    f->ops->make_link(f->store, "/dir/a", "/link", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->stat(f->store, "/link", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->type, LISTING_FILE);
    f->ops->free_bytes(f->store, "/", store_rig_size, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_true(f->number > 0);
}

static struct change changed;

static void on_change(void *ctx, const struct fault *fault, const struct change *made)
{
    struct store_rig *rig = ctx;
    rig->answers++;
    rig->kind = fault->kind;
    changed = made ? *made : (struct change){0};
}

static void changes(void **state)
{
    struct store_rig *f = *state;
    const struct change want = {
        .has_mode = true,
        .mode = 0640,
        .has_time = true,
        .time = {.seconds = -5, .nanoseconds = 7, .precision = TIMEVAL_FRACTION},
    };
    f->ops->set_facts(f->store, "/file", &want, on_change, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(changed.mode, 0640);
    assert_true(changed.has_mode && changed.has_time);
    assert_int_equal(changed.time.seconds, -5);
    assert_int_equal(changed.time.precision, TIMEVAL_FRACTION);
    f->ops->set_facts(f->store, "/nothing", &want, on_change, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_NOT_FOUND);
}

/* What cannot be said does not end the channel. */
static void too_long_for_a_message(void **state)
{
    struct store_rig *f = *state;
    char path[STORE_PATH_BYTES + 2];
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    f->ops->stat(f->store, path, store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_LIMIT);
    f->ops->open_part(f->store, path, PART_REPLACE, 0, store_rig_part, f);
    f->ops->cancel(f->store); /* before anybody was told */
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
}

static void a_root_that_is_not_there(void **state)
{
    struct store_rig *f = *state;
    int ends[2];
    struct fault fault = {0};
    close_both(f);
    assert_int_equal(channel_pair(ends, &fault), FERRY_OK);
    open_session(f, "/nowhere/at/all", false, ends[0]);
    open_store(f, ends[1]);
    for (int i = 0; i < 2; i++) {
        f->ops->enter(f->store, "/", store_rig_plain, f);
        assert_int_equal(store_rig_answer(f), FERRY_E_NOT_FOUND);
    }
}

/* ---- a part that was opened when nobody wanted it any more ---- */

static void sec_38_a_part_cancelled_under_way_is_removed(void **state)
{
    struct store_rig *f = *state;
    size_t before = tempdir_count(&f->dir, ".");
    f->ops->open_part(f->store, "/up", PART_REPLACE, 0, store_rig_part, f);
    /* The answer is in the channel, not read yet. */
    NET_UNTIL(&f->net, tempdir_count(&f->dir, ".") > before);
    f->ops->cancel(f->store);
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(tempdir_count(&f->dir, "."), before);
    net_kit_idle(&f->net);
    assert_int_equal(f->answers, 0);
}

static void a_session_that_ends_removes_its_part(void **state)
{
    struct store_rig *f = *state;
    size_t before = tempdir_count(&f->dir, ".");
    f->ops->open_part(f->store, "/up", PART_REPLACE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    released = 0;
    close_both(f);
    assert_int_equal(released, 1);
    assert_int_equal(tempdir_count(&f->dir, "."), before);
}

/* ---- the other side as it must not be ---- */

/* A worker, or a files process, that says what the test likes. */
struct peer {
    struct channel channel;
    char space[CHANNEL_MESSAGE_BYTES];
};

static void peer_open(struct peer *peer, int *other)
{
    int ends[2];
    struct fault fault = {0};
    assert_int_equal(channel_pair(ends, &fault), FERRY_OK);
    channel_init(&peer->channel, ends[0], CHANNEL_MESSAGE_BYTES);
    *other = ends[1];
}

static void peer_send(struct peer *peer, struct wire_writer *writer, int fd)
{
    struct bytes message;
    struct fault fault = {0};
    assert_int_equal(wire_end(writer, &message), FERRY_OK);
    assert_int_equal(channel_send(&peer->channel, message, &fd, fd >= 0 ? 1 : 0, &fault), FERRY_OK);
}

static void peer_answer(struct peer *peer, const struct store_answer *answer)
{
    struct wire_writer writer;
    bool with_fd = answer->message == STORE_READING || answer->message == STORE_WRITING;
    wire_begin(&writer, (uint16_t)answer->message, peer->space, sizeof(peer->space));
    assert_int_equal(store_wire_put_answer(&writer, answer), FERRY_OK);
    peer_send(peer, &writer, with_fd ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1);
}

static void peer_call(struct peer *peer, const struct store_call *call)
{
    struct wire_writer writer;
    wire_begin(&writer, (uint16_t)call->message, peer->space, sizeof(peer->space));
    assert_int_equal(store_wire_put_call(&writer, call), FERRY_OK);
    peer_send(peer, &writer, -1);
}

/* Answers to the second call, which is a stat. */
static const struct {
    const char *label;
    struct store_answer answer;
    enum ferry_error outcome; /* FERRY_OK: it is passed by, and the call still waits */
} strange_answers[] = {
    {"late", {.message = STORE_DONE, .number = 1}, FERRY_OK},
    {"late, with a file", {.message = STORE_READING, .number = 1}, FERRY_OK},
    {"unasked", {.message = STORE_DONE, .number = 3}, FERRY_E_TEMPORARY},
    {"of another kind", {.message = STORE_DONE, .number = 2}, FERRY_E_TEMPORARY},
    {"with another kind of file", {.message = STORE_READING, .number = 2}, FERRY_E_TEMPORARY},
    {"no entry", {.message = STORE_ENTRIES, .number = 2}, FERRY_E_TEMPORARY},
    {"not as many entries", {.message = STORE_ENTRIES, .number = 2, .count = 1}, FERRY_E_TEMPORARY},
    {"a failure",
     {.message = STORE_FAILED, .number = 2, .kind = FERRY_E_SPACE, .what = {"no\nspace", 8}},
     FERRY_E_SPACE},
};

static void sec_63_answers_that_must_not_be(void **state)
{
    struct store_rig *f = *state;
    close_both(f);
    for (size_t i = 0; i < ARRAY_LEN(strange_answers); i++) {
        struct peer peer;
        int other;
        size_t descriptors = net_descriptors();
        peer_open(&peer, &other);
        open_store(f, other);
        f->ops->open_read(f->store, "/file", store_rig_read, f);
        f->ops->cancel(f->store);
        f->ops->stat(f->store, "/file", store_rig_entry, f);
        peer_answer(&peer, &strange_answers[i].answer);
        if (strange_answers[i].outcome == FERRY_OK) {
            net_kit_idle(&f->net);
            assert_int_equal(f->answers, 0);
        } else {
            assert_int_equal(store_rig_answer(f), strange_answers[i].outcome);
        }
        f->ops->release(f->store);
        f->store = NULL;
        channel_fini(&peer.channel);
        assert_int_equal(net_descriptors(), descriptors);
    }
}

/* When the other process dies, the call that waits and all later ones fail for now. */
static void the_files_process_dies(void **state)
{
    struct store_rig *f = *state;
    struct peer peer;
    int other;
    close_both(f);
    peer_open(&peer, &other);
    open_store(f, other);
    f->ops->open_part(f->store, "/up", PART_REPLACE, 0, store_rig_part, f);
    net_kit_idle(&f->net);
    channel_fini(&peer.channel);
    assert_int_equal(store_rig_answer(f), FERRY_E_TEMPORARY);
    f->ops->list_close(f->store);
    f->ops->commit(f->store, 1, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_TEMPORARY);
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    f->ops->cancel(f->store);
    f->ops->set_facts(f->store, "/file", &(struct change){.has_mode = true}, on_change, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_TEMPORARY);
    f->ops->open_read(f->store, "/file", store_rig_read, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_TEMPORARY);
    f->ops->list_next(f->store, store_rig_batch, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_TEMPORARY);
    f->ops->size(f->store, "/file", store_rig_size, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_TEMPORARY);
}

/* What a worker may not say ends its session, whatever was open. */
static const struct {
    const char *label;
    struct store_call calls[2];
} strange_calls[] = {
    {"two at a time",
     {{.message = STORE_TREE_SIZE, .number = 1, .path = {"/", 1}},
      {.message = STORE_STAT, .number = 2, .path = {"/", 1}}}},
    {"an old number",
     {{.message = STORE_CANCEL, .number = 9}, {.message = STORE_STAT, .number = 0}}},
    {"a text with NUL",
     {{.message = STORE_LIST_CLOSE}, {.message = STORE_STAT, .number = 1, .path = {"/\0a", 3}}}},
};

static void sec_63_calls_that_must_not_be(void **state)
{
    struct store_rig *f = *state;
    close_both(f);
    for (size_t i = 0; i < ARRAY_LEN(strange_calls); i++) {
        struct peer peer;
        int other;
        peer_open(&peer, &other);
        ended_why = (struct fault){0};
        open_session(f, f->dir.path, false, other);
        for (size_t k = 0; k < ARRAY_LEN(strange_calls[i].calls); k++)
            peer_call(&peer, &strange_calls[i].calls[k]);
        settle(f);
        assert_int_equal(ended_why.kind, FERRY_E_PROTOCOL);
        channel_fini(&peer.channel);
    }
}

static void values_that_there_are_none_of(void **state)
{
    struct store_rig *f = *state;
    close_both(f);
    struct peer peer;
    int other;
    peer_open(&peer, &other);
    open_session(f, f->dir.path, false, other);
    struct wire_writer writer;
    wire_begin(&writer, STORE_OPEN_PART, peer.space, sizeof(peer.space));
    wire_put_u64(&writer, 1);
    wire_put_bytes(&writer, BYTES_LIT("/up"));
    wire_put_u8(&writer, HOME_APPEND + 1);
    wire_put_u64(&writer, 0);
    peer_send(&peer, &writer, -1);
    settle(f);
    assert_int_equal(ended_why.kind, FERRY_E_PROTOCOL);
    channel_fini(&peer.channel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, store_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_CASES(setup, store_rig_teardown),
        TEST(long_batches),
        TEST(facts_and_links),
        TEST(changes),
        TEST(too_long_for_a_message),
        TEST(a_root_that_is_not_there),
        TEST(sec_38_a_part_cancelled_under_way_is_removed),
        TEST(a_session_that_ends_removes_its_part),
        TEST(sec_63_answers_that_must_not_be),
        TEST(the_files_process_dies),
        TEST(sec_63_calls_that_must_not_be),
        TEST(values_that_there_are_none_of),
    };
    return cmocka_run_group_tests_name("remote_store", tests, NULL, NULL);
}
