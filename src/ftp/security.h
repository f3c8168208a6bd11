/* AUTH, PBSZ, PROT and CCC as one small machine, the same for both PIs (RFC 2228, 4217; tls.md
 * sections 1 to 5). */
#ifndef FERRY_FTP_SECURITY_H
#define FERRY_FTP_SECURITY_H

#include <stdbool.h>

#include "base/bytes.h"

/* The words after AUTH; names are taken in any case (TLS-2). */
enum auth_mechanism { AUTH_UNKNOWN, AUTH_TLS, AUTH_TLS_C, AUTH_SSL, AUTH_TLS_P };

enum auth_mechanism auth_mechanism_find(struct bytes name);
const char *auth_mechanism_name(enum auth_mechanism mechanism);

/* Whether the data level is P at once under this mechanism (TLS-3, TLS-4). */
bool auth_implies_private(enum auth_mechanism mechanism);

enum protection { PROTECTION_CLEAR = 'C', PROTECTION_PRIVATE = 'P' };

enum security_state {
    SECURITY_PLAIN,
    SECURITY_HANDSHAKE,
    SECURITY_SEALED,
    SECURITY_CLEARED /* after CCC */
};

struct security {
    enum security_state state;
    enum auth_mechanism
        mechanism;         /* of the handshake that runs or ran; AUTH_TLS_P on an implicit port */
    bool pbsz_done;        /* since the last AUTH */
    enum protection level; /* in force for data connections (TLS-52) */
};

/* A plain control connection, or an implicit one before its handshake (TLS-6: level P). */
void security_init(struct security *security, bool implicit);

/* AUTH was accepted: from here to security_sealed nothing may be exchanged but TLS (TLS-51). */
void security_auth(struct security *security, enum auth_mechanism mechanism);

/* The handshake is done: sets the initial level of the mechanism, forgets PBSZ (tls.md section 4).
 */
void security_sealed(struct security *security);

/* CCC: the control connection is in clear from now on, and the level stays (TLS-156). */
void security_clear(struct security *security);

/* REIN: back to plain, level C. */
void security_reset(struct security *security);

#endif
