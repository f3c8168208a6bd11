/* A connection to one of several servers of PostgreSQL. */
#include "ferryd/auth/pg_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"

/* What is said of a connection besides the configuration's own words. */
enum { WORDS_MAX = CONNINFO_MAX + 12 };

static const char *const statements[PG_QUERIES] = {"ferry_account", "ferry_certificates"};

/* ---- waiting ---- */

/* Milliseconds, rounded up. */
static int left_ms(uint64_t deadline_ns)
{
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    return deadline_ns > now_ns ? (int)((deadline_ns - now_ns) / CLOCK_NS_PER_MS) + 1 : 0;
}

/* Until the connection can be read from, or written to. */
static enum ferry_error wait_for(const struct pg_link *link, short events, uint64_t deadline_ns)
{
    struct pollfd fd = {.fd = PQsocket(link->conn), .events = events};
    int ready;
    do
        ready = poll(&fd, 1, left_ms(deadline_ns));
    while (ready < 0 && errno == EINTR);
    return ready > 0 ? FERRY_OK : ready == 0 ? FERRY_E_TIMEOUT : FERRY_E_CONNECT;
}

/* ---- words ---- */

/* The first line of what libpq says; of the server asked last, if there are several. */
static enum ferry_error say(const struct pg_link *link, enum ferry_error kind, const char *words,
                            struct fault *fault)
{
    const struct conninfo_host *host = &link->servers->info->hosts[link->at];
    struct bytes line = bytes_str(words);
    line = text_trim(bytes_first(line, bytes_find(line, '\n')));
    if (kind == FERRY_E_TIMEOUT)
        line = BYTES_LIT("it does not answer in time");
    if (fault)
        fault_clear(fault);
    return fault_set(fault, kind, "postgresql at %s, port %s: %.*s", host->host, host->port,
                     BYTES_FMT(line));
}

/* ---- connections ---- */

void pg_link_init(struct pg_link *link, const struct pg_servers *servers)
{
    *link = (struct pg_link){.servers = servers};
}

void pg_link_fini(struct pg_link *link)
{
    PQfinish(link->conn);
    link->conn = NULL;
}

struct words {
    const char *names[WORDS_MAX + 1], *values[WORDS_MAX + 1];
    size_t count;
};

static void put_word(struct words *words, const char *name, const char *value)
{
    words->names[words->count] = name;
    words->values[words->count++] = value;
}

static void put_words(const struct pg_link *link, char options[64], struct words *out)
{
    const struct pg_servers *servers = link->servers;
    const struct conninfo_host *host = &servers->info->hosts[link->at];
    snprintf(options, 64, "-c statement_timeout=%llu",
             (unsigned long long)(servers->timeout_ns / CLOCK_NS_PER_MS));
    put_word(out, "application_name", "ferryd-auth"); /* what comes later, counts */
    put_word(out, "sslmode", host->host[0] == '/' ? "disable" : "verify-full");
    for (size_t i = 0; i < servers->info->count; i++)
        put_word(out, servers->info->words[i], servers->info->values[i]);
    put_word(out, "host", host->host);
    put_word(out, "port", host->port);
    if (servers->password)
        put_word(out, "password", secret_reveal(servers->password).ptr);
    put_word(out, "passfile", "/dev/null");
    put_word(out, "sslrootcert", servers->ca_path);
    put_word(out, "gssencmode", "disable");
    put_word(out, "client_encoding", "UTF8");
    put_word(out, "options", options);
}

static enum ferry_error finish_connecting(const struct pg_link *link, uint64_t deadline_ns)
{
    enum ferry_error error = FERRY_OK;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    if (PQstatus(link->conn) == CONNECTION_BAD)
        return FERRY_E_CONNECT;
    while (error == FERRY_OK && next != PGRES_POLLING_OK) {
        error = wait_for(link, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ns);
        next = error == FERRY_OK ? PQconnectPoll(link->conn) : next;
        if (next == PGRES_POLLING_FAILED)
            error = FERRY_E_CONNECT;
    }
    return error;
}

