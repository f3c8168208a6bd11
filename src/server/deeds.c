/* What a session has done, for whoever is to be told of it. */
#include "server/deeds.h"

#include "tls/engine.h"

bool server_deeds_wanted(const struct server_session *session, enum deed_kind kind)
{
    const struct server_settings *settings = &session->shared->settings;
    return settings->hook_ops &&
           settings->hook_ops->wants(settings->hooks, bytes_str(session->user), kind);
}

bool server_deeds_checked(const struct server_session *session)
{
    const struct server_settings *settings = &session->shared->settings;
    return settings->hook_ops &&
           settings->hook_ops->checks(settings->hooks, bytes_str(session->user));
}

void server_deed_of(const struct server_session *session, enum deed_kind kind, struct deed *out)
{
    const struct tls_engine *engine =
        session->stream && stream_is_sealed(session->stream) ? stream_tls(session->stream) : NULL;
    *out = (struct deed){
        .kind = kind,
        .session = session->id,
        .account = bytes_str(session->user),
        .host = bytes_str(session->host),
        .peer = &session->peer,
        .tls = engine ? tls_engine_facts(engine) : NULL,
    };
}

void server_deed_note(const struct server_session *session, enum deed_kind kind, struct bytes path,
                      struct bytes from)
{
    struct deed deed;
    const struct server_settings *settings = &session->shared->settings;
    if (!server_deeds_wanted(session, kind))
        return;
    server_deed_of(session, kind, &deed);
    deed.path = path;
    deed.from = from;
    settings->hook_ops->note(settings->hooks, &deed);
}
