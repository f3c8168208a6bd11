/* How to reach a database of PostgreSQL, as libpq writes it: "host=db port=5432 dbname='my db'". */
#ifndef FERRY_FERRYD_DIRECTORY_CONNINFO_H
#define FERRY_FERRYD_DIRECTORY_CONNINFO_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum { CONNINFO_MAX = 16, CONNINFO_HOSTS_MAX = 8 };

/* One of the servers; any of them will do. */
struct conninfo_host {
    char *host, *port; /* "/…" is the folder of a socket */
};

/* What the text says, but for hosts and ports, which are apart; all NUL-terminated and owned. */
struct conninfo {
    char *words[CONNINFO_MAX], *values[CONNINFO_MAX];
    size_t count;
    struct conninfo_host hosts[CONNINFO_HOSTS_MAX];
    size_t host_count;
};

/* FERRY_E_ARGUMENT: it cannot be read, names what ferryd sets itself or has no host; FERRY_E_LIMIT;
 * FERRY_E_MEMORY. On failure, too, to be ended with conninfo_fini. */
NODISCARD enum ferry_error conninfo_read(struct bytes text, struct conninfo *out,
                                         struct fault *fault);
void conninfo_fini(struct conninfo *info);

/* The value of a word, NULL: it is not there. */
const char *conninfo_get(const struct conninfo *info, const char *word);

/* The TCP port; 0: it is a socket of this machine. */
uint16_t conninfo_port(const struct conninfo_host *host);

#endif
