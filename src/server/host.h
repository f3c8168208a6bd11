/* HOST: the one host that this server is, as its certificate says (RFC 7151; TLS-140 to TLS-146,
 * FTP-156). */
#ifndef FERRY_SERVER_HOST_H
#define FERRY_SERVER_HOST_H

#include "server/session.h"

server_handler server_host;

#endif
