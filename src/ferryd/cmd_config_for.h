/* `ferryd config --effective --for ACCOUNT`: what would hold for one account. */
#ifndef FERRY_FERRYD_CMD_CONFIG_FOR_H
#define FERRY_FERRYD_CMD_CONFIG_FOR_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "conf/read.h"

/* Appends every value of the account, of a block or of a file that `accounts` names, each with
 * where it comes from: the account, a group, the template, the default; and whether a login would
 * be let in now and, unless it is NULL, from the address `from`. FERRY_E_NOT_FOUND: there is no
 * such account, or something that it names; FERRY_E_ARGUMENT: `from` is no address; FERRY_E_FILE;
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error config_for(struct conf *conf, const char *name, const char *from,
                                      struct buf *out, struct fault *fault);

#endif
