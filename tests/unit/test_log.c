/* base/log: one event, one line, whatever is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"

static int64_t fixed_wall_ns(void *ctx)
{
    (void)ctx;
    return INT64_C(1709209845123456789); /* 2024-02-29 12:30:45.123456789 UTC */
}

static const struct clock fixed_clock = {.wall_ns = fixed_wall_ns};

#define TIME "2024-02-29T12:30:45.123Z"

struct lines {
    int count;
    char last[100000];
};

static void keep_line(void *ctx, enum log_level level, struct bytes line)
{
    (void)level;
    struct lines *lines = ctx;
    lines->count++;
    assert_true(line.len < sizeof(lines->last));
    memcpy(lines->last, line.ptr, line.len);
    lines->last[line.len] = '\0';
}

static struct lines lines;

static struct log log_of(enum log_form form)
{
    lines = (struct lines){0};
    return (struct log){.write = keep_line,
                        .ctx = &lines,
                        .level = LOG_LEVEL_NOTICE,
                        .form = form,
                        .clock = &fixed_clock};
}

static void text_form(void **state)
{
    (void)state;
    struct log log = log_of(LOG_FORM_TEXT);
    log_event(&log, LOG_LEVEL_NOTICE, "transfer.end", F_STR("path", "/a.bin"), F_U64("bytes", 5),
              F_DUR("took", UINT64_C(1002999999)));
    assert_string_equal(lines.last, TIME " notice transfer.end path=/a.bin bytes=5 took=1.002");
    log_event(&log, LOG_LEVEL_ERROR, "start");
    assert_string_equal(lines.last, TIME " error start");
}

/* The words of a fault were made visible when they were set. */
static void visible_words_stay_as_they_are(void **state)
{
    (void)state;
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_DENIED, "list /a\x1b\\b");
    struct log log = log_of(LOG_FORM_TEXT);
    log_event(&log, LOG_LEVEL_NOTICE, "x", F_VISIBLE("reason", fault.what));
    assert_string_equal(lines.last, TIME " notice x reason=\"list /a\\x1b\\x5cb\"");
    log = log_of(LOG_FORM_JSON);
    log_event(&log, LOG_LEVEL_NOTICE, "x", F_VISIBLE("reason", fault.what));
    assert_non_null(strstr(lines.last, "\"reason\":\"list /a\\\\x1b\\\\x5cb\""));
}

static const struct {
    struct bytes value;
    const char *shown;
} values[] = {
    {BYTES_LIT("plain"), "plain"},
    {BYTES_LIT(""), "\"\""},
    {BYTES_LIT("two words"), "\"two words\""},
    {BYTES_LIT("a=b"), "\"a=b\""},
    {BYTES_LIT("say \"hi\""), "\"say \\x22hi\\x22\""},
    {BYTES_LIT("\""), "\"\\x22\""},
    {BYTES_LIT("back\\slash"), "back\\x5cslash"},
    {BYTES_LIT("user\r\n2024 notice login.ok user=root"),
     "\"user\\x0d\\x0a2024 notice login.ok user=root\""},
    {BYTES_LIT("\x1b[31m\xe2\x80\xae\xff\0"), "\\x1b[31m\\xe2\\x80\\xae\\xff\\x00"},
};

static void sec_80_no_value_forges_a_line_of_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct log log = log_of(LOG_FORM_TEXT);
        log_event(&log, LOG_LEVEL_NOTICE, "e", F_BYTES("v", values[i].value));
        assert_int_equal(lines.count, 1);
        assert_memory_equal(lines.last, TIME " notice e v=", strlen(TIME " notice e v="));
        assert_string_equal(lines.last + strlen(TIME " notice e v="), values[i].shown);
    }
}

