/* Which role is given what of the settings: its own business, and what is secret only where it must
 * be. */
#ifndef FERRY_FERRYD_SUPERVISOR_SHARE_H
#define FERRY_FERRYD_SUPERVISOR_SHARE_H

#include "base/buf.h"
#include "base/compiler.h"
#include "conf/read.h"
#include "proc/role.h"

/* Appends, as conf/print writes it, what the role is given; nothing, if it has no business.
 * Errors as buf_append. */
NODISCARD enum ferry_error share_print(const struct conf *conf, enum role role, struct buf *out);

#endif
