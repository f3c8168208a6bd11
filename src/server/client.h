/* What a client says of itself: CLNT and CSID (FTP-157, FTP-158). For the log; nothing depends on
 * it. */
#ifndef FERRY_SERVER_CLIENT_H
#define FERRY_SERVER_CLIENT_H

#include "server/session.h"

server_handler server_client_clnt;
server_handler server_client_csid;

#endif
