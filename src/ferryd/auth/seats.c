/* The sessions that were granted, by account and worker. */
#include "ferryd/auth/seats.h"

#include <string.h>

#include "base/alloc.h"

struct seat {
    TAILQ_ENTRY(seat) link;
    uint64_t grant;
    uint32_t worker;
    char *account;
};

void seats_init(struct seats *seats, uint64_t first)
{
    TAILQ_INIT(&seats->list);
    seats->next = first;
}

static void seat_free(struct seats *seats, struct seat *seat)
{
    TAILQ_REMOVE(&seats->list, seat, link);
    alloc_free(seat->account);
    alloc_free(seat);
}

void seats_fini(struct seats *seats)
{
    struct seat *seat;
    while ((seat = TAILQ_FIRST(&seats->list)))
        seat_free(seats, seat);
}

static uint64_t count_of(const struct seats *seats, const char *account)
{
    uint64_t count = 0;
    const struct seat *seat;
    TAILQ_FOREACH (seat, &seats->list, link)
        count += strcmp(seat->account, account) == 0;
    return count;
}

enum ferry_error seats_take(struct seats *seats, const char *account, uint32_t worker,
                            uint64_t most, uint64_t *grant, struct fault *fault)
{
    if (most > 0 && count_of(seats, account) >= most)
        return fault_set(fault, FERRY_E_LIMIT, "%s has %llu sessions already, which is its limit",
                         account, (unsigned long long)most);
    struct seat *seat = alloc_zero(sizeof(*seat));
    char *name = alloc_str(account);
    if (!seat || !name) {
        alloc_free(seat);
        alloc_free(name);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a login");
    }
    *seat = (struct seat){.grant = seats->next++, .worker = worker, .account = name};
    TAILQ_INSERT_TAIL(&seats->list, seat, link);
    *grant = seat->grant;
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
