/* The quotas of the accounts whose files a process serves, which outlive their sessions. */
#ifndef FERRY_FERRYD_FILES_QUOTAS_H
#define FERRY_FERRYD_FILES_QUOTAS_H

#include <sys/queue.h>

#include "base/bytes.h"
#include "store/quota.h"

struct quotas {
    LIST_HEAD(, quotas_entry) list;
};

void quotas_init(struct quotas *quotas);
void quotas_fini(struct quotas *quotas);

/* That of the account `owner` with that root and these further ones (store/roots.h), whose limits
 * are now these; it stays the list's. NULL: memory is short. */
struct quota *quotas_find(struct quotas *quotas, struct bytes owner, const char *root,
                          const char *roots, uint64_t bytes_max, uint64_t files_max);

#endif
