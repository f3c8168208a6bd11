/* Commands that most servers lack, and rules of accounts, over the control connection of a whole
 * server. FTP-64, FTP-71, FTP-75, FTP-137, FTP-152, FTP-180 to FTP-182, FTP-184, FTP-187, LST-82,
 * SEC-35, SEC-41, SEC-54. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ftp/server_pi.h"
#include "support/server_rig.h"

enum { ALL_EXTRAS = (SERVER_EXTRA_GLOB << 1) - 1, NEW_YEAR_2026 = 1767225600 };

struct fixture {
    struct server_rig rig;
    struct rig_client client;
};

static struct fixture fixture;

static void open_with(const struct server_rig_options *options)
{
    server_rig_open(&fixture.rig, options);
    tempdir_write(&fixture.rig.dir, "file", "content");
    tempdir_write(&fixture.rig.dir, "part 1", "one ");
    tempdir_write(&fixture.rig.dir, "part2", "two");
    tempdir_mkdir(&fixture.rig.dir, "dir");
    tempdir_mkdir(&fixture.rig.dir, "dir/sub");
    tempdir_write(&fixture.rig.dir, "dir/sub/inside", "inside");
    tempdir_symlink(&fixture.rig.dir, "/etc", "outside");
    rig_login(&fixture.client, &fixture.rig);
}

static int setup(void **state)
{
    (void)state;
    open_with(&(struct server_rig_options){.rules.extras = ALL_EXTRAS});
    return 0;
}

static int setup_defaults(void **state)
{
    (void)state;
    open_with(NULL);
    return 0;
}

static int setup_rules(void **state)
{
    (void)state;
    open_with(&(struct server_rig_options){
        .upload_in_place = true, .hide_dotfiles = true, .denied_names = "*.exe/.ssh"});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&fixture.client);
    server_rig_close(&fixture.rig);
    return 0;
}

static struct rig_client *const client = &fixture.client;

static bool text_has(const char *part)
{
    return strstr(client->text, part) != NULL;
}

static bool has(const char *name)
{
    return tempdir_has(&fixture.rig.dir, name);
}

static off_t size_of(const char *name)
{
    struct stat status;
    assert_int_equal(fstatat(fixture.rig.dir.fd, name, &status, 0), 0);
    return status.st_size;
}

struct row {
    const char *line;
    int code;
};

static void say_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rig_expect(client, rows[i].code, "%s", rows[i].line);
}

/* ---- what is off ---- */

static void ftp_152_what_is_off_is_not_there(void **state)
{
    static const struct row rows[] = {
        {"RMDA dir", 502},       {"COMB file part2", 502},          {"PRET RETR file", 502},
        {"SITE CPFR file", 504}, {"SITE CPTO copy", 504},           {"SITE SYMLINK file link", 504},
        {"HELP RMDA", 502},      {"MDTM 20260101000000 file", 550},
    };
    static const char *const names[] = {"RMDA", "COMB", "PRET", "CPFR", "CPTO", "SYMLINK"};
    (void)state;
    say_all(rows, ARRAY_LEN(rows));
    static const char *const lists[] = {"FEAT", "HELP", "SITE HELP"};
    static const int codes[] = {211, 214, 214};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        rig_expect(client, codes[i], "%s", lists[i]);
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            assert_false(text_has(names[k]));
    }
    rig_expect(client, 211, "FEAT");
    rig_assert_text(client, " DSIZ\r\n");
    struct rig_data data;
    rig_passive(client, &data);
    rig_expect(client, 550, "LIST fil*"); /* FTP-71 */
    rig_data_close(&data);
}

static void ftp_152_what_is_on_is_told(void **state)
{
    static const char *const names[] = {"RMDA",      "COMB",      "PRET",
                                        "SITE CPFR", "SITE CPTO", "SITE SYMLINK"};
    (void)state;
    rig_expect(client, 211, "FEAT");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        rig_assert_text(client, names[i]);
    rig_expect(client, 214, "SITE HELP");
    rig_assert_text(client, "SITE SYMLINK target link");
    rig_assert_text(client, "SITE CPTO path");
    rig_expect(client, 214, "HELP COMB");
}

