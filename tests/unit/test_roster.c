/* Accounts in a file of SQLite: changes are whole, also if whoever makes them is killed. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "roster/roster.h"
#include "support/tempdir.h"

#define HOSTILE "x'; DROP TABLE account; --"

struct fixture {
    struct tempdir dir;
    char path[PATH_MAX];
};

static int setup(void **state)
{
    static struct fixture fixture;
    tempdir_make(&fixture.dir);
    tempdir_path(&fixture.dir, "accounts.db", fixture.path);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    tempdir_remove(&fixture->dir);
    return 0;
}

static struct roster *open_roster(const struct fixture *fixture)
{
    struct roster *roster = NULL;
    struct fault fault = {0};
    if (roster_open(fixture->path, &roster, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    return roster;
}

static void add(struct roster *roster, const char *name, const char *home)
{
    CLEANUP(account_drop) struct account *account = NULL;
    assert_int_equal(account_new(bytes_str(name), &account, NULL), FERRY_OK);
    assert_int_equal(account_set(account, ACCOUNT_HOME, bytes_str(home), NULL), FERRY_OK);
    assert_int_equal(account_set(account, ACCOUNT_SESSIONS_MAX, BYTES_LIT("7"), NULL), FERRY_OK);
    assert_int_equal(roster_add(roster, account, NULL), FERRY_OK);
}

static void assert_home(struct roster *roster, const char *name, const char *home)
{
    CLEANUP(account_drop) struct account *account = NULL;
    assert_int_equal(roster_find(roster, bytes_str(name), &account, NULL), FERRY_OK);
    assert_int_equal(account != NULL, home != NULL);
    if (account)
        assert_string_equal(account_text(account, ACCOUNT_HOME), home);
}

static enum ferry_error move_home(void *ctx, struct account *account, struct fault *fault)
{
    return account_set(account, ACCOUNT_HOME, bytes_str(ctx), fault);
}

static enum ferry_error move_and_fail(void *ctx, struct account *account, struct fault *fault)
{
    assert_int_equal(move_home(ctx, account, fault), FERRY_OK);
    return fault_set(fault, FERRY_E_ARGUMENT, "no");
}

static void added_found_changed_removed(void **state)
{
    CLEANUP(roster_drop) struct roster *roster = open_roster(*state);
    char elsewhere[] = "/srv/elsewhere";
    struct fault fault = {0};
    add(roster, "anna", "/srv/anna");
    add(roster, HOSTILE, "/srv/bobby");
    assert_home(roster, "anna", "/srv/anna");
    assert_home(roster, HOSTILE, "/srv/bobby");
    assert_home(roster, "Anna", NULL);
    assert_home(roster, "ann%", NULL);
    assert_int_equal(roster_change(roster, BYTES_LIT("anna"), move_and_fail, elsewhere, NULL),
                     FERRY_E_ARGUMENT);
    assert_home(roster, "anna", "/srv/anna");
    assert_int_equal(roster_change(roster, BYTES_LIT("anna"), move_home, elsewhere, NULL),
                     FERRY_OK);
    assert_home(roster, "anna", "/srv/elsewhere");
    assert_home(roster, HOSTILE, "/srv/bobby");
    assert_int_equal(roster_change(roster, BYTES_LIT("carl"), move_home, elsewhere, &fault),
                     FERRY_E_NOT_FOUND);
    assert_int_equal(roster_remove(roster, BYTES_LIT("anna"), NULL), FERRY_OK);
    assert_home(roster, "anna", NULL);
    assert_int_equal(roster_remove(roster, BYTES_LIT("anna"), NULL), FERRY_E_NOT_FOUND);
}

static void one_of_a_name(void **state)
{
    CLEANUP(roster_drop) struct roster *roster = open_roster(*state);
    CLEANUP(account_drop) struct account *again = NULL;
    struct fault fault = {0};
    add(roster, "anna", "/srv/anna");
    assert_int_equal(account_new(BYTES_LIT("anna"), &again, NULL), FERRY_OK);
    assert_int_equal(roster_add(roster, again, &fault), FERRY_E_EXISTS);
    assert_home(roster, "anna", "/srv/anna");
}

static enum ferry_error count_names(void *ctx, const struct account *account, struct fault *fault)
{
    (void)fault;
    char *names = ctx;
    strcat(names, account->name);
    assert_int_equal(account->sessions_max, 7);
    return strcmp(account->name, "carl") == 0 ? FERRY_E_CANCELLED : FERRY_OK;
}

static void each_by_name(void **state)
{
    CLEANUP(roster_drop) struct roster *roster = open_roster(*state);
    char names[64] = "";
    add(roster, "bert", "/srv");
    add(roster, "anna", "/srv");
    assert_int_equal(roster_each(roster, count_names, names, NULL), FERRY_OK);
    assert_string_equal(names, "annabert");
    names[0] = '\0';
    add(roster, "carl", "/srv");
    add(roster, "dora", "/srv");
    assert_int_equal(roster_each(roster, count_names, names, NULL), FERRY_E_CANCELLED);
    assert_string_equal(names, "annabertcarl");
}

static void one_that_only_reads(void **state)
{
    CLEANUP(roster_drop) struct roster *reader = open_roster(*state);
    CLEANUP(roster_drop) struct roster *writer = open_roster(*state);
    char elsewhere[] = "/srv/elsewhere";
    add(writer, "anna", "/srv/anna");
    assert_int_equal(roster_only_read(reader, NULL), FERRY_OK);
    assert_home(reader, "anna", "/srv/anna");
    assert_int_equal(roster_change(reader, BYTES_LIT("anna"), move_home, elsewhere, NULL),
                     FERRY_E_FILE);
    assert_int_equal(roster_remove(reader, BYTES_LIT("anna"), NULL), FERRY_E_FILE);
    add(writer, "bert", "/srv/bert");
    assert_home(reader, "bert", "/srv/bert"); /* sees what others change */
}

