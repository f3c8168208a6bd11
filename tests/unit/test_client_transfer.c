/* client/transfer.c: one transfer, in every order that a server may choose, cut and stopped at
 * every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "support/download_kit.h"

/* ---- orders (REP-5, DEV-30, DEV-32) ---- */

static void final_reply_first(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_hear(fake, "RETR f");
    fake_say(fake, "150 here\r\n226 done");
    download_seal(fake);
    fake_pause(100);
    fake_write(fake, download_body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_quit(fake);
}

static void no_preliminary_reply(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_hear(fake, "RETR f");
    download_seal(fake);
    fake_write(fake, download_body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "250 done");
    fake_quit(fake);
}

static void late_preliminary_reply(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_hear(fake, "RETR f");
    download_seal(fake);
    fake_write(fake, download_body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "125 on its way\r\n150 here\r\n226 done");
    fake_quit(fake);
}

static void connection_before_command(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    download_seal(fake);
    fake_write(fake, download_body);
    fake_answer(fake, "RETR f", "150 here");
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "226 done");
    fake_quit(fake);
}

static void byte_by_byte(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    for (size_t i = 0; i < download_body.len; i++)
        fake_write(fake, bytes_first(bytes_skip(download_body, i), 1));
    fake_end_data(fake, FAKE_CLOSED);
    for (const char *c = "226 done\r\n"; *c; c++)
        fake_send(fake, bytes_of(c, 1));
    fake_quit(fake);
}

static void tls_63_any_order_of_control_and_data(void **state)
{
    static fake_script_fn *const orders[] = {
        download_usual,         final_reply_first, no_preliminary_reply,
        late_preliminary_reply, byte_by_byte,      connection_before_command,
    };
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        client_rig_login(rig, orders[i]);
        download_assert_got(rig);
        assert_int_equal(client_rig_end(rig)->resumed, 1); /* TLS-103 */
        assert_int_equal(unlinkat(rig->dir.fd, "f", 0), 0);
    }
}

static void send_nothing(struct fake *fake)
{
    fake_login(fake, "SIZE\nMDTM");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE f", "213 0");
    fake_answer(fake, "MDTM f", "213 20260102030405");
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here\r\n226 that was it");
    fake_quit(fake);
}

static void dev_38_no_data_connection_for_an_empty_file(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, send_nothing);
    assert_int_equal(download_get(rig), FERRY_OK);
    tempdir_assert_text(&rig->dir, "f", "");
    client_rig_end(rig);
}

/* ---- cuts (TLS-176, TLS-177, SEC-12) ---- */

struct cut {
    enum fake_end how;
    size_t bytes; /* that come before */
    const char *reply;
};

static const struct cut cuts[] = {
    {FAKE_FIN, DOWNLOAD_BYTES, "226 done"}, /* all bytes, but no close_notify */
    {FAKE_FIN, 5, "226 done"},
    {FAKE_FIN, 0, "226 done"},
    {FAKE_RST, DOWNLOAD_BYTES, "226 done"},
    {FAKE_RST, 5, "426 broken"},
    {FAKE_CLOSED, 5, "226 done"}, /* a proper end, but not the size that SIZE told */
    {FAKE_CLOSED, DOWNLOAD_BYTES, "426 broken"},
    {FAKE_CLOSED, DOWNLOAD_BYTES, "451 disk"},
};

static void cut_off(struct fake *fake)
{
    const struct cut *cut = fake->ctx;
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    if (cut->bytes > 0)
        fake_write(fake, bytes_first(download_body, cut->bytes));
    fake_pause(50);
    fake_end_data(fake, cut->how);
    fake_say(fake, "%s", cut->reply);
    fake_answer(fake, "DELE f", "250 gone");
    fake_quit(fake);
}

static void send_too_much(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, download_body);
    fake_write(fake, download_body);
    fake_pause(50);
    fake_say(fake, "426 broken");
    fake_quit(fake);
}

static void sec_97_more_bytes_than_the_server_told(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, send_too_much);
    download_assert_not(rig, FERRY_E_CUT);
    client_rig_end(rig);
}

/* DEV-9, DEV-10 */
static void tls_176_a_cut_download_is_no_file(void **state)
{
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        const struct fake_settings settings = {.script = cut_off, .ctx = &cuts[i]};
        client_rig_serve(rig, &settings);
        assert_int_equal(client_rig_connect(rig), FERRY_OK);
        download_assert_not(rig, FERRY_E_CUT);
        assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK); /* the session goes on */
        client_rig_end(rig);
    }
}

