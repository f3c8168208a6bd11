/* The resumption binding of one control connection (tls/resume.h), shared by all whose engines use
 * it: the session, and streams that close in the background when the session has gone. */
#ifndef FERRY_SERVER_BINDING_H
#define FERRY_SERVER_BINDING_H

#include "tls/resume.h"

struct server_binding;

/* With one holder. NULL: no memory or no randomness. */
struct server_binding *server_binding_new(struct tls_master *master);

/* One more holder, and one fewer; the last one frees it. NULL is fine for both. */
struct server_binding *server_binding_ref(struct server_binding *binding);
void server_binding_unref(struct server_binding *binding);

/* NULL for NULL. */
struct tls_binding *server_binding_tls(struct server_binding *binding);

#endif