/* The last result of a command that was sent; NULL: the connection is broken, or time is up. */
static PGresult *take_result(const struct pg_link *link, uint64_t deadline_ns,
                             enum ferry_error *error)
{
    PGresult *last = NULL;
    *error = FERRY_OK;
    for (bool more = true; more && *error == FERRY_OK;) {
        int unsent = PQflush(link->conn);
        if (unsent < 0) {
            *error = FERRY_E_CONNECT;
        } else if (unsent > 0 || PQisBusy(link->conn)) {
            *error = wait_for(link, (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)), deadline_ns);
            if (*error == FERRY_OK && !PQconsumeInput(link->conn))
                *error = FERRY_E_CONNECT;
        } else {
            PGresult *next = PQgetResult(link->conn);
            more = next != NULL;
            if (next) {
                PQclear(last);
                last = next;
            }
        }
    }
    if (*error == FERRY_OK && last && PQstatus(link->conn) == CONNECTION_OK)
        return last;
    PQclear(last);
    *error = *error == FERRY_OK ? FERRY_E_CONNECT : *error;
    return NULL;
}

static enum ferry_error prepare(const struct pg_link *link, uint64_t deadline_ns,
                                struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    for (unsigned i = 0; i < PG_QUERIES && error == FERRY_OK; i++) {
        const char *query = link->servers->queries[i];
        if (!query)
            continue;
        PGresult *result = NULL;
        error = FERRY_E_CONNECT;
        if (PQsendPrepare(link->conn, statements[i], query, 1, NULL))
            result = take_result(link, deadline_ns, &error);
        if (error != FERRY_OK)
            error = say(link, error, PQerrorMessage(link->conn), fault);
        else if (PQresultStatus(result) != PGRES_COMMAND_OK)
            error = say(link, FERRY_E_REFUSED, PQresultErrorMessage(result), fault);
        PQclear(result);
    }
    return error;
}

static enum ferry_error connect_to(struct pg_link *link, uint64_t deadline_ns, struct fault *fault)
{
    char options[64];
    struct words words = {.count = 0};
    put_words(link, options, &words);
    link->conn = PQconnectStartParams(words.names, words.values, 0);
    if (!link->conn)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a connection");
    enum ferry_error error = finish_connecting(link, deadline_ns);
    if (error != FERRY_OK)
        return say(link, error, PQerrorMessage(link->conn), fault);
    PQsetnonblocking(link->conn, 1);
    return prepare(link, deadline_ns, fault);
}

/* Each server gets its share of the time that is left. */
static enum ferry_error connect_to_any(struct pg_link *link, uint64_t deadline_ns,
                                       struct fault *fault)
{
    size_t count = link->servers->info->host_count;
    enum ferry_error error = FERRY_E_CONNECT;
    for (size_t tries = count; tries > 0; tries--) {
        uint64_t now_ns = clock_monotonic_ns(&clock_system);
        uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
        error = connect_to(link, deadline_ns - left_ns / tries * (tries - 1), fault);
        if (error == FERRY_OK) {
            if (fault)
                fault_clear(fault);
            return FERRY_OK;
        }
        pg_link_fini(link);
        link->at = (link->at + 1) % count;
    }
    return error;
}

/* ---- asking ---- */

/* `*out` NULL: the connection is broken. */
static enum ferry_error ask_once(struct pg_link *link, enum pg_query query, const char *name,
                                 uint64_t deadline_ns, PGresult **out, struct fault *fault)
{
    const char *const values[] = {name};
    enum ferry_error error = FERRY_E_CONNECT;
    *out = NULL;
    if (PQsendQueryPrepared(link->conn, statements[query], 1, values, NULL, NULL, 0))
        *out = take_result(link, deadline_ns, &error);
    if (error != FERRY_OK)
        return say(link, error, PQerrorMessage(link->conn), fault);
    if (PQresultStatus(*out) == PGRES_TUPLES_OK)
        return FERRY_OK;
    error = say(link, FERRY_E_REFUSED, PQresultErrorMessage(*out), fault);
    PQclear(*out);
    *out = NULL;
    return error;
}

enum ferry_error pg_link_ask(struct pg_link *link, enum pg_query query, const char *name,
                             uint64_t deadline_ns, PGresult **out, struct fault *fault)
{
    bool kept = link->conn != NULL;
    enum ferry_error error = kept ? FERRY_OK : connect_to_any(link, deadline_ns, fault);
    *out = NULL;
    if (error != FERRY_OK)
        return error;
    /* One that was kept may turn out to be broken: half of the time is for a new one. */
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    error = ask_once(link, query, name, kept ? deadline_ns - left_ns / 2 : deadline_ns, out, fault);
    if (error == FERRY_OK || error == FERRY_E_REFUSED)
        return error;
    pg_link_fini(link);
    if (!kept)
        return error;
    error = connect_to_any(link, deadline_ns, fault);
    if (error == FERRY_OK)
        error = ask_once(link, query, name, deadline_ns, out, fault);
    if (error != FERRY_OK && error != FERRY_E_REFUSED)
        pg_link_fini(link);
    return error;
}
