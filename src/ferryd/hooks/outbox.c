/* The events that are still to be told, in a file of SQLite. */
#include "ferryd/hooks/outbox.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum {
    APPLICATION_ID = 0x4672686b, /* "Frhk" */
    VERSION = 1,
    BUSY_MS = 5000,
    CHECKPOINT_PAGES = 4000,
};

enum statement { ADD, FIND, SETTLE, DROP, REMOVE, FAILED, BODY, EACH, STATEMENTS };

static const char *const statements[STATEMENTS] = {
    [ADD] = "INSERT INTO event (id, hook, account, state, made, due, tries, body) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7) ON CONFLICT (id, hook) DO NOTHING",
    [FIND] = "SELECT number FROM event WHERE id = ?1 AND hook = ?2",
    [SETTLE] = "UPDATE event SET state = ?2 WHERE id = ?1 AND state = 0",
    [DROP] = "DELETE FROM event WHERE id = ?1 AND state = 0",
    [REMOVE] = "DELETE FROM event WHERE number = ?1",
    [FAILED] = "UPDATE event SET state = ?2, tries = ?3, due = ?4, why = ?5 WHERE number = ?1",
    [BODY] = "SELECT body FROM event WHERE number = ?1",
    [EACH] = "SELECT number, id, hook, account, state, made, due, tries FROM event "
             "WHERE state != 3 ORDER BY number",
};

static const char schema[] = "CREATE TABLE event ("
                             " number INTEGER PRIMARY KEY AUTOINCREMENT,"
                             " id BLOB NOT NULL,"
                             " hook TEXT NOT NULL,"
                             " account TEXT NOT NULL,"
                             " state INTEGER NOT NULL,"
                             " made INTEGER NOT NULL,"
                             " due INTEGER NOT NULL,"
                             " tries INTEGER NOT NULL,"
                             " why TEXT NOT NULL DEFAULT '',"
                             " body TEXT NOT NULL,"
                             " UNIQUE (id, hook)"
                             ") STRICT";

struct outbox {
    sqlite3 *db;
    sqlite3_stmt *prepared[STATEMENTS];
};

/* ---- SQLite's ways ---- */

static enum ferry_error failed(struct outbox *outbox, struct fault *fault)
{
    if (sqlite3_errcode(outbox->db) == SQLITE_NOMEM)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the outbox");
    return fault_set(fault, FERRY_E_FILE, "the outbox: %s", sqlite3_errmsg(outbox->db));
}

static enum ferry_error run(struct outbox *outbox, const char *sql, struct fault *fault)
{
    return sqlite3_exec(outbox->db, sql, NULL, NULL, NULL) == SQLITE_OK ? FERRY_OK
                                                                        : failed(outbox, fault);
}

/* For CLEANUP. */
static void finish(sqlite3_stmt **statement)
{
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
}

static void bind_id(sqlite3_stmt *statement, const uint8_t id[static HOOK_ID_BYTES])
{
    sqlite3_bind_blob(statement, 1, id, HOOK_ID_BYTES, SQLITE_STATIC);
}

static void bind_text(sqlite3_stmt *statement, int at, struct bytes text)
{
    sqlite3_bind_text(statement, at, text.ptr ? text.ptr : "", (int)text.len, SQLITE_STATIC);
}

/* What could not be bound is NULL, which no column takes. */
static enum ferry_error step(struct outbox *outbox, sqlite3_stmt *statement, struct fault *fault)
{
    return sqlite3_step(statement) == SQLITE_DONE ? FERRY_OK : failed(outbox, fault);
}

static struct bytes column(sqlite3_stmt *statement, int at)
{
    const void *text = sqlite3_column_blob(statement, at);
    return bytes_of(text, text ? (size_t)sqlite3_column_bytes(statement, at) : 0);
}

/* ---- life ---- */

