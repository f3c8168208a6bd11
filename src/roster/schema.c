/* The tables of the accounts' file, version by version. */
#include "roster/schema.h"

#include <stdio.h>

/* "Frry": PRAGMA application_id, so that no other program's file is taken for this one's. */
enum { APPLICATION_ID = 0x46727279 };

/* A table of values as of version 2. */
#define TABLE(name)                                                                                \
    "CREATE TABLE " name " ("                                                                      \
    " name TEXT NOT NULL PRIMARY KEY,"                                                             \
    " password_hash TEXT NOT NULL DEFAULT '',"                                                     \
    " home TEXT NOT NULL DEFAULT '',"                                                              \
    " user TEXT NOT NULL DEFAULT '',"                                                              \
    " read_only TEXT NOT NULL DEFAULT '',"                                                         \
    " uploads TEXT NOT NULL DEFAULT '',"                                                           \
    " dotfiles TEXT NOT NULL DEFAULT '',"                                                          \
    " charset TEXT NOT NULL DEFAULT '',"                                                           \
    " denied_names TEXT NOT NULL DEFAULT '',"                                                      \
    " control_bytes TEXT NOT NULL DEFAULT '',"                                                     \
    " tls TEXT NOT NULL DEFAULT '',"                                                               \
    " disabled TEXT NOT NULL DEFAULT '',"                                                          \
    " login TEXT NOT NULL DEFAULT '',"                                                             \
    " certificates TEXT NOT NULL DEFAULT '',"                                                      \
    " networks TEXT NOT NULL DEFAULT '',"                                                          \
    " hours TEXT NOT NULL DEFAULT '',"                                                             \
    " expires TEXT NOT NULL DEFAULT '',"                                                           \
    " sessions_max TEXT NOT NULL DEFAULT '',"                                                      \
    " rate_up TEXT NOT NULL DEFAULT '',"                                                           \
    " rate_down TEXT NOT NULL DEFAULT '',"                                                         \
    " quota TEXT NOT NULL DEFAULT '',"                                                             \
    " quota_files TEXT NOT NULL DEFAULT '',"                                                       \
    " rights TEXT NOT NULL DEFAULT '',"                                                            \
    " roots TEXT NOT NULL DEFAULT '',"                                                             \
    " groups TEXT NOT NULL DEFAULT '',"                                                            \
    " template TEXT NOT NULL DEFAULT ''"                                                           \
    ") STRICT, WITHOUT ROWID;"

/* What makes version i + 1 of version i. Values are texts, as account/account.h has them. */
static const char *const steps[] = {
    "CREATE TABLE account ("
    " name TEXT NOT NULL PRIMARY KEY,"
    " password_hash TEXT NOT NULL DEFAULT '',"
    " home TEXT NOT NULL DEFAULT '',"
    " user TEXT NOT NULL DEFAULT '',"
    " read_only TEXT NOT NULL DEFAULT '',"
    " uploads TEXT NOT NULL DEFAULT '',"
    " dotfiles TEXT NOT NULL DEFAULT '',"
    " charset TEXT NOT NULL DEFAULT '',"
    " denied_names TEXT NOT NULL DEFAULT '',"
    " control_bytes TEXT NOT NULL DEFAULT '',"
    " tls TEXT NOT NULL DEFAULT '',"
    " disabled TEXT NOT NULL DEFAULT '',"
    " login TEXT NOT NULL DEFAULT '',"
    " certificates TEXT NOT NULL DEFAULT '',"
    " networks TEXT NOT NULL DEFAULT '',"
    " hours TEXT NOT NULL DEFAULT '',"
    " expires TEXT NOT NULL DEFAULT '',"
    " sessions_max TEXT NOT NULL DEFAULT '',"
    " rate_up TEXT NOT NULL DEFAULT '',"
    " rate_down TEXT NOT NULL DEFAULT '',"
    " quota TEXT NOT NULL DEFAULT '',"
    " quota_files TEXT NOT NULL DEFAULT ''"
    ") STRICT, WITHOUT ROWID",

    "ALTER TABLE account ADD COLUMN rights TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE account ADD COLUMN roots TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE account ADD COLUMN groups TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE account ADD COLUMN template TEXT NOT NULL DEFAULT '';" TABLE("account_group")
        TABLE("account_template"),
};
enum { VERSION = ARRAY_LEN(steps) };

static enum ferry_error failed(sqlite3 *db, struct fault *fault)
{
    return fault_set(fault, FERRY_E_FILE, "the accounts cannot be opened: %s", sqlite3_errmsg(db));
}

static enum ferry_error run(sqlite3 *db, const char *sql, struct fault *fault)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? FERRY_OK : failed(db, fault);
}

/* The one number that a query gives. */
static enum ferry_error ask(sqlite3 *db, const char *sql, int *out, struct fault *fault)
{
    sqlite3_stmt *statement = NULL;
    bool got = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW;
    if (got)
        *out = sqlite3_column_int(statement, 0);
    enum ferry_error error = got ? FERRY_OK : failed(db, fault);
    sqlite3_finalize(statement);
    return error;
}

static enum ferry_error check(sqlite3 *db, int *version, struct fault *fault)
{
    int id = 0, tables = 0;
    enum ferry_error error = ask(db, "PRAGMA application_id", &id, fault);
    if (error == FERRY_OK)
        error = ask(db, "PRAGMA user_version", version, fault);
    if (error == FERRY_OK)
        error = ask(db, "SELECT count(*) FROM sqlite_master", &tables, fault);
    if (error != FERRY_OK)
        return error;
    if (id != APPLICATION_ID && (tables > 0 || id != 0))
        return fault_set(fault, FERRY_E_UNSUPPORTED, "this is a database of another program");
    if (*version < 0 || *version > VERSION)
        return fault_set(fault, FERRY_E_UNSUPPORTED,
                         "the accounts are of version %d, and this program knows up to %d",
                         *version, VERSION);
    return FERRY_OK;
}

static enum ferry_error step_up(sqlite3 *db, struct fault *fault)
{
    char sql[96];
    int version = 0;
    enum ferry_error error = check(db, &version, fault); /* another may have been first */
    while (error == FERRY_OK && version < VERSION)
        error = run(db, steps[version++], fault);
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, VERSION);
    return error == FERRY_OK ? run(db, sql, fault) : error;
}

enum ferry_error schema_update(sqlite3 *db, struct fault *fault)
{
    int version = 0;
    enum ferry_error error = check(db, &version, fault);
    if (error != FERRY_OK || version == VERSION)
        return error;
    error = run(db, "BEGIN IMMEDIATE", fault);
    if (error != FERRY_OK)
        return error;
    error = step_up(db, fault);
    if (error == FERRY_OK)
        error = run(db, "COMMIT", fault);
    if (error != FERRY_OK)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* the first error is told */
    return error;
}
