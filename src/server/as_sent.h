/* A path in bytes that are no UTF-8: what exists by those very bytes is meant before what they mean
 * in the account's charset, so that every name on disk can be reached (FTP-15). */
#ifndef FERRY_SERVER_AS_SENT_H
#define FERRY_SERVER_AS_SENT_H

#include "server/session.h"

/* Looks for the path of the session's command as it was sent, then does the command. */
void server_as_sent_find(struct server_session *session);

#endif
