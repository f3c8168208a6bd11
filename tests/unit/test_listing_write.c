/* ftp/listing_write: the server's lines of LIST, NLST and MLSD. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ftp/facts.h"
#include "ftp/listing_write.h"
#include "support/alloc_fail.h"
#include "support/sample.h"

enum { NOW = 1773576000 }; /* 2026-03-15T12:00:00 UTC (LST-7) */

static const struct listing_entry example = {
    .type = LISTING_FILE,
    .name = BYTES_LIT("a b"),
    .size_kind = LISTING_SIZE_EXACT,
    .size = 18231,
    .modified = {NOW, 0, TIMEVAL_SECOND},
    .has_mode = true,
    .mode = 0640,
};

static void assert_line(const struct buf *buf, const char *expected)
{
    if (!bytes_equal(buf_view(buf), bytes_str(expected)))
        fail_msg("'%.*s' instead of '%s'", BYTES_FMT(buf_view(buf)), expected);
}

/* What the client reads out of the normative sample is written as the same bytes again. */
static void lst_89_the_sample_is_the_layout(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf sample;
    CLEANUP(buf_fini) struct buf written;
    CLEANUP(listing_fini) struct listing listing;
    buf_init(&sample, 65536);
    buf_init(&written, 65536);
    sample_read(&sample, "listings/server.txt");
    listing_init(&listing, LISTING_ASKED_LIST, BYTES_LIT(""), NOW);
    listing_feed(&listing, buf_view(&sample));

    struct listing_entry entry;
    while (listing_next(&listing, &entry, NULL) == FERRY_OK && entry.item == LISTING_ENTRY)
        assert_int_equal(listing_write_list(&written, &entry, NOW), FERRY_OK);
    assert_int_equal(listing.entries, 13);
    assert_true(bytes_equal(buf_view(&written), buf_view(&sample)));
}

static void lst_81_dates(void **state)
{
    (void)state;
    static const int64_t day = TIMEVAL_DAY_SECONDS;
    static const struct {
        struct timeval_utc time;
        const char *text;
    } cases[] = {
        {{NOW, 999999999, TIMEVAL_FRACTION}, "Mar 15 12:00"},
        {{NOW - 180 * day, 0, TIMEVAL_SECOND}, "Sep 16 12:00"},
        {{NOW - 180 * day - 1, 0, TIMEVAL_SECOND}, "Sep 16  2025"},
        {{NOW + day, 0, TIMEVAL_SECOND}, "Mar 16 12:00"},
        {{NOW + day + 1, 0, TIMEVAL_SECOND}, "Mar 16  2026"},
        {{0, 0, TIMEVAL_SECOND}, "Jan  1  1970"},
        {{-1, 0, TIMEVAL_SECOND}, "Jan  1  1970"},
        {{253402300799, 0, TIMEVAL_SECOND}, "Dec 31  9999"},
        {{253402300800, 0, TIMEVAL_SECOND}, "Jan  1  1970"},
        {{INT64_MIN, 0, TIMEVAL_SECOND}, "Jan  1  1970"},
        {{INT64_MAX, 0, TIMEVAL_SECOND}, "Jan  1  1970"},
        {{NOW, 0, TIMEVAL_NONE}, "Jan  1  1970"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_fini) struct buf out;
        char expected[128];
        buf_init(&out, 256);
        struct listing_entry entry = example;
        entry.modified = cases[i].time;
        snprintf(expected, sizeof expected, "-rw-r-----    1 ftp      ftp         18231 %s a b\r\n",
                 cases[i].text);
        assert_int_equal(listing_write_list(&out, &entry, NOW), FERRY_OK);
        assert_line(&out, expected);
    }
}

