/* Commands about names over the control connection: what they do, and every reason not to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support/server_rig.h"

struct fixture {
    struct server_rig rig;
    struct rig_client client;
};

/* A file, a directory that is not empty, links that stay in the root and that leave it. */
static int setup(void **state)
{
    static struct fixture fixture;
    struct server_rig *rig = &fixture.rig;
    server_rig_open(rig, NULL);
    tempdir_write(&rig->dir, "file", "content");
    tempdir_mkdir(&rig->dir, "full");
    tempdir_write(&rig->dir, "full/a", "a");
    tempdir_write(&rig->dir, "full/b", "bb");
    tempdir_symlink(&rig->dir, "full/b", "inside");
    tempdir_symlink(&rig->dir, "/etc/passwd", "outside");
    tempdir_symlink(&rig->dir, "..", "up");
    assert_int_equal(mkfifoat(rig->dir.fd, "fifo", 0600), 0);
    rig_login(&fixture.client, rig);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    rig_close(&fixture->client);
    server_rig_close(&fixture->rig);
    return 0;
}

struct row {
    const char *command;
    int code;
    const char *text; /* part of the reply; NULL: any */
};

static void check(struct rig_client *client, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rig_expect(client, rows[i].code, "%s", rows[i].command);
        if (rows[i].text)
            rig_assert_text(client, rows[i].text);
    }
}

static void ftp_110_to_113_directories(void **state)
{
    static const struct row rows[] = {
        {"MKD new", 257, "\"/new\" created"},
        {"MKD new", 550, NULL},
        {"MKD no/such/parent", 550, NULL},
        {"MKD say \"hi\"", 257, "\"/say \"\"hi\"\"\" created"},
        {"CWD new", 250, NULL},
        {"PWD", 257, "\"/new\""},
        {"MKD inner", 257, "\"/new/inner\""},
        {"CWD inner", 250, NULL},
        {"CDUP", 250, NULL},
        {"PWD", 257, "\"/new\""},
        {"CWD ..", 250, NULL},
        {"CDUP", 250, NULL}, /* the root's parent is the root */
        {"PWD", 257, "\"/\""},
        {"CWD file", 550, "Not a directory"},
        {"CWD nowhere", 550, "No such file"},
        {"XMKD x", 257, NULL},
        {"XCWD x", 250, NULL},
        {"RMD .", 550, NULL}, /* the working directory */
        {"XCUP", 250, NULL},
        {"XRMD x", 250, NULL},
        {"RMD full", 550, "not empty"},
        {"RMD file", 550, "Not a directory"},
        {"RMD new/inner", 250, NULL},
        {"RMD new", 250, NULL},
        {"RMD /", 550, NULL},
        {"RMD say \"hi\"", 250, NULL},
    };
    struct fixture *fixture = *state;
    check(&fixture->client, rows, ARRAY_LEN(rows));
}

static void ftp_115_116_files(void **state)
{
    static const struct row rows[] = {
        {"DELE nowhere", 550, "No such file"},
        {"DELE full", 550, "It is a directory"},
        {"RNTO x", 503, NULL},
        {"RNFR nowhere", 550, NULL},
        {"RNFR file", 350, NULL},
        {"RNTO full/b", 553, NULL}, /* nothing is replaced */
        {"RNTO moved", 503, NULL},  /* RNFR is used up */
        {"RNFR file", 350, NULL},
        {"NOOP", 200, NULL}, /* FTP-21: forgets RNFR */
        {"RNTO moved", 503, NULL},
        {"RNFR file", 350, NULL},
        {"RNTO full/moved", 250, NULL},
        {"RNFR full", 350, NULL},
        {"RNTO full/itself", 553, NULL}, /* FTP-115 */
        {"DELE full/moved", 250, NULL},
        {"DELE inside", 250, NULL}, /* the link */
        {"SIZE full/b", 213, "2"},
    };
    struct fixture *fixture = *state;
    check(&fixture->client, rows, ARRAY_LEN(rows));
    assert_true(server_rig_logged(&fixture->rig, "file.renamed", "from=/file", "full/moved", NULL));
    assert_true(server_rig_logged(&fixture->rig, "file.removed", "full/moved", NULL));
}

