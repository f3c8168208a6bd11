/* The paths that remain to ferryd-hooks and to the programs that it runs. */
#ifndef FERRY_FERRYD_HOOKS_PLACES_H
#define FERRY_FERRYD_HOOKS_PLACES_H

#include <sys/types.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "conf/read.h"
#include "proc/landlock.h"

enum { PLACES_PATH_BYTES = 4096, PLACES_MAX = 256 };

struct places {
    char folder[PLACES_PATH_BYTES];    /* "STATE/hooks": nobody else's; */
    char temporary[PLACES_PATH_BYTES]; /* beneath it, for programs */
    struct landlock_path paths[PLACES_MAX];
    size_t count;
};

/* Makes the folders for that user, if they are not there, and opens what Landlock is to leave: the
 * system's programs, libraries and settings, for reading; the programs that `conf` names, with
 * their folders; what hooks_reads and hooks_writes say. FERRY_E_FILE: a folder cannot be made.
 * FERRY_E_LIMIT: there are too many. Free it with places_fini, on failure too. */
NODISCARD enum ferry_error places_init(struct places *places, const struct conf *conf, uid_t uid,
                                       gid_t gid, struct fault *fault);
void places_fini(struct places *places);

#endif
