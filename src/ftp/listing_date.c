/* Dates and times of day as listings write them. */
#include "ftp/listing_date.h"

#include "base/text.h"
#include "base/utf8.h"
#include "ftp/listing_format.h"

/* A date as it was read: its year may be unknown, and there may be no such day. */
struct reading {
    struct timeval_civil civil;
    enum timeval_precision precision;
    bool without_year;
    bool ends_day; /* 24:00 (LST-26) */
    int zone_minutes;
};

/* By month, from January: the short names of LST-22's languages, lower case. */
static const char *const month_names[] = {
    "jan janv ene gen jän sty янв",
    "feb fév févr fev lut фев",
    "mar mars mär märz mrz mrt мар",
    "apr avr avril abr kwi апр",
    "may mai maj mag mei май мая",
    "jun juin juni giu cze июн",
    "jul juil juillet juli lug lip июл",
    "aug août aoû ago sie авг",
    "sep sept set wrz сен",
    "oct okt ott out paź окт",
    "nov lis ноя",
    "dec déc dez dic des gru дек",
};

/* Lower case of the letters that month names are written with. */
static int32_t lower(int32_t c)
{
    bool ascii = c >= 'A' && c <= 'Z';
    bool latin = c >= 0xc0 && c <= 0xde && c != 0xd7;
    bool cyrillic = c >= 0x410 && c <= 0x42f;
    if (ascii || latin || cyrillic)
        return c + 32;
    return c == 0x179 ? 0x17a : c; /* Polish Z with acute */
}

/* `word` is UTF-8 or, where it cannot be that, Latin-1. */
static bool is_name(struct bytes word, struct bytes name)
{
    bool utf8 = utf8_valid(word);
    while (word.len > 0 && name.len > 0) {
        int32_t c = (unsigned char)word.ptr[0];
        if (utf8)
            c = utf8_next(&word);
        else
            word = bytes_skip(word, 1);
        if (lower(c) != utf8_next(&name))
            return false;
    }
    return word.len == 0 && name.len == 0;
}

int listing_date_month(struct bytes word)
{
    if (word.len > 0 && word.ptr[word.len - 1] == '.')
        word.len--;
    for (size_t i = 0; i < ARRAY_LEN(month_names); i++) {
        struct bytes names = bytes_str(month_names[i]);
        while (names.len > 0) {
            if (is_name(word, bytes_cut(&names, ' ')))
                return (int)i + 1;
        }
    }
    return 0;
}

/* `word` is a number of `min_digits` to `max_digits` digits, at most 9. */
static bool number(struct bytes word, size_t min_digits, size_t max_digits, int *out)
{
    uint64_t value;
    if (word.len < min_digits || word.len > max_digits || !text_u64(word, 999999999, &value))
        return false;
    *out = (int)value;
    return true;
}

/* A day of the month, with or without the point or comma of its language behind it. */
static bool read_day(struct bytes word, int *day)
{
    if (word.len > 0 && (word.ptr[word.len - 1] == '.' || word.ptr[word.len - 1] == ','))
        word.len--;
    return number(word, 1, 2, day);
}

/* Takes AM or PM from the end of `*word`: 'A', 'P', or 0 if there is neither. */
static char take_half(struct bytes *word)
{
    if (word->len < 3 || text_upper(word->ptr[word->len - 1]) != 'M')
        return 0;
    char half = text_upper(word->ptr[word->len - 2]);
    if (half != 'A' && half != 'P')
        return 0;
    *word = text_trim(bytes_first(*word, word->len - 2));
    return half;
}

static bool read_seconds(struct bytes word, struct reading *out)
{
    struct bytes fraction = word;
    if (!number(bytes_cut(&fraction, '.'), 2, 2, &out->civil.second))
        return false;
    out->precision = TIMEVAL_SECOND;
    if (word.len == 2)
        return true;

    int value;
    if (!number(fraction, 1, 9, &value))
        return false;
    for (size_t digits = fraction.len; digits < 9; digits++)
        value *= 10;
    out->civil.nanoseconds = (uint32_t)value;
    out->precision = TIMEVAL_FRACTION;
    return true;
}

