/* One login: what was asked, and what is decided. */
#ifndef FERRY_FERRYD_AUTH_LOGIN_H
#define FERRY_FERRYD_AUTH_LOGIN_H

#include <stdbool.h>

#include "account/account.h"
#include "base/secret.h"
#include "ferryd/auth/book.h"
#include "ferryd/messages.h"
#include "net/address.h"
#include "tls/identity.h"

struct login {
    /* What was asked. */
    char name[ACCOUNT_NAME_BYTES + 1];
    struct secret *password; /* NULL: the question is whether one is needed */
    struct address peer;
    uint64_t seed;                 /* of the stamp */
    enum demand_tls tls;           /* that the connection meets */
    struct tls_identity *identity; /* of a verified certificate; NULL: there is none */

    /* How far it has got. */
    unsigned source;  /* of the book: the one that is asked */
    unsigned turn;    /* which of its turns this is */
    bool undecided;   /* it has no such account: the next one is to be asked */
    const char *none; /* why not, for the log; NULL: as usual */

    bool tried; /* its password counts as a failure: auth/tries.h */

    /* What is decided. */
    enum login_answer verdict;
    struct fault fault; /* why it is unavailable */
    const char *why;    /* refused, for the log; static, or NULL */
    char *home;         /* granted: these, too */
    struct os_user user;
    char *charset;         /* "": none */
    char *denied_names;    /* as store/home.h; NULL: the default */
    uint64_t stamp;        /* of the password: account_stamp */
    char *rights, *roots;  /* as texts (store/rights.h, store/roots.h) */
    uint64_t sessions_max; /* 0: any number, here and below */
    uint64_t rate_up, rate_down, quota_bytes, quota_files;
    unsigned rules; /* MESSAGE_RULE_ bits */
    bool by_certificate;
    uint64_t visit; /* the source's own number of the session (source_ops); 0: it has none */
};

/* Asks the source, and decides unless there is another one to be asked; on the pool, since it
 * reads accounts and computes a hash, and as much work for a name that no source has as for a wrong
 * password in the last one (SEC-84). How many sessions there are is not its affair. */
void login_decide(struct login *login, const struct book *book);

void login_fini(struct login *login);

#endif
