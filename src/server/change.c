/* Changes of a file's facts: MFF, SITE CHMOD, SITE UTIME. */
#include "server/change.h"

#include "server/deeds.h"
#include "server/failure.h"

/* "Modify=time;UNIX.mode=mode;UNIX.group=number;", those that were set. */
static enum ferry_error format_facts(struct buf *out, const struct change *change)
{
    enum ferry_error error = FERRY_OK;
    if (change->has_time) {
        error = buf_append(out, BYTES_LIT("Modify="));
        if (error == FERRY_OK)
            error = timeval_format(out, &change->time);
        if (error == FERRY_OK)
            error = buf_append(out, BYTES_LIT(";"));
    }
    if (error == FERRY_OK && change->has_mode)
        error = buf_printf(out, "UNIX.mode=%04o;", (unsigned)change->mode);
    if (error == FERRY_OK && change->has_group)
        error = buf_printf(out, "UNIX.group=%u;", change->group);
    return error;
}

static void change_done(void *ctx, const struct fault *fault, const struct change *made)
{
    struct server_session *session = ctx;
    const struct server_action *command = &session->command;
    struct buf facts;
    buf_init(&facts, 128);
    if (fault_is_set(fault)) {
        server_failure_reply(session, fault);
    } else if (format_facts(&facts, made) != FERRY_OK) {
        server_pi_reply(session->pi, 451, "Memory is short, but it is changed.");
    } else {
        server_event(session, LOG_LEVEL_NOTICE, "file.changed", F_BYTES("path", command->path),
                     F_BYTES("facts", buf_view(&facts)));
        server_deed_note(session, DEED_CHANGE, command->path, BYTES_LIT(""));
        if (command->verb == VERB_MFF)
            server_pi_reply(session->pi, 213, "%.*s %.*s", BYTES_FMT(buf_view(&facts)),
                            BYTES_FMT(command->path));
        else
            server_pi_reply(session->pi, 200, "Changed.");
    }
    buf_fini(&facts);
    server_session_turn(session);
}

void server_change(struct server_session *session, const struct server_action *action)
{
    session->ops->set_facts(session->store, action->path.ptr, &action->change, change_done,
                            session);
}
