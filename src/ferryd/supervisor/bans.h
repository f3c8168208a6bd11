/* What auth keeps its bans in: memory, or a file, that outlives every auth. */
#ifndef FERRY_FERRYD_SUPERVISOR_BANS_H
#define FERRY_FERRYD_SUPERVISOR_BANS_H

#include <stdbool.h>

#include "conf/read.h"

/* As ban_file says; `*fd` is the caller's. If that cannot be, it is a mistake in the `check` of
 * `conf`. */
bool bans_open(struct conf *conf, int *fd);

#endif
