/* What the store's failures are called towards the client. */
#include "server/failure.h"

#include <errno.h>

#include "server/event.h"

struct failure_row {
    enum ferry_error kind;
    int code;
    int naming_code; /* of a command that gives a file its name */
    const char *text;
};

static const struct failure_row rows[] = {
    {FERRY_E_NOT_FOUND, 550, 550, "No such file or directory."},
    {FERRY_E_DENIED, 550, 550, "Not permitted."},
    {FERRY_E_EXISTS, 550, 553, "There is something by that name already."},
    {FERRY_E_SPACE, 452, 452, "Not enough storage."},
    {FERRY_E_LIMIT, 550, 553, "The name is too long."},
    {FERRY_E_ARGUMENT, 550, 553, "The name is not allowed."},
    {FERRY_E_TEMPORARY, 450, 450, "Too much for one command, or in use: try again."},
    {FERRY_E_STATE, 554, 554, "The restart offset is past the end of the file."},
    {FERRY_E_UNSUPPORTED, 501, 501, "Not a directory."},
};

/* Of FERRY_E_NOT_FOUND and FERRY_E_DENIED, whose own words say less. */
static const struct {
    int os_error;
    const char *text;
} reasons[] = {
    {EISDIR, "It is a directory."},
    {ENOTDIR, "Not a directory."},
    {ENOTEMPTY, "The directory is not empty."},
    {ENXIO, "Not a regular file."},
    {EROFS, "Nothing can be changed here."},
};

static const struct server_failure local_error = {451, "Local error, try again later."};

static bool gives_name(enum verb verb)
{
    return verb == VERB_STOR || verb == VERB_STOU || verb == VERB_APPE || verb == VERB_RNTO ||
           verb == VERB_COMB || verb == VERB_SITE;
}

struct server_failure server_failure_of_errno(int os_error)
{
    if (os_error == ENOSPC)
        return (struct server_failure){452, "The disk is full."};
    if (os_error == EDQUOT || os_error == EFBIG)
        return (struct server_failure){552, "More than may be stored here."};
    return local_error;
}

static const char *words_of(const struct failure_row *row, int os_error)
{
    bool vague = row->kind == FERRY_E_NOT_FOUND || row->kind == FERRY_E_DENIED;
    for (size_t i = 0; vague && i < ARRAY_LEN(reasons); i++)
        if (reasons[i].os_error == os_error)
            return reasons[i].text;
    return row->text;
}

struct server_failure server_failure_of(enum verb verb, const struct fault *fault)
{
    if (fault->os_error == EDQUOT)
        return server_failure_of_errno(EDQUOT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].kind == fault->kind)
            return (struct server_failure){
                .code = gives_name(verb) ? rows[i].naming_code : rows[i].code,
                .text = words_of(&rows[i], fault->os_error),
            };
    return local_error;
}

void server_failure_reply(struct server_session *session, const struct fault *fault)
{
    const struct server_action *command = &session->command;
    struct server_failure failure = server_failure_of(command->verb, fault);
    server_count_failure(&session->shared->counters, fault->kind);
    server_event(session, LOG_LEVEL_NOTICE, "command.failed",
                 F_STR("verb", verb_row(command->verb)->name), F_BYTES("path", command->path),
                 F_U64("reply", (uint64_t)failure.code), F_VISIBLE("reason", fault->what),
                 F_STR("side", server_event_side(fault)),
                 F_VISIBLE("advice", server_event_advice(fault)));
    server_pi_reply(session->pi, failure.code, "%s", failure.text);
}