static enum ferry_error number_of(struct outbox *outbox, const char *sql, int *out,
                                  struct fault *fault)
{
    sqlite3_stmt *statement = NULL;
    bool got = sqlite3_prepare_v2(outbox->db, sql, -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW;
    if (got)
        *out = sqlite3_column_int(statement, 0);
    enum ferry_error error = got ? FERRY_OK : failed(outbox, fault);
    sqlite3_finalize(statement);
    return error;
}

static enum ferry_error make_tables(struct outbox *outbox, struct fault *fault)
{
    char sql[96];
    int id = 0, version = 0, tables = 0;
    enum ferry_error error = number_of(outbox, "PRAGMA application_id", &id, fault);
    if (error == FERRY_OK)
        error = number_of(outbox, "PRAGMA user_version", &version, fault);
    if (error == FERRY_OK)
        error = number_of(outbox, "SELECT count(*) FROM sqlite_master", &tables, fault);
    if (error != FERRY_OK || (id == APPLICATION_ID && version == VERSION))
        return error;
    if (id != 0 || version != 0 || tables > 0)
        return fault_set(fault, FERRY_E_UNSUPPORTED, "the outbox is of another program or version");
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, VERSION);
    error = run(outbox, "BEGIN IMMEDIATE", fault);
    if (error == FERRY_OK)
        error = run(outbox, schema, fault);
    if (error == FERRY_OK)
        error = run(outbox, sql, fault);
    if (error == FERRY_OK)
        error = run(outbox, "COMMIT", fault);
    return error;
}

static enum ferry_error set_up(struct outbox *outbox, struct fault *fault)
{
    char checkpoint[64];
    snprintf(checkpoint, sizeof(checkpoint), "PRAGMA wal_autocheckpoint = %d", CHECKPOINT_PAGES);
    sqlite3_busy_timeout(outbox->db, BUSY_MS);
    sqlite3_db_config(outbox->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(outbox->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    enum ferry_error error = run(
        outbox, "PRAGMA temp_store = MEMORY; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
        fault);
    if (error == FERRY_OK)
        error = run(outbox, checkpoint, fault);
    if (error == FERRY_OK)
        error = make_tables(outbox, fault);
    for (int i = 0; i < STATEMENTS && error == FERRY_OK; i++)
        if (sqlite3_prepare_v3(outbox->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &outbox->prepared[i], NULL) != SQLITE_OK)
            error = failed(outbox, fault);
    return error;
}

enum ferry_error outbox_open(const char *path, struct outbox **out, struct fault *fault)
{
    struct outbox *outbox = alloc_zero(sizeof(*outbox));
    if (!outbox)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the outbox");
    enum ferry_error error = FERRY_OK;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &outbox->db, flags, NULL) != SQLITE_OK)
        error = failed(outbox, fault);
    if (error == FERRY_OK)
        error = set_up(outbox, fault);
    if (error == FERRY_OK)
        *out = outbox;
    else
        outbox_close(outbox);
    return error;
}

void outbox_close(struct outbox *outbox)
{
    if (!outbox)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(outbox->prepared[i]);
    sqlite3_close(outbox->db);
    alloc_free(outbox);
}

/* ---- transactions ---- */

enum ferry_error outbox_begin(struct outbox *outbox, struct fault *fault)
{
    return run(outbox, "BEGIN IMMEDIATE", fault);
}

enum ferry_error outbox_commit(struct outbox *outbox, struct fault *fault)
{
    return run(outbox, "COMMIT", fault);
}

void outbox_rollback(struct outbox *outbox)
{
    (void)sqlite3_exec(outbox->db, "ROLLBACK", NULL, NULL, NULL); /* the first error is told */
}

/* ---- changes ---- */

static enum ferry_error find(struct outbox *outbox, struct outbox_row *row, struct fault *fault)
{
    CLEANUP(finish) sqlite3_stmt *statement = outbox->prepared[FIND];
    bind_id(statement, row->id);
    bind_text(statement, 2, row->hook);
    if (sqlite3_step(statement) != SQLITE_ROW)
        return failed(outbox, fault);
    row->number = sqlite3_column_int64(statement, 0);
    return FERRY_OK;
}

