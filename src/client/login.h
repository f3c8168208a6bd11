/* From nothing to logged in: connect, greeting, AUTH and handshake, USER, PASS, ACCT, PBSZ, PROT,
 * FEAT. */
#ifndef FERRY_CLIENT_LOGIN_H
#define FERRY_CLIENT_LOGIN_H

#include <stdint.h>

#include "client/session.h"

/* Connects to `host` and `port` and logs in as the session's options say. Unless they ask for clear
 * text, nothing of the login is sent on a connection that is not sealed, whatever the server
 * answers to AUTH or fails to answer (TLS-18, TLS-133, SEC-3).
 *
 * On failure the server gets a QUIT where that is possible, and the session is closed. The kinds:
 * FERRY_E_CONNECT also for a greeting that refuses; FERRY_E_TLS also for a refused AUTH;
 * FERRY_E_AUTH for every refusal of USER, PASS and ACCT; FERRY_E_INJECTION (TLS-131);
 * FERRY_E_TRUST; FERRY_E_TIMEOUT; FERRY_E_LOST; FERRY_E_PROTOCOL; those of client_session_open. */
NODISCARD enum ferry_error client_login_start(struct client_session *session, const char *host,
                                              uint16_t port, client_done_fn *done, void *ctx);

#endif
