/* A file of SQLite as a source (roster/roster.h). */
#ifndef FERRY_FERRYD_AUTH_SOURCE_ROSTER_H
#define FERRY_FERRYD_AUTH_SOURCE_ROSTER_H

#include "ferryd/auth/source.h"

/* Errors as roster_open. */
NODISCARD enum ferry_error source_roster_open(const char *path, struct source **out,
                                              struct fault *fault);

#endif
