/* Whose turn it is to ask a source that only so many may ask at once: one that is slow takes its
 * own threads of the pool and no more. */
#ifndef FERRY_FERRYD_AUTH_TURNS_H
#define FERRY_FERRYD_AUTH_TURNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct turn;

/* It is your turn, of that number. */
typedef void turn_fn(void *ctx, unsigned number);

struct turn {
    TAILQ_ENTRY(turn) link;
    turn_fn *fn;
    void *ctx;
    bool waits;
};

struct turns {
    unsigned limit; /* 0: any number, all of number 0 */
    uint32_t taken; /* a bit for each number */
    TAILQ_HEAD(, turn) waiting;
};

/* `limit`: SOURCE_TURNS_MAX at most. */
void turns_init(struct turns *turns, unsigned limit);

/* Calls `turn->fn`, at once or from turns_give; true: it waits, and `turn` stays where it is until
 * then, or turns_leave. */
bool turns_ask(struct turns *turns, struct turn *turn);

/* Waits no more, if it did. */
void turns_leave(struct turns *turns, struct turn *turn);

/* A turn is over; who waits longest gets its number. */
void turns_give(struct turns *turns, unsigned number);

#endif
