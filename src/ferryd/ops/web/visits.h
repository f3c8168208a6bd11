/* The operator's sessions of the page: who has logged in, known by a cookie. Their number is
 * bounded; they end by themselves. Reads no clock; times are on the scale of `now_ns`. */
#ifndef FERRY_FERRYD_OPS_WEB_VISITS_H
#define FERRY_FERRYD_OPS_WEB_VISITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/secret.h"
#include "ferry/error.h"

#define VISITS_COOKIE "ferry-visit"
#define VISIT_IDLE_NS (30 * 60 * CLOCK_NS_PER_S) /* since the last page that was asked for */
#define VISIT_WHOLE_NS (UINT64_C(12) * 3600 * CLOCK_NS_PER_S) /* since the login */

enum { VISITS_MAX = 16 }; /* one more ends the one that has been idle for longest */

struct visit {
    uint64_t number;       /* of this login, from 1: for the log */
    struct secret *cookie; /* hexadecimal, of 32 random bytes; NULL: the place is free */
    struct secret *token; /* what its forms must bring (against forgery by other sites); likewise */
    uint64_t began_ns, seen_ns;
};

struct visits {
    struct visit list[VISITS_MAX];
    uint64_t last_number;
};

void visits_init(struct visits *visits);
void visits_fini(struct visits *visits);

/* A login. FERRY_E_STATE: no randomness; FERRY_E_MEMORY. */
NODISCARD enum ferry_error visits_begin(struct visits *visits, uint64_t now_ns, struct visit **out);

/* The visit that a Cookie header (RFC 6265 section 4.2) names, NULL: none that still holds.
 * `active`: a person has asked, so that it is idle from now on; a page that refreshes itself keeps
 * no visit alive. */
struct visit *visits_find(struct visits *visits, struct bytes cookies, uint64_t now_ns,
                          bool active);

/* Whether a form brought the token of this visit. */
bool visit_sent(const struct visit *visit, struct bytes token);

/* A logout. */
void visit_end(struct visit *visit);

#endif
