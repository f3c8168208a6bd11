/* MFF, MFCT, SITE, AVBL, CLNT and CSID over the control connection of a whole server. FTP-76,
 * FTP-157, FTP-158, FTP-180, FTP-184, SEC-41. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/server_rig.h"

enum { NEW_YEAR_2026 = 1767225600 };

struct fixture {
    struct server_rig rig;
    struct rig_client client;
};

static int setup(void **state)
{
    static struct fixture fixture;
    server_rig_open(&fixture.rig, NULL);
    tempdir_write(&fixture.rig.dir, "file", "content");
    tempdir_symlink(&fixture.rig.dir, "/etc/passwd", "outside");
    rig_login(&fixture.client, &fixture.rig);
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

static void assert_file(const struct fixture *fixture, unsigned mode, int64_t time)
{
    struct stat status;
    assert_int_equal(fstatat(fixture->rig.dir.fd, "file", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, mode);
    assert_int_equal(status.st_mtim.tv_sec, time);
}

static void ftp_76_mff_and_mfct(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    rig_expect(client, 213, "MFF Modify=20260101000000;UNIX.mode=600; file");
    rig_assert_text(client, "Modify=20260101000000;UNIX.mode=0600; /file");
    assert_file(fixture, 0600, NEW_YEAR_2026);
    rig_expect(client, 213, "MFF UNIX.mode=0640; file");
    assert_file(fixture, 0640, NEW_YEAR_2026);
    rig_expect(client, 213, "MFMT 20260101000001 file");
    assert_file(fixture, 0640, NEW_YEAR_2026 + 1);

    /* The group: one's own, by its number; a stranger's is not to be had, but for root. */
    rig_expect(client, 213, "MFF UNIX.group=%u;UNIX.mode=0604; file", getgid());
    rig_assert_text(client, "UNIX.mode=0604;UNIX.group=");
    if (geteuid() != 0) {
        rig_expect(client, 550, "MFF UNIX.group=0;UNIX.mode=0777; file");
        assert_file(fixture, 0604, NEW_YEAR_2026 + 1);
    }
    rig_expect(client, 550, "MFF UNIX.group=%u; nowhere", getgid());
    rig_expect(client, 213, "MFF UNIX.mode=0640; file");
    rig_expect(client, 504, "MFF UNIX.owner=%u; file", getuid());

    /* All or nothing. */
    rig_expect(client, 504, "MFF UNIX.mode=777;UNIX.owner=0; file");
    rig_assert_text(client, "UNIX.owner");
    rig_expect(client, 501, "MFF UNIX.mode=777;Modify=1; file");
    rig_expect(client, 501, "MFF UNIX.mode=4777; file");
    rig_expect(client, 550, "MFF UNIX.mode=777; nowhere");
    rig_expect(client, 550, "MFF UNIX.mode=777; outside");
    rig_expect(client, 504, "MFCT 20260101000000 file");
    assert_file(fixture, 0640, NEW_YEAR_2026 + 1);
    assert_true(server_rig_logged(&fixture->rig, "file.changed", "/file", "UNIX.mode=0600", NULL));
}

static void ftp_184_site(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    rig_expect(client, 200, "SITE CHMOD 604 file");
    rig_expect(client, 200, "SITE UTIME 202601010000 file");
    assert_file(fixture, 0604, NEW_YEAR_2026);
    rig_expect(client, 200, "SITE UTIME file 20250101000000 20260101000002 20250101000000 UTC");
    assert_file(fixture, 0604, NEW_YEAR_2026 + 2);
    rig_expect(client, 501, "SITE CHMOD 7777 file");
    rig_expect(client, 550, "SITE CHMOD 777 outside");
    rig_expect(client, 550, "SITE CHMOD 777 nowhere");
    rig_expect(client, 504, "SITE CPFR file"); /* SEC-41 */
    rig_expect(client, 504, "SITE SYMLINK / link");
    rig_expect(client, 504, "SITE EXEC ls");
    rig_expect(client, 214, "SITE HELP");
    rig_expect(client, 200, "SITE IDLE 300");
    assert_file(fixture, 0604, NEW_YEAR_2026 + 2);
}

static void what_changes_files_is_not_for_readers(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client reader;
    rig_login_as(&reader, &fixture->rig, RIG_READER);
    rig_expect(&reader, 550, "SITE CHMOD 777 file");
    rig_expect(&reader, 550, "MFF UNIX.mode=777; file");
    rig_expect(&reader, 213, "AVBL");
    assert_string_equal(reader.text, "0");
    rig_expect(&reader, 214, "SITE HELP");
    rig_close(&reader);
}

static void ftp_180_avbl(void **state)
{
    struct fixture *fixture = *state;
    rig_expect(&fixture->client, 213, "AVBL");
    assert_string_not_equal(fixture->client.text, "0");
    rig_expect(&fixture->client, 213, "AVBL /");
    rig_expect(&fixture->client, 550, "AVBL nowhere");
}

static void ftp_157_158_what_a_client_says_of_itself(void **state)
{
    struct fixture *fixture = *state;
    rig_expect(&fixture->client, 200, "CLNT Some Client 1.0");
    assert_true(server_rig_logged(&fixture->rig, "client.named", "Some Client 1.0", NULL));
    rig_expect(&fixture->client, 200, "CSID Name=Other;Version=2;");
    rig_assert_text(&fixture->client, "Name=Ferry;CaseSensitive=1;DirSep=/;");
    rig_expect(&fixture->client, 501, "CSID Other");
    rig_expect(&fixture->client, 501, "CSID =Other");
    char name[301];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    rig_expect(&fixture->client, 200, "CLNT %s", name);
    assert_false(server_rig_logged(&fixture->rig, name, NULL)); /* not all of it */
    name[200] = '\0';
    assert_true(server_rig_logged(&fixture->rig, "client.named", name, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ftp_76_mff_and_mfct, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_184_site, setup, teardown),
        cmocka_unit_test_setup_teardown(what_changes_files_is_not_for_readers, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_180_avbl, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_157_158_what_a_client_says_of_itself, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
