/* From the greeting to the login and back: AUTH, implicit TLS, USER and PASS, REIN, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/server_rig.h"

static int setup(void **state)
{
    static struct server_rig rig;
    server_rig_open(&rig, NULL);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    server_rig_close(*state);
    return 0;
}

/* The server serves another client. */
static void assert_alive(struct server_rig *rig)
{
    struct rig_client client;
    rig_login(&client, rig);
    rig_expect(&client, 257, "PWD");
    rig_expect(&client, 221, "QUIT");
    rig_await_end(&client);
    rig_close(&client);
}

/* TLS-210 */
static void explicit_login(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_login(&client, rig);
    rig_expect(&client, 257, "PWD");
    rig_assert_text(&client, "\"/\"");
    rig_expect(&client, 211, "STAT");
    rig_assert_text(&client, "TLSv1.3");
    rig_assert_text(&client, "anna");
    rig_expect(&client, 221, "QUIT");
    rig_await_end(&client);
    /* 221, then close_notify, then FIN (tls.md section 4). */
    assert_int_equal(stream_end(client.control.stream), STREAM_END_CLOSED);
    assert_true(server_rig_logged(rig, "session.login", "account=anna", NULL));
    rig_close(&client);
}

static void tls_6_implicit_login_begins_at_level_p(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_connect_implicit(&client, rig);
    rig_expect_reply(&client, 220);
    rig_expect(&client, 534, "AUTH TLS"); /* TLS-7 */
    rig_expect(&client, 331, "USER " RIG_USER);
    rig_expect(&client, 230, "PASS " RIG_PASSWORD);
    struct buf listing;
    buf_init(&listing, 4096);
    rig_download(&client, "LIST", &listing);
    buf_fini(&listing);
    rig_close(&client);
}

static void tls_8_plain_bytes_on_the_implicit_port_get_no_words(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_connect_port(&client, rig, rig->implicit_port);
    rig_say(&client, "USER " RIG_USER);
    rig_await_end(&client);
    struct bytes got = buf_view(&client.control.received);
    assert_true(got.len == 0 || got.ptr[0] == 0x15); /* at most an alert */
    rig_close(&client);
    assert_alive(rig);
}

static void tls_18_no_login_in_clear(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_connect(&client, rig);
    rig_expect_reply(&client, 220);
    rig_expect(&client, 530, "USER " RIG_USER);
    rig_assert_text(&client, "AUTH TLS");
    rig_expect(&client, 534, "PASV");
    rig_expect(&client, 534, "RETR x");
    rig_close(&client);
}

/* FTP-32 */
static void sec_84_every_refusal_is_alike(void **state)
{
    struct server_rig *rig = *state;
    static const char *const names[] = {
        RIG_USER,
        "nobody",
        "a name that is longer than sixty-four bytes, which no account here can have at all",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct rig_client client;
        rig_connect(&client, rig);
        rig_expect_reply(&client, 220);
        rig_expect(&client, 234, "AUTH TLS");
        rig_seal(&client);
        rig_expect(&client, 331, "USER %s", names[i]);
        assert_string_equal(client.text, "Password required.");
        rig_expect(&client, 530, "PASS wrong");
        assert_string_equal(client.text, "Login incorrect.");
        rig_close(&client);
    }
}

static void ftp_34_three_failures_end_the_session(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_connect(&client, rig);
    rig_expect_reply(&client, 220);
    rig_expect(&client, 234, "AUTH TLS");
    rig_seal(&client);
    for (int i = 0; i < 2; i++) {
        rig_expect(&client, 331, "USER " RIG_USER);
        rig_expect(&client, 530, "PASS wrong");
        rig_expect(&client, 530, "PWD"); /* it still wants a login */
    }
    rig_expect(&client, 331, "USER " RIG_USER);
    rig_expect(&client, 421, "PASS wrong");
    rig_await_end(&client);
    rig_close(&client);
    assert_true(server_rig_logged(rig, "session.login-failed", "failures=3", NULL));
    assert_alive(rig);
}

static void ftp_33_pass_without_user(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_connect(&client, rig);
    rig_expect_reply(&client, 220);
    rig_expect(&client, 234, "AUTH TLS");
    rig_seal(&client);
    rig_expect(&client, 503, "PASS " RIG_PASSWORD);
    rig_expect(&client, 331, "USER " RIG_USER);
    rig_expect(&client, 230, "PASS " RIG_PASSWORD);
    rig_expect(&client, 530, "USER " RIG_OTHER_USER); /* FTP-31 */
    rig_close(&client);
}

