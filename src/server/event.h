/* The events of a session in the log: what each one tells (docs: ferryd(8), EVENTS; the names are
 * in base/events.def). Every failure says whose doing it is and what can be done. */
#ifndef FERRY_SERVER_EVENT_H
#define FERRY_SERVER_EVENT_H

#include "base/fault.h"
#include "server/session.h"

struct server_transfer;

/* A number for a session that no other of this server has or had, in no process, before or after a
 * restart: the time in milliseconds since 2026 and 13 bits of the settings' `id_tag`; below 2^53,
 * as JSON wants it. */
uint64_t server_event_session_id(struct server_shared *shared);

/* Whose doing a failure was: "client", "server", "network", or "peer-config" where the settings of
 * the two ends do not fit together. */
const char *server_event_side(const struct fault *fault);

/* What to do about it: the fault's own advice, or one for failures of its kind. */
const char *server_event_advice(const struct fault *fault);

/* The session began, has TLS, is over. */
void server_event_opened(const struct server_session *session);
void server_event_sealed(struct server_session *session, const struct tls_facts *facts);
void server_event_closed(const struct server_session *session);

/* Its connection is lost: `why` is set if it is known. */
void server_event_lost(const struct server_session *session, const struct fault *why);

/* A handshake that failed, for the reason in `why`. */
void server_event_unsealed(const struct server_session *session, const struct fault *why);

/* The server ends the session, for the reason in `why`. */
void server_event_refused(const struct server_session *session, const struct fault *why);

/* A transfer was opened; and it is over, which the session's totals and the xferlog learn, too. */
void server_event_transfer_begins(const struct server_transfer *transfer);
void server_event_transfer_over(const struct server_transfer *transfer);

/* For the xferlog: the session's command removed a file. */
void server_event_removed(const struct server_session *session);

#endif
