/* Gives up for good what a role does not need: ids, groups, capabilities, resources, core dumps,
 * the way back (SEC-66, SEC-69). One call, early in a role's main, before Landlock and seccomp. */
#ifndef FERRY_PROC_PRIVS_H
#define FERRY_PROC_PRIVS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "ferry/error.h"

/* One row of a role's limits, soft and hard alike. */
struct privs_limit {
    __rlimit_resource_t resource; /* RLIMIT_NOFILE, … */
    rlim_t value;
};

struct privs {
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* the supplementary groups: these and no other */
    size_t group_count;
    uint64_t capabilities; /* bits 1 << CAP_x to keep; only where the user id does not change */
    const struct privs_limit *limits;
    size_t limit_count;
};

/* In this order: rlimits (a value above the hard limit becomes that limit if it may not be raised),
 * the capability bounding set, groups, group ids, user ids (real, effective, saved), proof that
 * none of them can be had back, capabilities, no core dump and no ptrace, no_new_privs. The death
 * signal of the parent, which the kernel forgets when ids change, is set again.
 *
 * Without root: if the process has the ids already, they stay, as do its supplementary groups, and
 * the rest is done. Other ids are FERRY_E_DENIED.
 *
 * RLIMIT_AS is left alone in a build with the address sanitizer, which reserves terabytes.
 *
 * FERRY_E_ARGUMENT: an id of -1, which the kernel reads as "leave it". FERRY_E_DENIED: the kernel
 * refused a step, or an id can be had back. FERRY_E_LOST: the parent has died meanwhile. After a
 * failure the process must end: it has neither its old privileges nor its new ones. */
NODISCARD enum ferry_error privs_enter(const struct privs *privs, struct fault *fault);

/* For `capabilities`: those that programs need which check passwords of the system and begin
 * sessions, as far as this process has them: to read and own any file, to become somebody, and to
 * write to the audit log. */
uint64_t privs_login_capabilities(void);

/* No core dump, and nobody's ptrace, of a program that has just begun: exec forgets that of the one
 * before. */
void privs_hide(void);

#endif
