/* What is done to remote names. */
#include "client/remote.h"

#include "base/alloc.h"

struct remote {
    struct client_session *session;
    enum verb verb; /* that waits for its reply */
    char *path;
    char *to; /* rename; else NULL */
    client_done_fn *done;
    void *ctx;
};

static const char *deed(enum verb verb)
{
    static const struct {
        enum verb verb;
        const char *words;
    } deeds[] = {
        {VERB_DELE, "delete"},
        {VERB_MKD, "make the directory"},
        {VERB_RMD, "remove the directory"},
        {VERB_RNFR, "rename"},
        {VERB_RNTO, "rename"},
    };
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
        if (deeds[i].verb == verb)
            return deeds[i].words;
    }
    return "change";
}

static void remote_free(struct remote *remote)
{
    alloc_free(remote->path);
    alloc_free(remote->to);
    alloc_free(remote);
}

static void end(struct remote *remote, enum ferry_error result)
{
    client_done_fn *done = remote->done;
    void *ctx = remote->ctx;
    remote_free(remote);
    done(ctx, result);
}

static void on_reply(void *ctx, const struct reply *reply)
{
    struct remote *remote = ctx;
    struct client_session *session = remote->session;
    if (reply && remote->verb == VERB_RNFR && reply->code == 350) {
        remote->verb = VERB_RNTO;
        enum ferry_error error =
            client_session_send(session, VERB_RNTO, bytes_str(remote->to), on_reply, remote);
        if (error != FERRY_OK)
            end(remote, error);
    } else if (reply && remote->verb != VERB_RNFR && reply_is_ok(reply->code)) {
        end(remote, FERRY_OK);
    } else {
        end(remote,
            client_session_refuse(session, reply, "%s %s%s%s", deed(remote->verb), remote->path,
                                  remote->to ? " to " : "", remote->to ? remote->to : ""));
    }
}

static enum ferry_error start(struct client_session *session, enum verb verb, struct bytes path,
                              const struct bytes *to, client_done_fn *done, void *ctx)
{
    struct remote *remote = alloc_zero(sizeof(*remote));
    if (!remote)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a command");
    *remote = (struct remote){
        .session = session,
        .verb = verb,
        .path = alloc_bytes(path),
        .to = to ? alloc_bytes(*to) : NULL,
        .done = done,
        .ctx = ctx,
    };
    enum ferry_error error = FERRY_OK;
    if (!remote->path || (to && !remote->to))
        error = fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a path");
    else if (path.len == 0 || (to && to->len == 0))
        error = fault_set(&session->fault, FERRY_E_ARGUMENT, "%s: the path is empty", deed(verb));
    else if (to)
        error = client_session_check_path(session, *to);
    if (error == FERRY_OK)
        error = client_session_send(session, verb, path, on_reply, remote);
    if (error != FERRY_OK)
        remote_free(remote);
    return error;
}

enum ferry_error client_remove_start(struct client_session *session, struct bytes path,
                                     client_done_fn *done, void *ctx)
{
    return start(session, VERB_DELE, path, NULL, done, ctx);
}

enum ferry_error client_make_directory_start(struct client_session *session, struct bytes path,
                                             client_done_fn *done, void *ctx)
{
    return start(session, VERB_MKD, path, NULL, done, ctx);
}

enum ferry_error client_remove_directory_start(struct client_session *session, struct bytes path,
                                               client_done_fn *done, void *ctx)
{
    return start(session, VERB_RMD, path, NULL, done, ctx);
}

enum ferry_error client_rename_start(struct client_session *session, struct bytes from,
                                     struct bytes to, client_done_fn *done, void *ctx)
{
    return start(session, VERB_RNFR, from, &to, done, ctx);
}
