/* The state as Prometheus reads it. */
#include "ferryd/ops/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"

/* One line of a counter of base/server_count.def. */
struct row {
    const char *metric, *labels, *words;
};

static const struct row rows[SERVER_COUNTS] = {
#define COUNT(name, metric, labels, words) {metric, labels, words},
#include "base/server_count.def"
#undef COUNT
};

/* The value of a label: \, " and line feeds are escaped. */
static enum ferry_error write_label(struct buf *out, const char *value)
{
    enum ferry_error error = FERRY_OK;
    for (const char *c = value; *c && error == FERRY_OK; c++) {
        if (*c == '\\' || *c == '"')
            error = buf_append(out, BYTES_LIT("\\"));
        if (error == FERRY_OK)
            error =
                *c == '\n' ? buf_append(out, BYTES_LIT("\\n")) : buf_append(out, bytes_of(c, 1));
    }
    return error;
}

static enum ferry_error write_head(struct buf *out, const char *metric, const char *type,
                                   const char *words)
{
    return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric, words, metric, type);
}

static enum ferry_error write_gauge(struct buf *out, const char *metric, const char *words,
                                    uint64_t value)
{
    enum ferry_error error = write_head(out, metric, "gauge", words);
    return error == FERRY_OK ? buf_printf(out, "%s %" PRIu64 "\n", metric, value) : error;
}

static enum ferry_error write_counts(const struct state *state, struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < SERVER_COUNTS && error == FERRY_OK; i++) {
        const struct row *row = &rows[i];
        bool labels = row->labels[0];
        if (i == 0 || strcmp(row->metric, rows[i - 1].metric) != 0)
            error = write_head(out, row->metric, "counter", row->words);
        if (error == FERRY_OK)
            error = buf_printf(out, "%s%s%s%s %" PRIu64 "\n", row->metric, labels ? "{" : "",
                               row->labels, labels ? "}" : "", state->counters.counts[i]);
    }
    return error;
}

static enum ferry_error write_failures(const struct state *state, struct buf *out)
{
    static const char metric[] = "ferry_failures_total";
    enum ferry_error error = write_head(
        out, metric, "counter", "Commands, transfers and connections that failed, by class.");
    for (int i = 1; i < SERVER_FAILURE_KINDS && error == FERRY_OK; i++)
        error = buf_printf(out, "%s{class=\"%s\"} %" PRIu64 "\n", metric,
                           fault_kind_name((enum ferry_error) - i), state->counters.failures[i]);
    return error;
}

static enum ferry_error write_restarts(const struct state *state, struct buf *out)
{
    static const char metric[] = "ferry_process_restarts_total";
    enum ferry_error error = write_head(
        out, metric, "counter", "Processes of the server that were started again, by role.");
    for (unsigned role = ROLE_KEYS; role < ROLE_COUNT && error == FERRY_OK; role++)
        error = buf_printf(out, "%s{role=\"%s\"} %" PRIu64 "\n", metric, role_name((enum role)role),
                           state->restarts[role]);
    return error;
}

static enum ferry_error write_processes(const struct state *state, struct buf *out)
{
    static const char metric[] = "ferry_processes";
    uint64_t counts[ROLE_COUNT] = {0};
    const struct state_process *process;
    TAILQ_FOREACH (process, &state->processes, link)
        counts[process->role]++;
    enum ferry_error error =
        write_head(out, metric, "gauge", "Processes of the server that run, by role.");
    for (unsigned role = ROLE_KEYS; role < ROLE_COUNT && error == FERRY_OK; role++)
        error = buf_printf(out, "%s{role=\"%s\"} %" PRIu64 "\n", metric, role_name((enum role)role),
                           counts[role]);
    return error;
}

/* Whether an earlier row is of the same file and block: every worker tells of it. */
static bool is_told(const struct state *state, const struct state_certificate *certificate)
{
    const struct state_certificate *before;
    TAILQ_FOREACH (before, &state->certificates, link) {
        if (before == certificate)
            return false;
        if (strcmp(before->listens, certificate->listens) == 0 &&
            strcmp(before->file, certificate->file) == 0)
            return true;
    }
    return false;
}

static enum ferry_error write_certificate(const struct state_certificate *certificate,
                                          const char *metric, struct buf *out)
{
    enum ferry_error error = buf_printf(out, "%s{listens=\"", metric);
    if (error == FERRY_OK)
        error = write_label(out, certificate->listens);
    if (error == FERRY_OK)
        error = buf_append(out, BYTES_LIT("\",file=\""));
    if (error == FERRY_OK)
        error = write_label(out, certificate->file);
    if (error == FERRY_OK)
        error = buf_printf(out, "\"} %" PRId64 "\n",
                           certificate->not_after_ns / (int64_t)CLOCK_NS_PER_S);
    return error;
}

static enum ferry_error write_certificates(const struct state *state, struct buf *out)
{
    static const char metric[] = "ferry_certificate_expiry_seconds";
    const struct state_certificate *certificate;
    enum ferry_error error =
        write_head(out, metric, "gauge", "When a certificate expires, in seconds since 1970.");
    TAILQ_FOREACH (certificate, &state->certificates, link)
        if (error == FERRY_OK && !is_told(state, certificate))
            error = write_certificate(certificate, metric, out);
    return error;
}

static enum ferry_error write_build(const struct state *state, struct buf *out)
{
    enum ferry_error error =
        write_head(out, "ferry_build_info", "gauge", "The version of the server; always 1.");
    return error == FERRY_OK
               ? buf_printf(out, "ferry_build_info{version=\"%s\"} 1\n", state->version)
               : error;
}

static uint64_t bans_of(const struct state *state)
{
    const struct state_ban *ban;
    uint64_t count = 0;
    TAILQ_FOREACH (ban, &state->bans, link)
        count++;
    return count;
}

enum ferry_error metrics_write(const struct state *state, struct buf *out)
{
    static enum ferry_error (*const parts[])(const struct state *state, struct buf *out) = {
        write_build,    write_counts,    write_failures,
        write_restarts, write_processes, write_certificates,
    };
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(parts) && error == FERRY_OK; i++)
        error = parts[i](state, out);
    if (error == FERRY_OK)
        error = write_gauge(out, "ferry_sessions", "Sessions that there are now.",
                            state->session_count);
    if (error == FERRY_OK)
        error = write_gauge(out, "ferry_transfers_active", "Transfers that run now.",
                            state->transfer_count);
    if (error == FERRY_OK)
        error = write_gauge(out, "ferry_bans", "Addresses that are banned now.", bans_of(state));
    if (error == FERRY_OK)
        error = write_gauge(out, "ferry_start_time_seconds",
                            "When the server was started, in seconds since 1970.",
                            (uint64_t)(state->started_ns / (int64_t)CLOCK_NS_PER_S));
    return error;
}

enum ferry_error metrics_handle(void *ctx, const struct http_request *request,
                                struct http_reply *reply)
{
    (void)request;
    reply->type = "text/plain; version=0.0.4; charset=utf-8";
    return metrics_write(ctx, &reply->body);
}
