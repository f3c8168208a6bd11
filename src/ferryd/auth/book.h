/* The accounts that there are: those of ferryd.conf's blocks, then those of the roster. Does not
 * change once it is made; may be asked on any thread. */
#ifndef FERRY_FERRYD_AUTH_BOOK_H
#define FERRY_FERRYD_AUTH_BOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "account/account.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "conf/read.h"
#include "ferryd/auth/os_user.h"
#include "roster/roster.h"

struct book {
    struct account **list;
    size_t count;
    struct roster *roster; /* NULL: there is none */
    char *files_user;      /* for accounts that name no user; NULL: none, unless `alone` */
    bool alone;            /* there is no user but this process's own: it was not started by root */
};

/* Makes the accounts of `conf` and opens its roster. FERRY_E_ARGUMENT and what roster_open has: the
 * words are in `fault`; FERRY_E_MEMORY. On failure, too, to be ended with book_fini. */
NODISCARD enum ferry_error book_init(struct book *book, struct conf *conf, bool alone,
                                     struct fault *fault);
void book_fini(struct book *book);

/* `*out` is the account of that name, valid while `*owned` is, which the caller frees if it is not
 * NULL; NULL: there is none. FERRY_E_FILE: the roster cannot be read; FERRY_E_MEMORY. */
NODISCARD enum ferry_error book_find(const struct book *book, struct bytes name,
                                     const struct account **out, struct account **owned,
                                     struct fault *fault);

/* The user whose rights the account's files are reached with. Errors as os_user_find;
 * FERRY_E_DENIED also if it must be this process's own and is not; FERRY_E_ARGUMENT: neither the
 * account nor the configuration names one. */
NODISCARD enum ferry_error book_user(const struct book *book, const struct account *account,
                                     struct os_user *out, struct fault *fault);

#endif
