/* RETR, STOR, STOU, APPE and the listings, from the command to the final reply (ftp.md section 6,
 * tls.md section 14). The order: the backend opens what is to be moved; 150, with a fresh ticket
 * before it; the data connection; the bytes; for an upload the commit; the final reply. */
#ifndef FERRY_SERVER_TRANSFER_H
#define FERRY_SERVER_TRANSFER_H

#include "server/session.h"

/* RETR, STOR, STOU, APPE, LIST, NLST, MLSD. */
server_handler server_transfer_start;

/* Where the session's data connection reports; the context is the session. */
extern const struct server_data_events server_transfer_data_events;

/* ABOR, or the end of the server's patience, as `kind` and `why` tell the log: the transfer ends
 * with 426, or with success if it can no longer be stopped (FTP-67). */
void server_transfer_abort(struct server_transfer *transfer, enum ferry_error kind,
                           const char *why);

/* The control connection is gone. An upload may come to its end if the client says so by
 * close_notify (REP-20); all else is stopped. */
void server_transfer_orphan(struct server_transfer *transfer);

/* Frees it at once, without a reply; its part goes with the store's release. */
void server_transfer_kill(struct server_transfer *transfer);

/* "RETR", and how far it is: for STAT. */
const char *server_transfer_verb(const struct server_transfer *transfer);
uint64_t server_transfer_bytes(const struct server_transfer *transfer);

#endif
