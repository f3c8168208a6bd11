/* ferryd/hooks/outbox: what was committed is there, whatever happens. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ferryd/hooks/outbox.h"
#include "support/tempdir.h"

static struct tempdir dir;
static char path[PATH_MAX];

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    tempdir_path(&dir, "outbox", path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

static struct outbox *open_outbox(void)
{
    struct outbox *outbox = NULL;
    struct fault fault = {0};
    if (outbox_open(path, &outbox, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    return outbox;
}

static struct outbox_row row_of(uint32_t number, enum outbox_state state)
{
    struct outbox_row row = {
        .hook = BYTES_LIT("hook"),
        .account = BYTES_LIT("anna"),
        .state = state,
        .made_ns = 1,
        .due_ns = 2,
        .body = BYTES_LIT("{\"id\":\"x\"}"),
    };
    memcpy(row.id, &number, sizeof(number));
    return row;
}

static int64_t add(struct outbox *outbox, uint32_t number, enum outbox_state state, bool there)
{
    struct fault fault = {0};
    struct outbox_row row = row_of(number, state);
    bool was_there = false;
    assert_int_equal(outbox_begin(outbox, &fault), FERRY_OK);
    assert_int_equal(outbox_add(outbox, &row, &was_there, &fault), FERRY_OK);
    assert_int_equal(outbox_commit(outbox, &fault), FERRY_OK);
    assert_int_equal(was_there, there);
    return row.number;
}

/* What there is, in order. */
struct seen {
    size_t count;
    struct outbox_row rows[8];
};

static enum ferry_error see(void *ctx, const struct outbox_row *row)
{
    struct seen *seen = ctx;
    if (seen->count < ARRAY_LEN(seen->rows))
        seen->rows[seen->count] = *row;
    seen->count++;
    return FERRY_OK;
}

static struct seen all_of(struct outbox *outbox)
{
    struct seen seen = {0};
    struct fault fault = {0};
    assert_int_equal(outbox_each(outbox, see, &seen, &fault), FERRY_OK);
    return seen;
}

static void what_was_added_is_there_in_order_and_once(void **state)
{
    (void)state;
    struct outbox *outbox = open_outbox();
    int64_t first = add(outbox, 1, OUTBOX_READY, false);
    int64_t second = add(outbox, 2, OUTBOX_PROVISIONAL, false);
    assert_true(second > first);
    assert_int_equal(add(outbox, 1, OUTBOX_READY, true), first);
    outbox_close(outbox);
    outbox = open_outbox();
    struct seen seen = all_of(outbox);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.rows[0].number, first);
    assert_int_equal(seen.rows[1].number, second);
    assert_int_equal(seen.rows[1].state, OUTBOX_PROVISIONAL);
    outbox_close(outbox);
}

static void only_what_is_provisional_is_settled(void **state)
{
    (void)state;
    struct outbox *outbox = open_outbox();
    struct fault fault = {0};
    uint8_t id[HOOK_ID_BYTES] = {0};
    for (uint32_t i = 1; i <= 3; i++)
        add(outbox, i, OUTBOX_PROVISIONAL, false);
    add(outbox, 4, OUTBOX_READY, false);
    const enum outbox_state outcomes[] = {OUTBOX_READY, OUTBOX_UNCERTAIN, OUTBOX_DEAD, OUTBOX_DEAD};
    for (uint32_t i = 0; i < 4; i++) {
        id[0] = (uint8_t)(i + 1);
        assert_int_equal(outbox_settle(outbox, id, outcomes[i], &fault), FERRY_OK);
    }
    struct seen seen = all_of(outbox);
    assert_int_equal(seen.count, 3); /* the third is removed, the fourth was none of them */
    assert_int_equal(seen.rows[0].state, OUTBOX_READY);
    assert_int_equal(seen.rows[1].state, OUTBOX_UNCERTAIN);
    assert_int_equal(seen.rows[2].state, OUTBOX_READY);
    outbox_close(outbox);
}

