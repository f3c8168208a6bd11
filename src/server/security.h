/* TLS on the control connection: AUTH, implicit TLS, REIN, CCC (tls.md sections 1, 4 and 13). */
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

/* CCC was granted, and its reply not yet written: lets tickets leave with it for the data
 * connections to come, since none can be sent afterwards (TLS-108, TLS-156). Nothing for REIN. */
void server_security_stock(struct server_session *session);

/* REIN or CCC: begins to end TLS, after what was written. */
void server_security_stop(struct server_session *session);

/* It has ended, both ways. After CCC data connections go on under the binding. */
void server_security_stopped(struct server_session *session);

/* REIN: the binding of the TLS session that was is no more. */
void server_security_forget(struct server_session *session);

#endif
