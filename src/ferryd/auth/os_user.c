/* Users of the system. */
#include "ferryd/auth/os_user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/text.h"

enum { ENTRY_BYTES = 16 * 1024 };

void os_user_prepare(void)
{
    /* A name that nobody has: every source that there is is asked. */
    struct os_user nobody;
    (void)!os_user_find("-", &nobody, NULL);
    gid_t groups[1];
    int count = 1;
    (void)getgrouplist("-", 0, groups, &count);
}

/* "1001:100". */
static bool is_numeric(const char *name, struct os_user *out)
{
    struct bytes gid = bytes_str(name);
    struct bytes uid = bytes_cut(&gid, ':');
    uint64_t user, group;
    if (!text_u64(uid, UINT32_MAX - 1, &user) || !text_u64(gid, UINT32_MAX - 1, &group))
        return false;
    *out = (struct os_user){.uid = (uid_t)user, .gid = (gid_t)group, .group_count = 1};
    out->groups[0] = out->gid;
    return true;
}

enum ferry_error os_user_find(const char *name, struct os_user *out, struct fault *fault)
{
    char space[ENTRY_BYTES];
    struct passwd entry, *found = NULL;
    if (is_numeric(name, out))
        return out->uid != 0 && out->gid != 0
                   ? FERRY_OK
                   : fault_set(fault, FERRY_E_DENIED, "%s is root's, whose rights no account gets",
                               name);
    errno = getpwnam_r(name, &entry, space, sizeof(space), &found);
    if (errno != 0)
        return fault_errno(fault, FERRY_E_FILE, "the user %s cannot be looked up", name);
    if (!found)
        return fault_set(fault, FERRY_E_NOT_FOUND, "there is no user %s on this system", name);
    if (found->pw_uid == 0)
        return fault_set(fault, FERRY_E_DENIED, "%s is root, whose rights no account gets", name);
    int count = OS_USER_GROUPS_MAX;
    if (getgrouplist(name, found->pw_gid, out->groups, &count) < 0)
        return fault_set(fault, FERRY_E_LIMIT, "the user %s is in more than %d groups", name,
                         OS_USER_GROUPS_MAX);
    out->uid = found->pw_uid;
    out->gid = found->pw_gid;
    out->group_count = (size_t)count;
    return FERRY_OK;
}

void os_user_self(struct os_user *out)
{
    *out = (struct os_user){.uid = geteuid(), .gid = getegid()};
}
