/* What is done to remote names: delete, rename, make and remove directories. */
#ifndef FERRY_CLIENT_REMOTE_H
#define FERRY_CLIENT_REMOTE_H

#include "client/session.h"

/* DELE, MKD, RMD and RNFR with RNTO. Paths are copied. The errors are those of client_session_send
 * and the kind of the server's refusal. */
NODISCARD enum ferry_error client_remove_start(struct client_session *session, struct bytes path,
                                               client_done_fn *done, void *ctx);
NODISCARD enum ferry_error client_make_directory_start(struct client_session *session,
                                                       struct bytes path, client_done_fn *done,
                                                       void *ctx);
NODISCARD enum ferry_error client_remove_directory_start(struct client_session *session,
                                                         struct bytes path, client_done_fn *done,
                                                         void *ctx);
NODISCARD enum ferry_error client_rename_start(struct client_session *session, struct bytes from,
                                               struct bytes to, client_done_fn *done, void *ctx);

#endif
