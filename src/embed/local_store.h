/* server/backend.h's store over a directory of this machine (store/home.h), each call a job on the
 * pool. */
#ifndef FERRY_EMBED_LOCAL_STORE_H
#define FERRY_EMBED_LOCAL_STORE_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "net/loop.h"
#include "server/backend.h"
#include "store/home.h"

extern const struct store_ops local_store_ops;

/* Makes the files of one login. Takes over `root`, on failure too. `owner`, at most
 * LOGIN_NAME_MAX_BYTES, is whom cut uploads are kept for; it and `rules` are copied.
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error local_store_new(struct loop *loop, struct root *root, struct bytes owner,
                                           const struct home_rules *rules,
                                           struct backend_store **out);

#endif
