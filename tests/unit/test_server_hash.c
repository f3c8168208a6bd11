/* HASH, XCRC and their kin, and RANG, over the control connection of a whole server. FTP-95,
 * FTP-170 to FTP-175, SEC-55. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/server_rig.h"

/* Of "123456789". */
#define SHA1_DIGITS "f7c3bc1d808e04732adf679965ccc34ca7ae3441"
#define MD5_DIGITS "25f9e794323b453885f5181f1b624d0b"
#define SHA256_DIGITS "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
#define SHA256_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
/* Of "3456". */
#define MD5_MIDDLE "def7924e3199be5e18060bb3e1d547a7"

enum { LARGE_BYTES = 40 * 1024 * 1024, LIMIT_BYTES = 50 * 1024 * 1024 };

struct fixture {
    struct server_rig rig;
    struct rig_client client;
};

static int setup(void **state)
{
    static struct fixture fixture;
    const struct server_rig_options options = {.rules = {.hash_max_bytes = LIMIT_BYTES}};
    server_rig_open(&fixture.rig, &options);
    tempdir_write(&fixture.rig.dir, "digits", "123456789");
    tempdir_write(&fixture.rig.dir, "file 10", "123456789");
    tempdir_write(&fixture.rig.dir, "empty", "");
    tempdir_mkdir(&fixture.rig.dir, "folder");
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

static void ftp_170_to_173_hash(void **state)
{
    static const struct row rows[] = {
        {"HASH digits", 213, "SHA-256 0-8 " SHA256_DIGITS " digits"},
        {"HASH empty", 213, "SHA-256 0-0 " SHA256_EMPTY " empty"},
        {"OPTS HASH SHA-1", 200, "SHA-1"},
        {"HASH digits", 213, "SHA-1 0-8 " SHA1_DIGITS " digits"},
        {"OPTS HASH MD5", 200, "MD5"},
        {"HASH /digits", 213, "MD5 0-8 " MD5_DIGITS " /digits"},
        {"RANG 2 5", 350, NULL},
        {"HASH digits", 213, "MD5 2-5 " MD5_MIDDLE " digits"},
        {"RANG 0 100", 350, NULL}, /* no further than the end */
        {"HASH digits", 213, "MD5 0-8 " MD5_DIGITS},
        {"RANG 9 10", 350, NULL},
        {"HASH digits", 551, NULL},
        {"OPTS HASH CRC32", 200, NULL},
        {"HASH digits", 213, "CRC32 0-8 cbf43926 digits"},
        {"OPTS HASH SHA-512", 200, NULL},
        {"HASH digits", 213,
         "SHA-512 0-8 d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e7"},
        {"HASH folder", 553, NULL},
        {"HASH nowhere", 550, NULL},
        {"HASH ../../etc/passwd", 550, NULL},
    };
    struct fixture *fixture = *state;
    check(&fixture->client, rows, ARRAY_LEN(rows));
}

static void ftp_174_x_commands(void **state)
{
    static const struct row rows[] = {
        {"XCRC digits", 250, "CBF43926"},
        {"XCRC empty", 250, "00000000"},
        {"XMD5 digits", 250, "25F9E794323B453885F5181F1B624D0B"},
        {"XSHA digits", 250, "F7C3BC1D808E04732ADF679965CCC34CA7AE3441"},
        {"XSHA1 digits", 250, "F7C3BC1D808E04732ADF679965CCC34CA7AE3441"},
        {"XSHA256 digits", 250, "15E2B0D3C33891EBB0F1EF609EC41942"},
        {"XSHA512 digits", 250, "D9E6762DD1C8EAF6D61B3C6192FC408D"},
        {"XMD5 \"file 10\"", 250, "25F9E794323B453885F5181F1B624D0B"},
        {"XMD5 digits 2 6", 250, "DEF7924E3199BE5E18060BB3E1D547A7"},
        {"XMD5 digits 100", 250, "25F9E794323B453885F5181F1B624D0B"},
        {"XMD5 digits 9 10", 550, NULL},
        {"XMD5 digits 6 2", 501, NULL},
        {"XMD5 file 10", 550, NULL}, /* read as "file", up to 10 */
        {"XMD5 folder", 550, NULL},
    };
    struct fixture *fixture = *state;
    check(&fixture->client, rows, ARRAY_LEN(rows));
}

/* Many pieces; and one at a time for an account, whoever asks. */
static void ftp_175_sec_55_one_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client other, third, same;
    char *zeros = alloc_zero(LARGE_BYTES + 1);
    assert_non_null(zeros);
    memset(zeros, 'x', LARGE_BYTES);
    tempdir_write(&fixture->rig.dir, "large", zeros);
    alloc_free(zeros);
    rig_login(&same, &fixture->rig);
    rig_login_as(&other, &fixture->rig, RIG_OTHER_USER);
    rig_login_as(&third, &fixture->rig, RIG_READER);

    rig_say(&fixture->client, "HASH large");
    rig_say(&other, "XSHA512 large");
    rig_expect(&same, 450, "HASH digits");
    rig_expect(&third, 450, "XCRC digits");
    rig_expect_reply(&fixture->client, 213);
    rig_assert_text(&fixture->client, "SHA-256 0-41943039 ");
    rig_expect_reply(&other, 250);
    rig_expect(&same, 213, "HASH digits");
    rig_expect(&third, 250, "XCRC digits"); /* to read is enough */
    rig_close(&third);
    rig_close(&other);
    rig_close(&same);
}

