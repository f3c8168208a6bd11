/* What a client says of itself: CLNT and CSID. */
#include "server/client.h"

#include "base/alloc.h"

enum { TOLD_MAX_BYTES = 200 };

static void note_client(struct server_session *session, struct bytes said)
{
    alloc_free(session->client);
    session->client = alloc_bytes(bytes_first(said, TOLD_MAX_BYTES)); /* or NULL: nobody knows it */
    server_event(session, LOG_LEVEL_DEBUG, "client.named",
                 F_BYTES("client", bytes_first(said, TOLD_MAX_BYTES)));
}

void server_client_clnt(struct server_session *session, const struct server_action *action)
{
    note_client(session, action->argument);
    server_pi_reply(session->pi, 200, "Noted.");
}

void server_client_csid(struct server_session *session, const struct server_action *action)
{
    struct bytes value = action->argument;
    struct bytes name = bytes_cut(&value, '=');
    if (name.len == 0 || name.len == action->argument.len) {
        server_pi_reply(session->pi, 501, "Not of the form name=value;");
        return;
    }
    note_client(session, action->argument);
    server_pi_reply(session->pi, 200, "Name=Ferry;CaseSensitive=1;DirSep=/;"); /* SEC-25 */
}
