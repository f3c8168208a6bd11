/* What the blocks of directories and databases name, as it was given to ferryd-auth. */
#ifndef FERRY_FERRYD_AUTH_SOURCE_FILES_H
#define FERRY_FERRYD_AUTH_SOURCE_FILES_H

#include "base/compiler.h"
#include "base/fault.h"
#include "base/secret.h"
#include "conf/read.h"
#include "ferryd/given.h"

/* "ldap:staff", for people; NULL: memory is short. */
char *source_files_label(const struct conf_instance *block);

/* The path by which a library reads the CAs: that of the descriptor that was given for `file`, for
 * as long as `given` lives; for NULL, that of the system's. FERRY_E_NOT_FOUND; FERRY_E_MEMORY. */
NODISCARD enum ferry_error source_files_ca(const struct given *given, const char *file, char **out,
                                           struct fault *fault);

/* The first line of a file. FERRY_E_ARGUMENT: there is none, or a NUL in it; FERRY_E_NOT_FOUND;
 * FERRY_E_LIMIT; FERRY_E_MEMORY. */
NODISCARD enum ferry_error source_files_secret(struct given *given, const char *file,
                                               struct secret **out, struct fault *fault);

#endif
