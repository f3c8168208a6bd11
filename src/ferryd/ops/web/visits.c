/* The operator's sessions of the page. */
#include "ferryd/ops/web/visits.h"

#include <sys/random.h>

#include "base/text.h"

enum { RANDOM_BYTES = 32 };

void visits_init(struct visits *visits)
{
    *visits = (struct visits){0};
}

void visit_end(struct visit *visit)
{
    secret_free(visit->cookie);
    secret_free(visit->token);
    *visit = (struct visit){0};
}

void visits_fini(struct visits *visits)
{
    for (size_t i = 0; i < VISITS_MAX; i++)
        visit_end(&visits->list[i]);
}

static enum ferry_error random_secret(struct secret **out)
{
    char random[RANDOM_BYTES];
    CLEANUP(buf_wipe) struct buf hex;
    buf_init(&hex, 2 * RANDOM_BYTES);
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return FERRY_E_STATE;
    enum ferry_error error = text_hex(&hex, bytes_of(random, sizeof(random)));
    secret_wipe(random, sizeof(random));
    return error == FERRY_OK ? secret_new(buf_view(&hex), out) : error;
}

static bool holds(const struct visit *visit, uint64_t now_ns)
{
    return visit->cookie && now_ns - visit->seen_ns < VISIT_IDLE_NS &&
           now_ns - visit->began_ns < VISIT_WHOLE_NS;
}

/* A free place, or that of who has been idle for longest. */
static struct visit *place(struct visits *visits, uint64_t now_ns)
{
    struct visit *oldest = &visits->list[0];
    for (size_t i = 0; i < VISITS_MAX; i++) {
        struct visit *visit = &visits->list[i];
        if (!holds(visit, now_ns))
            return visit;
        if (visit->seen_ns < oldest->seen_ns)
            oldest = visit;
    }
    return oldest;
}

enum ferry_error visits_begin(struct visits *visits, uint64_t now_ns, struct visit **out)
{
    struct visit begun = {.began_ns = now_ns, .seen_ns = now_ns};
    enum ferry_error error = random_secret(&begun.cookie);
    if (error == FERRY_OK)
        error = random_secret(&begun.token);
    if (error != FERRY_OK) {
        visit_end(&begun);
        return error;
    }
    *out = place(visits, now_ns);
    visit_end(*out);
    begun.number = ++visits->last_number;
    **out = begun;
    return FERRY_OK;
}

/* All places are looked at, so that the time tells nothing. */
static struct visit *find_cookie(struct visits *visits, struct bytes value, uint64_t now_ns)
{
    struct visit *found = NULL;
    for (size_t i = 0; i < VISITS_MAX; i++) {
        struct visit *visit = &visits->list[i];
        if (visit->cookie && !holds(visit, now_ns))
            visit_end(visit);
        if (visit->cookie && secret_equal(visit->cookie, value))
            found = visit;
    }
    return found;
}

struct visit *visits_find(struct visits *visits, struct bytes cookies, uint64_t now_ns, bool active)
{
    struct visit *found = NULL;
    while (cookies.len > 0 && !found) {
        struct bytes value = text_trim(bytes_cut(&cookies, ';'));
        struct bytes name = bytes_cut(&value, '=');
        if (bytes_equal(name, BYTES_LIT(VISITS_COOKIE)))
            found = find_cookie(visits, value, now_ns);
    }
    if (found && active)
        found->seen_ns = now_ns;
    return found;
}

bool visit_sent(const struct visit *visit, struct bytes token)
{
    return secret_equal(visit->token, token);
}
