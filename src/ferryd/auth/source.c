/* What all sources of accounts have in common. */
#include "ferryd/auth/source.h"

#include "base/alloc.h"

void found_fini(struct found *found)
{
    account_free(found->owned);
    alloc_free(found->locator);
    *found = (struct found){0};
}
