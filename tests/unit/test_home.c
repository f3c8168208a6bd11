/* store/home: the rules of an account over its files (FTP-64, FTP-71, FTP-76, FTP-116, FTP-184,
 * LST-82, SEC-31, SEC-35). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/home.h"
#include "support/tempdir.h"

static struct tempdir top;
static struct home home;
static struct fault told;

static void open_home(const struct home_rules *rules, enum root_links links)
{
    struct root root;
    assert_int_equal(root_init(&root, top.path, links, 027, NULL), FERRY_OK);
    assert_int_equal(home_init(&home, &root, BYTES_LIT("anna"), rules), FERRY_OK);
}

/* Other rules for the same files. */
static void reopen(const struct home_rules *rules, enum root_links links)
{
    home_fini(&home);
    open_home(rules, links);
}

static int setup(void **state)
{
    (void)state;
    tempdir_make(&top);
    tempdir_write(&top, "file", "content");
    tempdir_mkdir(&top, "dir");
    tempdir_mkdir(&top, "dir/sub");
    tempdir_write(&top, "dir/sub/file", "inside");
    open_home(&(struct home_rules){0}, ROOT_LINKS_BENEATH);
    told = (struct fault){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    home_fini(&home);
    tempdir_remove(&top);
    return 0;
}

static enum ferry_error upload(const char *path, const char *text, bool whole, bool keep)
{
    struct home_upload part;
    told = (struct fault){0};
    enum ferry_error error = home_open_part(&home, bytes_str(path), HOME_REPLACE, 0, &part, &told);
    if (error != FERRY_OK)
        return error;
    assert_int_equal(pwrite(part.fd, text, strlen(text), 0), strlen(text));
    uint32_t number = part.part;
    home_upload_fini(&part);
    if (whole)
        return home_commit(&home, number, &told);
    home_abandon(&home, number, keep);
    return FERRY_OK;
}

/* ---- names that are denied ---- */

static void sec_35_names_that_nothing_is_given(void **state)
{
    static const struct {
        const char *patterns; /* NULL: the default */
        const char *path;
        bool denied;
    } cases[] = {
        {NULL, "/.ssh", true},         {NULL, "/.ssh/authorized_keys", true},
        {NULL, "/dir/.forward", true}, {NULL, "/.ftpaccess", true},
        {NULL, "/.ssh2", false},       {NULL, "/a.ssh", false},
        {"", "/.ssh", false},          {"*.exe/?", "/dir/a.exe", true},
        {"*.exe/?", "/a", true},       {"*.exe/?", "/.ssh", false},
        {"", "/a\001b", true},         {"", "/dir\177/a", true},
        {"", "/a\rb", true},           {"", "/\302\205", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes path = bytes_str(cases[i].path);
        reopen(&(struct home_rules){.denied_names = cases[i].patterns}, ROOT_LINKS_BENEATH);
        told = (struct fault){0};
        if ((home_check_name(&home, path, &told) == FERRY_E_ARGUMENT) != cases[i].denied)
            fail_msg("%s", cases[i].path);
    }
}

static void sec_35_control_bytes_on_wish(void **state)
{
    (void)state;
    reopen(&(struct home_rules){.control_bytes = true}, ROOT_LINKS_BENEATH);
    assert_int_equal(home_check_name(&home, BYTES_LIT("/a\001b\r"), &told), FERRY_OK);
    assert_int_equal(home_check_name(&home, BYTES_LIT("/.ssh"), &told), FERRY_E_ARGUMENT);
}

static void sec_35_every_way_to_make_a_name(void **state)
{
    (void)state;
    assert_int_equal(upload("/.forward", "x", true, false), FERRY_E_ARGUMENT);
    assert_int_equal(home_make_dir(&home, BYTES_LIT("/.ssh"), &told), FERRY_E_ARGUMENT);
    assert_int_equal(home_rename(&home, BYTES_LIT("/file"), BYTES_LIT("/.ssh"), &told),
                     FERRY_E_ARGUMENT);
    assert_int_equal(home_make_link(&home, BYTES_LIT("/file"), BYTES_LIT("/.ssh"), &told),
                     FERRY_E_ARGUMENT);
    tempdir_mkdir(&top, ".ssh"); /* made by somebody else */
    assert_int_equal(home_make_link(&home, BYTES_LIT("/.ssh"), BYTES_LIT("/way"), &told),
                     FERRY_E_ARGUMENT);
    struct home_upload part;
    assert_int_equal(home_open_part(&home, BYTES_LIT("/.ssh"), HOME_UNIQUE, 0, &part, &told),
                     FERRY_E_ARGUMENT);
    assert_int_equal(tempdir_count(&top, "."), 3);
    assert_int_equal(tempdir_count(&top, ".ssh"), 0);
    reopen(&(struct home_rules){.denied_names = "upload.*"}, ROOT_LINKS_BENEATH);
    assert_int_equal(home_open_part(&home, BYTES_LIT("/dir"), HOME_UNIQUE, 0, &part, &told),
                     FERRY_E_ARGUMENT);
}

/* ---- links ---- */

static void assert_leads(const char *link, const char *text)
{
    char target[256];
    ssize_t len = readlinkat(top.fd, link, target, sizeof(target) - 1);
    assert_true(len > 0);
    target[len] = '\0';
    assert_string_equal(target, text);
}

static void ftp_184_links_are_made_relative(void **state)
{
    static const struct {
        const char *target, *link, *text;
    } cases[] = {
        {"/file", "/a", "file"},
        {"/file", "/dir/sub/b", "../../file"},
        {"/dir/sub/file", "/dir/c", "sub/file"},
        {"/dir/sub", "/dir/sub/d", "."},
        {"/dir", "/dir/sub/e", "../."},
        {"/", "/dir/sub/f", "../../."},
        {"/dir/sub", "/g", "dir/sub"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            home_make_link(&home, bytes_str(cases[i].target), bytes_str(cases[i].link), &told),
            FERRY_OK);
        assert_leads(cases[i].link + 1, cases[i].text);
    }
    tempdir_assert_text(&top, "dir/sub/b", "content");
    tempdir_assert_text(&top, "dir/sub/e/sub/file", "inside");
    tempdir_assert_text(&top, "dir/sub/f/file", "content");
}

static void ftp_184_links_that_are_refused(void **state)
{
    static const struct {
        const char *target, *link;
        enum ferry_error error;
    } cases[] = {
        {"/none", "/a", FERRY_E_NOT_FOUND},
        {"/out", "/a", FERRY_E_DENIED},
        {"/out-dir/passwd", "/a", FERRY_E_DENIED},
        {"/file", "/dir", FERRY_E_EXISTS},
        {"/file", "/none/a", FERRY_E_NOT_FOUND},
        {"/file", "/out-dir/a", FERRY_E_DENIED},
        {"/file", "/", FERRY_E_EXISTS},
        {"/file", "/shallow/a", FERRY_E_DENIED}, /* "../file" is not where it should be */
    };
    (void)state;
    tempdir_symlink(&top, "/etc/passwd", "out");
    tempdir_symlink(&top, "/etc", "out-dir");
    tempdir_symlink(&top, "dir/sub", "shallow");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ferry_error error =
            home_make_link(&home, bytes_str(cases[i].target), bytes_str(cases[i].link), &told);
        if (error != cases[i].error)
            fail_msg("%s to %s", cases[i].link, cases[i].target);
    }
    assert_int_equal(tempdir_count(&top, "dir/sub"), 1);
    reopen(&(struct home_rules){0}, ROOT_LINKS_DENY);
    assert_int_equal(home_make_link(&home, BYTES_LIT("/file"), BYTES_LIT("/a"), &told),
                     FERRY_E_DENIED);
}

/* ---- removing, facts ---- */

static void ftp_116_what_a_cut_upload_left_goes_with_the_name(void **state)
{
    uint64_t size;
    (void)state;
    assert_int_equal(upload("/file", "cut off", false, true), FERRY_OK);
    assert_int_equal(tempdir_count(&top, "."), 3);
    assert_int_equal(home_remove_file(&home, BYTES_LIT("/file"), &told), FERRY_OK);
    assert_int_equal(tempdir_count(&top, "."), 1);
    assert_int_equal(upload("/new", "cut off", false, true), FERRY_OK);
    assert_int_equal(home_size(&home, BYTES_LIT("/new"), &size, &told), FERRY_OK);
    assert_int_equal(home_remove_file(&home, BYTES_LIT("/new"), &told), FERRY_OK);
    assert_false(fault_is_set(&told));
    assert_int_equal(home_remove_file(&home, BYTES_LIT("/new"), &told), FERRY_E_NOT_FOUND);
    assert_int_equal(tempdir_count(&top, "."), 1);
}

/* What was stored is told, not what was asked for. */
static void ftp_76_facts_are_those_that_were_stored(void **state)
{
    static const int64_t years[] = {0, 1767225600, 253402300799, -62135596800};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(years); i++) {
        struct home_facts facts = {.has_time = true, .time = {.tv_sec = years[i]}};
        told = (struct fault){0};
        assert_int_equal(home_set_facts(&home, BYTES_LIT("/file"), &facts, &told), FERRY_OK);
        struct stat status;
        assert_int_equal(fstatat(top.fd, "file", &status, 0), 0);
        assert_int_equal(facts.time.tv_sec, status.st_mtim.tv_sec);
        assert_int_equal(facts.mode, status.st_mode & 0777);
    }
}

