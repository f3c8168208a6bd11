/* Users of the system, with whose rights the files of accounts are reached. */
#ifndef FERRY_FERRYD_AUTH_OS_USER_H
#define FERRY_FERRYD_AUTH_OS_USER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/fault.h"

enum { OS_USER_GROUPS_MAX = 64 };

struct os_user {
    uid_t uid;
    gid_t gid;
    gid_t groups[OS_USER_GROUPS_MAX];
    size_t group_count;
};

/* Lets the C library load whatever it looks users up with: once, before the process is confined,
 * since afterwards no code can be loaded. */
void os_user_prepare(void);

/* Looks the user up, with exactly its groups (SEC-69); "UID:GID", in numbers, has that group alone
 * and need not be known to the system. On any thread. FERRY_E_NOT_FOUND: there is
 * none; FERRY_E_DENIED: it is root, whose rights no account gets; FERRY_E_LIMIT: it is in too many
 * groups; FERRY_E_FILE: it cannot be looked up. */
NODISCARD enum ferry_error os_user_find(const char *name, struct os_user *out, struct fault *fault);

/* This process: its ids, and no groups but its own. */
void os_user_self(struct os_user *out);

#endif
