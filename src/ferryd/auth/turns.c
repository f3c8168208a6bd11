/* Whose turn it is to ask a source. */
#include "ferryd/auth/turns.h"

#include <stddef.h>

void turns_init(struct turns *turns, unsigned limit)
{
    *turns = (struct turns){.limit = limit};
    TAILQ_INIT(&turns->waiting);
}

bool turns_ask(struct turns *turns, struct turn *turn)
{
    unsigned number = 0;
    while (number < turns->limit && turns->taken & (UINT32_C(1) << number))
        number++;
    if (turns->limit > 0 && number == turns->limit) {
        turn->waits = true;
        TAILQ_INSERT_TAIL(&turns->waiting, turn, link);
        return true;
    }
    if (turns->limit > 0)
        turns->taken |= UINT32_C(1) << number;
    turn->fn(turn->ctx, number);
    return false;
}

void turns_leave(struct turns *turns, struct turn *turn)
{
    if (turn->waits)
        TAILQ_REMOVE(&turns->waiting, turn, link);
    turn->waits = false;
}

void turns_give(struct turns *turns, unsigned number)
{
    struct turn *next = TAILQ_FIRST(&turns->waiting);
    if (!next) {
        turns->taken &= ~(UINT32_C(1) << number);
        return;
    }
    turns_leave(turns, next);
    next->fn(next->ctx, number);
}
