/* What one address may write into the log: a rate for each kind of event, and afterwards the count
 * of those that were left out (SEC-60). */
#ifndef FERRY_SERVER_FLOODS_H
#define FERRY_SERVER_FLOODS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "net/address.h"
#include "net/ledger.h"

struct server_floods {
    struct ledger ledger;
    const struct log *log;
    uint64_t suppressed; /* that the log does not tell of yet */
};

void server_floods_init(struct server_floods *floods, const struct log *log);

/* Tells of what was left out, and ends. */
void server_floods_fini(struct server_floods *floods);

/* Whether an event `name` of `peer` may be written; `per_minute` 0: always. Before the first one
 * that may again, the log is told how many were left out. */
bool server_floods_pass(struct server_floods *floods, const struct address *peer, const char *name,
                        uint64_t per_minute, uint64_t now_ns);

/* Tells of what was left out so far; for a timer. */
void server_floods_tell(struct server_floods *floods);

#endif
