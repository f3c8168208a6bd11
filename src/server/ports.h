/* PASV, EPSV, PORT, EPRT: where the next data connection is to be (FTP-48 to FTP-58). */
#ifndef FERRY_SERVER_PORTS_H
#define FERRY_SERVER_PORTS_H

#include "server/session.h"

server_handler server_ports_passive; /* PASV and EPSV */
server_handler server_ports_active;  /* PORT and EPRT */
server_handler server_ports_abor;    /* without a transfer */

/* Closes whatever there is of a data connection that no transfer has. */
void server_ports_forget(struct server_session *session);

/* The same after a transfer; but a connection that stays open for the next one is left, and so is
 * one that this one never came to use (MODE B, FTP-44). */
void server_ports_transfer_over(struct server_session *session);

/* To be called when commands were done: closes an open connection between two transfers (MODE B)
 * that another mode or level of protection has made useless. */
void server_ports_review(struct server_session *session);

#endif
