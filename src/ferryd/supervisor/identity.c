/* Who the processes of a role run as. */
#include "ferryd/supervisor/identity.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 64 };

enum ferry_error identity_of_role(enum role role, enum confinement confinement,
                                  struct identity *out, bool *own, struct fault *fault)
{
    char name[NAME_BYTES];
    *own = true;
    *out = (struct identity){.uid = geteuid(), .gid = getegid()};
    if (out->uid != 0 || role == ROLE_PAM) /* whose modules need what root has */
        return FERRY_OK;
    snprintf(name, sizeof(name), "ferry-%s", role_name(role));
    const struct passwd *user = getpwnam(name);
    if (user) {
        *out = (struct identity){.uid = user->pw_uid, .gid = user->pw_gid};
        return FERRY_OK;
    }
    *own = false;
    if (confinement != CONFINE_REQUIRE)
        return FERRY_OK;
    (void)fault_set(fault, FERRY_E_NOT_FOUND, "there is no user %s", name);
    fault_advise(fault, "make it with systemd-sysusers, or start ferryd as a user other than root");
    return FERRY_E_NOT_FOUND;
}

enum ferry_error identity_of_grant(uid_t uid, gid_t gid, struct bytes groups, struct identity *out,
                                   struct fault *fault)
{
    *out = (struct identity){.uid = uid, .gid = gid};
    out->group_count = groups.len / sizeof(gid_t);
    if (groups.len % sizeof(gid_t) != 0 || out->group_count > IDENTITY_GROUPS)
        return fault_set(fault, FERRY_E_DENIED, "its groups are no list of groups");
    memcpy(out->groups, groups.ptr ? groups.ptr : "", groups.len);
    if (geteuid() != 0 && uid != geteuid())
        return fault_set(fault, FERRY_E_DENIED, "the server does not run as root: it cannot be %u",
                         (unsigned)uid);
    if (uid == 0)
        return fault_set(fault, FERRY_E_DENIED, "no files are served as root");
    return FERRY_OK;
}

bool identity_same(const struct identity *a, const struct identity *b)
{
    return a->uid == b->uid && a->gid == b->gid && a->group_count == b->group_count &&
           memcmp(a->groups, b->groups, a->group_count * sizeof(*a->groups)) == 0;
}
