/* Roles as ferryd confines them, in little: ids, limits, Landlock, seccomp, in that order. */
#ifndef FERRY_TESTS_SANDBOX_PROFILE_H
#define FERRY_TESTS_SANDBOX_PROFILE_H

#include "base/fault.h"
#include "proc/landlock.h"
#include "proc/role.h"
#include "sandbox/deed.h"

/* Ids and Landlock. Threads are started after this. */
NODISCARD enum ferry_error profile_enter(enum role role, const struct scene *scene,
                                         struct landlock_report *report, struct fault *fault);

#endif
