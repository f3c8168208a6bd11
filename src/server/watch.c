/* The sessions of a server as whoever watches over it sees them. */
#include "server/watch.h"

#include "server/host.h"
#include "server/transfer_private.h"
#include "tls/engine.h"

static const char *auth_word(const struct server_session *session)
{
    if (!session->tls.version)
        return "";
    return session->implicit ? "implicit"
                             : auth_mechanism_name(server_pi_security(session->pi)->mechanism);
}

static const char *direction_of(const struct server_transfer *transfer)
{
    return transfer->list ? "list" : server_transfer_is_upload(transfer) ? "up" : "down";
}

static void view_transfer(const struct server_transfer *transfer, struct server_view *view)
{
    view->path = transfer->path;
    view->direction = direction_of(transfer);
    view->bytes = server_transfer_bytes(transfer);
    view->started_ns = transfer->started_ns;
    view->command = server_transfer_verb(transfer);
}

static void view_session(const struct server_session *session, struct server_view *view)
{
    bool sealed = session->stream && stream_is_sealed(session->stream);
    *view = (struct server_view){
        .id = session->id,
        .opened_ns = session->opened_ns,
        .peer = &session->peer,
        .local = &session->reached,
        .account = session->user,
        .logged_in = session->ops != NULL,
        .read_only = session->read_only,
        .host = session->host,
        .client = session->client,
        .auth = auth_word(session),
        .tls = &session->tls,
        .certificate = sealed ? tls_engine_facts(stream_tls(session->stream))->peer_subject : NULL,
        .data = &session->data_uses,
    };
    if (session->transfer)
        view_transfer(session->transfer, view);
    else if (session->stat || session->hash || session->login_asked)
        view->command = verb_row(session->command.verb)->name;
}

unsigned server_worker_view(struct server_worker *worker, uint64_t after, unsigned most,
                            server_view_fn *fn, void *ctx)
{
    const struct server_session *session;
    unsigned count = 0;
    TAILQ_FOREACH (session, &server_worker_shared(worker)->sessions, link) {
        struct server_view view;
        if (session->id <= after || session->refused)
            continue;
        if (count++ == most)
            return most;
        view_session(session, &view);
        fn(ctx, &view);
    }
    return count;
}

bool server_worker_kick(struct server_worker *worker, uint64_t id)
{
    struct server_session *session = TAILQ_FIRST(&server_worker_shared(worker)->sessions);
    while (session && session->id != id)
        session = TAILQ_NEXT(session, link);
    if (!session || session->phase == SERVER_GONE)
        return false;
    server_session_dismiss(session, "The operator ended this session",
                           "the operator ended the session");
    return true;
}

const struct server_counters *server_worker_counters(struct server_worker *worker)
{
    return &server_worker_shared(worker)->counters;
}

void server_watch_ended(const struct server_session *session)
{
    const struct server_settings *settings = &session->shared->settings;
    struct server_view view;
    if (!settings->ended || session->refused)
        return;
    view_session(session, &view);
    settings->ended(settings->ended_ctx, &view);
}
