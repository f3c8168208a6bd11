/* What a recursive download and a recursive upload share: the folders still to be walked, the paths
 * of one name on both sides, and what is told of it. */
#ifndef FERRY_CLIENT_WALK_H
#define FERRY_CLIENT_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "client/session.h"
#include "client/tree.h"
#include "store/root.h"

enum { CLIENT_WALK_MAX_DEPTH = 64 }; /* LST-75 */

/* A folder, relative to the top of the tree. */
struct walk_folder {
    char *relative; /* "" for the top */
    unsigned depth;
};

struct client_walk {
    struct client_session *session;
    char *remote, *local; /* the top, on either side */
    unsigned flags;
    struct root root; /* the local top */

    /* The name that is dealt with. */
    char *item_remote, *item_local; /* to be told */
    char *item_inner;               /* beneath `root` */

    struct fault failure; /* the first one of all */

    /* Private to walk.c. */
    ferry_tree_fn *fn;
    void *fn_ctx;
    struct walk_folder *folders; /* to be walked, the next one last */
    size_t folder_count, folder_room;
    struct walk_folder current;
};

/* Begins a walk with the top as the only folder to be walked. FERRY_E_MEMORY, and the errors of
 * client_local_root; then there is nothing to end. The words of failures are in the session's
 * fault. */
NODISCARD enum ferry_error client_walk_init(struct client_walk *walk,
                                            struct client_session *session,
                                            const struct client_tree_want *want);
void client_walk_fini(struct client_walk *walk);

/* Takes up the next folder; false: none is left. */
bool client_walk_next(struct client_walk *walk);

/* Makes `name` in the current folder the one that is dealt with; "" is the folder itself.
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error client_walk_choose(struct client_walk *walk, const char *name);

/* Leaves `name` in the current folder to be walked later, before those that were left earlier.
 * FERRY_E_LIMIT: it is too deep; FERRY_E_MEMORY. */
NODISCARD enum ferry_error client_walk_leave(struct client_walk *walk, const char *name);

/* Tells what became of the name that is dealt with. FERRY_E_CANCELLED: the caller wants no more. */
NODISCARD enum ferry_error client_walk_tell(struct client_walk *walk, enum ferry_tree_event event,
                                            uint64_t bytes);

/* Tells of a failure, whose words are in the session's fault, which is emptied. Returns FERRY_OK if
 * the walk can go on, else what ends it: the connection is gone, the caller wants no more, memory
 * is short. */
NODISCARD enum ferry_error client_walk_fail(struct client_walk *walk, enum ferry_error error);

/* Tells that the name is left out, with the reason: "is a symbolic link". Not a failure of the
 * walk. FERRY_E_CANCELLED. */
NODISCARD enum ferry_error client_walk_skip(struct client_walk *walk, const char *why);

/* What the whole walk comes to, once nothing is left: FERRY_OK or the first failure, whose words go
 * into the session's fault. */
enum ferry_error client_walk_result(struct client_walk *walk);

#endif
