/* A short list of accounts: who gets in, and what a refusal tells. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "embed/users.h"
#include "support/net_kit.h"
#include "support/tempdir.h"

struct fixture {
    struct net_kit net;
    struct tempdir dir;
    struct users *users;
    unsigned answers;
    enum login_verdict verdict;
    bool read_only;
    char why[FAULT_TEXT_BYTES];
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    net_kit_open(&fixture.net);
    tempdir_make(&fixture.dir);
    tempdir_mkdir(&fixture.dir, "home");
    fixture.users = users_new(fixture.net.loop);
    assert_non_null(fixture.users);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    net_kit_close(&fixture->net);
    users_free(fixture->users);
    tempdir_remove(&fixture->dir);
    return 0;
}

static enum ferry_error add(struct fixture *fixture, const char *name, const char *password,
                            const char *root, bool read_only)
{
    char path[PATH_MAX];
    struct fault fault = {0};
    const struct user_settings settings = {
        .name = name,
        .password = password,
        .root = tempdir_path(&fixture->dir, root, path),
        .read_only = read_only,
    };
    enum ferry_error error = users_add(fixture->users, &settings, &fault);
    assert_int_equal(fault_is_set(&fault), error != FERRY_OK);
    return error;
}

static void on_login(void *ctx, enum login_verdict verdict, const struct login_grant *grant,
                     const struct fault *fault)
{
    struct fixture *fixture = ctx;
    fixture->answers++;
    fixture->verdict = verdict;
    snprintf(fixture->why, sizeof(fixture->why), "%s", fault->what);
    assert_int_equal(grant != NULL, verdict == LOGIN_GRANTED);
    if (!grant)
        return;
    assert_string_equal(grant->start, "/");
    fixture->read_only = grant->read_only;
    grant->ops->release(grant->store);
}

/* `password` NULL: the question whether one is needed. */
static enum ferry_error begin(struct fixture *fixture, const char *name, const char *password)
{
    struct address peer;
    struct secret *secret = NULL;
    assert_int_equal(address_parse("127.0.0.1", 1, &peer), FERRY_OK);
    if (password)
        assert_int_equal(secret_new(bytes_str(password), &secret), FERRY_OK);
    struct login_request request = {.name = bytes_str(name), .password = secret, .peer = &peer};
    enum ferry_error error = users_ops.login(fixture->users, &request, on_login, fixture);
    secret_free(secret);
    assert_int_equal(fixture->answers, 0);
    return error;
}

static enum login_verdict login(struct fixture *fixture, const char *name, const char *password)
{
    assert_int_equal(begin(fixture, name, password), FERRY_OK);
    NET_UNTIL(&fixture->net, fixture->answers > 0);
    assert_int_equal(fixture->answers, 1);
    fixture->answers = 0;
    return fixture->verdict;
}

static void logins(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "anna", "correct horse", "home", false), FERRY_OK);
    assert_int_equal(add(f, "bert", "", "home", true), FERRY_OK);
    assert_int_equal(users_count(f->users), 2);
    static const struct {
        const char *name, *password;
        enum login_verdict verdict;
    } rows[] = {
        {"anna", "correct horse", LOGIN_GRANTED},
        {"anna", "correct hors", LOGIN_REFUSED},
        {"anna", "correct horse ", LOGIN_REFUSED},
        {"anna", "", LOGIN_REFUSED},
        {"Anna", "correct horse", LOGIN_REFUSED},
        {"ann", "correct horse", LOGIN_REFUSED},
        {"bert", "correct horse", LOGIN_REFUSED},
        {"bert", "", LOGIN_GRANTED},
        {"", "", LOGIN_REFUSED},
        {"nobody", "correct horse", LOGIN_REFUSED},
        {"anna", NULL, LOGIN_REFUSED},
        {"nobody", NULL, LOGIN_REFUSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(login(f, rows[i].name, rows[i].password), rows[i].verdict);
    assert_int_equal(login(f, "anna", "correct horse"), LOGIN_GRANTED);
    assert_false(f->read_only);
    assert_int_equal(login(f, "bert", ""), LOGIN_GRANTED);
    assert_true(f->read_only);
}

static void accounts_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    char name[LOGIN_NAME_MAX_BYTES + 2];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(add(f, "", "x", "home", false), FERRY_E_ARGUMENT);
    assert_int_equal(add(f, name, "x", "home", false), FERRY_E_ARGUMENT);
    assert_int_equal(add(f, "anna", "x", "nowhere", false), FERRY_E_ARGUMENT);
    assert_int_equal(add(f, name + 1, "x", "home", false), FERRY_OK);
    assert_int_equal(add(f, name + 1, "y", "home", false), FERRY_E_ARGUMENT);
    assert_int_equal(users_count(f->users), 1);
    assert_int_equal(login(f, name + 1, "x"), LOGIN_GRANTED);
}

