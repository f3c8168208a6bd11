/* The roles of ferryd's processes (SEC-62). What a role may do is data: syscalls.def for the
 * kernel, a wire_table for its channels. */
#ifndef FERRY_PROC_ROLE_H
#define FERRY_PROC_ROLE_H

enum role {
    ROLE_SUPERVISOR,
    ROLE_KEYS,
    ROLE_AUTH,
    ROLE_WORKER,
    ROLE_FILES,
    ROLE_OPS,
    ROLE_HOOKS,
    ROLE_PAM,
};
enum { ROLE_COUNT = ROLE_PAM + 1 };

/* A set of roles is an unsigned with these bits. */
#define ROLE_BIT(role) (1U << (unsigned)(role))

/* "supervisor", "keys", …; a static string. */
const char *role_name(enum role role);

#endif
