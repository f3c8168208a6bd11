/* ~/.netrc: who to log in as where. */
#ifndef FERRY_FERRY_NETRC_H
#define FERRY_FERRY_NETRC_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/secret.h"

/* What one `machine` or `default` says. */
struct netrc_login {
    char *user;              /* NULL: not said */
    struct secret *password; /* NULL: not said */
};

void netrc_login_fini(struct netrc_login *login);

/* Looks in `text`, the contents of such a file, for `host`, and for `user` if it is not NULL: the
 * first fitting `machine`, or `default`. false: none, or memory is short. */
bool netrc_find(struct bytes text, const char *host, const char *user, struct netrc_login *out);

/* The same in the user's ~/.netrc. A file that others may read is not looked at; `*open_to_others`
 * then says so (SEC-94). */
bool netrc_look_up(const char *host, const char *user, struct netrc_login *out,
                   bool *open_to_others);

#endif