static void ftp_74_to_77_facts(void **state)
{
    static const struct row rows[] = {
        {"SIZE file", 213, "7"},
        {"SIZE full", 550, "It is a directory"},
        {"SIZE nowhere", 550, NULL},
        {"SIZE inside", 213, "2"},
        {"MFMT 20260102030405 file", 213, "Modify=20260102030405; /file"},
        {"MDTM file", 213, "20260102030405"},
        {"MFMT 20260230000000 file", 501, NULL},
        {"MFMT 20260102030405 nowhere", 550, NULL},
        {"MDTM nowhere", 550, NULL},
        {"MLST file", 250, " Type=file;Size=7;Modify=20260102030405;"},
        {"MLST file", 250, " /file\r\n"},
        {"MLST", 250, "Type=dir;"},
        {"MLST inside", 250, "Type=file;Size=2;"},
        {"MLST outside", 250, "Type=OS.unix=symlink;"},
        {"MLST fifo", 250, "Type=OS.unix=fifo;"},
        {"MLST fifo", 250, ";Perm=df;"}, /* FTP-134: nobody reads or writes it */
        {"MLST nowhere", 550, NULL},
        {"OPTS MLST size;", 200, "MLST OPTS Size;"},
        {"MLST file", 250, " Size=7; /file"},
        {"TYPE A", 200, NULL},
        {"SIZE file", 550, "ASCII"},
    };
    struct fixture *fixture = *state;
    check(&fixture->client, rows, ARRAY_LEN(rows));
}

static void ftp_70_stat_of_a_path(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    rig_expect(client, 213, "STAT file");
    rig_assert_text(client, " file\r\n");
    rig_expect(client, 212, "STAT full");
    rig_assert_text(client, " a\r\n");
    rig_assert_text(client, " b\r\n");
    rig_expect(client, 550, "STAT nowhere");
    rig_expect(client, 212, "STAT /");
    rig_assert_text(client, " outside\r\n");
    rig_expect(client, 211, "STAT");
    rig_assert_text(client, "TYPE I");
}

/* FTP-70: no more than 1000 lines on the control connection, and it says so. */
static void stat_of_a_large_directory(void **state)
{
    struct fixture *fixture = *state;
    char name[32];
    tempdir_mkdir(&fixture->rig.dir, "large");
    for (int i = 0; i < 1100; i++) {
        snprintf(name, sizeof(name), "large/%04d", i);
        tempdir_write(&fixture->rig.dir, name, "");
    }
    rig_expect(&fixture->client, 212, "STAT large");
    rig_assert_text(&fixture->client, " 0000\r\n");
    rig_expect(&fixture->client, 200, "NOOP");
}

static void sec_30_31_nothing_leads_out_of_the_root(void **state)
{
    static const struct row rows[] = {
        {"SIZE ../../../../etc/passwd", 550, NULL},
        {"SIZE /../etc/passwd", 550, NULL},
        {"SIZE outside", 550, NULL},
        {"SIZE up/etc/passwd", 550, NULL},
        {"CWD up", 550, NULL},
        {"MLST up/..", 250, "Type=dir;"}, /* the virtual ".." goes first */
        {"MKD up/x", 550, NULL},
        {"DELE up/x", 550, NULL},
        {"MFMT 20260102030405 outside", 550, NULL},
        {"RNFR up/etc", 550, NULL},
        {"STAT up", 213, " up\r\n"}, /* a link out of the root: not where it leads */
        {"DELE outside", 250, NULL}, /* the link itself is ours */
    };
    struct fixture *fixture = *state;
    check(&fixture->client, rows, ARRAY_LEN(rows));
}

/* FTP-15 */
static void odd_names(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    char longest[300];
    memset(longest, 'n', sizeof(longest));
    rig_expect(client, 501, "MKD %.*s", 256, longest);
    rig_expect(client, 257, "MKD %.*s", 255, longest);
    rig_expect(client, 257, "MKD  two  blanks ");
    assert_true(tempdir_has(&fixture->rig.dir, " two  blanks "));
    rig_expect(client, 257, "MKD \xc3\xbcn\xc3\xaf");
    assert_true(tempdir_has(&fixture->rig.dir, "\xc3\xbcn\xc3\xaf"));
    rig_expect(client, 257, "MKD \xff\xff not utf-8"); /* IAC, doubled (FTP-5) */
    assert_true(tempdir_has(&fixture->rig.dir, "\xff not utf-8"));
    rig_expect(client, 257, "MKD %%s%%n");
    assert_true(tempdir_has(&fixture->rig.dir, "%s%n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ftp_110_to_113_directories, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_115_116_files, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_74_to_77_facts, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_70_stat_of_a_path, setup, teardown),
        cmocka_unit_test_setup_teardown(stat_of_a_large_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_30_31_nothing_leads_out_of_the_root, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_names, setup, teardown),
    };
    return cmocka_run_group_tests_name("server_names", tests, NULL, NULL);
}
