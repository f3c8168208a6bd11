/* TLS on the control connection: AUTH, implicit TLS, REIN (tls.md sections 1 and 4). */
#ifndef FERRY_SERVER_SECURITY_H
#define FERRY_SERVER_SECURITY_H

#include "server/session.h"

/* Begins the handshake; nothing may be queued or unread (TLS-51, TLS-130). On failure the session
 * is ended. */
void server_security_start(struct server_session *session);

/* The handshake is done. */
void server_security_sealed(struct server_session *session);

/* A data connection was made, by that engine; NULL: in clear, or what is known of the last is to be
 * forgotten. For STAT and the log (TLS-210); if memory is short, nothing is known. */
void server_security_note_data(struct server_session *session, const struct tls_engine *engine);

/* REIN: begins to end TLS, after what was written. */
void server_security_stop(struct server_session *session);

/* It has ended, both ways. */
void server_security_stopped(struct server_session *session);

#endif
