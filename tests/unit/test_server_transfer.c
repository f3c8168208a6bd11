/* Transfers whole, resumed, listed and stopped: what the files and the replies are afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/transfer_kit.h"

/* ---- whole ---- */

/* FTP-65; TLS-180: once 226 was said the file is there. */
static void up_and_down(void **state)
{
    struct transfer_kit *kit = *state;
    rig_upload(&kit->client, "STOR big", transfer_kit_big());
    transfer_kit_assert_file(kit, "big", transfer_kit_big());
    transfer_kit_assert_download(kit, "RETR big", transfer_kit_big());
    rig_upload(&kit->client, "STOR big", BYTES_LIT("replaced"));
    transfer_kit_assert_file(kit, "big", BYTES_LIT("replaced"));
    rig_upload(&kit->client, "STOR empty", BYTES_LIT("")); /* TLS-66 */
    transfer_kit_assert_download(kit, "RETR empty", BYTES_LIT(""));
    assert_true(server_rig_logged(&kit->rig, "transfer.end", "verb=STOR", "path=/big",
                                  "bytes=3145728", "tls=TLSv1.3", NULL));
}

static void active_mode(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    struct rig_data data;
    rig_active(client, &data);
    rig_expect(client, 150, "STOR big");
    rig_active_accept(&data);
    rig_data_seal(&data, client); /* TLS-60: the client is the TLS client in active mode, too */
    rig_data_send(&data, transfer_kit_big());
    rig_data_finish(&data);
    rig_expect_reply(client, 226);
    rig_data_close(&data);
    transfer_kit_assert_file(kit, "big", transfer_kit_big());

    rig_active(client, &data);
    rig_expect(client, 150, "RETR big");
    rig_active_accept(&data);
    rig_data_seal(&data, client);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(client, 226);
    assert_int_equal(buf_len(&data.end.received), TRANSFER_KIT_BIG_BYTES);
    rig_data_close(&data);
}

static void ftp_66_stou_makes_a_name(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    static const char *const commands[] = {"STOU", "STOU report", "STOU"};
    tempdir_write(&kit->rig.dir, "report", "old");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct rig_data data;
        char name[512];
        rig_passive(client, &data);
        rig_expect(client, 150, "%s", commands[i]);
        assert_int_equal(sscanf(client->text, "FILE: %511s", name), 1);
        rig_data_seal(&data, client);
        rig_data_send(&data, BYTES_LIT("unique"));
        rig_data_finish(&data);
        rig_expect_reply(client, 226);
        rig_data_close(&data);
        transfer_kit_assert_file(kit, name + 1, BYTES_LIT("unique"));
    }
    transfer_kit_assert_file(kit, "report", BYTES_LIT("old"));
    assert_int_equal(tempdir_count(&kit->rig.dir, "."), 4);
}

static void ftp_42_type_a(void **state)
{
    struct transfer_kit *kit = *state;
    rig_expect(&kit->client, 200, "TYPE A");
    rig_upload(&kit->client, "STOR text", BYTES_LIT("one\r\ntwo\r\n\rthree\r\r\n\r"));
    transfer_kit_assert_file(kit, "text", BYTES_LIT("one\ntwo\n\rthree\r\n\r"));
    transfer_kit_assert_download(kit, "RETR text", BYTES_LIT("one\r\ntwo\r\n\rthree\r\n\r"));
    rig_expect(&kit->client, 504, "REST 3"); /* FTP-94 */
}

static void ftp_90_to_93_restart(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    tempdir_write(&kit->rig.dir, "file", "0123456789");
    rig_expect(client, 350, "REST 4");
    transfer_kit_assert_download(kit, "RETR file", BYTES_LIT("456789"));
    transfer_kit_assert_download(kit, "RETR file", BYTES_LIT("0123456789")); /* used up */
    rig_expect(client, 350, "REST 10");
    transfer_kit_assert_download(kit, "RETR file", BYTES_LIT(""));
    rig_expect(client, 229, "EPSV");
    rig_expect(client, 350, "REST 11");
    rig_expect(client, 554, "RETR file");
    rig_expect(client, 229, "EPSV");
    rig_expect(client, 350, "REST 11");
    rig_expect(client, 554, "STOR file");
    rig_expect(client, 350, "REST 4");
    rig_upload(client, "STOR file", BYTES_LIT("abc"));
    transfer_kit_assert_file(kit, "file",
                             BYTES_LIT("0123abc")); /* what was behind is gone (FTP-92) */
    rig_upload(client, "APPE file", BYTES_LIT("def"));
    transfer_kit_assert_file(kit, "file", BYTES_LIT("0123abcdef"));
    rig_expect(client, 350, "REST 1");
    rig_upload(client, "APPE file", BYTES_LIT("x")); /* as STOR (FTP-93) */
    transfer_kit_assert_file(kit, "file", BYTES_LIT("0x"));
    rig_upload(client, "APPE other", BYTES_LIT("new"));
    transfer_kit_assert_file(kit, "other", BYTES_LIT("new"));
}

