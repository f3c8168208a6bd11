/* What a session has done, for whoever is to be told of it (struct hook_ops). */
#ifndef FERRY_SERVER_DEEDS_H
#define FERRY_SERVER_DEEDS_H

#include "server/session.h"

/* Whether anybody is to be told of such deeds of the session; whether its uploads are checked. */
bool server_deeds_wanted(const struct server_session *session, enum deed_kind kind);
bool server_deeds_checked(const struct server_session *session);

/* What is known of a deed of the session without its path. Its views are the session's. */
void server_deed_of(const struct server_session *session, enum deed_kind kind, struct deed *out);

/* It has been done, and nobody waits. `from`: as of struct deed. */
void server_deed_note(const struct server_session *session, enum deed_kind kind, struct bytes path,
                      struct bytes from);

#endif
