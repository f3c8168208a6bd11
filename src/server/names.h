/* Commands about names: one call on the store each, then the reply (FTP-74 to FTP-77, FTP-110 to
 * FTP-116, FTP-136, FTP-180). */
#ifndef FERRY_SERVER_NAMES_H
#define FERRY_SERVER_NAMES_H

#include "server/session.h"

server_handler server_names_cwd; /* CWD and CDUP */
server_handler server_names_mkd;
server_handler server_names_rmd;
server_handler server_names_dele;
server_handler server_names_rnfr;
server_handler server_names_rnto;
server_handler server_names_size;
server_handler server_names_allo;
server_handler server_names_avbl;
server_handler server_names_mdtm;
server_handler server_names_mfmt;
server_handler server_names_mlst;

#endif