/* hh:mm[:ss[.f]][AM|PM] */
static bool read_time(struct bytes word, struct reading *out)
{
    char half = take_half(&word);
    struct bytes hour = bytes_cut(&word, ':');
    bool has_seconds = bytes_find(word, ':') < word.len;
    struct bytes minute = bytes_cut(&word, ':');
    struct timeval_civil *civil = &out->civil;
    if (!number(hour, 1, 2, &civil->hour) || !number(minute, 2, 2, &civil->minute))
        return false;
    out->precision = TIMEVAL_MINUTE;
    if (has_seconds && !read_seconds(word, out))
        return false;

    if (half && (civil->hour < 1 || civil->hour > 12))
        civil->hour = -1; /* no such time */
    else if (half)
        civil->hour = civil->hour % 12 + (half == 'P' ? 12 : 0); /* LST-26 */
    if (civil->hour == 24 && civil->minute == 0 && civil->second == 0) {
        civil->hour = 0;
        out->ends_day = true;
    }
    return true;
}

static bool read_year_or_time(struct bytes word, struct reading *out)
{
    if (number(word, 4, 4, &out->civil.year)) {
        out->precision = TIMEVAL_DAY;
        return true;
    }
    out->without_year = true;
    return read_time(word, out);
}

/* Mmm dd hh:mm and Mmm dd yyyy */
static bool take_month_day(struct bytes *rest, struct reading *out)
{
    out->civil.month = listing_date_month(listing_word(rest));
    return out->civil.month > 0 && read_day(listing_word(rest), &out->civil.day) &&
           read_year_or_time(listing_word(rest), out);
}

/* dd Mmm hh:mm and dd Mmm yyyy */
static bool take_day_month(struct bytes *rest, struct reading *out)
{
    if (!read_day(listing_word(rest), &out->civil.day))
        return false;
    out->civil.month = listing_date_month(listing_word(rest));
    return out->civil.month > 0 && read_year_or_time(listing_word(rest), out);
}

/* mm dd hh:mm */
static bool take_numeric(struct bytes *rest, struct reading *out)
{
    out->without_year = true;
    return number(listing_word(rest), 1, 2, &out->civil.month) &&
           number(listing_word(rest), 1, 2, &out->civil.day) && read_time(listing_word(rest), out);
}

/* +hhmm or -hhmm */
static bool read_zone(struct bytes word, int *minutes)
{
    int value;
    if (word.len != 5 || (word.ptr[0] != '+' && word.ptr[0] != '-') ||
        !number(bytes_skip(word, 1), 4, 4, &value))
        return false;
    *minutes = (value / 100 * 60 + value % 100) * (word.ptr[0] == '-' ? -1 : 1);
    return true;
}

/* yyyy-mm-dd hh:mm[:ss[.n]] [±hhmm] */
static bool take_iso(struct bytes *rest, struct reading *out)
{
    struct bytes date = listing_word(rest);
    if (!number(bytes_cut(&date, '-'), 4, 4, &out->civil.year) ||
        !number(bytes_cut(&date, '-'), 2, 2, &out->civil.month) ||
        !number(date, 2, 2, &out->civil.day) || !read_time(listing_word(rest), out))
        return false;

    struct bytes behind = *rest;
    if (out->precision > TIMEVAL_MINUTE && read_zone(listing_word(&behind), &out->zone_minutes))
        *rest = behind;
    return true;
}

/* dd.mm.yyyy */
static bool take_dotted(struct bytes *rest, struct reading *out)
{
    struct bytes date = listing_word(rest);
    out->precision = TIMEVAL_DAY;
    return number(bytes_cut(&date, '.'), 1, 2, &out->civil.day) &&
           number(bytes_cut(&date, '.'), 1, 2, &out->civil.month) &&
           number(date, 4, 4, &out->civil.year);
}

static bool is_future(const struct timeval_utc *time, int64_t now_seconds)
{
    return time->seconds > now_seconds + TIMEVAL_DAY_SECONDS;
}

/* LST-20. A 29 February, too, is of the year before if this year has none. */
static bool guess_year(struct reading *reading, int64_t now_seconds, struct timeval_utc *out)
{
    struct timeval_civil now;
    if (!timeval_to_civil(&(struct timeval_utc){.seconds = now_seconds}, &now))
        return false;
    reading->civil.year = now.year;
    if (timeval_from_civil(&reading->civil, reading->precision, out) &&
        !is_future(out, now_seconds))
        return true;
    reading->civil.year--;
    return timeval_from_civil(&reading->civil, reading->precision, out);
}

static void settle(struct reading *reading, int64_t now_seconds, struct timeval_utc *out)
{
    struct timeval_utc time;
    bool real = reading->without_year
                    ? guess_year(reading, now_seconds, &time)
                    : timeval_from_civil(&reading->civil, reading->precision, &time);
    if (!real)
        time = (struct timeval_utc){0};
    if (real && reading->ends_day)
        time.seconds += TIMEVAL_DAY_SECONDS;
    if (real)
        time.seconds -= reading->zone_minutes * 60;
    *out = time;
}

