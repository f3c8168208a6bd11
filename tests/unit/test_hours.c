/* Hours of the week at which an account may log in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "account/hours.h"

enum { SUN, MON, TUE, WED, THU, FRI, SAT };

static void spans(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int weekday, hour, minute;
        bool inside;
    } rows[] = {
        {"", SUN, 3, 0, true},
        {"Mon-Fri 08:00-18:00", MON, 8, 0, true},
        {"Mon-Fri 08:00-18:00", MON, 7, 59, false},
        {"Mon-Fri 08:00-18:00", FRI, 17, 59, true},
        {"Mon-Fri 08:00-18:00", FRI, 18, 0, false},
        {"Mon-Fri 08:00-18:00", SAT, 9, 0, false},
        {"08:00-18:00", SUN, 9, 0, true},
        {"sat", SAT, 0, 0, true},
        {"Sat", SAT, 23, 59, true},
        {"Sat", SUN, 0, 0, false},
        {"Sat-Mon", SUN, 12, 0, true},
        {"Sat-Mon", TUE, 12, 0, false},
        {"Fri 22:00-06:00", FRI, 23, 0, true},
        {"Fri 22:00-06:00", SAT, 5, 59, true},
        {"Fri 22:00-06:00", SAT, 6, 0, false},
        {"Fri 22:00-06:00", FRI, 5, 0, false},
        {"Sun 22:00-06:00", MON, 5, 0, true}, /* over the end of the week */
        {"Sun 22:00-06:00", MON, 6, 0, false},
        {"00:00-24:00", WED, 23, 59, true},
        {"Mon 08:00-09:00, Tue 10:00-11:00", TUE, 10, 30, true},
        {"Mon 08:00-09:00,Tue 10:00-11:00", TUE, 8, 30, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct hours hours;
        assert_int_equal(hours_parse(bytes_str(rows[i].text), &hours, NULL), FERRY_OK);
        assert_int_equal(hours_contain(&hours, rows[i].weekday, rows[i].hour * 60 + rows[i].minute),
                         rows[i].inside);
    }
}

static void what_cannot_be_read(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "Mo",
        "Mon-",
        "Mon 8:00-18:00",
        "Mon 08:00",
        "08:60-09:00",
        "24:01-25:00",
        "Mon 08:00-18:00 x",
        "Mon,,Tue",
        "Mon-Fri-Sun",
        "08:00-",
        "-",
        "Mon 24:30-25:00",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct hours hours;
        struct fault fault = {0};
        assert_int_equal(hours_parse(bytes_str(rows[i]), &hours, &fault), FERRY_E_ARGUMENT);
        assert_non_null(strstr(fault.advice, "Mon-Fri 08:00-18:00"));
    }
}

static void no_more_than_fit(void **state)
{
    (void)state;
    struct hours hours;
    struct fault fault = {0};
    assert_int_equal(hours_parse(BYTES_LIT("00:00-01:00,02:00-03:00,04:00-05:00,06:00-07:00,"
                                           "08:00-09:00"),
                                 &hours, &fault),
                     FERRY_E_LIMIT);
    assert_true(fault_is_set(&fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans),
        cmocka_unit_test(what_cannot_be_read),
        cmocka_unit_test(no_more_than_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
