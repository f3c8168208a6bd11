/* Leaving a server in order. */
#ifndef FERRY_CLIENT_QUIT_H
#define FERRY_CLIENT_QUIT_H

#include "client/session.h"

/* QUIT, its reply, close_notify and FIN, each waited for but a few seconds (FTP-37, TLS-182).
 * `done` always gets FERRY_OK; the session may then be opened again. On failure (FERRY_E_STATE: not
 * connected; FERRY_E_MEMORY; the error the connection failed with) the connection is as it was. */
NODISCARD enum ferry_error client_quit_start(struct client_session *session, client_done_fn *done,
                                             void *ctx);

#endif
