/* ftp/listing_date: the dates of listings, in all their forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "ftp/listing_date.h"

enum { NOW = 1773576000 }; /* 2026-03-15T12:00:00 UTC (LST-7) */

/* The time as text: 2026-03-14, 2026-03-14T09:05, with seconds, with nanoseconds; "none". */
static void print(const struct timeval_utc *time, char out[64])
{
    struct timeval_civil civil;
    snprintf(out, 64, "none");
    if (time->precision == TIMEVAL_NONE)
        return;
    assert_true(timeval_to_civil(time, &civil));
    int len = snprintf(out, 64, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
    if (time->precision >= TIMEVAL_MINUTE)
        len += snprintf(out + len, 64 - (size_t)len, "T%02d:%02d", civil.hour, civil.minute);
    if (time->precision >= TIMEVAL_SECOND)
        len += snprintf(out + len, 64 - (size_t)len, ":%02d", civil.second);
    if (time->precision == TIMEVAL_FRACTION)
        snprintf(out + len, 64 - (size_t)len, ".%09u", civil.nanoseconds);
}

static void assert_time(const char *what, const struct timeval_utc *time, const char *expected)
{
    char text[64];
    print(time, text);
    if (strcmp(text, expected) != 0)
        fail_msg("'%s' gave %s instead of %s", what, text, expected);
}

/* What stands before a name; " x" follows. */
static const struct {
    const char *in, *out;
} taken[] = {
    /* LST-20: this year, or the year before if that is over a day ahead */
    {"Mar 14 09:05", "2026-03-14T09:05"},
    {"Mar  1 00:00", "2026-03-01T00:00"},
    {"Mar 16 12:00", "2026-03-16T12:00"},
    {"Mar 16 12:01", "2025-03-16T12:01"},
    {"Dec 31 23:59", "2025-12-31T23:59"},
    {"Jan  1 0:00", "2026-01-01T00:00"},
    {"Feb 29 10:00", "none"},
    {"Mar 14 09:05:11", "2026-03-14T09:05:11"},
    /* LST-21 */
    {"Feb 29  2024", "2024-02-29"},
    {"Jul  4 1999", "1999-07-04"},
    {"14 Feb 2025", "2025-02-14"},
    {"14 Feb 08:15", "2026-02-14T08:15"},
    {"14. Feb 08:15", "2026-02-14T08:15"},
    {"Apr 04, 2000", "2000-04-04"},
    {"3 29 03:26", "2025-03-29T03:26"},
    {"2026-02-14 21:22", "2026-02-14T21:22"},
    {"2026-02-14 21:22:33", "2026-02-14T21:22:33"},
    {"2026-02-14 21:22:33.123456789 +0000", "2026-02-14T21:22:33"},
    {"2026-02-14 21:22:33 +0130", "2026-02-14T19:52:33"},
    {"2026-02-14 21:22:33 -0500", "2026-02-15T02:22:33"},
    {"27.02.2026", "2026-02-27"},
    /* LST-26 */
    {"Mar 14 24:00", "2026-03-15T00:00"},
    {"2025-12-31 24:00", "2026-01-01T00:00"},
    {"Mar 14 24:01", "none"},
    /* LST-15: the form of a date, and none */
    {"Feb 30 05:01", "none"},
    {"Feb 30  2024", "none"},
    {"2026-13-01 00:00", "none"},
    {"2026-02-14 25:00", "none"},
    {"2026-02-14 21:60", "none"},
    {"0 0 00:00", "none"},
};

static void lst_20_lst_21_dates_before_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        char line[128];
        snprintf(line, sizeof line, "  %s x", taken[i].in);
        struct bytes rest = bytes_str(line);
        struct timeval_utc time = {.seconds = 7};
        if (!listing_date_take(&rest, NOW, &time))
            fail_msg("'%s' was not taken", taken[i].in);
        assert_time(taken[i].in, &time, taken[i].out);
        assert_true(bytes_equal(rest, BYTES_LIT(" x")));
    }
}

static void what_is_no_date_is_left_alone(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "Mar",
        "Mar 14",
        "Mar 14 x",
        "Mar x 09:05",
        "Mars14 2026",
        "Mar 114 09:05",
        "Mar 14 20260",
        "14 Fob 2025",
        "3 29 2026",
        "614 3 29",
        "2026-02-14 x",
        "2026-2-14 21:22",
        "26-02-14 21:22",
        "Mar 14 09:5",
        "Mar 14 009:05",
        "Mar 14 09:05:1",
        "Mar 14 09:05:11.",
        "Mar 14 09:05:11.1234567890",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct bytes rest = bytes_str(lines[i]);
        struct timeval_utc time = {.seconds = 7};
        if (listing_date_take(&rest, NOW, &time))
            fail_msg("'%s' was taken for a date", lines[i]);
        assert_int_equal(rest.len, strlen(lines[i]));
        assert_int_equal(time.seconds, 7);
    }
}

static void lst_20_a_leap_day_without_year(void **state)
{
    (void)state;
    struct timeval_utc time;
    struct bytes rest = BYTES_LIT("Feb 29 10:00 x");
    assert_true(listing_date_take(&rest, 1735689600 /* 2025-01-01 */, &time));
    assert_time("Feb 29 in January 2025", &time, "2024-02-29T10:00");
}

