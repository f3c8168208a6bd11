/* A deadline for all that libldap reads and writes on a connection. Its own time-outs end at the
 * TLS handshake, in which libldap 2.5 with GnuTLS asks a silent server over and over without end.
 */
#ifndef FERRY_FERRYD_AUTH_LDAP_PATIENCE_H
#define FERRY_FERRYD_AUTH_LDAP_PATIENCE_H

#include <ldap.h>
#include <stdint.h>

#include "base/compiler.h"

struct ldap_patience {
    struct ldap_conncb callbacks;
    uint64_t deadline_ns; /* of what is done now; clock_system's */
};

/* Every connection of `ld` keeps the deadline that `patience`, which must outlive it, then has.
 * LDAP_SUCCESS, or what ldap_set_option returns. */
NODISCARD int ldap_patience_add(LDAP *ld, struct ldap_patience *patience);

#endif
