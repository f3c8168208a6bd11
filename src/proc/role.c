/* The names of the roles. */
#include "proc/role.h"

#include "base/compiler.h"

const char *role_name(enum role role)
{
    static const char *const names[] = {
        [ROLE_SUPERVISOR] = "supervisor", [ROLE_KEYS] = "keys",   [ROLE_AUTH] = "auth",
        [ROLE_WORKER] = "worker",         [ROLE_FILES] = "files", [ROLE_OPS] = "ops",
        [ROLE_HOOKS] = "hooks",           [ROLE_PAM] = "pam",
    };
    return (unsigned)role < ARRAY_LEN(names) ? names[role] : "unknown";
}