static void failures_are_kept_and_the_dead_put_aside(void **state)
{
    (void)state;
    struct outbox *outbox = open_outbox();
    struct fault fault = {0};
    struct buf body;
    buf_init(&body, 100);
    struct outbox_row row = {.number = add(outbox, 1, OUTBOX_READY, false),
                             .state = OUTBOX_READY,
                             .tries = 3,
                             .due_ns = 77};
    assert_int_equal(outbox_failed(outbox, &row, "no", &fault), FERRY_OK);
    struct seen seen = all_of(outbox);
    assert_int_equal(seen.rows[0].tries, 3);
    assert_int_equal(seen.rows[0].due_ns, 77);
    row.state = OUTBOX_DEAD;
    assert_int_equal(outbox_failed(outbox, &row, "no", &fault), FERRY_OK);
    assert_int_equal(all_of(outbox).count, 0);
    assert_int_equal(outbox_body(outbox, row.number, &body, &fault), FERRY_OK);
    assert_true(bytes_equal(buf_view(&body), BYTES_LIT("{\"id\":\"x\"}")));
    assert_int_equal(outbox_remove(outbox, row.number, &fault), FERRY_OK);
    assert_int_equal(outbox_body(outbox, row.number, &body, &fault), FERRY_E_NOT_FOUND);
    buf_fini(&body);
    outbox_close(outbox);
}

static void a_transaction_is_all_or_nothing(void **state)
{
    (void)state;
    struct outbox *outbox = open_outbox();
    struct fault fault = {0};
    bool there;
    struct outbox_row row = row_of(1, OUTBOX_READY);
    assert_int_equal(outbox_begin(outbox, &fault), FERRY_OK);
    assert_int_equal(outbox_add(outbox, &row, &there, &fault), FERRY_OK);
    outbox_rollback(outbox);
    assert_int_equal(all_of(outbox).count, 0);
    outbox_close(outbox);
}

static void another_programs_file_is_left_alone(void **state)
{
    (void)state;
    struct outbox *outbox = NULL;
    struct fault fault = {0};
    tempdir_write(&dir, "outbox", "this is no database, but long enough to be looked at ........");
    assert_int_not_equal(outbox_open(path, &outbox, &fault), FERRY_OK);
    assert_null(outbox);
}

enum { BATCH = 10 };

/* Adds batch after batch, and says so after each. Never returns. */
static _Noreturn void write_for_ever(int told)
{
    struct outbox *outbox = NULL;
    bool there;
    if (outbox_open(path, &outbox, NULL) != FERRY_OK)
        _exit(1);
    for (uint32_t number = 1;; number += BATCH) {
        if (outbox_begin(outbox, NULL) != FERRY_OK)
            _exit(1);
        for (uint32_t i = 0; i < BATCH; i++) {
            struct outbox_row row = row_of(number + i, OUTBOX_READY);
            if (outbox_add(outbox, &row, &there, NULL) != FERRY_OK)
                _exit(1);
        }
        if (outbox_commit(outbox, NULL) != FERRY_OK || write(told, "x", 1) != 1)
            _exit(1);
    }
}

static void a_writer_that_is_killed_loses_nothing_that_it_has_committed(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        int ends[2];
        size_t batches = 0;
        char space[64];
        ssize_t got;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            write_for_ever(ends[1]);
        close(ends[1]);
        while (batches < 20 + (size_t)round * 7 && (got = read(ends[0], space, 1)) > 0)
            batches += (size_t)got;
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while ((got = read(ends[0], space, sizeof(space))) > 0)
            batches += (size_t)got;
        close(ends[0]);
        struct outbox *outbox = open_outbox();
        size_t count = all_of(outbox).count;
        assert_true(batches >= 20 && count >= batches * BATCH && count <= (batches + 1) * BATCH);
        assert_int_equal(count % BATCH, 0);
        outbox_close(outbox);
        tempdir_remove(&dir);
        setup(NULL);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_was_added_is_there_in_order_and_once),
        CASE(only_what_is_provisional_is_settled),
        CASE(failures_are_kept_and_the_dead_put_aside),
        CASE(a_transaction_is_all_or_nothing),
        CASE(another_programs_file_is_left_alone),
        CASE(a_writer_that_is_killed_loses_nothing_that_it_has_committed),
    };
    return cmocka_run_group_tests_name("hooks_outbox", tests, NULL, NULL);
}
