/* HASH, XCRC, XMD5, XSHA and so on: a file is read and hashed piece by piece on the pool, one at a
 * time for an account and few for all (FTP-170 to FTP-175, SEC-55). */
#ifndef FERRY_SERVER_HASH_H
#define FERRY_SERVER_HASH_H

#include "server/session.h"

server_handler server_hash;

/* Ends it without a reply; a piece that is being hashed comes to its end by itself. NULL is fine.
 */
void server_hash_free(struct server_hash *hash);

#endif
