/* Signs of life on the control connection while a transfer runs, so that no firewall forgets it
 * (TLS-158): tickets, which no user-PI sees. Under TLS 1.3 alone; else TCP's own must do. */
#ifndef FERRY_SERVER_KEEPALIVE_H
#define FERRY_SERVER_KEEPALIVE_H

#include "server/session.h"

struct server_keepalive;

/* From now on, whenever the control connection was idle for as long as the rules say. NULL: no
 * memory. */
struct server_keepalive *server_keepalive_new(struct server_session *session);

/* NULL is fine. */
void server_keepalive_free(struct server_keepalive *keepalive);

#endif