static void sec_41_readers_change_nothing(void **state)
{
    static const struct row rows[] = {
        {"RMDA dir", 550},
        {"COMB file part2", 550},
        {"SITE CPFR file", 550},
        {"SITE CPTO x", 503},
        {"SITE SYMLINK file link", 550},
        {"PRET STOR x", 550},
        {"PRET RETR file", 200},
        {"DSIZ /", 213},
        {"MDTM 20260101000000 file", 550},
    };
    (void)state;
    rig_close(client);
    rig_login_as(client, &fixture.rig, RIG_READER);
    say_all(rows, ARRAY_LEN(rows));
    assert_true(has("dir/sub/inside"));
    assert_false(has("x"));
}

/* ---- DSIZ, RMDA ---- */

static void ftp_180_dsiz(void **state)
{
    (void)state;
    rig_expect(client, 213, "DSIZ dir");
    assert_string_equal(client->text, "6");
    rig_expect(client, 213, "DSIZ /");
    assert_string_equal(client->text, "20");
    rig_expect(client, 550, "DSIZ none");
    rig_expect(client, 550, "DSIZ file");
    rig_expect(client, 550, "DSIZ outside");
    rig_expect(client, 501, "DSIZ");
}

static void ftp_181_rmda(void **state)
{
    static const struct row rows[] = {
        {"RMDA none", 550},   {"RMDA file", 550}, {"RMDA outside", 550}, {"RMDA /", 550},
        {"CWD dir/sub", 250}, {"RMDA .", 550},    {"RMDA /dir", 550},    {"CDUP", 250},
        {"RMDA ..", 550},     {"RMDA sub", 250},  {"CWD sub", 550},      {"CDUP", 250},
        {"RMDA dir", 250},
    };
    (void)state;
    say_all(rows, ARRAY_LEN(rows));
    assert_false(has("dir"));
    assert_true(has("file"));
    assert_true(server_rig_logged(&fixture.rig, "tree.removed", "/dir/sub", NULL));
}

/* ---- COMB, SITE CPFR and CPTO, SYMLINK ---- */

static void ftp_182_comb(void **state)
{
    static const struct row refused[] = {
        {"COMB all", 501},
        {"COMB", 501},
        {"COMB all \"part 1", 501},
        {"COMB all  part2", 501},
        {"COMB all none", 550},
        {"COMB all part2 dir", 550},
        {"COMB dir part2", 550},
        {"COMB .ssh part2", 553},
        {"COMB /outside/x part2", 550},
    };
    (void)state;
    say_all(refused, ARRAY_LEN(refused));
    assert_true(has("part2"));
    assert_false(has("all"));
    rig_expect(client, 250, "COMB all \"part 1\" part2");
    tempdir_assert_text(&fixture.rig.dir, "all", "one two");
    assert_false(has("part2"));
    assert_false(has("part 1"));
    rig_expect(client, 250, "COMB all all file");
    tempdir_assert_text(&fixture.rig.dir, "all", "one twocontent");
    assert_false(has("file"));
    assert_true(server_rig_logged(&fixture.rig, "file.combined", "/all", NULL));
}

static void ftp_184_site_copy(void **state)
{
    static const struct row rows[] = {
        {"SITE CPTO copy", 503},      {"SITE CPFR none", 550},      {"SITE CPTO copy", 503},
        {"SITE CPFR dir", 550},       {"SITE CPTO copy", 503},      {"SITE CPFR outside", 550},
        {"SITE CPFR", 501},           {"SITE CPFR file", 350},      {"NOOP", 200},
        {"SITE CPTO copy", 503}, /* as RNFR, it is forgotten */
        {"SITE CPFR file", 350},      {"SITE CHMOD 600 file", 200}, {"SITE CPTO copy", 503},
        {"SITE CPFR file", 350},      {"RNTO moved", 503},          {"SITE CPTO copy", 503},
        {"SITE CPFR file", 350},      {"SITE CPTO part2", 553},     {"SITE CPTO copy", 503},
        {"SITE CPFR file", 350},      {"SITE CPTO .ssh", 553},      {"SITE CPFR file", 350},
        {"SITE CPTO outside/x", 550}, {"RNFR file", 350},           {"SITE CPTO copy", 503},
        {"RNTO moved", 503},          {"SITE CPFR file", 350},      {"CWD dir", 250},
        {"SITE CPFR /file", 350},     {"SITE CPTO a copy", 250},
    };
    (void)state;
    say_all(rows, ARRAY_LEN(rows));
    tempdir_assert_text(&fixture.rig.dir, "dir/a copy", "content");
    tempdir_assert_text(&fixture.rig.dir, "file", "content");
    tempdir_assert_text(&fixture.rig.dir, "part2", "two");
    assert_false(has("copy"));
    if (geteuid() != 0) { /* root may write everything */
        assert_int_equal(fchmodat(fixture.rig.dir.fd, "file", 0444, 0), 0);
        rig_expect(client, 550, "SITE CPFR /file");
    }
    assert_true(server_rig_logged(&fixture.rig, "file.copied", "/dir/a copy", "/file", NULL));
}