static void ftp_60_refusals_come_before_the_150(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    tempdir_mkdir(&kit->rig.dir, "dir");
    rig_expect(client, 425, "RETR x"); /* FTP-56 */
    static const struct {
        const char *command;
        int code;
    } rows[] = {
        {"RETR nowhere", 550}, {"RETR dir", 550},     {"STOR dir", 550}, {"STOR no/such/dir", 550},
        {"LIST nowhere", 550}, {"MLSD nowhere", 550}, {"RETR /", 550},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_expect(client, 229, "EPSV");
        rig_expect(client, rows[i].code, "%s", rows[i].command);
        rig_expect(client, 425, "%s", rows[i].command); /* the port went with the command */
    }
}

/* ---- listings ---- */

static void assert_listing(struct transfer_kit *kit, const char *command, const char *expected)
{
    buf_fini(&kit->content);
    rig_download(&kit->client, command, &kit->content);
    if (!bytes_equal(buf_view(&kit->content), bytes_str(expected)))
        fail_msg("%s gave: %.*s", command, BYTES_FMT(buf_view(&kit->content)));
}

static void ftp_71_73_135_listings(void **state)
{
    struct transfer_kit *kit = *state;
    struct tempdir *dir = &kit->rig.dir;
    tempdir_mkdir(dir, "sub");
    tempdir_write(dir, "sub/b", "bb");
    tempdir_write(dir, "sub/a", "a");
    tempdir_write(dir, "sub/line\nfeed", "hidden"); /* LST-86 */
    tempdir_mkdir(dir, "none");
    assert_listing(kit, "NLST", "none\r\nsub\r\n");
    assert_listing(kit, "NLST sub", "sub/a\r\nsub/b\r\n");
    assert_listing(kit, "NLST -a sub/", "sub/a\r\nsub/b\r\n");
    assert_listing(kit, "NLST sub/b", "sub/b\r\n");
    assert_listing(kit, "NLST none", "");
    assert_listing(kit, "LIST none", "");
    rig_expect(&kit->client, 200, "OPTS MLST type;size;");
    assert_listing(kit, "MLSD sub",
                   "Type=cdir; .\r\nType=file;Size=1; a\r\nType=file;Size=2; b\r\n");
    rig_expect(&kit->client, 200, "TYPE A"); /* no matter (FTP-40) */
    assert_listing(kit, "MLSD none", "Type=cdir; .\r\n");
    rig_expect(&kit->client, 229, "EPSV");
    rig_expect(&kit->client, 501, "MLSD sub/a");
    rig_download(&kit->client, "LIST -la sub", &kit->content);
    assert_non_null(memmem(buf_view(&kit->content).ptr, buf_len(&kit->content), "-rw-", 4));
    buf_fini(&kit->content);
    rig_download(&kit->client, "NLST -l sub", &kit->content);
    assert_non_null(memmem(buf_view(&kit->content).ptr, buf_len(&kit->content), "-rw-", 4));
}

static void make_many(struct transfer_kit *kit, int count)
{
    char name[64];
    tempdir_mkdir(&kit->rig.dir, "many");
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "many/a name of some length %05d", i);
        tempdir_write(&kit->rig.dir, name, "");
    }
}

static void lst_85_a_large_listing_is_sorted_and_whole(void **state)
{
    enum { COUNT = 3000 };
    struct transfer_kit *kit = *state;
    make_many(kit, COUNT);
    rig_download(&kit->client, "NLST many", &kit->content);
    struct bytes rest = buf_view(&kit->content);
    for (int i = 0; i < COUNT; i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), "many/a name of some length %05d\r", i);
        assert_true(bytes_equal(bytes_cut(&rest, '\n'), bytes_str(expected)));
    }
    assert_int_equal(rest.len, 0);
}