static void json_form(void **state)
{
    (void)state;
    struct log log = log_of(LOG_FORM_JSON);
    log_event(&log, LOG_LEVEL_NOTICE, "transfer.end", F_STR("path", "/a \"b\""), F_U64("bytes", 5),
              F_DUR("took", UINT64_C(100000000)), F_U64("most", UINT64_MAX));
    assert_string_equal(lines.last, "{\"time\":\"" TIME "\",\"level\":\"notice\","
                                    "\"event\":\"transfer.end\",\"path\":\"/a \\\"b\\\"\","
                                    "\"bytes\":5,\"took\":0.1,\"most\":\"18446744073709551615\"}");
}

static void sec_80_no_value_forges_a_line_of_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct log log = log_of(LOG_FORM_JSON);
        log_event(&log, LOG_LEVEL_NOTICE, "e", F_BYTES("v", values[i].value));
        assert_int_equal(lines.count, 1);
        assert_null(strpbrk(lines.last, "\r\n\x1b"));
        json_t *object = json_loads(lines.last, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        assert_int_equal(json_object_size(object), 4);
        json_decref(object);
    }
}

static void long_values_are_cut(void **state)
{
    (void)state;
    static char value[50000];
    memset(value, '\x01', sizeof(value));
    for (int form = LOG_FORM_TEXT; form <= LOG_FORM_JSON; form++) {
        struct log log = log_of((enum log_form)form);
        log_event(&log, LOG_LEVEL_NOTICE, "e", F_BYTES("v", bytes_of(value, sizeof(value))),
                  F_STR("after", "seen"));
        assert_true(strlen(lines.last) < 6000);
        assert_non_null(strstr(lines.last, "seen"));
    }
}

static void level_decides(void **state)
{
    (void)state;
    struct log log = log_of(LOG_FORM_TEXT);
    log_event(&log, LOG_LEVEL_DEBUG, "hidden");
    assert_int_equal(lines.count, 0);
    log_event(NULL, LOG_LEVEL_ERROR, "nobody");
    log.level = LOG_LEVEL_DEBUG;
    log_event(&log, LOG_LEVEL_DEBUG, "shown");
    assert_string_equal(lines.last, TIME " debug shown");
}

static void without_memory_the_name_is_written(void **state)
{
    (void)state;
    static const char *const expected[] = {"transfer.end", "{\"event\":\"transfer.end\"}"};
    for (int form = LOG_FORM_TEXT; form <= LOG_FORM_JSON; form++) {
        struct log log = log_of((enum log_form)form);
        alloc_fail_from(1);
        log_event(&log, LOG_LEVEL_NOTICE, "transfer.end", F_STR("path", "/a.bin"));
        alloc_fail_from(0);
        assert_string_equal(lines.last, expected[form]);
    }
}

static void lines_reach_a_descriptor_whole(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    CLEANUP(fd_close) int reader = ends[0];
    CLEANUP(fd_close) int writer = ends[1];

    struct log log;
    log_init_fd(&log, writer, LOG_LEVEL_NOTICE, LOG_FORM_TEXT, &fixed_clock);
    log_event(&log, LOG_LEVEL_NOTICE, "one");
    log_event(&log, LOG_LEVEL_NOTICE, "two");
    fd_close(&writer);

    char text[200];
    ssize_t len = read(reader, text, sizeof(text));
    assert_true(len > 0);
    text[len] = '\0';
    assert_string_equal(text, TIME " notice one\n" TIME " notice two\n");
}

static void dead_descriptor_is_survived(void **state)
{
    (void)state;
    struct log log;
    log_init_fd(&log, -1, LOG_LEVEL_NOTICE, LOG_FORM_TEXT, &clock_system);
    log_event(&log, LOG_LEVEL_NOTICE, "lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_form),
        cmocka_unit_test(visible_words_stay_as_they_are),
        cmocka_unit_test(sec_80_no_value_forges_a_line_of_text),
        cmocka_unit_test(json_form),
        cmocka_unit_test(sec_80_no_value_forges_a_line_of_json),
        cmocka_unit_test(long_values_are_cut),
        cmocka_unit_test(level_decides),
        cmocka_unit_test(without_memory_the_name_is_written),
        cmocka_unit_test(lines_reach_a_descriptor_whole),
        cmocka_unit_test(dead_descriptor_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
