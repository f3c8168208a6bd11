/* When certificates expire. */
#include "ferryd/ops/web/expiry.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define SOON_NS (INT64_C(30) * 24 * 3600 * (int64_t)CLOCK_NS_PER_S)

enum expiry expiry_of(const struct state_certificate *certificate, int64_t now_ns)
{
    int64_t third_ns = (certificate->not_after_ns - certificate->not_before_ns) / 3;
    int64_t left_ns = certificate->not_after_ns - now_ns;
    if (left_ns <= 0)
        return EXPIRY_OVER;
    if (now_ns < certificate->not_before_ns)
        return EXPIRY_EARLY;
    return left_ns < (third_ns < SOON_NS ? third_ns : SOON_NS) ? EXPIRY_SOON : EXPIRY_GOOD;
}

const char *expiry_mood(enum expiry expiry)
{
    static const char *const moods[] = {
        [EXPIRY_GOOD] = "good",
        [EXPIRY_SOON] = "warn",
        [EXPIRY_OVER] = "bad",
        [EXPIRY_EARLY] = "bad",
    };
    return moods[expiry];
}

const char *expiry_words(const struct state_certificate *certificate, int64_t now_ns,
                         char out[FORMAT_BYTES])
{
    char span[FORMAT_BYTES / 2], whole[FORMAT_BYTES];
    enum expiry expiry = expiry_of(certificate, now_ns);
    int64_t until_ns =
        expiry == EXPIRY_EARLY ? certificate->not_before_ns : certificate->not_after_ns;
    int64_t away_ns = until_ns > now_ns ? until_ns - now_ns : now_ns - until_ns;
    format_span((uint64_t)(away_ns / (int64_t)CLOCK_NS_PER_S), whole);
    snprintf(span, sizeof(span), "%.19s", whole);
    switch (expiry) {
    case EXPIRY_GOOD:
    case EXPIRY_SOON:
        snprintf(out, FORMAT_BYTES, "%s left", span);
        break;
    case EXPIRY_OVER:
        snprintf(out, FORMAT_BYTES, "expired %s ago", span);
        break;
    case EXPIRY_EARLY:
        snprintf(out, FORMAT_BYTES, "valid only in %s", span);
        break;
    }
    return out;
}

const struct state_certificate *expiry_first(const struct state *state)
{
    const struct state_certificate *row, *first = NULL;
    TAILQ_FOREACH (row, &state->certificates, link)
        if (!first || row->not_after_ns < first->not_after_ns)
            first = row;
    return first;
}

bool expiry_is_repeated(const struct state *state, const struct state_certificate *certificate)
{
    const struct state_certificate *row;
    TAILQ_FOREACH (row, &state->certificates, link) {
        if (row == certificate)
            return false;
        if (row->not_after_ns == certificate->not_after_ns &&
            strcmp(row->listens, certificate->listens) == 0 &&
            strcmp(row->file, certificate->file) == 0)
            return true;
    }
    return false;
}
