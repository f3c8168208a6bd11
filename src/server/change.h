/* Changes of a file's facts: MFF, SITE CHMOD, SITE UTIME (FTP-76, FTP-184). */
#ifndef FERRY_SERVER_CHANGE_H
#define FERRY_SERVER_CHANGE_H

#include "server/session.h"

server_handler server_change;

#endif
