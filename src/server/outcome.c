/* What the end of a pump means for a transfer. */
#include "server/outcome.h"

#include "base/fault.h"
#include "server/failure.h"

static struct server_outcome outcome_of_errno(int os_error, const char *reason)
{
    struct server_failure failure = server_failure_of_errno(os_error);
    return (struct server_outcome){
        .code = failure.code,
        .reply = failure.text,
        .reason = reason,
        .kind = fault_kind_of_errno(os_error),
    };
}

static struct server_outcome outcome_of_cut(bool upload, bool sealed)
{
    struct server_outcome outcome = {.code = 426, .kind = FERRY_E_CUT, .keep = true};
    if (!upload) {
        outcome.reply = "The data connection was closed before the end.";
        outcome.reason = "the client closed the data connection before the end";
    } else if (sealed) {
        outcome.reply = "The data connection ended without close_notify: the file is not complete.";
        outcome.reason = "the data connection ended without close_notify";
    } else {
        outcome.reply = "The data connection was reset: the file is not complete.";
        outcome.reason = "the data connection was reset";
    }
    return outcome;
}

struct server_outcome server_outcome_of(const struct pump_result *result, bool upload, bool sealed)
{
    switch (result->outcome) {
    case PUMP_DONE:
        break;
    case PUMP_CUT:
        return outcome_of_cut(upload, sealed);
    case PUMP_STALLED:
        return (struct server_outcome){
            .code = 426,
            .reply = "Nothing crossed the data connection for too long.",
            .reason = "nothing crossed the data connection for too long",
            .kind = FERRY_E_TIMEOUT,
            .keep = true,
        };
    case PUMP_LIMIT:
        return (struct server_outcome){
            .code = 552,
            .reply = "More than may be stored here.",
            .reason = "the upload is longer than is allowed",
            .kind = FERRY_E_SPACE,
        };
    case PUMP_READ_FAILED:
        return outcome_of_errno(result->os_error, "reading the file failed");
    case PUMP_WRITE_FAILED:
        return outcome_of_errno(result->os_error, "writing the file failed");
    case PUMP_FAILED:
        return (struct server_outcome){
            .code = 426,
            .reply = "The data connection failed.",
            .reason = "the data connection failed",
            .kind = FERRY_E_CUT,
            .keep = true,
        };
    }
    return (struct server_outcome){.code = 0};
}

struct server_outcome server_outcome_of_filter(enum ferry_error kind)
{
    static const struct server_outcome rows[] = {
        {426, "The compressed data ended before their end.", NULL, FERRY_E_CUT, true},
        {451, "The compressed data are damaged.", NULL, FERRY_E_DAMAGED, false},
        {552, "The compressed data expand to more than is allowed.", NULL, FERRY_E_SPACE, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].kind == kind)
            return rows[i];
    return (struct server_outcome){451, "Memory is short, try again later.", NULL, kind, true};
}
