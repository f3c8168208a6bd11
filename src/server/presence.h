/* A session as one of many: who is let in, and what it is counted as until its end (SEC-52,
 * SEC-59). For the files of this room. */
#ifndef FERRY_SERVER_PRESENCE_H
#define FERRY_SERVER_PRESENCE_H

#include <stdbool.h>

#include "server/session.h"

/* A connection of `peer` met a limit: logs that. Returns the words of its refusal. */
const char *server_presence_refuse(struct server_shared *shared, const struct server_rules *rules,
                                   const struct address *peer, enum crowd_limit limit);

/* Whether a refusal may be told; beyond a handful, to who is banned, and where nothing may be said
 * in clear, the connection is closed without a word. */
bool server_presence_may_tell(const struct server_shared *shared, const struct server_rules *rules,
                              enum crowd_limit limit);

/* One that was let in is gone. `place`: as which it was counted, not by this process. */
void server_presence_leave(struct server_shared *shared, const struct address *peer,
                           struct backend_place *place);

/* The session, whose `refused` is set, begins; and it is over. */
void server_presence_begin(struct server_session *session);
void server_presence_end(struct server_session *session);

/* It has another phase soon. */
void server_presence_enter(struct server_session *session, enum server_phase phase);

/* Whether one more handshake is possible; if not it was logged. */
bool server_presence_may_shake_hands(struct server_session *session);

/* Its account is known; false: it has `most` sessions (0: no limit), which was logged. */
bool server_presence_logged_in(struct server_session *session, uint64_t most);

/* The login is over, if there is one; `user` is still known. */
void server_presence_logged_out(struct server_session *session);

#endif
