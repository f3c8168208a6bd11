/* What the store's failures are called towards the client: a fixed list of codes and words, so that
 * no path of the host's and no errno text leaves (REP-8, FTP-63). */
#ifndef FERRY_SERVER_FAILURE_H
#define FERRY_SERVER_FAILURE_H

#include "ferry/error.h"
#include "ftp/command.h"
#include "server/session.h"

struct server_failure {
    int code;
    const char *text; /* static */
};

/* The reply to `verb` after a failure: the code by its kind, or 552 where a quota is used up
 * (SEC-39); the words also by its errno where that tells a client more. */
struct server_failure server_failure_of(enum verb verb, const struct fault *fault);

/* That for an errno of reading or writing a file's content: 451, 452 or 552. */
struct server_failure server_failure_of_errno(int os_error);

/* Queues the final reply to a command that a call on the store failed for, and logs why. */
void server_failure_reply(struct server_session *session, const struct fault *fault);

#endif
