/* What a user sees with -v: the dialogue, remarks on it, details of TLS. */
#ifndef FERRY_CLIENT_REMARK_H
#define FERRY_CLIENT_REMARK_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "client/session.h"
#include "tls/describe.h"

/* A line of the dialogue, '>' sent or '<' received; a user_pi_trace_fn. `session` must have a
 * trace. */
void client_remark_dialogue(void *session, char direction, struct bytes line);

/* A line of one's own: '*' a remark, '#' a detail of TLS. Nothing happens without a trace. */
void client_remark(struct client_session *session, char direction, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Describes a TLS session, as '#'; `which` is "control" or "data". */
void client_remark_tls(struct client_session *session, const char *which,
                       const struct tls_facts *facts);

#endif