/* ---- uploads in place ---- */

static void ftp_64_an_account_may_upload_in_place(void **state)
{
    (void)state;
    reopen(&(struct home_rules){.upload_in_place = true}, ROOT_LINKS_BENEATH);
    struct home_upload part;
    assert_int_equal(home_open_part(&home, BYTES_LIT("/file"), HOME_REPLACE, 0, &part, &told),
                     FERRY_OK);
    assert_true(part.in_place);
    assert_int_equal(pwrite(part.fd, "new", 3, 0), 3);
    tempdir_assert_text(&top, "file", "new");
    home_upload_fini(&part);
    home_drop_part(&home);
    tempdir_assert_text(&top, "file", "new");
}

/* ---- listings ---- */

/* The names of a whole listing, each with a blank behind it. */
static void list(const struct home_list_want *want, struct buf *out)
{
    const struct entry *entries;
    size_t count;
    bool may_change;
    assert_int_equal(home_list_open(&home, BYTES_LIT("/l"), want, &told), FERRY_OK);
    do {
        assert_int_equal(home_list_next(&home, &entries, &count, &may_change, &told), FERRY_OK);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(buf_printf(out, "%s ", entries[i].name), FERRY_OK);
    } while (count > 0);
    home_list_close(&home);
}

static void lst_82_ftp_71_what_is_listed(void **state)
{
    static const struct {
        bool hide;
        struct home_list_want want;
        const char *names;
    } cases[] = {
        {false, {0}, ".dot .dot2 a ab b "},
        {true, {0}, "a ab b "},
        {true, {.all = true}, ".dot .dot2 a ab b "},
        {false, {.pattern = "a*"}, "a ab "},
        {false, {.pattern = "*b"}, "ab b "},
        {true, {.pattern = "*"}, "a ab b "},
        {true, {.pattern = ".dot?", .all = true}, ".dot2 "},
        {false, {.pattern = "z*"}, ""},
    };
    static const char *const names[] = {"l/.dot", "l/.dot2", "l/a", "l/ab", "l/b"};
    (void)state;
    tempdir_mkdir(&top, "l");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        tempdir_write(&top, names[i], "");
    assert_int_equal(mkfifoat(top.fd, "l/afifo", 0600), 0); /* LST-83 */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;
        buf_init(&out, 256);
        reopen(&(struct home_rules){.hide_dotfiles = cases[i].hide}, ROOT_LINKS_BENEATH);
        list(&cases[i].want, &out);
        assert_true(bytes_equal(buf_view(&out), bytes_str(cases[i].names)));
        buf_fini(&out);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sec_35_names_that_nothing_is_given),
        CASE(sec_35_control_bytes_on_wish),
        CASE(sec_35_every_way_to_make_a_name),
        CASE(ftp_184_links_are_made_relative),
        CASE(ftp_184_links_that_are_refused),
        CASE(ftp_116_what_a_cut_upload_left_goes_with_the_name),
        CASE(ftp_76_facts_are_those_that_were_stored),
        CASE(ftp_64_an_account_may_upload_in_place),
        CASE(lst_82_ftp_71_what_is_listed),
    };
    return cmocka_run_group_tests_name("store/home", tests, NULL, NULL);
}
