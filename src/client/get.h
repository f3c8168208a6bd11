/* A download: into a part that takes its name only when whole, resumed where a former one was cut;
 * or into a descriptor. */
#ifndef FERRY_CLIENT_GET_H
#define FERRY_CLIENT_GET_H

#include "client/session.h"
#include "ferry/listing.h"
#include "store/root.h"

struct client_get_want {
    struct bytes remote;
    const struct root *root;         /* the local directory; borrowed to the end */
    struct bytes local;              /* the file's path beneath it: absolute and normalised */
    const char *local_name;          /* what the user calls it, for messages; borrowed to the end */
    unsigned flags;                  /* enum ferry_transfer_flags */
    const struct ferry_entry *known; /* size and time as a listing told them, or NULL: they are
                                        asked for */
};

/* Downloads `want->remote`. What came of a cut transfer is kept beside the target, under a name
 * that tells the server, the path, and the file's size and time: FERRY_RESUME goes on with that, or
 * with a target that is shorter than the file, after the last bytes there have proved to be the
 * same (FTP-96, DEV-42); else it begins anew. A target of the right size is then left as it is.
 * FERRY_E_EXISTS: the target exists, without FERRY_OVERWRITE (SEC-93); the errors of
 * client_transfer_start, part_begin, part_commit. */
NODISCARD enum ferry_error client_get_start(struct client_session *session,
                                            const struct client_get_want *want,
                                            client_done_fn *done, void *ctx);

/* Downloads to `fd`, in sequence; it stays open. */
NODISCARD enum ferry_error client_get_fd_start(struct client_session *session, struct bytes remote,
                                               int fd, client_done_fn *done, void *ctx);

#endif
