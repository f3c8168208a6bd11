/* Events of hooks: their ids, their way over a channel, their JSON, and when they are told again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ferryd/hook_wire.h"
#include "ferryd/hooks/backoff.h"
#include "ferryd/hooks/event_json.h"
#include "ferryd/settings_hooks.h"

static const struct {
    uint64_t first, most;
    uint32_t tries;
    uint64_t wait;
} waits[] = {
    {5, 900, 1, 5},   {5, 900, 2, 10},           {5, 900, 3, 20}, {5, 900, 8, 640},
    {5, 900, 9, 900}, {5, 900, UINT32_MAX, 900}, {900, 5, 1, 5},  {1, UINT64_MAX, 200, UINT64_MAX},
};

static void each_failure_doubles_the_wait_up_to_the_most(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        assert_int_equal(backoff_wait(waits[i].first, waits[i].most, waits[i].tries),
                         waits[i].wait);
}

static void ids_are_uuids_in_the_order_of_time(void **state)
{
    (void)state;
    uint8_t id[HOOK_ID_BYTES], other[HOOK_ID_BYTES], later[HOOK_ID_BYTES];
    char text[HOOK_ID_TEXT_BYTES];
    int64_t now_ns = INT64_C(0x017f22e279b0) * 1000000; /* RFC 9562, appendix A.6 */
    hook_id_new(now_ns, id);
    hook_id_new(now_ns, other);
    hook_id_new(now_ns + 1000000, later);
    hook_id_text(id, text);
    assert_memory_equal(text, "017f22e2-79b0-7", 15);
    assert_non_null(strchr("89ab", text[19]));
    assert_int_equal(strlen(text), 36);
    assert_memory_not_equal(id, other, sizeof(id));
    assert_true(memcmp(id, later, sizeof(id)) < 0);
}

static struct hook_event upload(void)
{
    struct hook_event event = {
        .id = {1, 2, 3},
        .kind = HOOK_UPLOAD,
        .time_ns = 1500 * (int64_t)CLOCK_NS_PER_MS,
        .session = 7,
        .account = BYTES_LIT("anna"),
        .peer = BYTES_LIT("192.0.2.1"),
        .path = BYTES_LIT("/a \"b\""),
        .bytes = 5,
        .took_ns = 2 * CLOCK_NS_PER_S,
        .tls_version = BYTES_LIT("TLSv1.3"),
    };
    return event;
}

static void assert_json(const struct hook_event *event, const char *expected)
{
    struct buf json;
    buf_init(&json, 4096);
    assert_int_equal(event_json(event, &json), FERRY_OK);
    assert_int_equal(buf_append(&json, bytes_of("", 1)), FERRY_OK);
    assert_string_equal(buf_view(&json).ptr, expected);
    buf_fini(&json);
}

static void an_event_is_one_line_of_json(void **state)
{
    (void)state;
    struct hook_event event = upload();
    assert_json(&event, "{\"id\":\"01020300-0000-0000-0000-000000000000\",\"event\":\"upload\","
                        "\"time\":\"1970-01-01T00:00:01.500Z\",\"session\":7,\"account\":\"anna\","
                        "\"peer\":\"192.0.2.1\",\"path\":\"/a \\\"b\\\"\",\"bytes\":5,\"offset\":0,"
                        "\"took_ms\":2000,\"tls\":\"TLSv1.3\"}");
}

static void bytes_that_are_no_text_are_there_in_hexadecimal(void **state)
{
    (void)state;
    struct hook_event event = {
        .kind = HOOK_RENAME, .path = BYTES_LIT("/\xff"), .from = BYTES_LIT("/\xc3\xa4")};
    assert_json(&event, "{\"id\":\"00000000-0000-0000-0000-000000000000\",\"event\":\"rename\","
                        "\"time\":\"1970-01-01T00:00:00.000Z\",\"session\":0,"
                        "\"path\":\"/\\\\xff\",\"path_hex\":\"2fff\",\"from\":\"/\\u00E4\"}");
}

static void certainty_is_told_before_all_else(void **state)
{
    (void)state;
    struct buf json;
    buf_init(&json, 100);
    assert_int_equal(event_json_certain(BYTES_LIT("{\"id\":\"x\"}"), false, &json), FERRY_OK);
    assert_true(bytes_equal(buf_view(&json), BYTES_LIT("{\"certain\":false,\"id\":\"x\"}")));
    buf_fini(&json);
}

/* Writes a record as a worker does; `space` holds it. */
static struct bytes record(const struct hook_event *event, char *space, size_t size)
{
    struct wire_writer writer;
    struct bytes message = {0};
    wire_begin(&writer, HOOK_RECORD, space, size);
    wire_put_u8(&writer, HOOK_PROVISIONAL);
    hook_wire_put_event(&writer, event);
    assert_int_equal(wire_end(&writer, &message), FERRY_OK);
    return message;
}

static enum ferry_error read_record(struct bytes message, struct hook_event *out)
{
    struct wire_reader reader;
    const struct wire_message *row = NULL;
    struct fault fault = {0};
    wire_open(&reader, message, 0);
    enum ferry_error error =
        wire_check(&hook_messages_to_hooks, ROLE_WORKER, 0, &reader, &row, &fault);
    if (error != FERRY_OK)
        return error;
    assert_int_equal(row->type, HOOK_RECORD);
    assert_int_equal(wire_get_u8(&reader), HOOK_PROVISIONAL);
    return hook_wire_get_event(&reader, out, &fault);
}

static void an_event_crosses_a_channel(void **state)
{
    (void)state;
    static char space[32 * 1024];
    struct hook_event event = upload(), got = {0};
    struct bytes message = record(&event, space, sizeof(space));
    assert_int_equal(read_record(message, &got), FERRY_OK);
    assert_memory_equal(got.id, event.id, sizeof(got.id));
    assert_int_equal(got.kind, HOOK_UPLOAD);
    assert_true(bytes_equal(got.path, event.path));
    assert_true(bytes_equal(got.tls_version, event.tls_version));
    for (size_t len = 0; len < message.len; len++)
        assert_int_equal(read_record(bytes_first(message, len), &got), FERRY_E_PROTOCOL);
}

static void an_event_of_no_kind_ends_the_worker(void **state)
{
    (void)state;
    static char space[32 * 1024];
    struct hook_event event = upload(), got = {0};
    event.kind = HOOK_KINDS;
    assert_int_equal(read_record(record(&event, space, sizeof(space)), &got), FERRY_E_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_doubles_the_wait_up_to_the_most),
        cmocka_unit_test(ids_are_uuids_in_the_order_of_time),
        cmocka_unit_test(an_event_is_one_line_of_json),
        cmocka_unit_test(bytes_that_are_no_text_are_there_in_hexadecimal),
        cmocka_unit_test(certainty_is_told_before_all_else),
        cmocka_unit_test(an_event_crosses_a_channel),
        cmocka_unit_test(an_event_of_no_kind_ends_the_worker),
    };
    return cmocka_run_group_tests_name("hooks_event", tests, NULL, NULL);
}
