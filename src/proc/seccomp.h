/* The system calls that remain to a role, by libseccomp; syscalls.def is the table (SEC-68). */
#ifndef FERRY_PROC_SECCOMP_H
#define FERRY_PROC_SECCOMP_H

#include "base/compiler.h"
#include "base/fault.h"
#include "ferry/error.h"
#include "proc/role.h"

/* What happens to a process that makes another call. */
enum seccomp_refusal {
    SECCOMP_KILLS,  /* it dies of SIGSYS */
    SECCOMP_EPERM,  /* the call fails */
    SECCOMP_LOGGED, /* the call is made, and the kernel's audit log says so: to find what is missing
                       in the table */
};

/* Confines all threads of the process, for good. The last step: ids, Landlock, the threads of the
 * pool, which must have begun (a new thread's first calls are in no role's list), and whatever
 * opens files late come before. Sets no_new_privs. The supervisor and hooks, which start programs,
 * keep all calls but those that nobody needs; these fail with EPERM whatever `refusal` is.
 * FERRY_E_MEMORY. FERRY_E_DENIED: the kernel refused. */
NODISCARD enum ferry_error seccomp_enter(enum role role, enum seccomp_refusal refusal,
                                         struct fault *fault);

#endif
