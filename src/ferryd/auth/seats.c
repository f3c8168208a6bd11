/* The sessions that were granted, by account and worker. */
#include "ferryd/auth/seats.h"

#include <string.h>

#include "base/alloc.h"

void seats_init(struct seats *seats, uint64_t first)
{
    TAILQ_INIT(&seats->list);
    seats->first = seats->next = first;
    seats->count = 0;
}

static void seat_free(struct seats *seats, struct seat *seat)
{
    TAILQ_REMOVE(&seats->list, seat, link);
    seats->count--;
    alloc_free(seat->account);
    alloc_free(seat);
}

void seats_fini(struct seats *seats)
{
    struct seat *seat;
    while ((seat = TAILQ_FIRST(&seats->list)))
        seat_free(seats, seat);
}

void seats_count(const struct seats *seats, const char *account, uint32_t worker, uint64_t *all,
                 uint64_t *own)
{
    const struct seat *seat;
    *all = *own = 0;
    TAILQ_FOREACH (seat, &seats->list, link) {
        if (strcmp(seat->account, account) != 0)
            continue;
        ++*all;
        *own += seat->worker == worker;
    }
}

bool seats_add(struct seats *seats, const struct seats_guest *guest, uint64_t grant)
{
    struct seat *seat = alloc_zero(sizeof(*seat));
    char *account = alloc_str(guest->account);
    if (!seat || !account) {
        alloc_free(seat);
        alloc_free(account);
        return false;
    }
    *seat = (struct seat){.grant = grant,
                          .worker = guest->worker,
                          .account = account,
                          .peer = guest->peer,
                          .stamp = guest->stamp};
    TAILQ_INSERT_TAIL(&seats->list, seat, link);
    seats->count++;
    return true;
}

enum ferry_error seats_take(struct seats *seats, const struct seats_guest *guest, uint64_t most,
                            uint64_t *grant, struct fault *fault)
{
    uint64_t all = 0, own = 0;
    if (most > 0)
        seats_count(seats, guest->account, guest->worker, &all, &own);
    if (most > 0 && all >= most)
        return fault_set(fault, FERRY_E_LIMIT, "%s has %llu sessions already, which is its limit",
                         guest->account, (unsigned long long)most);
    if (!seats_add(seats, guest, seats->next))
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a login");
    *grant = seats->next++;
    return FERRY_OK;
}

bool seats_leave(struct seats *seats, uint32_t worker, uint64_t grant)
{
    struct seat *seat;
    TAILQ_FOREACH (seat, &seats->list, link) {
        if (seat->grant == grant && seat->worker == worker) {
            seat_free(seats, seat);
            return true;
        }
    }
    return false;
}

bool seats_gave(const struct seats *seats, uint64_t grant)
{
    return grant >= seats->first && grant < seats->next;
}

void seats_leave_all(struct seats *seats, uint32_t worker)
{
    struct seat *seat = TAILQ_FIRST(&seats->list);
    while (seat) {
        struct seat *next = TAILQ_NEXT(seat, link);
        if (seat->worker == worker)
            seat_free(seats, seat);
        seat = next;
    }
}
