/* Sessions that a source has been told of, and must be told the end of (source_ops). */
#ifndef FERRY_FERRYD_AUTH_VISITS_H
#define FERRY_FERRYD_AUTH_VISITS_H

#include <sys/queue.h>

#include "ferryd/auth/source.h"

struct visit;

struct visits {
    LIST_HEAD(, visit) list;
};

void visits_init(struct visits *visits);

/* Notes that the grant of that worker is the source's session `number`; 0: nothing. When memory is
 * short, the session ends for the source at once. */
void visits_begin(struct visits *visits, uint32_t worker, uint64_t grant, struct source *source,
                  uint64_t number);

/* That grant is over. */
void visits_end(struct visits *visits, uint32_t worker, uint64_t grant);

/* All of that worker's are. */
void visits_end_all(struct visits *visits, uint32_t worker);

#endif
