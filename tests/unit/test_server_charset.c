/* An account whose names may come in another charset than UTF-8, by a whole server (FTP-15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/server_rig.h"

#define UTF8_NAME                                                                                  \
    "Gr\xc3\xbc\xc3\x9f"                                                                           \
    "e"
#define LATIN_NAME                                                                                 \
    "Gr\xfc\xdf"                                                                                   \
    "e"
#define KANJI "\xe6\x97\xa5"

struct fixture {
    struct server_rig rig;
    struct rig_client client;
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct fault fault = {0};
    server_rig_open(&fixture.rig, NULL);
    assert_int_equal(users_set_charset(fixture.rig.users, RIG_USER, "windows-1252", &fault),
                     FERRY_OK);
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

/* What a command sends over its data connection is exactly `text`; for LIST and MLSD, ends so. */
static void assert_listed(struct rig_client *client, const char *command, const char *text)
{
    CLEANUP(buf_fini) struct buf got;
    buf_init(&got, 65536);
    rig_download(client, command, &got);
    struct bytes end = bytes_skip(buf_view(&got), buf_len(&got) - strlen(text));
    bool whole = strncmp(command, "NLST", 4) != 0 || end.len == buf_len(&got);
    if (!whole || !bytes_equal(end, bytes_str(text)))
        fail_msg("%s: %.*s", command, BYTES_FMT(buf_view(&got)));
}

static void an_old_client_s_round_trip(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    rig_expect(client, 257, "MKD " LATIN_NAME);
    rig_assert_text(client, "\"/" LATIN_NAME "\"");
    assert_true(tempdir_has(&fixture->rig.dir, UTF8_NAME));
    rig_expect(client, 250, "CWD " LATIN_NAME);
    rig_upload(client, "STOR \xe4", BYTES_LIT("content"));
    tempdir_assert_text(&fixture->rig.dir, UTF8_NAME "/\xc3\xa4", "content");
    rig_expect(client, 213, "SIZE \xe4");
    rig_expect(client, 257, "PWD");
    rig_assert_text(client, "\"/" LATIN_NAME "\"");
    assert_listed(client, "NLST", "\xe4\r\n");
    assert_listed(client, "NLST /" LATIN_NAME, "/" LATIN_NAME "/\xe4\r\n");
    assert_listed(client, "LIST -la", " \xe4\r\n");
    assert_listed(client, "MLSD", "; \xe4\r\n");
    rig_expect(client, 250, "MLST \xe4");
    rig_assert_text(client, " /" LATIN_NAME "/\xe4\r\n");
    rig_expect(client, 213, "STAT \xe4");
    rig_assert_text(client, " \xe4\r\n");
    rig_expect(client, 213, "MFMT 20260102030405 \xe4");
    rig_assert_text(client, "/" LATIN_NAME "/\xe4");
    rig_expect(client, 350, "RNFR \xe4");
    rig_expect(client, 250, "RNTO \xf6");
    assert_true(tempdir_has(&fixture->rig.dir, UTF8_NAME "/\xc3\xb6"));
    rig_expect(client, 250, "DELE \xf6");
    /* The log is UTF-8. */
    assert_true(server_rig_logged(&fixture->rig, "file.removed", UTF8_NAME "/\xc3\xb6", NULL));
}

static void nothing_changes_for_who_speaks_utf8(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    tempdir_write(&fixture->rig.dir, UTF8_NAME, "content");
    assert_listed(client, "NLST", UTF8_NAME "\r\n");
    rig_expect(client, 213, "SIZE " UTF8_NAME);
    assert_listed(client, "NLST", UTF8_NAME "\r\n");
    /* Having said so, even a name that is none does not change it. */
    rig_expect(client, 200, "OPTS UTF8 ON");
    rig_expect(client, 213, "SIZE " LATIN_NAME);
    assert_listed(client, "NLST", UTF8_NAME "\r\n");
}

static void ftp_153_off_and_on(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    tempdir_write(&fixture->rig.dir, UTF8_NAME, "content");
    rig_expect(client, 200, "OPTS UTF8 OFF");
    assert_listed(client, "NLST", LATIN_NAME "\r\n");
    rig_expect(client, 200, "OPTS UTF8 ON");
    assert_listed(client, "NLST", UTF8_NAME "\r\n");

    struct rig_client other;
    rig_login_as(&other, &fixture->rig, RIG_OTHER_USER);
    rig_expect(&other, 501, "OPTS UTF8 OFF");
    rig_expect(&other, 550, "SIZE " LATIN_NAME); /* bytes, and no file by them */
    rig_close(&other);
}

