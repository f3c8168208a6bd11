/* From the table of system calls to a filter. */
#include "proc/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/sanitized.h"

#define BIT(role) ROLE_BIT(ROLE_##role)
#define UNLISTED (BIT(SUPERVISOR) | BIT(HOOKS) | BIT(PAM))
#define LISTED (BIT(KEYS) | BIT(AUTH) | BIT(WORKER) | BIT(FILES) | BIT(OPS))
#define SANITIZERS (SANITIZED ? LISTED : 0)

/* What a call's arguments must satisfy. */
enum check {
    CHECK_ANY,
    CHECK_NO_CODE,     /* no PROT_EXEC */
    CHECK_NONBLOCKING, /* FIONBIO, which libuv sets on what it polls */
    CHECK_PENDING,     /* FIONREAD, by which the C library sizes an answer of DNS */
    CHECK_OWN_PROCESS, /* the first is our own process id */
    CHECK_INTERNET,    /* socket: IPv4 and IPv6 */
    CHECK_THREAD,      /* clone: a thread, not a process */
    CHECK_ABSENT,      /* ENOSYS, as if the kernel did not have it */
    CHECK_REFUSED,     /* EACCES: libraries try it and do without */
};

struct call {
    int number;
    unsigned roles;
    enum check check;
};

#define CALL(name, roles, check) {SCMP_SYS(name), (roles), CHECK_##check},
#define DENY(name)
static const struct call calls[] = {
#include "proc/syscalls.def"
};
#undef CALL
#undef DENY

#define CALL(name, roles, check)
#define DENY(name) SCMP_SYS(name),
static const int denied[] = {
#include "proc/syscalls.def"
};
#undef CALL
#undef DENY

static void filter_release(scmp_filter_ctx *filter)
{
    seccomp_release(*filter);
}

/* As libseccomp says it: 0 or -errno. */
static int allow_if(scmp_filter_ctx filter, int number, struct scmp_arg_cmp argument)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &argument);
}

static int allow(scmp_filter_ctx filter, const struct call *call)
{
    int number = call->number;
    switch (call->check) {
    case CHECK_ANY:
        return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 0, NULL);
    case CHECK_NO_CODE:
        return allow_if(filter, number, SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    case CHECK_NONBLOCKING:
        return allow_if(filter, number, SCMP_A1_64(SCMP_CMP_EQ, FIONBIO, 0));
    case CHECK_PENDING:
        return allow_if(filter, number, SCMP_A1_64(SCMP_CMP_EQ, FIONREAD, 0));
    case CHECK_OWN_PROCESS:
        return allow_if(filter, number, SCMP_A0_64(SCMP_CMP_EQ, (uint64_t)getpid(), 0));
    case CHECK_INTERNET: {
        int error = allow_if(filter, number, SCMP_A0_64(SCMP_CMP_EQ, AF_INET, 0));
        return error ? error : allow_if(filter, number, SCMP_A0_64(SCMP_CMP_EQ, AF_INET6, 0));
    }
    case CHECK_THREAD:
        return allow_if(filter, number, SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    case CHECK_ABSENT:
        return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0, NULL);
    case CHECK_REFUSED:
        /* Not EPERM: a rule must not say what the whole filter may say already. */
        return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), number, 0, NULL);
    }
    return -EINVAL;
}

static int allow_listed(scmp_filter_ctx filter, enum role role)
{
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        int error = calls[i].roles & ROLE_BIT(role) ? allow(filter, &calls[i]) : 0;
        if (error)
            return error;
    }
    return 0;
}

static int deny_unneeded(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
        if (SANITIZED && denied[i] == SCMP_SYS(ptrace)) /* how leaks are found at exit */
            continue;
        int error = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0, NULL);
        if (error)
            return error;
    }
    return 0;
}

static uint32_t action_of(enum seccomp_refusal refusal)
{
    switch (refusal) {
    case SECCOMP_KILLS:
        break;
    case SECCOMP_EPERM:
        return SCMP_ACT_ERRNO(EPERM);
    case SECCOMP_LOGGED:
        return SCMP_ACT_LOG;
    }
    return SCMP_ACT_KILL_PROCESS;
}

enum ferry_error seccomp_enter(enum role role, enum seccomp_refusal refusal, struct fault *fault)
{
    bool listed = LISTED & ROLE_BIT(role);
    CLEANUP(filter_release)
    scmp_filter_ctx filter = seccomp_init(listed ? action_of(refusal) : SCMP_ACT_ALLOW);
    if (!filter)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the filter of system calls");
    int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!error)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!error)
        error = listed ? allow_listed(filter, role) : deny_unneeded(filter);
    if (!error)
        error = seccomp_load(filter);
    if (!error)
        return FERRY_OK;
    errno = -error;
    return fault_errno(fault, error == -ENOMEM ? FERRY_E_MEMORY : FERRY_E_DENIED,
                       "confine the system calls of %s", role_name(role));
}
