/* Numbers and times as people read them. */
#include "ferryd/ops/web/format.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/compiler.h"

#define N(number) ((unsigned long long)(number))

const char *format_size(uint64_t bytes, char out[FORMAT_BYTES])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    uint64_t whole = bytes, tenths = 0;
    size_t unit = 0;
    for (; whole >= 1000 && unit + 1 < ARRAY_LEN(units); unit++) {
        tenths = whole % 1000 / 100;
        whole /= 1000;
    }
    if (unit > 0 && whole < 10)
        snprintf(out, FORMAT_BYTES, "%llu.%llu %s", N(whole), N(tenths), units[unit]);
    else
        snprintf(out, FORMAT_BYTES, "%llu %s", N(whole), units[unit]);
    return out;
}

const char *format_span(uint64_t seconds, char out[FORMAT_BYTES])
{
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    if (seconds < 60)
        snprintf(out, FORMAT_BYTES, "%llu s", N(seconds));
    else if (minutes < 60)
        snprintf(out, FORMAT_BYTES, "%llu min", N(minutes));
    else if (hours < 48)
        snprintf(out, FORMAT_BYTES, "%llu h %02llu min", N(hours), N(minutes % 60));
    else
        snprintf(out, FORMAT_BYTES, "%llu days", N(days));
    return out;
}

/* false: no such day, or one behind the year 9999. */
static bool utc_of(int64_t unix_s, struct tm *out)
{
    time_t time = (time_t)unix_s;
    return gmtime_r(&time, out) && out->tm_year <= 9999 - 1900;
}

const char *format_time(int64_t unix_s, char out[FORMAT_BYTES])
{
    struct tm utc;
    if (!utc_of(unix_s, &utc) || strftime(out, FORMAT_BYTES, "%Y-%m-%d %H:%M:%S UTC", &utc) == 0)
        snprintf(out, FORMAT_BYTES, "never");
    return out;
}

const char *format_count(uint64_t count, const char *one, char out[FORMAT_BYTES])
{
    snprintf(out, FORMAT_BYTES, "%llu %s%s", N(count), one, count == 1 ? "" : "s");
    return out;
}