/* Never a '?': what the charset lacks goes as UTF-8, and is found when it comes back. */
static void what_the_charset_lacks(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    tempdir_mkdir(&fixture->rig.dir, UTF8_NAME);
    tempdir_write(&fixture->rig.dir, UTF8_NAME "/" KANJI, "content");
    tempdir_symlink(&fixture->rig.dir, KANJI, UTF8_NAME "/\xc3\xa4");
    rig_expect(client, 250, "CWD " LATIN_NAME);
    assert_listed(client, "NLST", "\xe4\r\n" KANJI "\r\n");
    assert_listed(client, "NLST /" LATIN_NAME,
                  "/" LATIN_NAME "/\xe4\r\n/" LATIN_NAME "/" KANJI "\r\n");
    rig_expect(client, 213, "STAT \xe4");
    rig_assert_text(client, " \xe4 -> " KANJI "\r\n");
    rig_expect(client, 213, "SIZE " KANJI);
    rig_expect(client, 213, "SIZE /" LATIN_NAME "/" KANJI);
}

/* Names on disk that are no UTF-8, from before this server, stay within reach. */
static void bytes_on_disk_come_first(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    const struct tempdir *dir = &fixture->rig.dir;
    tempdir_mkdir(dir, "raw\xe4");
    tempdir_write(dir, "raw\xe4/file\xe4", "raw");
    tempdir_write(dir, "\x81", "no byte of the charset");
    tempdir_write(dir, "x\x81", "gone soon");
    assert_listed(client, "NLST", "raw\xe4\r\nx\x81\r\n\x81\r\n");
    rig_expect(client, 250, "CWD raw\xe4");
    rig_expect(client, 257, "PWD");
    rig_assert_text(client, "\"/raw\xe4\"");
    rig_expect(client, 213, "SIZE file\xe4");
    rig_expect(client, 213, "SIZE /raw\xe4/file\xe4");
    assert_listed(client, "NLST", "file\xe4\r\n");
    rig_expect(client, 250, "CDUP");
    rig_expect(client, 213, "SIZE \x81");
    rig_assert_text(client, "22");
    rig_expect(client, 350, "RNFR x\x81");
    rig_expect(client, 250, "RNTO y");
    assert_true(tempdir_has(dir, "y") && !tempdir_has(dir, "x\x81"));
    /* New names are UTF-8. */
    rig_expect(client, 350, "RNFR y");
    rig_expect(client, 250, "RNTO \xe5");
    assert_true(tempdir_has(dir, "\xc3\xa5"));
}

static void what_is_no_name_is_refused(void **state)
{
    static const char *const names[] = {
        "\x81",         /* no byte of the charset */
        "\xe4\x1b[31m", /* becomes one with a control character */
        "ok/\xe4\x7f",
    };
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        rig_expect(client, 553, "MKD %s", names[i]);
        rig_expect(client, 553, "SIZE %s", names[i]);
        rig_expect(client, 229, "EPSV");
        rig_expect(client, 553, "STOR %s", names[i]);
    }
    assert_int_equal(tempdir_count(&fixture->rig.dir, "."), 0);
    rig_expect(client, 501, "MKD %0200d\xe4%0200d", 0, 0);
}

/* Without a charset: bytes as they come (FTP-15). */
static void without_a_charset(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client client;
    rig_login_as(&client, &fixture->rig, RIG_OTHER_USER);
    rig_expect(&client, 257, "MKD " LATIN_NAME);
    rig_assert_text(&client, "\"/" LATIN_NAME "\"");
    assert_true(tempdir_has(&fixture->rig.dir, LATIN_NAME));
    assert_listed(&client, "NLST", LATIN_NAME "\r\n");
    rig_close(&client);
}

static void accounts_and_charsets(void **state)
{
    struct fixture *fixture = *state;
    struct users *users = fixture->rig.users;
    struct fault unknown = {0}, unfit = {0};
    assert_int_equal(users_set_charset(users, "nobody", "GBK", &unknown), FERRY_E_ARGUMENT);
    assert_non_null(strstr(unknown.what, "no account nobody"));
    assert_int_equal(users_set_charset(users, RIG_USER, "ISO-2022-JP", &unfit), FERRY_E_ARGUMENT);
    assert_non_null(strstr(unfit.what, "ASCII"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_old_client_s_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_changes_for_who_speaks_utf8, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_153_off_and_on, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_charset_lacks, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_on_disk_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_charset, setup, teardown),
        cmocka_unit_test_setup_teardown(accounts_and_charsets, setup, teardown),
    };
    return cmocka_run_group_tests_name("server_charset", tests, NULL, NULL);
}