bool listing_date_take(struct bytes *rest, int64_t now_seconds, struct timeval_utc *out)
{
    static bool (*const forms[])(struct bytes *, struct reading *) = {
        take_month_day, take_day_month, take_numeric, take_iso, take_dotted,
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct bytes behind = *rest;
        struct reading reading = {0};
        if (!forms[i](&behind, &reading))
            continue;
        /* `ls --full-time` has a fraction; LIST is taken to the second. */
        if (reading.precision == TIMEVAL_FRACTION) {
            reading.precision = TIMEVAL_SECOND;
            reading.civil.nanoseconds = 0;
        }
        settle(&reading, now_seconds, out);
        *rest = behind;
        return true;
    }
    return false;
}

/* LST-23 */
static int full_year(int year, size_t digits)
{
    if (digits > 2)
        return year;
    return year < 70 ? 2000 + year : 1900 + year;
}

/* Which of its fields year, month and day are in each order. */
static const struct {
    unsigned char year, month, day;
} places[] = {
    [LISTING_DATE_MDY] = {2, 0, 1},
    [LISTING_DATE_DMY] = {2, 1, 0},
    [LISTING_DATE_YMD] = {0, 1, 2},
};

static struct timeval_civil in_order(const struct bytes *fields, const int *values,
                                     enum listing_date_order order)
{
    size_t year = places[order].year;
    return (struct timeval_civil){
        .year = full_year(values[year], fields[year].len),
        .month = values[places[order].month],
        .day = values[places[order].day],
    };
}

static bool is_future_in_order(const struct bytes *fields, const int *values,
                               enum listing_date_order order, int64_t now_seconds)
{
    struct timeval_civil civil = in_order(fields, values, order);
    struct timeval_utc time;
    return !timeval_from_civil(&civil, TIMEVAL_DAY, &time) || is_future(&time, now_seconds);
}

/* LST-24, for the fields a, b and c. */
static enum listing_date_order guess_order(const struct bytes *fields, const int *values, char sign,
                                           int64_t now_seconds)
{
    if (values[0] > 31 || fields[0].len > 2)
        return LISTING_DATE_YMD;
    if (values[0] > 12 && values[1] <= 12) {
        bool year_first = is_future_in_order(fields, values, LISTING_DATE_DMY, now_seconds) &&
                          !is_future_in_order(fields, values, LISTING_DATE_YMD, now_seconds);
        return year_first ? LISTING_DATE_YMD : LISTING_DATE_DMY;
    }
    if (values[1] > 12)
        return LISTING_DATE_MDY;
    return sign == '.' ? LISTING_DATE_DMY : LISTING_DATE_MDY;
}

/* Cuts `word` in three at its first '-', '/' or '.'; returns that sign, 0 if there is none. */
static char split_date(struct bytes word, struct bytes *fields)
{
    static const char signs[] = {'-', '/', '.'};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        struct bytes rest = word;
        fields[0] = bytes_cut(&rest, signs[i]);
        fields[1] = bytes_cut(&rest, signs[i]);
        fields[2] = rest;
        if (fields[0].len < word.len)
            return signs[i];
    }
    return '\0';
}

/* Three numbers, or the name of a month between two. */
static bool read_date(struct bytes word, int64_t now_seconds, struct timeval_civil *out,
                      enum listing_date_order *order)
{
    struct bytes fields[3];
    char sign = split_date(word, fields);
    if (sign == '\0')
        return false;

    int values[3];
    values[1] = listing_date_month(fields[1]);
    bool named = values[1] > 0;
    if (!number(fields[0], 1, 4, &values[0]) || !number(fields[2], 1, 4, &values[2]) ||
        (!named && !number(fields[1], 1, 2, &values[1])))
        return false;
    *order = named ? LISTING_DATE_DMY : guess_order(fields, values, sign, now_seconds);
    *out = in_order(fields, values, *order);
    return true;
}

bool listing_date_words(struct bytes date, struct bytes time, int64_t now_seconds,
                        struct timeval_utc *out, enum listing_date_order *order)
{
    struct reading reading = {.precision = TIMEVAL_DAY};
    enum listing_date_order guessed;
    if (!read_date(date, now_seconds, &reading.civil, &guessed))
        return false;
    if (time.len > 0 && !read_time(time, &reading))
        return false;
    settle(&reading, now_seconds, out);
    if (order)
        *order = guessed;
    return true;
}
