/* Recursive downloads (tree_get.c) and uploads (tree_put.c), over one session. */
#ifndef FERRY_CLIENT_TREE_H
#define FERRY_CLIENT_TREE_H

#include "base/compiler.h"
#include "client/session.h"

struct client_tree_want {
    const char *remote; /* "": the working directory */
    const char *local;
    unsigned flags;    /* enum ferry_transfer_flags */
    ferry_tree_fn *fn; /* or NULL */
    void *fn_ctx;
};

/* Copies a directory and all below it to the local directory `want->local`, which is made if it is
 * not there. Names that are not safe, links and what is neither file nor directory are left out and
 * told of (LST-70, LST-73, LST-74, SEC-90). A failure of one name does not end the walk; the first
 * one is returned at its end. */
NODISCARD enum ferry_error client_tree_get_start(struct client_session *session,
                                                 const struct client_tree_want *want,
                                                 client_done_fn *done, void *ctx);

/* The same the other way. A remote directory that is there already is gone on with. */
NODISCARD enum ferry_error client_tree_put_start(struct client_session *session,
                                                 const struct client_tree_want *want,
                                                 client_done_fn *done, void *ctx);

#endif
