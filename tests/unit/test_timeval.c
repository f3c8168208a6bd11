/* ftp/timeval: times of RFC 3659 and the calendar under them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ftp/timeval.h"
#include "support/alloc_fail.h"

static const struct {
    const char *in;
    int64_t seconds;
    uint32_t nanoseconds;
    enum timeval_precision precision;
} good[] = {
    {"19700101000000", 0, 0, TIMEVAL_SECOND},
    {"19691231235959", -1, 0, TIMEVAL_SECOND},
    {"20260315120000", 1773576000, 0, TIMEVAL_SECOND},
    {"20000229000000", 951782400, 0, TIMEVAL_SECOND},
    {"20240229235959", 1709251199, 0, TIMEVAL_SECOND},
    {"20380119031408", INT64_C(1) << 31, 0, TIMEVAL_SECOND},
    {"00010101000000", -INT64_C(62135596800), 0, TIMEVAL_SECOND},
    {"99991231235959", INT64_C(253402300799), 0, TIMEVAL_SECOND},
    {"20161231235960", 1483228799, 0, TIMEVAL_SECOND},
    {"20260315120000.5", 1773576000, 500000000, TIMEVAL_FRACTION},
    {"20260315120000.237", 1773576000, 237000000, TIMEVAL_FRACTION},
    {"20260315120000.000000001", 1773576000, 1, TIMEVAL_FRACTION},
    {"20260315120000.1234567899999", 1773576000, 123456789, TIMEVAL_FRACTION},
    {"19691231235959.75", -1, 750000000, TIMEVAL_FRACTION},
};

static const char *const bad[] = {
    "",
    "2026031512000",   /* 13 digits */
    "202603151200000", /* 15 */
    "20260315120000.",
    "20260315120000.x",
    "20260315120000.5x",
    "20260315120000,5",
    "20260315120000 ",
    " 20260315120000",
    "-0260315120000",
    "2026031512000x",
    "00000101000000",
    "20260001000000",
    "20261301000000",
    "20260300000000",
    "20260332000000",
    "20260431000000",
    "20260229000000",
    "19000229000000", /* no leap year */
    "20260315240000",
    "20260315126000",
    "20260315120061",
    "19126031512000", /* 14 digits of the 15 of the year-2000 bug: month 60 */
};

static void assert_time(const struct timeval_utc *time, int64_t seconds, uint32_t nanoseconds,
                        enum timeval_precision precision)
{
    assert_int_equal(time->seconds, seconds);
    assert_int_equal(time->nanoseconds, nanoseconds);
    assert_int_equal(time->precision, precision);
}

static void ftp_75_times_are_parsed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct timeval_utc time = {0};
        assert_int_equal(timeval_parse(bytes_str(good[i].in), &time), FERRY_OK);
        assert_time(&time, good[i].seconds, good[i].nanoseconds, good[i].precision);
    }
}

static void ftp_77_what_is_no_time_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct timeval_utc time = {.seconds = 7};
        if (timeval_parse(bytes_str(bad[i]), &time) != FERRY_E_ARGUMENT)
            fail_msg("'%s' was taken", bad[i]);
        assert_time(&time, 7, 0, TIMEVAL_NONE);
    }
    struct timeval_utc time;
    assert_int_equal(timeval_parse(BYTES_LIT("2026031512\0000"), &time), FERRY_E_ARGUMENT);
}

static const struct {
    const char *in;
    int64_t seconds;
} replies[] = {
    {"20260315120000", 1773576000},
    {"20260315120000.237", 1773576000},
    {"20260315120000.", 1773576000},
    {"  20260315120000", 1773576000},
    {"Modified: 20260315120000 UTC", 1773576000},
    {"7 20261399999999 20260315120000", 1773576000},
    {"191260315120000", 1773576000},
    {"191000229000000", 951782400},
    {"time=191260315120000.5", 1773576000},
};

static void ftp_75_dev_45_times_in_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct timeval_utc time = {0};
        assert_int_equal(timeval_find(bytes_str(replies[i].in), &time), FERRY_OK);
        assert_int_equal(time.seconds, replies[i].seconds);
    }
    static const char *const none[] = {
        "",
        "no time",
        "2026031512000",
        "20261315120000",
        "191991315120000",
        "192260315120000",
        "2026031512000000",
        "1912603151200000",
    };
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct timeval_utc time = {.seconds = 7};
        if (timeval_find(bytes_str(none[i]), &time) != FERRY_E_PROTOCOL)
            fail_msg("a time was found in '%s'", none[i]);
        assert_int_equal(time.seconds, 7);
    }
}