/* ---- names (SEC-17) ---- */

static void say_nothing(struct fake *fake)
{
    fake_login(fake, "");
    fake_quit(fake);
}

/* FTP-117 */
static void sec_17_a_line_feed_in_a_name_is_refused(void **state)
{
    struct client_rig *rig = *state;
    const char *name = "a\nDELE b";
    char local[PATH_MAX];
    tempdir_path(&rig->dir, "ca.pem", local);
    client_rig_login(rig, say_nothing);
    assert_int_equal(ferry_get(rig->session, name, client_rig_path(rig, "f"), 0), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_put(rig->session, local, name, 0), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_put(rig->session, local, name, FERRY_RESUME), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_rename(rig->session, "b", name), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_rename(rig->session, name, "b"), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_remove(rig->session, name), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_make_directory(rig->session, name), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_remove_directory(rig->session, name), FERRY_E_ARGUMENT);
    struct ferry_entry entry;
    assert_int_equal(ferry_stat(rig->session, name, &entry), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_list(rig->session, name, NULL, NULL), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_remove(rig->session, ""), FERRY_E_ARGUMENT);
    client_rig_end(rig); /* which finds that nothing was sent */
}

/* ---- stopping ---- */

static void send_slowly(struct fake *fake)
{
    static char block[64 * 1024];
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_pause(150);
    fake_write(fake, bytes_of(block, sizeof(block)));
    fake_pause(300); /* the client has let go by now */
    fake_say(fake, "426 broken");
    fake_answer(fake, "DELE f", "250 gone");
    fake_quit(fake);
}

static bool stop_at_once(void *ctx, uint64_t bytes, int64_t total_bytes)
{
    (void)bytes;
    assert_int_equal(total_bytes, DOWNLOAD_BYTES);
    (*(unsigned *)ctx)++;
    return false;
}

static void stopped_by_the_progress_function(void **state)
{
    struct client_rig *rig = *state;
    unsigned calls = 0;
    ferry_set_progress(rig->session, stop_at_once, &calls);
    client_rig_login(rig, send_slowly);
    download_assert_not(rig, FERRY_E_CANCELLED);
    assert_true(calls > 0);
    ferry_set_progress(rig->session, NULL, NULL);
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK); /* the session goes on */
    client_rig_end(rig);
}

static bool interrupt(void *ctx, uint64_t bytes, int64_t total_bytes)
{
    (void)bytes;
    (void)total_bytes;
    ferry_interrupt(ctx);
    return true;
}

static void interrupted_in_a_transfer(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_progress(rig->session, interrupt, rig->session);
    client_rig_login(rig, send_slowly);
    download_assert_not(rig, FERRY_E_CANCELLED);
    ferry_set_progress(rig->session, NULL, NULL);
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK);
    client_rig_end(rig);
}

static void never_answer(struct fake *fake)
{
    fake_login(fake, "");
    fake_hear(fake, "DELE f");
    fake_hear_end(fake);
}

static void interrupted_while_waiting(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, never_answer);
    ferry_interrupt(rig->session); /* the next call is stopped */
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_E_CANCELLED);
    assert_false(ferry_is_connected(rig->session));
    client_rig_end(rig);
}

static void stall(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, bytes_first(download_body, 5));
    fake_pause(900);
    fake_say(fake, "426 broken");
    fake_quit(fake);
}

static void sec_51_a_transfer_that_stands_still(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_timeout_ms(rig->session, 0, 0, 400);
    client_rig_login(rig, stall);
    download_assert_not(rig, FERRY_E_CUT);
    client_rig_end(rig);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, client_rig_setup, client_rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(tls_63_any_order_of_control_and_data),
        TEST(dev_38_no_data_connection_for_an_empty_file),
        TEST(sec_97_more_bytes_than_the_server_told),
        TEST(tls_176_a_cut_download_is_no_file),
        TEST(sec_17_a_line_feed_in_a_name_is_refused),
        TEST(stopped_by_the_progress_function),
        TEST(interrupted_in_a_transfer),
        TEST(interrupted_while_waiting),
        TEST(sec_51_a_transfer_that_stands_still),
    };
    return cmocka_run_group_tests_name("client_transfer", tests, client_rig_group_setup,
                                       client_rig_group_teardown);
}
