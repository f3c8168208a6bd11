/* ferryd/ops/state, what is told of it, and the texts of its rows: bounds, order, hostile words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ferryd/ops/control_words.h"
#include "ferryd/ops/metrics.h"
#include "ferryd/ops_wire.h"

static struct state_session session_of(uint64_t id, uint32_t worker, const char *account)
{
    return (struct state_session){
        .id = id,
        .worker = worker,
        .account = account,
        .peer = "192.0.2.1",
        .logged_in = true,
    };
}

static void sessions_by_worker(void **unused)
{
    (void)unused;
    struct state state;
    state_init(&state);
    struct state_session row = session_of(7, 1, "an\x1b[2Jna");
    assert_int_equal(state_add_session(&state, &row), FERRY_OK);
    assert_string_equal(TAILQ_FIRST(&state.sessions)->account, "an\\x1b[2Jna");
    assert_string_equal(TAILQ_FIRST(&state.sessions)->path, "");
    row = session_of(8, 2, "berta");
    row.direction = "up";
    assert_int_equal(state_add_session(&state, &row), FERRY_OK);
    assert_int_equal(state.session_count, 2);
    assert_int_equal(state.transfer_count, 1);
    assert_true(control_is_target(TAILQ_FIRST(&state.sessions), "7"));
    assert_true(control_is_target(TAILQ_FIRST(&state.sessions), "192.0.2.1"));
    assert_false(control_is_target(TAILQ_FIRST(&state.sessions), "berta"));
    state_forget_worker(&state, 2, false);
    assert_int_equal(state.session_count, 1);
    assert_int_equal(state.transfer_count, 0);
    assert_int_equal(TAILQ_FIRST(&state.sessions)->id, 7);
    state_fini(&state);
}

static void events_are_bounded(void **unused)
{
    (void)unused;
    struct state state;
    state_init(&state);
    for (int i = 0; i < STATE_EVENTS_MAX + 10; i++) {
        char line[128];
        snprintf(line, sizeof(line), "{\"level\":\"notice\",\"event\":\"e%d\"%s}", i,
                 i % 2 ? ",\"side\":\"client\"" : "");
        assert_int_equal(state_add_event(&state, bytes_str(line)), FERRY_OK);
    }
    assert_int_equal(state.event_count, STATE_EVENTS_MAX);
    assert_int_equal(state.failure_count, STATE_FAILURES_MAX);
    assert_string_equal(state_event_text(STAILQ_FIRST(&state.events), "event"), "e10");
    assert_int_equal(state.newest->number, STATE_EVENTS_MAX + 10);
    const struct control_request request = {.failures = true, .count = 2};
    json_t *told = control_log(&state, &request);
    assert_int_equal(json_array_size(told), 2);
    json_decref(told);
    assert_int_equal(state_add_event(&state, BYTES_LIT("{\"no\":1}")), FERRY_E_PROTOCOL);
    assert_int_equal(state_add_event(&state, BYTES_LIT("[]")), FERRY_E_PROTOCOL);
    assert_int_equal(state_add_event(&state, BYTES_LIT("{\"event\":")), FERRY_E_PROTOCOL);
    state_fini(&state);
}

static void uses_are_added_up(void **unused)
{
    (void)unused;
    struct state state;
    state_init(&state);
    struct state_use row = {
        .account = "anna", .tls.version = "TLSv1.3", .sessions = 1, .data_full = 2};
    row.last_ns = 5;
    assert_int_equal(state_add_use(&state, &row), FERRY_OK);
    row.last_ns = 9;
    assert_int_equal(state_add_use(&state, &row), FERRY_OK);
    assert_int_equal(state.use_count, 1);
    const struct state_use *use = TAILQ_FIRST(&state.uses);
    assert_true(use->sessions == 2 && use->data_full == 4 && use->first_ns == 5 &&
                use->last_ns == 9);
    for (int i = 0; i < STATE_USES_MAX; i++) {
        char name[32];
        snprintf(name, sizeof(name), "a%d", i);
        row.account = name;
        assert_int_equal(state_add_use(&state, &row), FERRY_OK);
    }
    assert_int_equal(state.use_count, STATE_USES_MAX);
    TAILQ_FOREACH (use, &state.uses, link)
        assert_string_not_equal(use->account, "anna");
    state_fini(&state);
}

static void texts_travel(void **unused)
{
    (void)unused;
    char space[2 * OPS_TEXTS_BYTES];
    static char big[2 * OPS_TEXTS_BYTES];
    memset(big, 'x', sizeof(big) - 1);
    const char *out[3];
    const char *in[] = {"one", NULL, "three"};
    struct wire_writer writer;
    struct wire_reader reader;
    struct bytes message;
    wire_begin(&writer, OPS_SESSION, space, sizeof(space));
    ops_put_texts(&writer, in, 3);
    assert_int_equal(wire_end(&writer, &message), FERRY_OK);
    wire_open(&reader, message, 0);
    struct bytes field = wire_get_bytes(&reader);
    assert_true(ops_get_texts(field, out, 3));
    assert_string_equal(out[0], "one");
    assert_string_equal(out[1], "");
    assert_string_equal(out[2], "three");
    assert_false(ops_get_texts(field, out, 2));
    assert_false(ops_get_texts(bytes_first(field, field.len - 1), out, 3));

    in[0] = in[2] = big;
    wire_begin(&writer, OPS_SESSION, space, sizeof(space));
    ops_put_texts(&writer, in, 3);
    assert_int_equal(wire_end(&writer, &message), FERRY_OK);
    wire_open(&reader, message, 0);
    field = wire_get_bytes(&reader);
    assert_true(field.len <= OPS_TEXTS_BYTES && ops_get_texts(field, out, 3));
    assert_true(strlen(out[0]) > 1000 && strlen(out[2]) > 1000);
}

static void labels_are_escaped(void **unused)
{
    (void)unused;
    struct state state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1 << 20);
    state_init(&state);
    const struct state_certificate row = {
        .listens = "listen \"a\"", .file = "/x", .not_after_ns = 2000000000};
    assert_int_equal(state_add_certificate(&state, &row), FERRY_OK);
    assert_int_equal(state_add_certificate(&state, &row), FERRY_OK);
    assert_int_equal(metrics_write(&state, &out), FERRY_OK);
    assert_int_equal(buf_append(&out, bytes_of("", 1)), FERRY_OK);
    const char *found =
        strstr(buf_view(&out).ptr,
               "ferry_certificate_expiry_seconds{listens=\"listen \\\"a\\\"\",file=\"/x\"} 2\n");
    assert_non_null(found);
    assert_null(strstr(found + 1, "ferry_certificate_expiry_seconds{"));
    state_fini(&state);
}

static void memory_is_short(void **unused)
{
    (void)unused;
    struct state state;
    state_init(&state);
    struct state_session row = session_of(7, 1, "anna");
    for (unsigned long nth = 1; nth < 5; nth++) {
        alloc_fail_from(nth);
        enum ferry_error error = state_add_session(&state, &row);
        alloc_fail_from(0);
        assert_true(error == FERRY_OK || error == FERRY_E_MEMORY);
    }
    state_fini(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_by_worker), cmocka_unit_test(events_are_bounded),
        cmocka_unit_test(uses_are_added_up),  cmocka_unit_test(texts_travel),
        cmocka_unit_test(labels_are_escaped), cmocka_unit_test(memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
