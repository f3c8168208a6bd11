/* The files of one login as a files process keeps them: a root, the rules of a grant, and the
 * channel to the worker that calls come over. */
#ifndef FERRY_FERRYD_FILES_SESSION_H
#define FERRY_FERRYD_FILES_SESSION_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "net/loop.h"
#include "store/home.h"

struct files_session;

/* The worker has closed the channel, or has said what it may not (`why` is set then), and whatever
 * was open is closed. From the loop; the session is freed right after. */
typedef void files_session_ended_fn(void *ctx, const struct fault *why);

/* What is granted. */
struct files_grant {
    const char *root;   /* a path of the host's; opened on the pool */
    struct bytes owner; /* as home_init */
    struct home_rules rules;
    const char *rights, *roots; /* as texts (store/rights.h, store/roots.h) */
};

/* Serves the calls that come over `fd`, which it takes, on failure too; `grant` is copied. A root
 * that cannot be opened, further ones, too, is the answer to every call. It frees itself when it
 * has ended. FERRY_E_MEMORY: `ended` will not be called. */
NODISCARD enum ferry_error files_session_new(struct loop *loop, const struct files_grant *grant,
                                             int fd, files_session_ended_fn *ended, void *ctx);

#endif
