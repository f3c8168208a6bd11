/* HOST: which of the hosts behind the listener the client wants, before AUTH; under TLS it may only
 * repeat what SNI said (RFC 7151; TLS-44, TLS-140 to TLS-146, FTP-156). */
#ifndef FERRY_SERVER_HOST_H
#define FERRY_SERVER_HOST_H

#include "server/session.h"

server_handler server_host;

/* The host that the client is at, by its first name; "": the default one. Valid until HOST, REIN or
 * the end of the session. */
const char *server_host_chosen(const struct server_session *session);

/* TLS has begun with that host. FERRY_E_STATE: HOST had chosen another one, which only the default
 * host without a name can be: the engine sees to the others. FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_host_sealed(struct server_session *session, const char *name);

/* REIN, and the end. */
void server_host_forget(struct server_session *session);

#endif