/* A home that has gone is the server's fault, and it says so, but not to the client. */
static void a_home_that_is_gone(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "anna", "x", "home", false), FERRY_OK);
    assert_int_equal(unlinkat(f->dir.fd, "home", AT_REMOVEDIR), 0);
    assert_int_equal(login(f, "anna", "x"), LOGIN_UNAVAILABLE);
    assert_true(f->why[0] != '\0');
    assert_int_equal(login(f, "anna", "y"), LOGIN_REFUSED);
}

/* SEC-38: at the start, what nobody goes on with is removed; what is fresh, or read-only, is not.
 */
static void sec_38_old_parts_are_swept(void **state)
{
    struct fixture *f = *state;
    const char *parts[] = {"home/.ferry-0123456789abcdef.part", "home/.ferry-anna=file.part"};
    const struct timespec written[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    for (int read_only = 1; read_only >= 0; read_only--) {
        struct users *users = users_new(f->net.loop);
        char path[PATH_MAX];
        const struct user_settings settings = {
            .name = "anna",
            .password = "x",
            .root = tempdir_path(&f->dir, "home", path),
            .read_only = read_only == 1,
        };
        assert_int_equal(users_add(users, &settings, NULL), FERRY_OK);
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
            tempdir_write(&f->dir, parts[i], "half");
            assert_int_equal(utimensat(f->dir.fd, parts[i], written, 0), 0);
        }
        tempdir_write(&f->dir, "home/.ferry-fedcba9876543210.part", "fresh");
        users_sweep(users, (struct timespec){.tv_sec = 2000});
        size_t left = read_only ? 3 : 1;
        net_kit_idle(&f->net);
        NET_UNTIL(&f->net, tempdir_count(&f->dir, "home") == left);
        users_free(users);
    }
}

static void a_cancelled_login_does_not_answer(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "anna", "x", "home", false), FERRY_OK);
    assert_int_equal(begin(f, "anna", "x"), FERRY_OK);
    users_ops.cancel(f->users, f);
    net_kit_idle(&f->net);
    assert_int_equal(login(f, "anna", "x"), LOGIN_GRANTED); /* exactly one answer */
}

static atomic_uint verified;

/* Stored is the password backwards. Counts, for it runs on the pool. */
static bool verify_reversed(const char *stored, struct bytes password)
{
    size_t len = strlen(stored);
    verified++;
    for (size_t i = 0; i < len && len == password.len; i++)
        if (stored[i] != password.ptr[len - 1 - i])
            return false;
    return len == password.len;
}

static void add_stored(struct fixture *f, struct users *users, const char *name, const char *stored)
{
    char path[PATH_MAX];
    const struct user_settings settings = {.name = name,
                                           .stored = stored,
                                           .verify = verify_reversed,
                                           .root = tempdir_path(&f->dir, "home", path)};
    assert_int_equal(users_add(users, &settings, NULL), FERRY_OK);
}