static void sec_11_rein_forgets_everything(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    rig_login(&client, rig);
    rig_expect(&client, 257, "MKD sub");
    rig_expect(&client, 250, "CWD sub");
    rig_expect(&client, 229, "EPSV");
    rig_expect(&client, 220, "REIN");
    /* TLS ends both ways, and the connection goes on in clear (tls.md section 4). */
    assert_int_equal(stream_stop_tls(client.control.stream, STREAM_STOP_NOTIFY), FERRY_OK);
    NET_UNTIL(&rig->net, !stream_tls(client.control.stream));
    rig_expect(&client, 530, "USER " RIG_USER);
    tls_sessions_free(client.sessions);
    client.sessions = tls_sessions_new();
    rig_expect(&client, 234, "AUTH TLS");
    rig_seal(&client);
    rig_expect(&client, 530, "PWD");
    rig_expect(&client, 331, "USER " RIG_USER);
    rig_expect(&client, 230, "PASS " RIG_PASSWORD);
    rig_expect(&client, 257, "PWD");
    rig_assert_text(&client, "\"/\" ");
    rig_expect(&client, 200, "PBSZ 0");
    rig_expect(&client, 200, "PROT P");
    rig_expect(&client, 425, "LIST"); /* the passive port went, too */
    struct buf listing;
    buf_init(&listing, 4096);
    rig_download(&client, "LIST", &listing); /* and the new session is the one that resumes */
    buf_fini(&listing);
    rig_close(&client);
}

static void read_only_account_changes_nothing(void **state)
{
    struct server_rig *rig = *state;
    tempdir_write(&rig->dir, "file", "content");
    static const char *const refused[] = {
        "STOR x", "STOU",      "APPE file", "MKD d",
        "RMD d",  "DELE file", "RNFR file", "MFMT 20260101000000 file",
    };
    struct rig_client client;
    rig_login_as(&client, rig, RIG_READER);
    rig_expect(&client, 229, "EPSV");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        rig_expect(&client, 550, "%s", refused[i]);
    struct buf content;
    buf_init(&content, 4096);
    rig_download(&client, "RETR file", &content);
    assert_true(bytes_equal(buf_view(&content), BYTES_LIT("content")));
    buf_fini(&content);
    rig_close(&client);
    assert_int_equal(tempdir_count(&rig->dir, "."), 1);
}

/* TLS-211 */
static void plaintext_only_where_it_is_allowed(void **state)
{
    (void)state;
    struct server_rig rig;
    server_rig_open(&rig, &(struct server_rig_options){.rules = {.plaintext_allowed = true}});
    tempdir_write(&rig.dir, "file", "content");
    struct rig_client client;
    rig_connect(&client, &rig);
    rig_expect_reply(&client, 220);
    rig_expect(&client, 331, "USER " RIG_USER);
    rig_expect(&client, 230, "PASS " RIG_PASSWORD);
    struct rig_data data;
    rig_passive(&client, &data);
    rig_expect(&client, 150, "RETR file");
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(&client, 226);
    assert_true(bytes_equal(buf_view(&data.end.received), BYTES_LIT("content")));
    rig_data_close(&data);
    rig_passive(&client, &data);
    rig_expect(&client, 150, "STOR new");
    rig_data_send(&data, BYTES_LIT("in clear"));
    rig_data_finish(&data);
    rig_expect_reply(&client, 226);
    tempdir_assert_text(&rig.dir, "new", "in clear");
    rig_data_close(&data);
    rig_close(&client);
    server_rig_close(&rig);
}

static void tls_4_auth_ssl_implies_protected_data(void **state)
{
    (void)state;
    struct server_rig rig;
    server_rig_open(&rig, &(struct server_rig_options){.rules = {.auth_legacy_words = true}});
    static const char *const words[] = {"SSL", "TLS-P"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct rig_client client;
        rig_connect(&client, &rig);
        rig_expect_reply(&client, 220);
        rig_expect(&client, 234, "AUTH %s", words[i]);
        rig_seal(&client);
        rig_expect(&client, 331, "USER " RIG_USER);
        rig_expect(&client, 230, "PASS " RIG_PASSWORD);
        struct buf listing;
        buf_init(&listing, 4096);
        rig_download(&client, "LIST", &listing);
        buf_fini(&listing);
        rig_close(&client);
    }
    server_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(explicit_login, setup, teardown),
        cmocka_unit_test_setup_teardown(tls_6_implicit_login_begins_at_level_p, setup, teardown),
        cmocka_unit_test_setup_teardown(tls_8_plain_bytes_on_the_implicit_port_get_no_words, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(tls_18_no_login_in_clear, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_84_every_refusal_is_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_34_three_failures_end_the_session, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_33_pass_without_user, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_11_rein_forgets_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(read_only_account_changes_nothing, setup, teardown),
        cmocka_unit_test(plaintext_only_where_it_is_allowed),
        cmocka_unit_test(tls_4_auth_ssl_implies_protected_data),
    };
    return cmocka_run_group_tests_name("server_login", tests, NULL, NULL);
}
