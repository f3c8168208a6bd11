/* PASV, EPSV, PORT, EPRT: where the next data connection is to be (FTP-48 to FTP-58). */
#ifndef FERRY_SERVER_PORTS_H
#define FERRY_SERVER_PORTS_H

#include "server/session.h"

server_handler server_ports_passive; /* PASV and EPSV */
server_handler server_ports_active;  /* PORT and EPRT */

#endif
