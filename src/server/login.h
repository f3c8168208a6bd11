/* USER, PASS and ACCT to an account (TLS-70 to TLS-73, FTP-31 to FTP-38). */
#ifndef FERRY_SERVER_LOGIN_H
#define FERRY_SERVER_LOGIN_H

#include "server/session.h"

server_handler server_login_user;
server_handler server_login_pass;

/* session->login_reply_ns has come: tells that the login failed. */
void server_login_refuse(struct server_session *session);

/* The accounts have not answered in time: 421. */
void server_login_late(struct server_session *session);

#endif
