/* What the roles are given of a configuration, taken once: a process that is started again later
 * gets the same, whatever has become of the files. */
#ifndef FERRY_FERRYD_SUPERVISOR_PARCEL_H
#define FERRY_FERRYD_SUPERVISOR_PARCEL_H

#include <stdbool.h>

#include "base/compiler.h"
#include "conf/read.h"
#include "ferryd/supervisor/child.h"

enum { PARCEL_HOMES_MAX = 64 }; /* that processes which serve files are bound to */

/* A file that the configuration names. */
struct parcel_file {
    char *path;
    int fd;
    unsigned roles; /* ROLE_BITs */
};

/* Read only. */
struct parcel {
    unsigned refs;
    int settings[ROLE_COUNT]; /* memfds; -1: the role has none */
    struct parcel_file *files;
    size_t file_count;
    char **listens; /* the labels of the listen blocks, in the order of their numbers */
    size_t listen_count;
    unsigned workers;
    uint64_t parts_kept_ns;
    enum confinement confinement;
};

/* Takes it all. A file that cannot be had is a mistake in the `check` of `conf`. FERRY_E_MEMORY;
 * FERRY_E_LIMIT: no descriptors are left. */
NODISCARD enum ferry_error parcel_make(struct conf *conf, struct parcel **out, struct fault *fault);

struct parcel *parcel_ref(struct parcel *parcel);

/* NULL is fine. */
void parcel_unref(struct parcel *parcel);

/* Whether processes that serve files are bound to the same directories by both. */
bool parcel_same_homes(const struct parcel *a, const struct parcel *b);
/* Whether a role is given the same settings by both, or none. Of the files nobody looks: whoever
 * has some is of a crew. */
bool parcel_same(const struct parcel *a, const struct parcel *b, enum role role);

/* Gives a process its settings and files. */
void parcel_give(const struct parcel *parcel, enum role role, struct child *child);

#endif