enum ferry_error outbox_add(struct outbox *outbox, struct outbox_row *row, bool *there,
                            struct fault *fault)
{
    CLEANUP(finish) sqlite3_stmt *statement = outbox->prepared[ADD];
    bind_id(statement, row->id);
    bind_text(statement, 2, row->hook);
    bind_text(statement, 3, row->account);
    sqlite3_bind_int(statement, 4, (int)row->state);
    sqlite3_bind_int64(statement, 5, row->made_ns);
    sqlite3_bind_int64(statement, 6, row->due_ns);
    bind_text(statement, 7, row->body);
    enum ferry_error error = step(outbox, statement, fault);
    if (error != FERRY_OK)
        return error;
    *there = sqlite3_changes(outbox->db) == 0;
    if (*there)
        return find(outbox, row, fault);
    row->number = sqlite3_last_insert_rowid(outbox->db);
    return FERRY_OK;
}

enum ferry_error outbox_settle(struct outbox *outbox, const uint8_t id[static HOOK_ID_BYTES],
                               enum outbox_state state, struct fault *fault)
{
    bool drops = state == OUTBOX_DEAD;
    CLEANUP(finish) sqlite3_stmt *statement = outbox->prepared[drops ? DROP : SETTLE];
    bind_id(statement, id);
    if (!drops)
        sqlite3_bind_int(statement, 2, (int)state);
    return step(outbox, statement, fault);
}

enum ferry_error outbox_remove(struct outbox *outbox, int64_t number, struct fault *fault)
{
    CLEANUP(finish) sqlite3_stmt *statement = outbox->prepared[REMOVE];
    sqlite3_bind_int64(statement, 1, number);
    return step(outbox, statement, fault);
}

enum ferry_error outbox_failed(struct outbox *outbox, const struct outbox_row *row, const char *why,
                               struct fault *fault)
{
    CLEANUP(finish) sqlite3_stmt *statement = outbox->prepared[FAILED];
    sqlite3_bind_int64(statement, 1, row->number);
    sqlite3_bind_int(statement, 2, (int)row->state);
    sqlite3_bind_int64(statement, 3, row->tries);
    sqlite3_bind_int64(statement, 4, row->due_ns);
    bind_text(statement, 5, bytes_str(why));
    return step(outbox, statement, fault);
}

/* ---- reading ---- */

enum ferry_error outbox_body(struct outbox *outbox, int64_t number, struct buf *out,
                             struct fault *fault)
{
    CLEANUP(finish) sqlite3_stmt *statement = outbox->prepared[BODY];
    sqlite3_bind_int64(statement, 1, number);
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE)
        return fault_set(fault, FERRY_E_NOT_FOUND, "the outbox: there is no such event");
    if (code != SQLITE_ROW)
        return failed(outbox, fault);
    enum ferry_error error = buf_append(out, column(statement, 0));
    return error == FERRY_OK ? error : fault_set(fault, error, "no memory for an event");
}

enum ferry_error outbox_each(struct outbox *outbox, outbox_row_fn *fn, void *ctx,
                             struct fault *fault)
{
    CLEANUP(finish) sqlite3_stmt *statement = outbox->prepared[EACH];
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct outbox_row row = {
            .number = sqlite3_column_int64(statement, 0),
            .hook = column(statement, 2),
            .account = column(statement, 3),
            .state = (enum outbox_state)sqlite3_column_int(statement, 4),
            .made_ns = sqlite3_column_int64(statement, 5),
            .due_ns = sqlite3_column_int64(statement, 6),
            .tries = (uint32_t)sqlite3_column_int64(statement, 7),
        };
        struct bytes id = column(statement, 1);
        if (id.len != HOOK_ID_BYTES)
            continue; /* not this program's */
        memcpy(row.id, id.ptr, HOOK_ID_BYTES);
        enum ferry_error error = fn(ctx, &row);
        if (error != FERRY_OK)
            return fault_set(fault, error, "no memory for the events of the outbox");
    }
    return code == SQLITE_DONE ? FERRY_OK : failed(outbox, fault);
}
