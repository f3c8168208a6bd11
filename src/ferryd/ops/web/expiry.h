/* When certificates expire, and whether that is soon. */
#ifndef FERRY_FERRYD_OPS_WEB_EXPIRY_H
#define FERRY_FERRYD_OPS_WEB_EXPIRY_H

#include "ferryd/ops/state.h"
#include "ferryd/ops/web/format.h"

enum expiry {
    EXPIRY_GOOD,
    EXPIRY_SOON, /* in 30 days, or a third of its whole time if that is less */
    EXPIRY_OVER,
    EXPIRY_EARLY, /* its time has not begun */
};

enum expiry expiry_of(const struct state_certificate *certificate, int64_t now_ns);

/* The class of page_badge. */
const char *expiry_mood(enum expiry expiry);

/* "61 days left", "expired 3 days ago". */
const char *expiry_words(const struct state_certificate *certificate, int64_t now_ns,
                         char out[FORMAT_BYTES]);

/* The one that expires first; NULL: there is none. */
const struct state_certificate *expiry_first(const struct state *state);

/* Whether a row before it says the same: each worker tells of all. */
bool expiry_is_repeated(const struct state *state, const struct state_certificate *certificate);

#endif