static void ftp_184_site_symlink(void **state)
{
    static const struct row rows[] = {
        {"SITE SYMLINK file", 501},
        {"SITE SYMLINK", 501},
        {"SITE SYMLINK a b c", 501},
        {"SITE SYMLINK none link", 550},
        {"SITE SYMLINK /etc/passwd link", 550},
        {"SITE SYMLINK outside link", 550},
        {"SITE SYMLINK outside/passwd link", 550},
        {"SITE SYMLINK file part2", 553},
        {"SITE SYMLINK ../../file link", 200},
        {"SITE SYMLINK \"part 1\" \"dir/a link\"", 200},
    };
    (void)state;
    say_all(rows, ARRAY_LEN(rows));
    tempdir_assert_text(&fixture.rig.dir, "link", "content");
    tempdir_assert_text(&fixture.rig.dir, "dir/a link", "one ");
    assert_true(server_rig_logged(&fixture.rig, "link.made", "/link", "/file", NULL));
}

/* ---- MDTM, PRET, OPTS ---- */

static void ftp_75_mdtm_sets_where_no_name_is_meant(void **state)
{
    struct stat status;
    (void)state;
    rig_expect(client, 213, "MDTM 20260101000000 file");
    assert_string_equal(client->text, "20260101000000");
    assert_int_equal(fstatat(fixture.rig.dir.fd, "file", &status, 0), 0);
    assert_int_equal(status.st_mtim.tv_sec, NEW_YEAR_2026);
    rig_expect(client, 550, "MDTM 20260101000000 none");
    rig_expect(client, 550, "MDTM 20261301000000 file");
    tempdir_write(&fixture.rig.dir, "20260101000001 file", "that is its name");
    rig_expect(client, 213, "MDTM 20260101000001 file");
    assert_int_equal(fstatat(fixture.rig.dir.fd, "file", &status, 0), 0);
    assert_int_equal(status.st_mtim.tv_sec, NEW_YEAR_2026);
}

static void ftp_187_pret_says_what_the_transfer_would(void **state)
{
    static const struct row rows[] = {
        {"PRET RETR file", 200}, {"PRET RETR none", 550}, {"PRET RETR dir", 550},
        {"PRET STOR new", 200},  {"PRET LIST", 200},      {"PRET LIST -al dir", 200},
        {"PRET NLST none", 550}, {"PRET MLSD dir", 200},  {"PRET RETR", 501},
        {"PRET NOOP", 504},      {"PRET", 501},           {"PRET XYZZY a", 504},
        {"PROT C", 534},
    };
    (void)state;
    say_all(rows, ARRAY_LEN(rows));
}

static void ftp_137_opts_mlst_ends_each_fact(void **state)
{
    static const struct row rows[] = {
        {"OPTS MLST type", 501}, {"OPTS MLST type;size", 501}, {"OPTS MLST type;size;", 200},
        {"OPTS MLST ;", 501},    {"OPTS MLST", 200},
    };
    (void)state;
    say_all(rows, ARRAY_LEN(rows));
}

/* ---- listings ---- */

static void assert_listing(const char *command, const char *expected)
{
    struct buf out;
    buf_init(&out, 4096);
    rig_download(client, command, &out);
    assert_true(bytes_equal(buf_view(&out), bytes_str(expected)));
    buf_fini(&out);
}

static void ftp_71_patterns(void **state)
{
    (void)state;
    assert_listing("NLST part*", "part 1\r\npart2\r\n");
    assert_listing("NLST *2", "part2\r\n");
    assert_listing("NLST dir/s?b", "dir/sub\r\n");
    assert_listing("NLST *a*t*", "part 1\r\npart2\r\n");
    assert_listing("NLST no*", ""); /* FTP-72 */
}

