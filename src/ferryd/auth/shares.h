/* The rates of an account, which all its sessions share, over all workers: each worker gets the
 * part that its sessions are of all. */
#ifndef FERRY_FERRYD_AUTH_SHARES_H
#define FERRY_FERRYD_AUTH_SHARES_H

#include "ferryd/auth/seats.h"

struct desk;

/* The account's sessions have become more or fewer: tells the workers whose part is another one
 * now, but for `asking`, whose part it returns. */
struct seats_rates shares_spread(struct desk *desk, const char *account, uint32_t asking);

/* The session is over: ends its seat. */
void shares_leave(struct desk *desk, struct seat *seat);

/* The account has these rates by now, whatever they were. */
void shares_change(struct desk *desk, const char *account, const struct seats_rates *rates);

#endif
