/* Whether those who are logged in still may be. */
#include "ferryd/auth/review.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ferryd/auth/desk.h"

/* Between two looks; more if they take long, so that they are a twentieth of the time. */
static const uint64_t PAUSE_NS = 2 * CLOCK_NS_PER_S;
enum { PAUSE_TIMES = 20 };

/* A session that is looked at. */
struct item {
    uint64_t grant, stamp;
    char account[ACCOUNT_NAME_BYTES + 1];
    const char *why; /* it is to end, for its client; static; NULL: it goes on */
};

/* Those of one look: a copy, since the pool reads it. */
struct look {
    struct review *review;
    const struct book *book;
    uint64_t seed;
    uint64_t began_ns;
    size_t count;
    struct item items[];
};

/* ---- on the pool ---- */

static int by_account(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->account, ((const struct item *)b)->account);
}

static const char *why_of(const struct look *look, const struct item *item,
                          const struct account *account)
{
    int64_t now_s = clock_wall_ns(&clock_system) / (int64_t)CLOCK_NS_PER_S;
    if (!account || account->disabled || (account->expires_s > 0 && now_s >= account->expires_s))
        return "This account may no longer be used.";
    if (account_stamp(account, look->seed) != item->stamp)
        return "The password of this account has been changed.";
    return NULL;
}

/* Looks the account up where that takes no other machine; false: it cannot be told now. */
static bool find(const struct look *look, const char *name, struct found *out)
{
    for (unsigned i = 0; i < look->book->count; i++) {
        struct fault fault = {0};
        struct source *source = look->book->sources[i];
        if (source->turns > 0 ||
            source->ops->find(source, 0, bytes_str(name), out, &fault) != FERRY_OK)
            return false;
        if (out->account)
            return true;
    }
    return true;
}

/* An account that cannot be read now is no reason to end anything. */
static void look_at(const struct look *look, struct item *items, size_t count)
{
    CLEANUP(found_fini) struct found found = {0};
    if (!find(look, items->account, &found))
        return;
    for (size_t i = 0; i < count; i++)
        items[i].why = why_of(look, &items[i], found.account);
}

/* Each account is read once. */
static void work(void *ctx)
{
    struct look *look = ctx;
    size_t from = 0;
    qsort(look->items, look->count, sizeof(look->items[0]), by_account);
    for (size_t i = 1; i <= look->count; i++) {
        if (i < look->count && by_account(&look->items[from], &look->items[i]) == 0)
            continue;
        look_at(look, &look->items[from], i - from);
        from = i;
    }
}

/* ---- on the loop ---- */

static void end(struct desk *desk, const struct item *item)
{
    struct seat *seat;
    TAILQ_FOREACH (seat, &desk->seats.list, link)
        if (seat->grant == item->grant && !seat->ended)
            break;
    if (!seat)
        return;
    char peer[ADDRESS_TEXT_BYTES];
    address_text(&seat->peer, peer);
    log_event(desk->log, LOG_LEVEL_NOTICE, "auth.end", F_STR("account", seat->account),
              F_STR("peer", peer), F_STR("reason", item->why), F_STR("side", "server"),
              F_STR("advice", "it was changed, or its time is over: look at the account"));
    seat->ended = true;
    desk_end(desk, seat, item->why);
}

static void done(void *ctx)
{
    struct look *look = ctx;
    struct review *review = look->review;
    uint64_t now_ns = loop_now_ns(review->desk->loop);
    uint64_t pause_ns = PAUSE_TIMES * (now_ns - look->began_ns);
    for (size_t i = 0; i < look->count; i++)
        if (look->items[i].why)
            end(review->desk, &look->items[i]);
    loop_timer_at(review->timer, now_ns + (pause_ns > PAUSE_NS ? pause_ns : PAUSE_NS));
    alloc_free(look);
}

/* NULL: there is nobody to look at, or memory is short. */
static struct look *look_new(struct review *review)
{
    const struct desk *desk = review->desk;
    const struct seat *seat;
    size_t most = (size_t)desk->seats.count;
    struct look *look = most > 0 ? alloc_zero(sizeof(*look) + most * sizeof(look->items[0])) : NULL;
    if (!look)
        return NULL;
    look->review = review;
    look->book = desk->book;
    look->seed = shelf_seed(desk->throttle.shelf);
    look->began_ns = loop_now_ns(desk->loop);
    TAILQ_FOREACH (seat, &desk->seats.list, link) {
        struct item *item = &look->items[look->count++];
        item->grant = seat->grant;
        item->stamp = seat->stamp;
        memcpy(item->account, seat->account, strlen(seat->account) + 1);
    }
    return look;
}

static void on_timer(void *ctx)
{
    struct review *review = ctx;
    struct loop *loop = review->desk->loop;
    struct look *look = look_new(review);
    if (look && loop_job(loop, work, done, look) == FERRY_OK)
        return;
    alloc_free(look);
    loop_timer_at(review->timer, loop_now_ns(loop) + PAUSE_NS);
}

enum ferry_error review_init(struct review *review, struct desk *desk)
{
    *review = (struct review){.desk = desk};
    review->timer = loop_timer_new(desk->loop, on_timer, review);
    if (!review->timer)
        return FERRY_E_MEMORY;
    loop_timer_at(review->timer, loop_now_ns(desk->loop) + PAUSE_NS);
    return FERRY_OK;
}