static const struct {
    int month;
    const char *names;
} months[] = {
    {1, "Jan jan JAN jan. janv. Ene gen. jän. sty янв Янв. ЯНВ"},
    {2, "Feb févr. FÉVR. fev lut фев"},
    {3, "Mar mars Mär MÄR mrt мар"},
    {4, "Apr avr. abr kwi апр"},
    {5, "May Mai maj mag mei мая май"},
    {6, "Jun juin giu cze июн"},
    {7, "Jul juil. lug lip июл"},
    {8, "Aug août ago sie авг"},
    {9, "Sep sept. set wrz сен"},
    {10, "Oct okt Ott out paź PAŹ окт"},
    {11, "Nov lis ноя"},
    {12, "Dec déc. Dez dic des gru дек"},
    {3, "m\xe4r M\xc4R"},
    {2, "f\xe9vr. F\xc9VR"},
    {8, "ao\xfbt AO\xdbT"},
    {0, "a Ja Janu Januar. x. . .. Mar.. m\xe4 m\xc3 \xff f\xe9 j\xc3\xa4"},
};

static void lst_22_names_of_months(void **state)
{
    (void)state;
    assert_int_equal(listing_date_month(BYTES_LIT("")), 0);
    for (size_t i = 0; i < ARRAY_LEN(months); i++) {
        struct bytes names = bytes_str(months[i].names);
        while (names.len > 0) {
            struct bytes name = bytes_cut(&names, ' ');
            if (listing_date_month(name) != months[i].month)
                fail_msg("'%.*s' is not month %d", BYTES_FMT(name), months[i].month);
        }
    }
}

static const struct {
    const char *date, *time, *out;
    enum listing_date_order order;
} words[] = {
    /* LST-23 */
    {"12-31-99", "11:59PM", "1999-12-31T23:59", LISTING_DATE_MDY},
    {"01-02-70", "01:00AM", "1970-01-02T01:00", LISTING_DATE_MDY},
    {"02-03-69", "01:00AM", "2069-02-03T01:00", LISTING_DATE_MDY},
    {"01-01-00", "00:00", "2000-01-01T00:00", LISTING_DATE_MDY},
    /* LST-24 */
    {"03-04-26", "", "2026-03-04", LISTING_DATE_MDY},
    {"03/04/26", "", "2026-03-04", LISTING_DATE_MDY},
    {"03.04.25", "", "2025-04-03", LISTING_DATE_DMY},
    {"02/23/26", "", "2026-02-23", LISTING_DATE_MDY},
    {"27/02/26", "", "2026-02-27", LISTING_DATE_DMY},
    {"26/02/28", "", "2026-02-28", LISTING_DATE_YMD},
    {"98/02/28", "", "1998-02-28", LISTING_DATE_YMD},
    {"14.03.26", "", "2026-03-14", LISTING_DATE_DMY},
    {"03-14-2026", "", "2026-03-14", LISTING_DATE_MDY},
    {"27.02.2026", "08:15", "2026-02-27T08:15", LISTING_DATE_DMY},
    {"2026-03-14", "16:07", "2026-03-14T16:07", LISTING_DATE_YMD},
    {"2026/03/12", "", "2026-03-12", LISTING_DATE_YMD},
    {"30/02/26", "", "none", LISTING_DATE_DMY},
    {"13/13/26", "", "none", LISTING_DATE_MDY},
    /* with the name of a month */
    {"14-MAR-2026", "09:05:11.42", "2026-03-14T09:05:11.420000000", LISTING_DATE_DMY},
    {"1-JAN-2026", "00:00", "2026-01-01T00:00", LISTING_DATE_DMY},
    {"31-Dec-99", "23:59:59", "1999-12-31T23:59:59", LISTING_DATE_DMY},
    {"30-Feb-26", "23:59:59", "none", LISTING_DATE_DMY},
    /* LST-26 */
    {"03-14-26", "12:00AM", "2026-03-14T00:00", LISTING_DATE_MDY},
    {"03-14-26", "12:30pm", "2026-03-14T12:30", LISTING_DATE_MDY},
    {"03-14-26", "1:30 PM", "2026-03-14T13:30", LISTING_DATE_MDY},
    {"03-14-26", "13:30PM", "none", LISTING_DATE_MDY},
    {"03-14-26", "00:30AM", "none", LISTING_DATE_MDY},
    {"12-31-25", "24:00", "2026-01-01T00:00", LISTING_DATE_MDY},
};

static void lst_23_lst_24_dates_that_are_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct timeval_utc time = {0};
        enum listing_date_order order;
        if (!listing_date_words(bytes_str(words[i].date), bytes_str(words[i].time), NOW, &time,
                                &order))
            fail_msg("'%s' was not read", words[i].date);
        assert_time(words[i].date, &time, words[i].out);
        assert_int_equal(order, words[i].order);
    }
}

static void words_that_are_no_dates(void **state)
{
    (void)state;
    static const char *const dates[] = {
        "",      "-",     "--",        "1",         "1-2",     "1-2-",       "-1-2",     "1-2-3-4",
        "1-2/3", "a-b-c", "12345-1-1", "1-2-12345", "1-123-1", "1-Mor-2026", "14 03 26", "+1-2-3",
    };
    struct timeval_utc time;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        if (listing_date_words(bytes_str(dates[i]), BYTES_LIT(""), NOW, &time, NULL))
            fail_msg("'%s' was taken for a date", dates[i]);
    }
    static const char *const times[] = {
        "9",         ":",          "9:",      ":05", "9:5", "09:005",      "09:05:", "09:05:1",
        "09:05:11.", "09:05:11.x", "09:05XM", "AM",  "PM",  "09:05:11:12", "-9:05",
    };
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        if (listing_date_words(BYTES_LIT("03-14-26"), bytes_str(times[i]), NOW, &time, NULL))
            fail_msg("'%s' was taken for a time", times[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lst_20_lst_21_dates_before_a_name),
        cmocka_unit_test(what_is_no_date_is_left_alone),
        cmocka_unit_test(lst_20_a_leap_day_without_year),
        cmocka_unit_test(lst_22_names_of_months),
        cmocka_unit_test(lst_23_lst_24_dates_that_are_words),
        cmocka_unit_test(words_that_are_no_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
