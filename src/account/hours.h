/* The hours of the week at which an account may log in. */
#ifndef FERRY_ACCOUNT_HOURS_H
#define FERRY_ACCOUNT_HOURS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum { HOURS_SPANS_MAX = 32, HOURS_WEEK_MINUTES = 7 * 24 * 60 };

struct hours {
    struct hours_span {
        int from, to; /* minutes since Monday, 00:00; `to` is not part of it and may be in the next
                         week */
    } spans[HOURS_SPANS_MAX];
    size_t count; /* 0: always */
};

/* "Mon-Fri 08:00-18:00, Sat 22:00-06:00": days and hours, of which either may be left out; hours
 * that end before they begin reach into the next day. Empty: always. FERRY_E_ARGUMENT with what
 * cannot be read; FERRY_E_LIMIT: too many spans. */
NODISCARD enum ferry_error hours_parse(struct bytes text, struct hours *out, struct fault *fault);

/* `weekday` counts from Sunday, 0, as in struct tm; `minute` from midnight. */
bool hours_contain(const struct hours *hours, int weekday, int minute);

#endif
