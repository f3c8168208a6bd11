/* What the files of a session share: session_open.c (its beginning) and session.c (all else).
 * Nobody else includes this. */
#ifndef FERRY_SERVER_SESSION_PRIVATE_H
#define FERRY_SERVER_SESSION_PRIVATE_H

#include "server/session.h"

/* Of its control connection, from the greeting or the handshake on; the context is the session. */
extern const struct stream_events server_session_events;

/* Its timer: the deadline of the phase has come. */
void server_session_expired(void *session);

/* Its task: goes on with what one turn left. */
void server_session_go_on(void *session);

/* SERVER_UNDECIDED: begins the session, implicit or not, if the first byte has come or was `waited`
 * for. The session may be gone after it. */
void server_session_decide(struct server_session *session, bool waited);

/* Frees what is left of it; no transfer runs. */
void server_session_free(struct server_session *session);

#endif
