/* Times of RFC 3659 and the calendar under them. */
#include "ftp/timeval.h"

#include "base/text.h"

enum {
    STAMP_DIGITS = 14, /* YYYYMMDDHHMMSS */
    Y2K_DIGITS = 15,   /* 191xxMMDDHHMMSS */
    FRACTION_DIGITS = 9,
    ERA_YEARS = 400, /* the Gregorian calendar repeats itself after so many */
    ERA_DAYS = 146097,
    EPOCH_DAYS = 719468, /* from 0000-03-01 to 1970-01-01 */
    FIRST_YEAR = 1,
    LAST_YEAR = 9999,
};

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Years are counted from March here: the leap day is then the last of its year, and 153 days are
 * any five months. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t month_from_march = month > 2 ? month - 3 : month + 9;
    int64_t era = march_year / ERA_YEARS;
    int64_t year_of_era = march_year % ERA_YEARS;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

static void date_from_days(int64_t days, struct timeval_civil *out)
{
    int64_t from_march = days + EPOCH_DAYS;
    int64_t era = from_march / ERA_DAYS;
    int64_t day_of_era = from_march % ERA_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;

    out->day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    out->month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    out->year = (int)(year_of_era + era * ERA_YEARS + (out->month <= 2 ? 1 : 0));
}

bool timeval_from_civil(const struct timeval_civil *civil, enum timeval_precision precision,
                        struct timeval_utc *out)
{
    bool real = civil->year >= FIRST_YEAR && civil->year <= LAST_YEAR && civil->month >= 1 &&
                civil->month <= 12 && civil->day >= 1 &&
                civil->day <= days_in_month(civil->year, civil->month) && civil->hour >= 0 &&
                civil->hour <= 23 && civil->minute >= 0 && civil->minute <= 59 &&
                civil->second >= 0 && civil->second <= 60 && civil->nanoseconds < 1000000000;
    if (!real)
        return false;

    int second = civil->second == 60 ? 59 : civil->second; /* a leap second (FTP-77) */
    *out = (struct timeval_utc){
        .seconds = days_from_date(civil->year, civil->month, civil->day) * TIMEVAL_DAY_SECONDS +
                   civil->hour * 3600 + civil->minute * 60 + second,
        .nanoseconds = civil->nanoseconds,
        .precision = precision,
    };
    return true;
}

bool timeval_to_civil(const struct timeval_utc *time, struct timeval_civil *out)
{
    int64_t first = days_from_date(FIRST_YEAR, 1, 1) * TIMEVAL_DAY_SECONDS;
    int64_t behind_last = days_from_date(LAST_YEAR + 1, 1, 1) * TIMEVAL_DAY_SECONDS;
    if (time->seconds < first || time->seconds >= behind_last)
        return false;

    int64_t from_first = time->seconds - first;
    int second_of_day = (int)(from_first % TIMEVAL_DAY_SECONDS);
    date_from_days((time->seconds - second_of_day) / TIMEVAL_DAY_SECONDS, out);
    out->hour = second_of_day / 3600;
    out->minute = second_of_day / 60 % 60;
    out->second = second_of_day % 60;
    out->nanoseconds = time->nanoseconds;
    return true;
}

static size_t count_digits(struct bytes in)
{
    size_t count = 0;
    while (count < in.len && text_is_digit(in.ptr[count]))
        count++;
    return count;
}

/* The value of the first `count` bytes of `*in`, which are digits; takes them away. */
static int take_number(struct bytes *in, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (in->ptr[i] - '0');
    *in = bytes_skip(*in, count);
    return value;
}

static uint32_t fraction(struct bytes digits)
{
    uint32_t nanoseconds = 0;
    for (size_t i = 0; i < FRACTION_DIGITS; i++)
        nanoseconds = nanoseconds * 10 + (i < digits.len ? (uint32_t)(digits.ptr[i] - '0') : 0);
    return nanoseconds;
}

/* The time at the front of `in`, whose year has `year_digits` digits and is `year_offset` more than
 * they say. */
static bool parse_front(struct bytes in, size_t year_digits, int year_offset,
                        struct timeval_utc *out)
{
    struct timeval_civil civil = {.year = take_number(&in, year_digits) + year_offset};
    civil.month = take_number(&in, 2);
    civil.day = take_number(&in, 2);
    civil.hour = take_number(&in, 2);
    civil.minute = take_number(&in, 2);
    civil.second = take_number(&in, 2);

    enum timeval_precision precision = TIMEVAL_SECOND;
    if (in.len > 0 && in.ptr[0] == '.') {
        struct bytes digits = bytes_skip(in, 1);
        digits.len = count_digits(digits);
        civil.nanoseconds = fraction(digits);
        precision = digits.len > 0 ? TIMEVAL_FRACTION : TIMEVAL_SECOND;
    }
    return timeval_from_civil(&civil, precision, out);
}

enum ferry_error timeval_parse(struct bytes in, struct timeval_utc *out)
{
    if (count_digits(in) != STAMP_DIGITS)
        return FERRY_E_ARGUMENT;
    struct bytes rest = bytes_skip(in, STAMP_DIGITS);
    if (rest.len > 0) {
        size_t digits = count_digits(bytes_skip(rest, 1));
        if (rest.ptr[0] != '.' || digits == 0 || digits + 1 != rest.len)
            return FERRY_E_ARGUMENT;
    }
    return parse_front(in, 4, 0, out) ? FERRY_OK : FERRY_E_ARGUMENT;
}

enum ferry_error timeval_find(struct bytes text, struct timeval_utc *out)
{
    while (text.len > 0) {
        size_t digits = count_digits(text);
        if (digits == STAMP_DIGITS && parse_front(text, 4, 0, out))
            return FERRY_OK;
        /* printf("19%d", tm_year): the year 2026 is written 19126. */
        if (digits == Y2K_DIGITS && bytes_starts(text, BYTES_LIT("191")) &&
            parse_front(text, 5, 1900 - 19000, out))
            return FERRY_OK;
        text = bytes_skip(text, digits > 0 ? digits : 1);
    }
    return FERRY_E_PROTOCOL;
}

enum ferry_error timeval_format(struct buf *out, const struct timeval_utc *time)
{
    struct timeval_civil civil;
    if (time->precision == TIMEVAL_NONE || !timeval_to_civil(time, &civil))
        return FERRY_E_ARGUMENT;
    if (time->precision == TIMEVAL_FRACTION)
        return buf_printf(out, "%04d%02d%02d%02d%02d%02d.%03u", civil.year, civil.month, civil.day,
                          civil.hour, civil.minute, civil.second, civil.nanoseconds / 1000000);
    return buf_printf(out, "%04d%02d%02d%02d%02d%02d", civil.year, civil.month, civil.day,
                      civil.hour, civil.minute, civil.second);
}
