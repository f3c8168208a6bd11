/* The rates of an account, over all workers. */
#include "ferryd/auth/shares.h"

#include <string.h>

#include "ferryd/auth/desk.h"
#include "ferryd/messages.h"

enum { NOBODY = 0 }; /* no worker has that number */

/* At least a byte a second: 0 would be no limit. */
static uint64_t part(uint64_t rate, uint64_t own, uint64_t all)
{
    uint64_t exact = (uint64_t)((unsigned __int128)rate * own / all);
    return rate > 0 && exact == 0 ? 1 : exact;
}

static void tell_share(const struct desk *desk, const struct seat *seat)
{
    struct fault fault = {0};
    struct link *worker = desk_worker(desk, seat->worker);
    if (!worker)
        return;
    struct wire_writer *writer = link_begin(worker, MESSAGE_SHARE);
    wire_put_bytes(writer, bytes_str(seat->account));
    wire_put_u64(writer, seat->share.up);
    wire_put_u64(writer, seat->share.down);
    (void)!link_send(worker, NULL, 0, &fault); /* its link tells when it has gone */
}

static bool same(const struct seats_rates *a, const struct seats_rates *b)
{
    return a->up == b->up && a->down == b->down;
}

/* Notes the share of a worker at all its seats. false: it was told of it already. */
static bool note(struct desk *desk, const struct seat *of, const struct seats_rates *share)
{
    bool news = false;
    struct seat *seat;
    TAILQ_FOREACH (seat, &desk->seats.list, link) {
        if (seat->worker != of->worker || strcmp(seat->account, of->account) != 0)
            continue;
        news |= !same(&seat->share, share);
        seat->share = *share;
    }
    return news;
}

struct seats_rates shares_spread(struct desk *desk, const char *account, uint32_t asking)
{
    struct seats_rates asked = {0, 0};
    struct seat *seat;
    TAILQ_FOREACH (seat, &desk->seats.list, link) {
        bool limited = seat->rates.up > 0 || seat->rates.down > 0;
        bool was = seat->share.up > 0 || seat->share.down > 0;
        if ((!limited && !was) || strcmp(seat->account, account) != 0)
            continue;
        uint64_t all = 0, own = 0;
        seats_count(&desk->seats, account, seat->worker, &all, &own);
        const struct seats_rates share = {part(seat->rates.up, own, all),
                                          part(seat->rates.down, own, all)};
        if (note(desk, seat, &share) && seat->worker != asking)
            tell_share(desk, seat);
        if (seat->worker == asking)
            asked = share;
    }
    return asked;
}

void shares_leave(struct desk *desk, struct seat *seat)
{
    char account[ACCOUNT_NAME_BYTES + 1];
    memcpy(account, seat->account, strlen(seat->account) + 1);
    seats_leave(&desk->seats, seat);
    (void)shares_spread(desk, account, NOBODY);
}

void shares_change(struct desk *desk, const char *account, const struct seats_rates *rates)
{
    struct seat *seat;
    TAILQ_FOREACH (seat, &desk->seats.list, link)
        if (strcmp(seat->account, account) == 0)
            seat->rates = *rates;
    (void)shares_spread(desk, account, NOBODY);
}