static void lst_80_lst_83_lst_84_columns(void **state)
{
    (void)state;
    static const struct {
        enum listing_type type;
        unsigned mode;
        uint64_t size;
        const char *target, *owner;
        const char *line;
    } cases[] = {
        {LISTING_FILE, 07777, 0, "", "", "-rwxrwxrwx    1 ftp      ftp             0"},
        {LISTING_FILE, 06000, 7, "", "", "----------    1 ftp      ftp             7"},
        {LISTING_FILE, 0400, UINT64_MAX, "", "",
         "-r--------    1 ftp      ftp      18446744073709551615"},
        {LISTING_DIR, 0755, 4096, "", "", "drwxr-xr-x    1 ftp      ftp             0"},
        {LISTING_CDIR, 0711, 1, "", "anna", "drwx--x--x    1 anna     ftp             0"},
        {LISTING_FIFO, 0600, 0, "", "", "prw-------    1 ftp      ftp             0"},
        {LISTING_LINK, 0, 2, "", "", "lrwxrwxrwx    1 ftp      ftp             2"},
        {LISTING_FILE, 0444, 1, "not shown", "a_rather_long_owner",
         "-r--r--r--    1 a_rather_long_owner ftp             1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_fini) struct buf out;
        char expected[128];
        buf_init(&out, 256);
        struct listing_entry entry = example;
        entry.type = cases[i].type;
        entry.mode = cases[i].mode;
        entry.size = cases[i].size;
        entry.target = bytes_str(cases[i].target);
        entry.owner = bytes_str(cases[i].owner);
        snprintf(expected, sizeof expected, "%s Mar 15 12:00 a b\r\n", cases[i].line);
        assert_int_equal(listing_write_list(&out, &entry, NOW), FERRY_OK);
        assert_line(&out, expected);
    }
}

static void lst_87_names(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 256);
    struct listing_entry entry = {.name = BYTES_LIT("a\rb")};
    assert_int_equal(listing_write_name(&out, BYTES_LIT(""), &example), FERRY_OK);
    assert_int_equal(listing_write_name(&out, BYTES_LIT("dir/"), &example), FERRY_OK);
    assert_int_equal(listing_write_name(&out, BYTES_LIT(""), &entry), FERRY_OK);
    assert_line(&out, "a b\r\ndir/a b\r\na\rb\r\n");
}

static void lst_88_facts(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 256);
    assert_int_equal(listing_write_mlsd(&out, &example, FACTS_DEFAULT), FERRY_OK);
    assert_int_equal(listing_write_mlsd(&out, &example, 0), FERRY_OK);
    assert_line(&out, "Type=file;Size=18231;Modify=20260315120000;UNIX.mode=0640; a b\r\n"
                      " a b\r\n");
}

static void lst_86_names_that_break_a_line_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct bytes name, target;
    } cases[] = {
        {BYTES_LIT("a\nb"), BYTES_LIT("")},
        {BYTES_LIT("\n"), BYTES_LIT("")},
        {BYTES_LIT("a\0b"), BYTES_LIT("")},
        {BYTES_LIT("a\r\n226 done"), BYTES_LIT("")},
        {BYTES_LIT("a"), BYTES_LIT("b\n-rw-r--r-- 1 a a 10 Mar 7 05:01 x")},
    };
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 256);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct listing_entry entry = {
            .type = LISTING_LINK, .name = cases[i].name, .target = cases[i].target};
        assert_int_equal(listing_write_list(&out, &entry, NOW), FERRY_E_ARGUMENT);
        if (entry.target.len > 0)
            continue;
        assert_int_equal(listing_write_name(&out, BYTES_LIT(""), &entry), FERRY_E_ARGUMENT);
        assert_int_equal(listing_write_mlsd(&out, &entry, FACTS_ALL), FERRY_E_ARGUMENT);
    }
    struct listing_entry entry = {.name = BYTES_LIT("a")};
    assert_int_equal(listing_write_name(&out, BYTES_LIT("x\n/"), &entry), FERRY_E_ARGUMENT);
    assert_int_equal(buf_len(&out), 0);
}

/* A line that does not fit is not written in part: the server sends what it has and tries again. */
static void a_line_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 66; cap++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, cap);
        if (listing_write_list(&out, &example, NOW) != FERRY_OK)
            assert_int_equal(buf_len(&out), 0);
        buf_consume(&out, buf_len(&out));
        if (listing_write_mlsd(&out, &example, FACTS_DEFAULT) != FERRY_OK)
            assert_int_equal(buf_len(&out), 0);
        buf_consume(&out, buf_len(&out));
        if (listing_write_name(&out, BYTES_LIT("dir/"), &example) != FERRY_OK)
            assert_int_equal(buf_len(&out), 0);
    }
}

static enum ferry_error write_once(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1024);
    enum ferry_error error = listing_write_list(&out, &example, NOW);
    if (error == FERRY_OK)
        error = listing_write_name(&out, BYTES_LIT(""), &example);
    return error == FERRY_OK ? listing_write_mlsd(&out, &example, FACTS_ALL) : error;
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(write_once, NULL, 16) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lst_89_the_sample_is_the_layout),
        cmocka_unit_test(lst_81_dates),
        cmocka_unit_test(lst_80_lst_83_lst_84_columns),
        cmocka_unit_test(lst_87_names),
        cmocka_unit_test(lst_88_facts),
        cmocka_unit_test(lst_86_names_that_break_a_line_are_refused),
        cmocka_unit_test(a_line_is_written_whole_or_not_at_all),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