/* A listing is cut while the next names are being read: the store's call is given up. */
static void cut_listing(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    make_many(kit, 2000);
    for (unsigned turns = 0; turns < 40; turns++) {
        struct rig_data data;
        rig_passive(client, &data);
        rig_expect(client, 150, "LIST many");
        data.end.lazy = true;
        rig_data_seal(&data, client);
        for (unsigned i = 0; i < turns; i++)
            loop_turn(kit->rig.net.loop, false);
        rig_data_cut(&data);
        int code = rig_reply(client);
        assert_true(code == 426 || code == 226); /* the last of it may be in the kernel */
        rig_data_close(&data);
        rig_expect(client, 250, "CWD many");
        rig_expect(client, 250, "CDUP");
    }
    rig_download(client, "NLST many", &kit->content);
}

/* ---- control input while data flows ---- */

static void tls_50_stat_and_noop_while_data_flows(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    struct rig_data data;
    transfer_kit_begin_slow_download(kit, &data);
    rig_expect(client, 200, "NOOP");
    rig_expect(client, 211, "STAT");
    rig_assert_text(client, "RETR runs");
    rig_say(client, "PWD"); /* waits (FTP-23) */
    net_kit_idle(&kit->rig.net);
    assert_int_equal(buf_len(&client->control.received), 0);
    data.end.lazy = false;
    net_end_read(&data.end);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(client, 226);
    rig_expect_reply(client, 257);
    assert_int_equal(buf_len(&data.end.received), 16 * TRANSFER_KIT_BIG_BYTES);
    rig_data_close(&data);
}

/* TLS-49: ABOR under TLS, without urgent data. */
static void ftp_67_abor_of_a_download(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    struct rig_data data;
    transfer_kit_begin_slow_download(kit, &data);
    rig_expect(client, 426, "ABOR");
    rig_expect_reply(client, 226);
    data.end.lazy = false;
    net_end_read(&data.end);
    assert_int_not_equal(rig_data_end(&data), STREAM_END_CLOSED); /* it must look cut */
    rig_data_close(&data);
    rig_expect(client, 226, "ABOR"); /* nothing to stop */
    rig_expect(client, 257, "PWD");
}

static void ftp_67_abor_of_an_upload(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    struct rig_data data;
    tempdir_write(&kit->rig.dir, "up", "old");
    transfer_kit_begin_upload(kit, &data, bytes_first(transfer_kit_big(), 100000));
    rig_expect(client, 426, "ABOR");
    rig_expect_reply(client, 226);
    rig_data_close(&data);
    transfer_kit_assert_file(kit, "up", BYTES_LIT("old"));
    rig_upload(client, "STOR up", BYTES_LIT("new"));
    transfer_kit_assert_file(kit, "up", BYTES_LIT("new"));
}

static void abor_before_the_data_connection(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    rig_expect(client, 229, "EPSV");
    rig_expect(client, 150, "STOR up");
    rig_expect(client, 426, "ABOR");
    rig_expect_reply(client, 226);
    rig_expect(client, 229, "EPSV");
    rig_expect(client, 150, "LIST");
    rig_expect(client, 426, "ABOR");
    rig_expect_reply(client, 226);
    rig_expect(client, 200, "NOOP");
}

static void ftp_37_quit_lets_the_transfer_end(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    struct rig_data data;
    transfer_kit_begin_upload(kit, &data, BYTES_LIT("be"));
    rig_say(client, "QUIT");
    rig_data_send(&data, BYTES_LIT("fore the end"));
    rig_data_finish(&data);
    rig_expect_reply(client, 226);
    rig_expect_reply(client, 221);
    rig_await_end(client);
    transfer_kit_assert_file(kit, "up", BYTES_LIT("before the end"));
    rig_data_close(&data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, transfer_kit_setup, transfer_kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(up_and_down),
        TEST(active_mode),
        TEST(ftp_66_stou_makes_a_name),
        TEST(ftp_42_type_a),
        TEST(ftp_90_to_93_restart),
        TEST(ftp_60_refusals_come_before_the_150),
        TEST(ftp_71_73_135_listings),
        TEST(lst_85_a_large_listing_is_sorted_and_whole),
        TEST(cut_listing),
        TEST(tls_50_stat_and_noop_while_data_flows),
        TEST(ftp_67_abor_of_a_download),
        TEST(ftp_67_abor_of_an_upload),
        TEST(abor_before_the_data_connection),
        TEST(ftp_37_quit_lets_the_transfer_end),
    };
    return cmocka_run_group_tests_name("server_transfer", tests, NULL, NULL);
}
