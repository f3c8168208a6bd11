/* What the sessions of an account share in this process. */
#include "server/limits.h"

enum { ENTRIES_MAX = 65536 }; /* about 15 MB */

void server_limits_init(struct server_limits *limits)
{
    *limits = (struct server_limits){.ledger.max = ENTRIES_MAX};
}

void server_limits_fini(struct server_limits *limits)
{
    ledger_fini(&limits->ledger);
}

struct ledger_entry *server_limits_account(struct server_limits *limits, struct bytes account)
{
    struct ledger_key key = ledger_key(LEDGER_ACCOUNT, NULL, account);
    return ledger_get(&limits->ledger, &key);
}

bool server_limits_join(struct server_limits *limits, struct bytes account, uint64_t most)
{
    struct ledger_entry *entry = server_limits_account(limits, account);
    if (!entry || (most > 0 && entry->held >= most))
        return false;
    entry->held++;
    return true;
}

void server_limits_part(struct server_limits *limits, struct bytes account)
{
    struct ledger_key key = ledger_key(LEDGER_ACCOUNT, NULL, account);
    struct ledger_entry *entry = ledger_find(&limits->ledger, &key);
    if (entry && entry->held > 0)
        entry->held--;
}