/* SEC-84: a name that does not exist is asked about as one that does. */
static void sec_84_stored_passwords(void **state)
{
    struct fixture *f = *state;
    add_stored(f, f->users, "anna", "olleh");
    verified = 0;
    assert_int_equal(login(f, "anna", "hello"), LOGIN_GRANTED);
    assert_int_equal(login(f, "anna", "olleh"), LOGIN_REFUSED);
    assert_int_equal(verified, 2);
    assert_int_equal(login(f, "nobody", "hello"), LOGIN_REFUSED);
    assert_int_equal(verified, 3);
}

/* SEC-84: as long as with a password. Without one, only a certificate can log in. */
static void accounts_without_a_password(void **state)
{
    struct fixture *f = *state;
    static const char *const rules[] = {"cn:anna"};
    char path[PATH_MAX];
    struct user_settings settings = {
        .name = "cert",
        .root = tempdir_path(&f->dir, "home", path),
        .certificates = rules,
        .certificate_count = 1,
    };
    static const struct {
        enum admission_policy login;
        bool possible;
    } rows[] = {
        {ADMISSION_PASSWORD, false},
        {ADMISSION_CERTIFICATE_AND_PASSWORD, false},
        {ADMISSION_CERTIFICATE, true},
    };
    add_stored(f, f->users, "anna", "olleh");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fault fault = {0};
        settings.login = rows[i].login;
        enum ferry_error error = users_add(f->users, &settings, &fault);
        assert_int_equal(error, rows[i].possible ? FERRY_OK : FERRY_E_ARGUMENT);
        assert_int_equal(fault_is_set(&fault), !rows[i].possible);
    }
    verified = 0;
    assert_int_equal(login(f, "cert", "hello"), LOGIN_REFUSED);
    assert_int_equal(login(f, "cert", ""), LOGIN_REFUSED);
    assert_int_equal(login(f, "cert", NULL), LOGIN_REFUSED);
    assert_int_equal(verified, 2);
}

/* A reload: who was logging in is decided by the old accounts, who comes by the new ones. */
static void accounts_are_replaced(void **state)
{
    struct fixture *f = *state;
    struct users *next = users_new(f->net.loop);
    assert_int_equal(add(f, "anna", "old", "home", true), FERRY_OK);
    assert_int_equal(add(f, "bert", "old", "home", false), FERRY_OK);
    assert_int_equal(begin(f, "anna", "old"), FERRY_OK);
    add_stored(f, next, "anna", "wen");
    users_take(f->users, next);
    assert_int_equal(users_count(f->users), 1);
    assert_int_equal(users_count(next), 0);
    users_free(next);
    NET_UNTIL(&f->net, f->answers > 0);
    f->answers = 0;
    assert_int_equal(f->verdict, LOGIN_GRANTED);
    assert_true(f->read_only);
    assert_int_equal(login(f, "anna", "old"), LOGIN_REFUSED);
    assert_int_equal(login(f, "bert", "old"), LOGIN_REFUSED);
    assert_int_equal(login(f, "anna", "new"), LOGIN_GRANTED);
}

static void short_memory(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "anna", "x", "home", false), FERRY_OK);
    for (unsigned long nth = 1;; nth++) {
        alloc_fail_from(nth);
        enum ferry_error error = begin(f, "anna", NULL);
        bool enough = alloc_count() < nth;
        alloc_fail_from(0);
        if (error == FERRY_OK)
            NET_UNTIL(&f->net, f->answers > 0);
        f->answers = 0;
        if (enough)
            break;
        assert_int_equal(error, FERRY_E_MEMORY);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(logins),
        TEST(accounts_that_cannot_be),
        TEST(a_home_that_is_gone),
        TEST(sec_38_old_parts_are_swept),
        TEST(a_cancelled_login_does_not_answer),
        TEST(sec_84_stored_passwords),
        TEST(accounts_without_a_password),
        TEST(accounts_are_replaced),
        TEST(short_memory),
    };
    return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
