/* Giving up privileges, for good. */
#include "proc/privs.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "proc/sanitized.h"

/* Who the process was before. */
struct before {
    uid_t uid;
    gid_t gid;
    bool same_ids;
    int death_signal;
    pid_t parent;
};

static enum ferry_error refused(struct fault *fault, const char *what)
{
    return fault_errno(fault, FERRY_E_DENIED, "give up privileges: %s", what);
}

static bool ids_are(uid_t uid, gid_t gid)
{
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;
    getresuid(&ruid, &euid, &suid);
    getresgid(&rgid, &egid, &sgid);
    return ruid == uid && euid == uid && suid == uid && rgid == gid && egid == gid && sgid == gid;
}

static enum ferry_error look_before(const struct privs *privs, struct before *before,
                                    struct fault *fault)
{
    *before = (struct before){
        .uid = geteuid(),
        .gid = getegid(),
        .same_ids = ids_are(privs->uid, privs->gid),
        .parent = getppid(),
    };
    if (prctl(PR_GET_PDEATHSIG, &before->death_signal) < 0)
        return refused(fault, "read the death signal");
    return FERRY_OK;
}

static enum ferry_error set_limit(struct privs_limit limit, struct fault *fault)
{
    if (SANITIZED && limit.resource == RLIMIT_AS)
        return FERRY_OK;
    struct rlimit wanted = {.rlim_cur = limit.value, .rlim_max = limit.value};
    if (setrlimit(limit.resource, &wanted) == 0)
        return FERRY_OK;
    struct rlimit now;
    if (errno == EPERM && getrlimit(limit.resource, &now) == 0 && limit.value > now.rlim_max) {
        wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
        if (setrlimit(limit.resource, &wanted) == 0)
            return FERRY_OK;
    }
    return fault_errno(fault, FERRY_E_DENIED, "set resource limit %d", (int)limit.resource);
}

static enum ferry_error set_limits(const struct privs *privs, struct fault *fault)
{
    enum ferry_error error = set_limit((struct privs_limit){RLIMIT_CORE, 0}, fault);
    for (size_t i = 0; i < privs->limit_count && error == FERRY_OK; i++)
        error = set_limit(privs->limits[i], fault);
    return error;
}

/* Belt to the braces of empty sets and no_new_privs: who lacks CAP_SETPCAP does without. */
static enum ferry_error drop_bounding_set(uint64_t keep, struct fault *fault)
{
    for (unsigned long cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
        bool kept = keep & (UINT64_C(1) << cap);
        if (!kept && prctl(PR_CAPBSET_DROP, cap) < 0 && errno != EPERM)
            return refused(fault, "drop a capability from the bounding set");
    }
    return FERRY_OK;
}

static enum ferry_error set_ids(const struct privs *privs, const struct before *before,
                                struct fault *fault)
{
    if (setgroups(privs->group_count, privs->groups) < 0) {
        /* Without root the groups of the one uid stay: no more than it had. */
        if (errno != EPERM || !before->same_ids)
            return refused(fault, "set the supplementary groups");
    } else if (getgroups(0, NULL) != (int)privs->group_count) {
        return fault_set(fault, FERRY_E_DENIED, "other supplementary groups than were set");
    }
    if (before->same_ids)
        return FERRY_OK;
    if (setresgid(privs->gid, privs->gid, privs->gid) < 0)
        return refused(fault, "set the group ids");
    if (setresuid(privs->uid, privs->uid, privs->uid) < 0)
        return refused(fault, "set the user ids");
    if (!ids_are(privs->uid, privs->gid))
        return fault_set(fault, FERRY_E_DENIED, "other ids than were set");
    return FERRY_OK;
}

/* Sets exactly the capabilities of `keep`, and no ambient ones. */
static enum ferry_error set_capabilities(uint64_t keep, struct fault *fault)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        uint32_t word = (uint32_t)(keep >> (32 * i));
        data[i] = (struct __user_cap_data_struct){.effective = word, .permitted = word};
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
        syscall(SYS_capset, &header, data) < 0)
        return refused(fault, "set the capabilities");
    return FERRY_OK;
}

/* Root's ids and the former ones must be out of reach, if they are not the present ones. */
static enum ferry_error prove_no_way_back(const struct privs *privs, const struct before *before,
                                          struct fault *fault)
{
    const uid_t uids[] = {0, before->uid};
    const gid_t gids[] = {0, before->gid};
    for (size_t i = 0; i < ARRAY_LEN(uids) && privs->uid != 0; i++) {
        if (uids[i] != privs->uid && setresuid((uid_t)-1, uids[i], (uid_t)-1) == 0)
            return fault_set(fault, FERRY_E_DENIED, "user id %u can be had back", uids[i]);
        if (gids[i] != privs->gid && setresgid((gid_t)-1, gids[i], (gid_t)-1) == 0)
            return fault_set(fault, FERRY_E_DENIED, "group id %u can be had back", gids[i]);
    }
    return FERRY_OK;
}

/* Changed ids and capabilities have cleared it. */
static enum ferry_error set_death_signal(const struct before *before, struct fault *fault)
{
    if (before->death_signal == 0)
        return FERRY_OK;
    if (prctl(PR_SET_PDEATHSIG, before->death_signal) < 0)
        return refused(fault, "set the death signal");
    if (getppid() != before->parent)
        return fault_set(fault, FERRY_E_LOST, "the parent process has died");
    return FERRY_OK;
}

static enum ferry_error lock(struct fault *fault)
{
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return refused(fault, "forbid core dumps");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return refused(fault, "set no_new_privs");
    return FERRY_OK;
}

enum ferry_error privs_enter(const struct privs *privs, struct fault *fault)
{
    if (privs->uid == (uid_t)-1 || privs->gid == (gid_t)-1)
        return fault_set(fault, FERRY_E_ARGUMENT, "no user or group id to run as");
    struct before before;
    enum ferry_error error = look_before(privs, &before, fault);
    if (error == FERRY_OK)
        error = set_limits(privs, fault);
    if (error == FERRY_OK)
        error = drop_bounding_set(privs->capabilities, fault);
    if (error == FERRY_OK)
        error = set_ids(privs, &before, fault);
    if (error == FERRY_OK)
        error = set_capabilities(privs->capabilities, fault);
    if (error == FERRY_OK)
        error = prove_no_way_back(privs, &before, fault);
    if (error == FERRY_OK)
        error = set_death_signal(&before, fault);
    if (error == FERRY_OK)
        error = lock(fault);
    return error;
}

uint64_t privs_login_capabilities(void)
{
    static const unsigned wanted[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
                                      CAP_SETGID, CAP_SETUID,       CAP_AUDIT_WRITE};
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    uint64_t bits = 0;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        bits |= UINT64_C(1) << wanted[i];
    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    return bits & (data[0].permitted | (uint64_t)data[1].permitted << 32);
}

void privs_hide(void)
{
    prctl(PR_SET_DUMPABLE, 0); /* cannot fail for this value */
}
