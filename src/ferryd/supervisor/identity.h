/* Who the processes of a role run as. */
#ifndef FERRY_FERRYD_SUPERVISOR_IDENTITY_H
#define FERRY_FERRYD_SUPERVISOR_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/messages.h"

enum { IDENTITY_GROUPS = MESSAGE_GROUPS_BYTES / sizeof(gid_t) };

struct identity {
    uid_t uid;
    gid_t gid;
    gid_t groups[IDENTITY_GROUPS];
    size_t group_count;
};

/* Started by root, a role runs as the user "ferry-ROLE", without supplementary groups, but pam as
 * root; without root, as the user who started it. If there is no such user, it runs as root under
 * `confinement` try or off, and `*own` is false; FERRY_E_NOT_FOUND under require. */
NODISCARD enum ferry_error identity_of_role(enum role role, enum confinement confinement,
                                            struct identity *out, bool *own, struct fault *fault);

/* The one that auth asks a files process for; `groups` are gid_t each.
 * FERRY_E_DENIED: the server cannot be that user, or it is root, which no files are served as. */
NODISCARD enum ferry_error identity_of_grant(uid_t uid, gid_t gid, struct bytes groups,
                                             struct identity *out, struct fault *fault);

bool identity_same(const struct identity *a, const struct identity *b);

#endif
