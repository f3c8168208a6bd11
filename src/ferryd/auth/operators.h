/* The channel to ferryd-ops: what an operator asks of auth. */
#ifndef FERRY_FERRYD_AUTH_OPERATORS_H
#define FERRY_FERRYD_AUTH_OPERATORS_H

#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/auth/account_desk.h"
#include "ferryd/auth/ban_desk.h"
#include "ferryd/link.h"
#include "net/loop.h"

struct operators {
    struct loop *loop;
    struct account_desk accounts;
    struct ban_desk bans; /* no throttle: it is not open yet */
    int fd;               /* until it is open; else -1 */
    struct link *channel; /* NULL: ops is not there */
};

void operators_init(struct operators *operators, struct loop *loop);

/* Takes `fd`, on failure too: ops asks there from now on, and nowhere else. FERRY_E_MEMORY. */
NODISCARD enum ferry_error operators_connect(struct operators *operators, int fd);

/* From now on it is answered. FERRY_E_MEMORY. */
NODISCARD enum ferry_error operators_open(struct operators *operators, const struct ban_desk *bans,
                                          const struct book *book);

#endif
