/* The live sessions by the tag of their TLS session, for data_resume_scope = user: a client that
 * shares one TLS session cache over several logins offers the session of another of them
 * (one-port.md). */
#ifndef FERRY_SERVER_SIBLINGS_H
#define FERRY_SERVER_SIBLINGS_H

#include "base/compiler.h"
#include "ferry/error.h"
#include "net/socket.h"
#include "tls/resume.h"

struct server_sibling; /* one session in the table */

/* Zeroed, it is empty. */
struct server_siblings {
    struct server_sibling *by_tag; /* uthash */
};

/* Enters a session; `binding`, `account` and `peer` are borrowed until server_sibling_leave. From
 * then on data connections of `binding` may resume the sessions of all others in the table that
 * have the same account and address, and theirs those of `binding`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_sibling_join(struct server_siblings *table,
                                               struct tls_binding *binding, const char *account,
                                               const struct address *peer,
                                               struct server_sibling **out);

/* Takes it out again; NULL is fine. */
void server_sibling_leave(struct server_sibling *sibling);

#endif