static void ftp_71_patterns_that_are_none(void **state)
{
    static const char *const lines[] = {
        "LIST *p*a*t*",            /* more than three stars */
        "LIST d*/sub",             /* not the last name */
        "LIST none", "STAT part*", /* FTP-70 */
    };
    (void)state;
    tempdir_write(&fixture.rig.dir, "a*", "that is its name");
    tempdir_write(&fixture.rig.dir, "ab", "");
    assert_listing("NLST a*", "a*\r\n");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct rig_data data;
        rig_passive(client, &data);
        rig_expect(client, 550, "%s", lines[i]);
        rig_data_close(&data);
    }
}

/* ---- rules of the account ---- */

static void lst_82_dotfiles_are_hidden_on_wish(void **state)
{
    (void)state;
    tempdir_write(&fixture.rig.dir, "dir/.dot", "");
    assert_listing("NLST dir", "dir/sub\r\n");
    assert_listing("NLST -a dir", "dir/.dot\r\ndir/sub\r\n");
}

static void sec_35_denied_names(void **state)
{
    static const struct row rows[] = {
        {"MKD .ssh", 550},  {"MKD a.exe", 550},     {"RNFR file", 350}, {"RNTO a.exe", 553},
        {"RNFR file", 350}, {"RNTO .forward", 250}, /* these rules do not name it */
    };
    struct rig_data data;
    (void)state;
    say_all(rows, ARRAY_LEN(rows));
    rig_passive(client, &data);
    rig_expect(client, 553, "STOR a.exe");
    rig_data_close(&data);
    assert_false(has("a.exe"));
}

static void ftp_64_uploads_in_place(void **state)
{
    struct rig_data data;
    (void)state;
    rig_upload(client, "STOR file", BYTES_LIT("0123456789"));
    tempdir_assert_text(&fixture.rig.dir, "file", "0123456789");
    rig_expect(client, 350, "REST 4");
    rig_upload(client, "STOR file", BYTES_LIT("x"));
    tempdir_assert_text(&fixture.rig.dir, "file", "0123x");
    rig_upload(client, "APPE file", BYTES_LIT("y"));
    tempdir_assert_text(&fixture.rig.dir, "file", "0123xy");
    rig_expect(client, 350, "RANG 1 2"); /* FTP-95 */
    rig_upload(client, "STOR file", BYTES_LIT("ab"));
    tempdir_assert_text(&fixture.rig.dir, "file", "0ab3xy");

    rig_passive(client, &data);
    rig_expect(client, 150, "STOR file");
    rig_data_seal(&data, client);
    rig_data_send(&data, BYTES_LIT("cut"));
    NET_UNTIL(&fixture.rig.net, size_of("file") == 3); /* it is seen while it comes */
    rig_data_cut(&data);
    rig_expect_reply(client, 426);
    tempdir_assert_text(&fixture.rig.dir, "file", "cut");
    assert_true(server_rig_logged(&fixture.rig, "transfer.failed", "in place, cut", NULL));
    rig_data_close(&data);
    assert_int_equal(tempdir_count(&fixture.rig.dir, "."), 5);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ftp_152_what_is_off_is_not_there, setup_defaults, teardown),
        CASE(ftp_152_what_is_on_is_told),
        CASE(sec_41_readers_change_nothing),
        CASE(ftp_180_dsiz),
        CASE(ftp_181_rmda),
        CASE(ftp_182_comb),
        CASE(ftp_184_site_copy),
        CASE(ftp_184_site_symlink),
        CASE(ftp_75_mdtm_sets_where_no_name_is_meant),
        CASE(ftp_187_pret_says_what_the_transfer_would),
        CASE(ftp_137_opts_mlst_ends_each_fact),
        CASE(ftp_71_patterns),
        CASE(ftp_71_patterns_that_are_none),
        cmocka_unit_test_setup_teardown(lst_82_dotfiles_are_hidden_on_wish, setup_rules, teardown),
        cmocka_unit_test_setup_teardown(sec_35_denied_names, setup_rules, teardown),
        cmocka_unit_test_setup_teardown(ftp_64_uploads_in_place, setup_rules, teardown),
    };
    return cmocka_run_group_tests_name("server/extra", tests, NULL, NULL);
}
