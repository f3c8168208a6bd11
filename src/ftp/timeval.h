/* Times of RFC 3659, YYYYMMDDHHMMSS[.f] in UTC, and the calendar under them. Reads no clock. */
#ifndef FERRY_FTP_TIMEVAL_H
#define FERRY_FTP_TIMEVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

/* How much of a time is known, from nothing to the fraction of a second: a larger value is finer.
 * Compare two times only at the coarser of both (LST-4). */
enum timeval_precision {
    TIMEVAL_NONE, /* no time at all */
    TIMEVAL_DAY,
    TIMEVAL_MINUTE,
    TIMEVAL_SECOND,
    TIMEVAL_FRACTION,
};

/* A moment. Zeroed, it is "unknown". */
struct timeval_utc {
    int64_t seconds;      /* since 1970-01-01 00:00:00 UTC */
    uint32_t nanoseconds; /* 0 to 999 999 999, always forward from `seconds` */
    enum timeval_precision precision;
};

/* The same as a date and a time of day. */
struct timeval_civil {
    int year;  /* 1 to 9999 */
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
    int hour, minute, second;
    uint32_t nanoseconds;
};

enum { TIMEVAL_DAY_SECONDS = 86400 };

/* Sets `*out` to the moment that `civil` names. false, with `*out` untouched: there is no such date
 * or time of day (FTP-77). Second 60 is taken as 59. */
bool timeval_from_civil(const struct timeval_civil *civil, enum timeval_precision precision,
                        struct timeval_utc *out);

/* Sets `*out` to the date and time of day of `time`. false, with `*out` untouched: the year is not
 * within 1 to 9999. */
bool timeval_to_civil(const struct timeval_utc *time, struct timeval_civil *out);

/* All of `in` as a time-val of RFC 3659 section 2.3: 14 digits, then perhaps a point and more
 * digits, of which nine are kept. FERRY_E_ARGUMENT, with `*out` untouched: it is none, or there is
 * no such moment (FTP-77). */
NODISCARD enum ferry_error timeval_parse(struct bytes in, struct timeval_utc *out);

/* As timeval_parse, for the text of a reply to MDTM from a server that need not keep to the RFC:
 * the time may stand anywhere in the text, and 191xx is taken for the year 1900 + 1xx (FTP-75,
 * DEV-45). FERRY_E_PROTOCOL, with `*out` untouched: there is no time in it. */
NODISCARD enum ferry_error timeval_find(struct bytes text, struct timeval_utc *out);

/* Appends `time` as YYYYMMDDHHMMSS, with a point and three digits behind it if its precision is
 * TIMEVAL_FRACTION. FERRY_E_ARGUMENT: the year is not within 1 to 9999, or the time is unknown;
 * else as buf_append. */
NODISCARD enum ferry_error timeval_format(struct buf *out, const struct timeval_utc *time);

#endif
