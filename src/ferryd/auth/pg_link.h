/* A connection to one of several servers of PostgreSQL that have the same to say. It is kept, and
 * made anew when it breaks; the server that answered last is asked first. No call takes longer than
 * until its deadline, but for what the system takes to look a name up. */
#ifndef FERRY_FERRYD_AUTH_PG_LINK_H
#define FERRY_FERRYD_AUTH_PG_LINK_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/secret.h"
#include "ferryd/directory/conninfo.h"

enum pg_query { PG_ACCOUNT, PG_CERTIFICATES };
enum { PG_QUERIES = PG_CERTIFICATES + 1 };

/* Borrowed by its connections. */
struct pg_servers {
    const struct conninfo *info;
    const struct secret *password;   /* NULL: none is sent */
    const char *ca_path;             /* whose certificates are believed */
    const char *queries[PG_QUERIES]; /* with one parameter; NULL: there is none */
    uint64_t timeout_ns;             /* of a query, which the server keeps, too */
};

struct pg_link {
    const struct pg_servers *servers;
    PGconn *conn; /* NULL: there is none */
    size_t at;    /* of the server that answered last */
};

void pg_link_init(struct pg_link *link, const struct pg_servers *servers);
void pg_link_fini(struct pg_link *link);

/* Asks one of the queries for `name`, which goes as a parameter and is never a part of the query.
 * `*out` is to be freed by PQclear. FERRY_E_CONNECT, FERRY_E_TIMEOUT: no server answers;
 * FERRY_E_REFUSED: the query, or the name as its parameter, is not what the server takes;
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error pg_link_ask(struct pg_link *link, enum pg_query query, const char *name,
                                       uint64_t deadline_ns, PGresult **out, struct fault *fault);

#endif
