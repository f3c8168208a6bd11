/* What ferryd-auth may still reach once it has begun. */
#ifndef FERRY_FERRYD_AUTH_CONFINE_H
#define FERRY_FERRYD_AUTH_CONFINE_H

#include "base/compiler.h"
#include "base/fault.h"
#include "conf/read.h"
#include "ferryd/role.h"

/* Becomes `identity` with the right to nothing but what the sources of `conf` need: the folders of
 * rosters, in which SQLite keeps its log, the TCP ports of their servers, and the system's lists of
 * users and names: the folder of these, since each change of them is another file. Errors as
 * role_confine. */
NODISCARD enum ferry_error confine_auth(struct role_main *role,
                                        const struct role_identity *identity,
                                        const struct conf *conf, struct fault *fault);

#endif
