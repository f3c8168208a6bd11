/* Dates and times of day as listings write them (LST-20 to LST-26). Private to listing*.c.
 * What has the form of a date and is none (30 February) is taken, too: its precision is then
 * TIMEVAL_NONE (LST-15). */
#ifndef FERRY_FTP_LISTING_DATE_H
#define FERRY_FTP_LISTING_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ftp/timeval.h"

/* The order of the three numbers of a date. */
enum listing_date_order {
    LISTING_DATE_MDY,
    LISTING_DATE_DMY,
    LISTING_DATE_YMD,
};

/* The month, 1 to 12, of which `word` is a name in one of the languages of LST-22; 0 for any other
 * word. */
int listing_date_month(struct bytes word);

/* Takes a date with its time or year, in one of the forms that `ls -l` writes, from the front of
 * `*rest`, and leaves there what follows it, blanks included. false, with nothing changed: there is
 * none. */
bool listing_date_take(struct bytes *rest, int64_t now_seconds, struct timeval_utc *out);

/* Reads a date and a time of day that are words of their own: 03-14-26, 14.03.2026 or 2026/03/14
 * with the order guessed by LST-24, 14-MAR-2026 or 14-Mar-26; 09:05, 09:05:11, 09:05:11.42,
 * 09:05AM. An empty `time` gives precision TIMEVAL_DAY. false: they have not that form. `order` may
 * be NULL. */
bool listing_date_words(struct bytes date, struct bytes time, int64_t now_seconds,
                        struct timeval_utc *out, enum listing_date_order *order);

#endif
