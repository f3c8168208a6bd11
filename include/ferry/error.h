/* Ferry: the kinds of failure, shared by the public headers and every room.
 * SPDX-License-Identifier: MIT */
#ifndef FERRY_ERROR_H
#define FERRY_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* What every fallible function returns: FERRY_OK or one of these. The numbers are part of the ABI;
 * a kind is only ever added. "Remote" is the FTP peer, "local" is this machine. */
enum ferry_error {
    FERRY_OK = 0,
    FERRY_E_MEMORY = -1,   /* an allocation failed */
    FERRY_E_ARGUMENT = -2, /* the caller's argument cannot be used: CR in a name, a bad port, … */
    FERRY_E_LIMIT = -3,    /* longer or more than a cap allows */
    FERRY_E_STATE = -4,    /* not now: the object is in another state */
    FERRY_E_PROTOCOL = -5, /* the peer broke the protocol */
    FERRY_E_INJECTION = -6,  /* bytes around a change to or from TLS (TLS-130, TLS-131) */
    FERRY_E_CONNECT = -7,    /* name not found, refused, unreachable */
    FERRY_E_TIMEOUT = -8,    /* a deadline passed */
    FERRY_E_LOST = -9,       /* the control connection ended in the middle */
    FERRY_E_TLS = -10,       /* the handshake failed or TLS was refused by the peer */
    FERRY_E_TRUST = -11,     /* the peer's certificate or key is not trusted */
    FERRY_E_AUTH = -12,      /* the login was refused */
    FERRY_E_REFUSED = -13,   /* the remote refused a command for good (5xx) */
    FERRY_E_TEMPORARY = -14, /* the remote refused for now (4xx) */
    FERRY_E_NOT_FOUND = -15, /* no such file or directory */
    FERRY_E_EXISTS = -16,    /* there is one by that name already */
    FERRY_E_DENIED = -17,    /* no right to do it */
    FERRY_E_SPACE = -18,     /* disk full or quota used up */
    FERRY_E_FILE = -19,      /* another failure of the local file system */
    FERRY_E_CUT = -20,       /* a transfer ended before its end: no close_notify, wrong size, 426 */
    FERRY_E_DAMAGED = -21,   /* a transfer arrived whole and is not the same (hash) */
    FERRY_E_UNSUPPORTED = -22, /* the peer or this build cannot do it */
    FERRY_E_CANCELLED = -23,   /* the caller asked to stop */
};

#ifdef __cplusplus
}
#endif

#endif