static void sql(const struct fixture *fixture, const char *text)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void files_of_others(void **state)
{
    static const struct {
        const char *sql;
        enum ferry_error error;
    } rows[] = {
        {"CREATE TABLE account (name TEXT)", FERRY_E_UNSUPPORTED},
        {"PRAGMA application_id = 1", FERRY_E_UNSUPPORTED},
        {"PRAGMA application_id = 0x46727279; PRAGMA user_version = 3", FERRY_E_UNSUPPORTED},
    };
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct roster *roster = NULL;
        struct fault fault = {0};
        unlink(fixture->path);
        sql(fixture, rows[i].sql);
        assert_int_equal(roster_open(fixture->path, &roster, &fault), rows[i].error);
        assert_true(fault_is_set(&fault));
    }
    unlink(fixture->path);
    tempdir_write(&((struct fixture *)*state)->dir, "accounts.db", "this is no database, but text");
    struct roster *roster = NULL;
    assert_int_equal(roster_open(fixture->path, &roster, NULL), FERRY_E_FILE);
}

/* A file of version 1, as the first ferryd made it, keeps what it holds. */
static void an_older_file(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const fields[] = {
        "password_hash", "home",         "user",          "read_only", "uploads",      "dotfiles",
        "charset",       "denied_names", "control_bytes", "tls",       "disabled",     "login",
        "certificates",  "networks",     "hours",         "expires",   "sessions_max", "rate_up",
        "rate_down",     "quota",        "quota_files",
    };
    char text[4096] = "CREATE TABLE account (name TEXT NOT NULL PRIMARY KEY";
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        strcat(text, ", ");
        strcat(text, fields[i]);
        strcat(text, " TEXT NOT NULL DEFAULT ''");
    }
    strcat(text, ") STRICT, WITHOUT ROWID; PRAGMA application_id = 0x46727279;"
                 "PRAGMA user_version = 1;"
                 "INSERT INTO account (name, home) VALUES ('anna', '/srv/anna')");
    sql(fixture, text);
    CLEANUP(roster_drop) struct roster *roster = open_roster(fixture);
    assert_home(roster, "anna", "/srv/anna");
    add(roster, "bert", "/srv/bert");
    CLEANUP(roster_drop) struct roster *groups = NULL;
    assert_int_equal(roster_open_table(fixture->path, ROSTER_GROUPS, &groups, NULL), FERRY_OK);
    assert_home(groups, "anna", NULL);
    add(groups, "anna", "/srv/group");
    assert_home(groups, "anna", "/srv/group");
    assert_home(roster, "anna", "/srv/anna");
}

/* What somebody else wrote there is read with care. */
static void a_value_that_is_none(void **state)
{
    const struct fixture *fixture = *state;
    CLEANUP(roster_drop) struct roster *roster = open_roster(fixture);
    struct account *account = NULL;
    struct fault fault = {0};
    add(roster, "anna", "/srv/anna");
    sql(fixture, "UPDATE account SET networks = 'everywhere'");
    assert_int_equal(roster_find(roster, BYTES_LIT("anna"), &account, &fault), FERRY_E_FILE);
    assert_null(account);
    assert_non_null(strstr(fault.what, "anna"));
    assert_non_null(strstr(fault.what, "networks"));
}

/* Moves anna between two homes until it is killed. */
static void write_on(const struct fixture *fixture)
{
    char homes[2][16] = {"/srv/one", "/srv/two"};
    struct roster *roster = NULL;
    if (roster_open(fixture->path, &roster, NULL) != FERRY_OK)
        _exit(1);
    for (unsigned i = 0;; i++)
        if (roster_change(roster, BYTES_LIT("anna"), move_home, homes[i % 2], NULL) != FERRY_OK)
            _exit(1);
}

static void killed_while_writing(void **state)
{
    const struct fixture *fixture = *state;
    struct roster *first = open_roster(fixture);
    add(first, "anna", "/srv/one");
    add(first, "bert", "/srv/bert");
    roster_close(first);
    for (useconds_t i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0)
            write_on(fixture);
        usleep(20000 + i * 1700);
        int status;
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* it had not failed before */
        CLEANUP(roster_drop) struct roster *roster = open_roster(fixture);
        CLEANUP(account_drop) struct account *anna = NULL;
        assert_int_equal(roster_find(roster, BYTES_LIT("anna"), &anna, NULL), FERRY_OK);
        assert_non_null(anna);
        const char *home = account_text(anna, ACCOUNT_HOME);
        assert_true(strcmp(home, "/srv/one") == 0 || strcmp(home, "/srv/two") == 0);
        assert_home(roster, "bert", "/srv/bert");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(added_found_changed_removed), TEST(one_of_a_name),        TEST(each_by_name),
        TEST(one_that_only_reads),         TEST(files_of_others),      TEST(an_older_file),
        TEST(a_value_that_is_none),        TEST(killed_while_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
