/* Local paths as the user writes them. */
#ifndef FERRY_CLIENT_LOCAL_H
#define FERRY_CLIENT_LOCAL_H

#include "base/compiler.h"
#include "base/fault.h"
#include "store/root.h"

/* Opens the directory `path` as a root beneath which no link is followed (SEC-90), with the
 * process's umask. End it with root_fini. */
NODISCARD enum ferry_error client_local_root(struct root *root, const char *path,
                                             struct fault *fault);

/* Takes the path of a file apart: its directory becomes `root`, and `*inner` is its path beneath
 * that,
 * "/name", to be freed with alloc_free. FERRY_E_ARGUMENT: it ends in no name. On failure nothing is
 * to be freed. */
NODISCARD enum ferry_error client_local_file(const char *path, struct root *root, char **inner,
                                             struct fault *fault);

#endif
