/* Accounts in a file of SQLite. */
#include "roster/roster.h"

#include <sqlite3.h>
#include <stdio.h>

#include "base/alloc.h"
#include "roster/schema.h"

enum { BUSY_MS = 5000 };

struct roster {
    sqlite3 *db;
    enum roster_table table;
    sqlite3_stmt *find, *insert, *update, *remove, *list;
};

/* ---- SQLite's errors ---- */

static enum ferry_error failed(struct roster *roster, const char *deed, struct fault *fault)
{
    int code = sqlite3_errcode(roster->db);
    if (code == SQLITE_NOMEM)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    return fault_set(fault, FERRY_E_FILE, "the accounts cannot be %s: %s", deed,
                     sqlite3_errmsg(roster->db));
}

/* The lock of the connection, for more than one call of SQLite's in a row. */
static void lock(struct roster *roster)
{
    sqlite3_mutex_enter(sqlite3_db_mutex(roster->db));
}

static void unlock(struct roster **roster)
{
    sqlite3_mutex_leave(sqlite3_db_mutex((*roster)->db));
}

static enum ferry_error run(struct roster *roster, const char *sql, const char *deed,
                            struct fault *fault)
{
    if (sqlite3_exec(roster->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return failed(roster, deed, fault);
    return FERRY_OK;
}

/* ---- statements ---- */

/* The columns stand in the order of enum account_field, behind the name. */
#define COLUMNS                                                                                    \
    "password_hash, home, user, read_only, uploads, dotfiles, charset, denied_names, "             \
    "control_bytes, tls, disabled, login, "                                                        \
    "certificates, networks, hours, expires, sessions_max, rate_up, rate_down, quota, "            \
    "quota_files, rights, roots, groups, template"
#define VALUES                                                                                     \
    "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "                               \
    "?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26"

static const struct {
    const char *name, *word, *one; /* in the file, and for people */
} tables[] = {
    [ROSTER_ACCOUNTS] = {"account", "account", "an account"},
    [ROSTER_GROUPS] = {"account_group", "group", "a group"},
    [ROSTER_TEMPLATES] = {"account_template", "template", "a template"},
};

const char *roster_word(enum roster_table table)
{
    return tables[table].word;
}

static enum ferry_error prepare_one(struct roster *roster, sqlite3_stmt **statement,
                                    const char *before, const char *after, struct fault *fault)
{
    char sql[1024];
    snprintf(sql, sizeof(sql), "%s %s %s", before, tables[roster->table].name, after);
    if (sqlite3_prepare_v3(roster->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) !=
        SQLITE_OK)
        return failed(roster, "read", fault);
    return FERRY_OK;
}

static enum ferry_error prepare(struct roster *roster, struct fault *fault)
{
    const struct {
        sqlite3_stmt **statement;
        const char *before, *after; /* the name of the table */
    } rows[] = {
        {&roster->find, "SELECT name, " COLUMNS " FROM", "WHERE name = ?1"},
        {&roster->list, "SELECT name, " COLUMNS " FROM", "ORDER BY name"},
        {&roster->insert, "INSERT INTO", "(name, " COLUMNS ") VALUES (?1, " VALUES ")"},
        {&roster->update, "UPDATE", "SET (" COLUMNS ") = (" VALUES ") WHERE name = ?1"},
        {&roster->remove, "DELETE FROM", "WHERE name = ?1"},
    };
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(rows) && error == FERRY_OK; i++)
        error = prepare_one(roster, rows[i].statement, rows[i].before, rows[i].after, fault);
    return error;
}

/* For CLEANUP: what was bound belongs to the caller and may hold a hash. */
static void finish(sqlite3_stmt **statement)
{
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
}

static bool bind_text(sqlite3_stmt *statement, int at, struct bytes text)
{
    return sqlite3_bind_text(statement, at, text.ptr ? text.ptr : "", (int)text.len,
                             SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_account(sqlite3_stmt *statement, const struct account *account)
{
    bool bound = bind_text(statement, 1, bytes_str(account->name));
    for (int i = 0; bound && i < ACCOUNT_FIELDS; i++)
        bound =
            bind_text(statement, i + 2, bytes_str(account_text(account, (enum account_field)i)));
    return bound;
}

static struct bytes column(sqlite3_stmt *statement, int at)
{
    const void *text = sqlite3_column_text(statement, at);
    return bytes_of(text, text ? (size_t)sqlite3_column_bytes(statement, at) : 0);
}

/* The account of the row that a SELECT stands on. */
static enum ferry_error take_row(sqlite3_stmt *statement, struct account **out, struct fault *fault)
{
    CLEANUP(account_drop) struct account *account = NULL;
    struct fault why = {0};
    enum ferry_error error = account_new(column(statement, 0), &account, &why);
    int field = 0;
    while (error == FERRY_OK && field < ACCOUNT_FIELDS) {
        error = account_set(account, (enum account_field)field, column(statement, field + 1), &why);
        field += error == FERRY_OK;
    }
    if (error == FERRY_E_MEMORY)
        return fault_set(fault, error, "%s", why.what);
    if (error != FERRY_OK)
        return fault_set(fault, FERRY_E_FILE, "account %s in the database: %s: %s",
                         account ? account->name : "without a name",
                         account ? account_field_names[field] : "name", why.what);
    *out = account;
    account = NULL;
    return FERRY_OK;
}

/* ---- life ---- */

/* Nothing that is in the file is run, whoever wrote it; readers are not held up by a writer. */
static enum ferry_error set_up(struct roster *roster, struct fault *fault)
{
    sqlite3_extended_result_codes(roster->db, 1);
    sqlite3_busy_timeout(roster->db, BUSY_MS);
    sqlite3_db_config(roster->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(roster->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    enum ferry_error error = schema_update(roster->db, fault);
    if (error == FERRY_OK)
        error = run(roster,
                    "PRAGMA temp_store = MEMORY; PRAGMA journal_mode = WAL; "
                    "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON",
                    "opened", fault);
    return error == FERRY_OK ? prepare(roster, fault) : error;
}

enum ferry_error roster_open(const char *path, struct roster **out, struct fault *fault)
{
    return roster_open_table(path, ROSTER_ACCOUNTS, out, fault);
}

enum ferry_error roster_open_table(const char *path, enum roster_table table, struct roster **out,
                                   struct fault *fault)
{
    struct roster *roster = alloc_zero(sizeof(*roster));
    if (!roster)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    roster->table = table;
    enum ferry_error error = FERRY_OK;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
    if (sqlite3_open_v2(path, &roster->db, flags, NULL) != SQLITE_OK)
        error = failed(roster, "opened", fault);
    if (error == FERRY_OK)
        error = set_up(roster, fault);
    if (error != FERRY_OK) {
        roster_close(roster);
        return error;
    }
    *out = roster;
    return FERRY_OK;
}

void roster_close(struct roster *roster)
{
    if (!roster)
        return;
    sqlite3_finalize(roster->find);
    sqlite3_finalize(roster->list);
    sqlite3_finalize(roster->insert);
    sqlite3_finalize(roster->update);
    sqlite3_finalize(roster->remove);
    sqlite3_close(roster->db);
    alloc_free(roster);
}

void roster_drop(struct roster **roster)
{
    roster_close(*roster);
    *roster = NULL;
}

enum ferry_error roster_only_read(struct roster *roster, struct fault *fault)
{
    return run(roster, "PRAGMA query_only = ON", "opened", fault);
}

/* ---- reading ---- */

enum ferry_error roster_find(struct roster *roster, struct bytes name, struct account **out,
                             struct fault *fault)
{
    *out = NULL;
    if (!account_name_is_usable(name))
        return FERRY_OK;
    CLEANUP(unlock) struct roster *locked = roster;
    lock(roster);
    CLEANUP(finish) sqlite3_stmt *find = roster->find;
    if (!bind_text(find, 1, name))
        return failed(roster, "read", fault);
    int step = sqlite3_step(find);
    if (step == SQLITE_ROW)
        return take_row(find, out, fault);
    return step == SQLITE_DONE ? FERRY_OK : failed(locked, "read", fault);
}

enum ferry_error roster_each(struct roster *roster, roster_each_fn *fn, void *ctx,
                             struct fault *fault)
{
    CLEANUP(unlock) struct roster *locked = roster;
    lock(roster);
    CLEANUP(finish) sqlite3_stmt *list = roster->list;
    enum ferry_error error = FERRY_OK;
    int step = SQLITE_ROW;
    while (error == FERRY_OK && (step = sqlite3_step(list)) == SQLITE_ROW) {
        CLEANUP(account_drop) struct account *account = NULL;
        error = take_row(list, &account, fault);
        if (error == FERRY_OK)
            error = fn(ctx, account, fault);
    }
    if (error == FERRY_OK && step != SQLITE_DONE)
        error = failed(locked, "read", fault);
    return error;
}

/* ---- changing ---- */

/* Runs a statement that an account was bound to. */
static enum ferry_error step_change(struct roster *roster, sqlite3_stmt *statement,
                                    struct fault *fault)
{
    if (sqlite3_step(statement) == SQLITE_DONE)
        return FERRY_OK;
    if (sqlite3_extended_errcode(roster->db) == SQLITE_CONSTRAINT_PRIMARYKEY)
        return fault_set(fault, FERRY_E_EXISTS, "there is %s by that name already",
                         tables[roster->table].one);
    return failed(roster, "changed", fault);
}

enum ferry_error roster_add(struct roster *roster, const struct account *account,
                            struct fault *fault)
{
    CLEANUP(unlock) struct roster *locked = roster;
    lock(roster);
    CLEANUP(finish) sqlite3_stmt *insert = roster->insert;
    if (!bind_account(insert, account))
        return failed(locked, "changed", fault);
    return step_change(roster, insert, fault);
}

static enum ferry_error not_found(const struct roster *roster, struct bytes name,
                                  struct fault *fault)
{
    return fault_set(fault, FERRY_E_NOT_FOUND, "there is no %s %.*s", tables[roster->table].word,
                     BYTES_FMT(name));
}

static enum ferry_error change_one(struct roster *roster, struct bytes name,
                                   roster_change_fn *change, void *ctx, struct fault *fault)
{
    CLEANUP(account_drop) struct account *account = NULL;
    enum ferry_error error = roster_find(roster, name, &account, fault);
    if (error == FERRY_OK && !account)
        error = not_found(roster, name, fault);
    if (error == FERRY_OK)
        error = change(ctx, account, fault);
    if (error != FERRY_OK)
        return error;
    CLEANUP(finish) sqlite3_stmt *update = roster->update;
    if (!bind_account(update, account))
        return failed(roster, "changed", fault);
    return step_change(roster, update, fault);
}

enum ferry_error roster_change(struct roster *roster, struct bytes name, roster_change_fn *change,
                               void *ctx, struct fault *fault)
{
    CLEANUP(unlock) struct roster *locked = roster;
    lock(roster);
    enum ferry_error error = run(locked, "BEGIN IMMEDIATE", "changed", fault);
    if (error != FERRY_OK)
        return error;
    error = change_one(roster, name, change, ctx, fault);
    if (error == FERRY_OK)
        error = run(roster, "COMMIT", "changed", fault);
    if (error != FERRY_OK)
        (void)sqlite3_exec(roster->db, "ROLLBACK", NULL, NULL, NULL); /* the first error is told */
    return error;
}

enum ferry_error roster_remove(struct roster *roster, struct bytes name, struct fault *fault)
{
    CLEANUP(unlock) struct roster *locked = roster;
    lock(roster);
    CLEANUP(finish) sqlite3_stmt *statement = roster->remove;
    if (!bind_text(statement, 1, name))
        return failed(locked, "changed", fault);
    enum ferry_error error = step_change(roster, statement, fault);
    if (error == FERRY_OK && sqlite3_changes(roster->db) == 0)
        return not_found(roster, name, fault);
    return error;
}
