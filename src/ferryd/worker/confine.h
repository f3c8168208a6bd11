/* What remains to a worker: its sockets, and the TCP ports that its listeners' rules name (SEC-67).
 */
#ifndef FERRY_FERRYD_WORKER_CONFINE_H
#define FERRY_FERRYD_WORKER_CONFINE_H

#include "base/compiler.h"
#include "base/fault.h"
#include "conf/read.h"
#include "ferryd/role.h"

/* FERRY_E_DENIED as role_confine; FERRY_E_MEMORY. */
NODISCARD enum ferry_error worker_confine(struct role_main *role,
                                          const struct role_identity *identity,
                                          const struct conf *conf, struct fault *fault);

#endif
