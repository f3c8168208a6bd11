/* What the supervisor tells of changes: to standard error while it starts, then to its log. */
#ifndef FERRY_FERRYD_SUPERVISOR_TELL_H
#define FERRY_FERRYD_SUPERVISOR_TELL_H

#include "base/fault.h"
#include "base/log.h"
#include "conf/read.h"

enum tell_change {
    TELL_START,
    TELL_RELOAD,  /* the configuration was read again */
    TELL_RENEWAL, /* its files are others */
};

/* The change is at work. */
void tell_changed(const struct log *log, enum tell_change change, const struct conf *conf);

/* It is not: for the mistakes of `conf` (NULL: it could not be read), and what `why` says. */
void tell_refused(const struct log *log, enum tell_change change, const char *path,
                  const struct conf *conf, const struct fault *why);

/* Warns if processes will run as root for want of users of their own. */
void tell_root(const struct log *log);

#endif
