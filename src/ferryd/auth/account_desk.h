/* Where ferryd-ops asks which accounts there are, as far as their sources can list them:
 * directories cannot. Read on the pool, one list at a time. */
#ifndef FERRY_FERRYD_AUTH_ACCOUNT_DESK_H
#define FERRY_FERRYD_AUTH_ACCOUNT_DESK_H

#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/auth/book.h"
#include "ferryd/link.h"
#include "net/loop.h"

enum { ACCOUNT_DESK_MAX = 5000 }; /* accounts in a list; others are left out */

struct account_list;

struct account_desk {
    struct loop *loop;
    const struct book *book;
    struct account_list *list; /* that is being made; NULL: none */
};

/* MESSAGE_ACCOUNTS_ASK has come by `ops`, where the answer goes. FERRY_E_LOST: it has gone. */
NODISCARD enum ferry_error account_desk_ask(struct account_desk *desk, struct link *ops,
                                            uint64_t number, struct fault *fault);

/* The channel has gone: nobody waits for the list. */
void account_desk_forget(struct account_desk *desk);

#endif
