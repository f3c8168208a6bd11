/* Names that auth looks up for a worker, which is confined too closely to do it. */
#ifndef FERRY_FERRYD_AUTH_LOOKUPS_H
#define FERRY_FERRYD_AUTH_LOOKUPS_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/bytes.h"
#include "ferryd/link.h"
#include "net/loop.h"

/* Of one worker at once; more are told to come again. */
enum { LOOKUPS_MAX = 64 };

struct lookups {
    struct loop *loop;
    TAILQ_HEAD(, lookup) list;
    unsigned count;
};

/* Before the process is confined: loads what the system's ways of looking up are written in. Waits
 * for no network. */
void lookups_prepare(void);

void lookups_init(struct lookups *lookups, struct loop *loop);

/* Looks `name` up on the pool, and tells it on `worker`, borrowed until lookups_end, under that
 * number. */
void lookups_ask(struct lookups *lookups, struct link *worker, uint64_t number, struct bytes name);

/* Nobody waits for the answers any more. */
void lookups_end(struct lookups *lookups);

#endif