static void assert_formatted(struct timeval_utc time, const char *expected)
{
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 64);
    assert_int_equal(timeval_format(&out, &time), FERRY_OK);
    if (!bytes_equal(buf_view(&out), bytes_str(expected)))
        fail_msg("'%.*s' instead of '%s'", BYTES_FMT(buf_view(&out)), expected);
}

static void times_are_formatted(void **state)
{
    (void)state;
    assert_formatted((struct timeval_utc){1773576000, 237999999, TIMEVAL_FRACTION},
                     "20260315120000.237");
    assert_formatted((struct timeval_utc){1773576000, 237999999, TIMEVAL_SECOND}, "20260315120000");
    assert_formatted((struct timeval_utc){0, 0, TIMEVAL_DAY}, "19700101000000");
    assert_formatted((struct timeval_utc){-62135596800, 0, TIMEVAL_SECOND}, "00010101000000");
    assert_formatted((struct timeval_utc){253402300799, 0, TIMEVAL_SECOND}, "99991231235959");
}

static void what_has_no_four_digit_year_is_not_formatted(void **state)
{
    (void)state;
    static const struct timeval_utc times[] = {
        {0, 0, TIMEVAL_NONE},
        {-62135596801, 0, TIMEVAL_SECOND},
        {253402300800, 0, TIMEVAL_SECOND},
        {INT64_MIN, 0, TIMEVAL_SECOND},
        {INT64_MAX, 0, TIMEVAL_SECOND},
    };
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 64);
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        assert_int_equal(timeval_format(&out, &times[i]), FERRY_E_ARGUMENT);
    assert_int_equal(buf_len(&out), 0);
}

/* Every day of four centuries, and the first and last of every year there is. */
static void the_calendar_counts_every_day_once(void **state)
{
    (void)state;
    struct timeval_civil civil = {.year = 1801, .month = 1, .day = 1};
    struct timeval_utc time;
    assert_true(timeval_from_civil(&civil, TIMEVAL_DAY, &time));
    struct timeval_civil before = {.year = 1800, .month = 12, .day = 31};
    for (int i = 0; i < 146097; i++) {
        assert_true(timeval_to_civil(&time, &civil));
        bool next_day = civil.day == before.day + 1 && civil.month == before.month;
        bool next_month = civil.day == 1 && civil.month == before.month + 1 && before.day >= 28;
        bool next_year = civil.day == 1 && civil.month == 1 && before.month == 12 &&
                         before.day == 31 && civil.year == before.year + 1;
        assert_true(next_day || next_month || next_year);
        struct timeval_utc back;
        assert_true(timeval_from_civil(&civil, TIMEVAL_DAY, &back));
        assert_int_equal(back.seconds, time.seconds);
        before = civil;
        time.seconds += TIMEVAL_DAY_SECONDS;
    }
    assert_int_equal(before.year, 2200);

    for (int year = 1; year < 9999; year++) {
        struct timeval_civil last = {.year = year, .month = 12, .day = 31};
        struct timeval_civil first = {.year = year + 1, .month = 1, .day = 1};
        struct timeval_utc a;
        struct timeval_utc b;
        assert_true(timeval_from_civil(&last, TIMEVAL_DAY, &a));
        assert_true(timeval_from_civil(&first, TIMEVAL_DAY, &b));
        assert_int_equal(b.seconds - a.seconds, TIMEVAL_DAY_SECONDS);
    }
}

static enum ferry_error format_once(void *ctx)
{
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 64);
    return timeval_format(&out, ctx);
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    struct timeval_utc time = {.precision = TIMEVAL_SECOND};
    alloc_fail_each(format_once, &time, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_75_times_are_parsed),
        cmocka_unit_test(ftp_77_what_is_no_time_is_refused),
        cmocka_unit_test(ftp_75_dev_45_times_in_replies),
        cmocka_unit_test(times_are_formatted),
        cmocka_unit_test(what_has_no_four_digit_year_is_not_formatted),
        cmocka_unit_test(the_calendar_counts_every_day_once),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
