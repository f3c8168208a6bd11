/* Where accounts are kept: a table of functions for each kind. Those of a source may be called on
 * any thread of the pool, also on several at once, and may block there: for as long as
 * `patience_ns` and no longer, if the source is not of this machine. */
#ifndef FERRY_FERRYD_AUTH_SOURCE_H
#define FERRY_FERRYD_AUTH_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "account/account.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum { SOURCE_TURNS_MAX = 16 };

/* What was found by a name. */
struct found {
    const struct account *account; /* NULL: there is none */
    struct account *owned;         /* is freed with this; NULL: the account is the source's */
    char *locator;                 /* what the source itself calls it, such as a DN; or NULL */
};

void found_fini(struct found *found);

struct source;

/* Is given one account after the other; anything but FERRY_OK ends it. */
typedef enum ferry_error source_each_fn(void *ctx, const struct account *account,
                                        struct fault *fault);

/* Functions whose name says that there may be none are NULL then. `turn` is one of the numbers
 * below `turns`, which no other thread has at the time: what a source keeps for each, such as a
 * connection, needs no lock. It is 0 if `turns` is. */
struct source_ops {
    /* Looks the account up. FERRY_E_FILE, FERRY_E_NETWORK, FERRY_E_TIMEOUT: it cannot be told now;
     * FERRY_E_ARGUMENT: there is one, and what is kept of it is wrong; FERRY_E_MEMORY. */
    enum ferry_error (*find)(struct source *source, unsigned turn, struct bytes name,
                             struct found *out, struct fault *fault);

    /* Whether the password is that of what `find` has found; if it has found nothing it is wrong,
     * and takes as long as far as the source can see to that (SEC-84). Never right if it is empty.
     * NULL: the account's password_hash decides. Errors as `find`. */
    enum ferry_error (*check_password)(struct source *source, unsigned turn, struct bytes name,
                                       const struct found *found, struct bytes password,
                                       bool *right, struct fault *fault);
    /* Calls `fn` with every account. NULL: they cannot be listed. Errors as `find`, and those of
     * `fn`, which end it. */
    enum ferry_error (*each)(struct source *source, source_each_fn *fn, void *ctx,
                             struct fault *fault);
    void (*close)(struct source *source);
};

/* The first member of each kind's struct. */
struct source {
    const struct source_ops *ops;
    const char *name;     /* for people: "ldap:staff" */
    unsigned turns;       /* asked by so many threads at once, SOURCE_TURNS_MAX at most; 0: any */
    uint64_t patience_ns; /* how long a login may wait for its turn, if they are limited */
};

#endif