/* A client that goes while its file is being hashed leaves nothing behind. */
static void ftp_175_who_is_gone_does_not_count(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client gone;
    char *text = alloc_zero(LARGE_BYTES + 1);
    assert_non_null(text);
    memset(text, 'y', LARGE_BYTES);
    tempdir_write(&fixture->rig.dir, "large", text);
    alloc_free(text);
    for (int i = 0; i < 4; i++) {
        rig_login(&gone, &fixture->rig);
        rig_say(&gone, "HASH large");
        rig_expect(&fixture->client, 200, "NOOP");
        rig_close(&gone);
    }
    int code = 450;
    for (int tries = 0; tries < 1000 && code == 450; tries++) {
        rig_say(&fixture->client, "HASH digits");
        code = rig_reply(&fixture->client);
    }
    assert_int_equal(code, 213);
}

static void ftp_172_there_is_a_limit(void **state)
{
    struct fixture *fixture = *state;
    tempdir_write(&fixture->rig.dir, "huge", "");
    int fd = openat(fixture->rig.dir.fd, "huge", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, LIMIT_BYTES + 1), 0);
    close(fd);
    rig_expect(&fixture->client, 556, "HASH huge");
    rig_expect(&fixture->client, 550, "XCRC huge");
    rig_expect(&fixture->client, 350, "RANG 1 100");
    rig_expect(&fixture->client, 213, "HASH huge");
}

static void assert_download(struct rig_client *client, const char *name, const char *expected)
{
    struct buf got;
    buf_init(&got, 1000);
    rig_download(client, name, &got);
    assert_true(bytes_equal(buf_view(&got), bytes_str(expected)));
    buf_fini(&got);
}

static void ftp_95_rang_and_retr(void **state)
{
    static const struct {
        const char *range;
        const char *expected;
    } rows[] = {
        {"0 0", "1"}, {"2 5", "3456"}, {"8 8", "9"}, {"0 8", "123456789"}, {"5 1000", "6789"},
    };
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_expect(client, 350, "RANG %s", rows[i].range);
        assert_download(client, "RETR digits", rows[i].expected);
    }
    assert_download(client, "RETR digits", "123456789"); /* it is used up */
    struct rig_data data;
    rig_expect(client, 350, "RANG 9 9");
    rig_passive(client, &data);
    rig_expect(client, 554, "RETR digits");
    rig_data_close(&data);
}

static void ftp_95_rang_and_stor(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    rig_expect(client, 350, "RANG 2 5");
    rig_upload(client, "STOR digits", BYTES_LIT("abcd"));
    assert_download(client, "RETR digits", "12abcd789");
    rig_expect(client, 350, "RANG 0 100");
    rig_upload(client, "STOR digits", BYTES_LIT("x"));
    assert_download(client, "RETR digits", "x2abcd789");
    rig_expect(client, 350, "RANG 9 10"); /* right behind the end */
    rig_upload(client, "STOR digits", BYTES_LIT("yz"));
    assert_download(client, "RETR digits", "x2abcd789yz");

    struct rig_data data;
    rig_expect(client, 350, "RANG 0 1");
    rig_passive(client, &data);
    rig_expect(client, 150, "STOR digits");
    rig_data_seal(&data, client);
    rig_data_send(&data, BYTES_LIT("abc")); /* beyond the range */
    rig_data_finish(&data);
    rig_expect_reply(client, 552);
    rig_data_close(&data);
    rig_expect(client, 350, "RANG 100 101");
    rig_passive(client, &data);
    rig_expect(client, 554, "STOR digits");
    rig_data_close(&data);
    assert_download(client, "RETR digits", "x2abcd789yz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ftp_170_to_173_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_174_x_commands, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_175_sec_55_one_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_175_who_is_gone_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_172_there_is_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_95_rang_and_retr, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_95_rang_and_stor, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
