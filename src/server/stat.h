/* STAT: the session's status, or a listing on the control connection (FTP-69, FTP-70, TLS-210). */
#ifndef FERRY_SERVER_STAT_H
#define FERRY_SERVER_STAT_H

#include "server/session.h"

server_handler server_stat;

/* Drops a STAT of a path at any moment. NULL is fine. */
void server_stat_free(struct server_stat *stat);

#endif
