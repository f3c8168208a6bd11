/* A path in bytes that are no UTF-8. */
#include "server/as_sent.h"

static void as_sent_found(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    (void)entry;
    struct server_session *session = ctx;
    struct server_action *command = &session->command;
    if (!fault_is_set(fault))
        server_pi_take_as_sent(session->pi, command);
    if (command->path.len > 0)
        server_session_run(session, command);
    else
        server_pi_reply(session->pi, 553,
                        "The name is neither UTF-8 nor in this account's charset.");
    server_session_turn(session);
}

void server_as_sent_find(struct server_session *session)
{
    const struct server_action *command = &session->command;
    session->ops->stat(session->store, command->path_as_sent.ptr, as_sent_found, session);
}
