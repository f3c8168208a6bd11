/* A database of PostgreSQL as a source of accounts. */
#include "ferryd/auth/source_postgresql.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ferryd/auth/pg_link.h"
#include "ferryd/auth/source_files.h"
#include "ferryd/directory/draft.h"
#include "ferryd/settings_directories.h"

enum { TYPE_BYTEA = 17 }; /* its number is the same in all databases */

struct pg_source {
    struct source source;
    char *label;
    const struct settings_postgresql *settings;
    struct conninfo info;
    char *ca_path;
    struct secret *password;
    struct pg_servers servers;
    struct pg_link links[SOURCE_TURNS_MAX];
};

/* ---- rows ---- */

static struct bytes cell(const PGresult *result, int row, int column)
{
    return bytes_of(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column));
}

/* The columns of the one row, each into the field that it is called after. */
static enum ferry_error put_row(const struct pg_source *self, const PGresult *result,
                                struct draft *draft, struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    for (int i = 0; i < PQnfields(result) && error == FERRY_OK; i++) {
        struct fault why = {0};
        unsigned target = 0;
        if (draft_target(bytes_str(PQfname(result, i)), &target, &why) != FERRY_OK)
            return fault_set(fault, FERRY_E_ARGUMENT, "%s: a column of account_query: %s",
                             self->source.name, why.what);
        error = draft_put(draft, target, cell(result, 0, i), fault);
    }
    return error;
}

/* A certificate as bytea is read as it is; anything else is a rule. */
static enum ferry_error put_certificate(const PGresult *result, int row, struct draft *draft,
                                        struct fault *fault)
{
    if (PQftype(result, 0) != TYPE_BYTEA)
        return draft_put(draft, ACCOUNT_CERTIFICATES, cell(result, row, 0), fault);
    size_t len = 0;
    unsigned char *der = PQunescapeBytea((const unsigned char *)PQgetvalue(result, row, 0), &len);
    enum ferry_error error = der ? draft_put(draft, ACCOUNT_CERTIFICATES, bytes_of(der, len), fault)
                                 : fault_set(fault, FERRY_E_MEMORY, "no memory for a certificate");
    PQfreemem(der);
    return error;
}

static enum ferry_error put_certificates(struct pg_source *self, struct pg_link *link,
                                         const char *name, uint64_t deadline_ns,
                                         struct draft *draft, struct fault *fault)
{
    PGresult *result = NULL;
    enum ferry_error error = pg_link_ask(link, PG_CERTIFICATES, name, deadline_ns, &result, fault);
    if (error == FERRY_OK && PQnfields(result) != 1)
        error = fault_set(fault, FERRY_E_ARGUMENT, "%s: certificate_query has not one column",
                          self->source.name);
    for (int i = 0; error == FERRY_OK && i < PQntuples(result); i++)
        error = put_certificate(result, i, draft, fault);
    PQclear(result);
    return error;
}

/* ---- the source ---- */

static enum ferry_error take_account(const struct pg_source *self, const PGresult *result,
                                     struct draft *draft, struct found *out, struct fault *fault)
{
    const struct draft_rules rules = {
        .defaults = &self->settings->source.defaults,
        .uid_min = self->settings->source.uid_min,
    };
    if (PQntuples(result) > 1)
        return fault_set(fault, FERRY_E_ARGUMENT, "%s: account_query finds %d rows for one name",
                         self->source.name, PQntuples(result));
    enum ferry_error error = put_row(self, result, draft, fault);
    if (error == FERRY_OK)
        error = draft_finish(draft, &rules, &out->owned, fault);
    out->account = out->owned;
    return error;
}

/* Whether the account is there or not, the same is asked. */
static enum ferry_error source_postgresql_find(struct source *source, unsigned turn,
                                               struct bytes name, struct found *out,
                                               struct fault *fault)
{
    struct pg_source *self = (struct pg_source *)source;
    struct pg_link *link = &self->links[turn];
    uint64_t deadline_ns = clock_monotonic_ns(&clock_system) + self->settings->source.timeout_ns;
    char text[ACCOUNT_NAME_BYTES + 1];
    PGresult *result = NULL;
    CLEANUP(draft_fini) struct draft draft = {0};
    if (!draft_name_is_usable(name))
        return FERRY_OK;
    snprintf(text, sizeof(text), "%.*s", BYTES_FMT(name));
    enum ferry_error error = draft_init(&draft, name, fault);
    if (error == FERRY_OK)
        error = pg_link_ask(link, PG_ACCOUNT, text, deadline_ns, &result, fault);
    if (error == FERRY_OK && self->settings->certificate_query)
        error = put_certificates(self, link, text, deadline_ns, &draft, fault);
    if (error == FERRY_OK && PQntuples(result) > 0)
        error = take_account(self, result, &draft, out, fault);
    PQclear(result);
    return error;
}

static void source_postgresql_close(struct source *source)
{
    struct pg_source *self = (struct pg_source *)source;
    for (unsigned i = 0; i < source->turns; i++)
        pg_link_fini(&self->links[i]);
    secret_free(self->password);
    conninfo_fini(&self->info);
    alloc_free(self->ca_path);
    alloc_free(self->label);
    alloc_free(self);
}

/* ---- opening ---- */

static enum ferry_error open_all(struct pg_source *self, struct given *given, struct fault *fault)
{
    const struct settings_postgresql *settings = self->settings;
    enum ferry_error error = conninfo_read(bytes_str(settings->connection), &self->info, fault);
    if (error == FERRY_OK)
        error = source_files_ca(given, settings->source.ca_file, &self->ca_path, fault);
    if (error == FERRY_OK && settings->password_file)
        error = source_files_secret(given, settings->password_file, &self->password, fault);
    self->servers = (struct pg_servers){
        .info = &self->info,
        .password = self->password,
        .ca_path = self->ca_path,
        .queries = {settings->account_query, settings->certificate_query},
        .timeout_ns = settings->source.timeout_ns,
    };
    for (unsigned i = 0; i < self->source.turns; i++)
        pg_link_init(&self->links[i], &self->servers);
    return error;
}

enum ferry_error source_postgresql_open(const struct conf_instance *block, struct given *given,
                                        struct source **out, struct fault *fault)
{
    static const struct source_ops ops = {
        .find = source_postgresql_find,
        .close = source_postgresql_close,
    };
    struct pg_source *self = alloc_zero(sizeof(*self));
    if (!self)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    self->settings = block->values;
    self->label = source_files_label(block);
    self->source = (struct source){
        .ops = &ops,
        .name = self->label,
        .turns = (unsigned)self->settings->source.connections,
        .patience_ns = self->settings->source.timeout_ns,
    };
    enum ferry_error error = self->label ? open_all(self, given, fault)
                                         : fault_set(fault, FERRY_E_MEMORY, "memory is short");
    if (error == FERRY_OK)
        *out = &self->source;
    else
        source_postgresql_close(&self->source);
    return error;
}
