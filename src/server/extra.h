/* Commands that most servers lack: DSIZ, RMDA, COMB, PRET, SITE CPFR, CPTO and SYMLINK (FTP-180 to
 * FTP-182, FTP-184, FTP-187). */
#ifndef FERRY_SERVER_EXTRA_H
#define FERRY_SERVER_EXTRA_H

#include "server/session.h"

server_handler server_extra_dsiz;
server_handler server_extra_rmda;
server_handler server_extra_comb;
server_handler server_extra_pret;
server_handler server_extra_site; /* CHMOD and UTIME, too (server/change.h) */

#endif
