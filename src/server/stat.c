/* STAT: the session's status, or a listing on the control connection. */
#include "server/stat.h"

#include "base/alloc.h"
#include "server/failure.h"
#include "server/list.h"
#include "server/transfer.h"
#include "tls/engine.h"

enum { STATUS_LINE_BYTES = 512, STAT_LINES_MAX = 1000, STAT_MAX_BYTES = 1024 * 1024 };

/* ---- of the session ---- */

static void status_line(struct server_session *session, const char *format, ...) PRINTF_LIKE(2, 3);

static void status_line(struct server_session *session, const char *format, ...)
{
    struct buf line;
    buf_init(&line, STATUS_LINE_BYTES);
    va_list args;
    va_start(args, format);
    if (buf_vprintf(&line, format, args) == FERRY_OK)
        server_pi_reply_line(session->pi, buf_view(&line));
    va_end(args);
    buf_fini(&line);
}

/* TLS-210 */
static void status_facts(struct server_session *session, const char *of,
                         const struct tls_facts *facts)
{
    status_line(session, "%s under %s, %s%s", of, facts->version_name, facts->cipher,
                facts->resumed ? ", resumed" : "");
    if (facts->server_name[0])
        status_line(session, "%s for %s by SNI", of, facts->server_name);
    if (facts->alpn[0])
        status_line(session, "%s for %s by ALPN", of, facts->alpn);
    if (facts->peer_subject[0])
        status_line(session, "%s with the certificate of %s", of, facts->peer_subject);
}

static void status_tls(struct server_session *session)
{
    const struct security *security = server_pi_security(session->pi);
    if (stream_is_sealed(session->stream)) {
        const struct tls_facts *facts = tls_engine_facts(stream_tls(session->stream));
        status_facts(session, "Control connection", facts);
    } else {
        status_line(session, "Control connection in clear");
    }
    if (session->data_tls)
        status_facts(session, "Last data connection", session->data_tls);
    if (security->state == SECURITY_PLAIN)
        return;
    status_line(session, "Data connections %s",
                security->level == PROTECTION_PRIVATE ? "private (PROT P)" : "in clear (PROT C)");
}

static void stat_status(struct server_session *session)
{
    server_pi_reply_begin(session->pi, 211, "Status");
    status_tls(session);
    if (server_pi_is_logged_in(session->pi)) {
        status_line(session, "Logged in as %s%s", session->user,
                    session->read_only ? ", read-only" : "");
        status_line(session, "TYPE %c, STRU F, MODE %c", (char)server_pi_type(session->pi),
                    (char)server_pi_mode(session->pi));
    }
    if (session->transfer)
        status_line(session, "%s runs, %llu bytes so far", server_transfer_verb(session->transfer),
                    (unsigned long long)server_transfer_bytes(session->transfer));
    server_pi_reply_end(session->pi, "End");
}

/* ---- of a path ---- */

struct server_stat {
    struct server_session *session;
    struct server_list *list;
    struct buf lines; /* all of them, so that no other reply comes between two */
    bool directory;
};

void server_stat_free(struct server_stat *stat)
{
    if (!stat)
        return;
    server_list_free(stat->list);
    buf_fini(&stat->lines);
    alloc_free(stat);
}

/* The last deed of a STAT: its reply is queued. */
static void stat_over(struct server_stat *stat)
{
    struct server_session *session = stat->session;
    session->stat = NULL;
    server_stat_free(stat);
    server_session_turn(session);
}

static void stat_reply(struct server_stat *stat)
{
    struct server_pi *pi = stat->session->pi;
    struct bytes rest = buf_view(&stat->lines);
    server_pi_reply_begin(pi, stat->directory ? 212 : 213, "Status");
    for (unsigned i = 0; i < STAT_LINES_MAX && bytes_find(rest, '\n') < rest.len; i++) {
        struct bytes line = bytes_cut(&rest, '\n');
        server_pi_reply_line(pi, bytes_first(line, line.len - 1)); /* without its CR */
    }
    server_pi_reply_end(pi, rest.len > 0 ? "End, but there is more: use LIST" : "End");
    stat_over(stat);
}

static void stat_failed(void *ctx, const struct fault *fault)
{
    struct server_stat *stat = ctx;
    server_failure_reply(stat->session, fault);
    stat_over(stat);
}

static void stat_collect(void *ctx)
{
    struct server_stat *stat = ctx;
    bool more = true;
    while (more && buf_room(&stat->lines) > 0) {
        size_t before = buf_len(&stat->lines);
        more = server_list_lines(stat->list, &stat->lines);
        if (more && buf_len(&stat->lines) == before)
            return; /* stat_collect or stat_failed follows */
    }
    stat_reply(stat);
}

static void stat_opened(void *ctx, const struct fault *fault, bool directory)
{
    struct server_stat *stat = ctx;
    stat->directory = directory;
    if (fault_is_set(fault))
        stat_failed(stat, fault);
    else
        stat_collect(stat);
}

static void stat_path(struct server_session *session, const struct server_action *action)
{
    static const struct server_list_events events = {
        .opened = stat_opened, .more = stat_collect, .failed = stat_failed};
    struct server_stat *stat = alloc_zero(sizeof(*stat));
    if (stat) {
        stat->session = session;
        buf_init(&stat->lines, STAT_MAX_BYTES);
        session->stat = stat;
    }
    if (!stat || server_list_open(session, action, &events, stat, &stat->list) != FERRY_OK) {
        session->stat = NULL;
        server_stat_free(stat);
        server_pi_reply(session->pi, 451, "Memory is short, try again later.");
    }
}

void server_stat(struct server_session *session, const struct server_action *action)
{
    if (action->has_path)
        stat_path(session, action);
    else
        stat_status(session);
}
