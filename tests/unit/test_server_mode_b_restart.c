/* MODE B over real data connections: restart and its markers; files that are cut, and blocks that
 * are none. FTP-44, FTP-97, TLS-185. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "support/block_client.h"

enum { MIB = 1024 * 1024, BIG_BYTES = 33 * MIB + 7 };

static int setup(void **state)
{
    static struct block_client it;
    block_open(&it, NULL);
    *state = &it;
    return 0;
}

static int teardown(void **state)
{
    block_close(*state);
    return 0;
}

/* ---- restart ---- */

static void ftp_90_restart_by_our_own_marker(void **state)
{
    struct block_client *it = *state;
    struct rig_client *client = &it->client;
    tempdir_write(&it->rig.dir, "file", "0123456789");
    block_connect(it, false);
    rig_expect(client, 350, "REST 4");
    block_download(it, 150, 250, "RETR file");
    block_assert_content(it, BYTES_LIT("456789"));
    block_download(it, 125, 250, "RETR file");
    block_assert_content(it, BYTES_LIT("0123456789"));
    rig_expect(client, 350, "REST 7");
    block_upload(it, 125, 250, "STOR file", BYTES_LIT("abc"));
    tempdir_assert_text(&it->rig.dir, "file", "0123456abc");
    rig_expect(client, 501, "REST mark-of-another");
    rig_expect(client, 350, "REST 11");
    rig_expect(client, 554, "RETR file");
    rig_expect(client, 350, "RANG 2 4");
    block_download(it, 125, 250, "RETR file");
    block_assert_content(it, BYTES_LIT("234"));
}

static void ftp_97_a_download_tells_its_markers(void **state)
{
    struct block_client *it = *state;
    char *big = alloc_zero(BIG_BYTES);
    assert_non_null(big);
    net_noise(big, BIG_BYTES, 1);
    struct bytes all = bytes_of(big, BIG_BYTES);
    block_connect(it, false);
    block_upload(it, 150, 250, "STOR big", all);
    block_download(it, 125, 250, "RETR big");
    block_assert_content(it, all);
    assert_true(bytes_equal(buf_view(&it->marks), BYTES_LIT("16777216 33554432 ")));
    rig_expect(&it->client, 350, "REST 33554432");
    block_download(it, 125, 250, "RETR big");
    block_assert_content(it, bytes_skip(all, 33554432));
    assert_int_equal(buf_len(&it->marks), 0);
    alloc_free(big);
}

/* Each is answered when a byte behind it is in the file: a part that is kept loses its last one
 * (FTP-96), and what the 110 promises must still be there. */
static void ftp_97_an_uploads_markers_are_answered(void **state)
{
    struct block_client *it = *state;
    struct rig_client *client = &it->client;
    block_connect(it, false);
    rig_expect(client, 150, "STOR file");
    rig_data_send(&it->data, BYTES_LIT("\x10\0\5begin\0\0\6abcdef\x10\0\3six"));
    rig_expect_reply(client, 110);
    rig_assert_text(client, "MARK begin = 0");
    rig_data_send(&it->data, BYTES_LIT("\0\0\1g"));
    rig_expect_reply(client, 110);
    rig_assert_text(client, "MARK six = 6");
    rig_data_send(&it->data, BYTES_LIT("\x10\0\2m7\0\0\1h\x50\0\3end"));
    rig_expect_reply(client, 110);
    rig_assert_text(client, "MARK m7 = 7");
    rig_expect_reply(client, 250);
    tempdir_assert_text(&it->rig.dir, "file", "abcdefgh");

    rig_expect(client, 125, "APPE file");
    rig_data_send(&it->data, BYTES_LIT("\0\0\1i\x10\0\1x\0\0\1j\x40\0\0"));
    rig_expect_reply(client, 110);
    rig_assert_text(client, "MARK x = 9"); /* in the file, not in the transfer */
    rig_expect_reply(client, 250);
    rig_expect(client, 200, "TYPE A"); /* no REST there, so no markers */
    rig_expect(client, 125, "STOR text");
    rig_data_send(&it->data, BYTES_LIT("\0\0\3a\r\n\x10\0\1x\0\0\1b\x40\0\0"));
    rig_expect_reply(client, 250);
}

/* A cut upload goes on where its last marker was. */
static void ftp_97_a_cut_upload_goes_on_from_its_marker(void **state)
{
    struct block_client *it = *state;
    struct rig_client *client = &it->client;
    block_connect(it, false);
    rig_expect(client, 150, "STOR file");
    rig_data_send(&it->data, BYTES_LIT("\0\0\4abcd\x10\0\4four\0\0\5x"));
    rig_expect_reply(client, 110);
    rig_assert_text(client, "MARK four = 4");
    rig_data_cut(&it->data);
    rig_expect_reply(client, 426);
    assert_false(tempdir_has(&it->rig.dir, "file"));
    rig_expect(client, 350, "REST 4");
    block_connect(it, false);
    block_upload(it, 150, 250, "STOR file", BYTES_LIT("efg"));
    tempdir_assert_text(&it->rig.dir, "file", "abcdefg");
}

/* Where nothing is kept of a cut upload there is nothing to go on from. */
static void ftp_97_without_parts_no_marker_is_answered(void **state)
{
    (void)state;
    struct block_client it;
    block_open(&it, &(struct server_rig_options){.drop_cut_uploads = true});
    block_connect(&it, false);
    rig_expect(&it.client, 150, "STOR file");
    rig_data_send(&it.data, BYTES_LIT("\0\0\4abcd\x10\0\4four\0\0\1x\x40\0\0"));
    rig_expect_reply(&it.client, 250);
    block_close(&it);
}

/* A client that floods with markers and reads no replies costs a few replies, and is served. */
static void ftp_97_a_flood_of_markers_is_bounded(void **state)
{
    struct block_client *it = *state;
    struct rig_client *client = &it->client;
    enum { MARKS = 20000 };
    struct buf wire;
    buf_init(&wire, MIB);
    for (int i = 0; i < MARKS; i++)
        assert_int_equal(buf_append(&wire, BYTES_LIT("\x10\0\1m\0\0\1a")), FERRY_OK);
    assert_int_equal(buf_append(&wire, BYTES_LIT("\x40\0\0")), FERRY_OK);
    block_connect(it, false);
    rig_expect(client, 150, "STOR file");
    rig_data_send(&it->data, buf_view(&wire));
    int code, marks = 0;
    while ((code = rig_reply(client)) == 110)
        marks++;
    assert_int_equal(code, 250);
    assert_in_range(marks, 1, MARKS);
    rig_expect(client, 213, "SIZE file");
    rig_assert_text(client, "20000");
    buf_fini(&wire);
}

/* ---- cut ---- */

enum cut { CUT_FINISH, CUT_RESET };

/* An upload that is no whole file: what is sent, how the connection ends, the reply. */
static const struct {
    const char *name;
    struct bytes wire;
    enum cut cut;
    int code;
    const char *words;
} uploads[] = {
    {"nothing, in order", BYTES_LIT(""), CUT_FINISH, 426, "ended before the block"},
    {"nothing, by RST", BYTES_LIT(""), CUT_RESET, 426, "not complete"},
    {"no last block", BYTES_LIT("\0\0\3abc"), CUT_FINISH, 426, "ended before the block"},
    {"in a block", BYTES_LIT("\0\0\3a"), CUT_FINISH, 426, "ended before the block"},
    {"in a header", BYTES_LIT("\0\0\3abc\x40\0"), CUT_FINISH, 426, "ended before the block"},
    {"no last block, by RST", BYTES_LIT("\0\0\3abc"), CUT_RESET, 426, "not complete"},
    {"the last block, by RST", BYTES_LIT("\0\0\3abc\x40\0\0"), CUT_RESET, 426, "not complete"},
    {"a record", BYTES_LIT("\0\0\3abc\x80\0\0"), CUT_FINISH, 451, "record"},
    {"suspect data", BYTES_LIT("\x20\0\3abc\x40\0\0"), CUT_FINISH, 451, "doubts"},
    {"an unknown bit", BYTES_LIT("\x02\0\3abc\x40\0\0"), CUT_FINISH, 451, "unknown"},
    {"no blocks at all", BYTES_LIT("this is MODE S"), CUT_FINISH, 451, "unknown"},
    {"three bytes of no block", BYTES_LIT("abc"), CUT_FINISH, 451, "unknown"},
    {"a marker with a line end", BYTES_LIT("\x10\0\3a\r\n\x40\0\0"), CUT_FINISH, 451, "print"},
    {"a marker of 64 KiB", BYTES_LIT("\x10\xff\xff"), CUT_FINISH, 451, "too long"},
};

static void assert_refused(struct block_client *it, size_t row)
{
    rig_expect_reply(&it->client, uploads[row].code);
    if (!strstr(it->client.text, uploads[row].words))
        fail_msg("%s: %s", uploads[row].name, it->client.text);
    rig_data_end(&it->data);
    assert_false(tempdir_has(&it->rig.dir, "file"));
    rig_expect(&it->client, 425, "STOR file");
}

static void tls_185_an_upload_without_its_end_is_no_file(void **state)
{
    struct block_client *it = *state;
    for (size_t i = 0; i < ARRAY_LEN(uploads); i++) {
        block_connect(it, false);
        rig_data_send(&it->data, uploads[i].wire);
        NET_UNTIL(&it->rig.net, uploads[i].wire.len == 0 || it->data.end.flushes > 0);
        if (uploads[i].cut == CUT_RESET)
            rig_data_cut(&it->data);
        else
            rig_data_finish(&it->data);
        rig_expect(&it->client, 150, "STOR file");
        assert_refused(it, i);
    }
}

/* The same on a connection that is open already, and stays open by the client: what is no block is
 * refused at once, not when more comes. */
static void blocks_that_are_none_on_an_open_connection(void **state)
{
    struct block_client *it = *state;
    for (size_t i = 0; i < ARRAY_LEN(uploads); i++) {
        if (uploads[i].code != 451)
            continue;
        block_connect(it, false);
        block_upload(it, 150, 250, "STOR other", BYTES_LIT("first"));
        rig_data_send(&it->data, uploads[i].wire);
        net_kit_idle(&it->rig.net);
        rig_expect(&it->client, 125, "STOR file");
        assert_refused(it, i);
    }
}

/* A download that fails must not look whole: no last block, no close_notify. */
static void tls_175_a_download_that_is_stopped_has_no_end(void **state)
{
    struct block_client *it = *state;
    char *big = alloc_zero(BIG_BYTES);
    assert_non_null(big);
    block_connect(it, false);
    block_upload(it, 150, 250, "STOR big", bytes_of(big, BIG_BYTES));
    alloc_free(big);
    it->data.end.lazy = true;
    rig_expect(&it->client, 125, "RETR big");
    rig_expect(&it->client, 426, "ABOR");
    rig_expect_reply(&it->client, 226);
    it->data.end.lazy = false;
    net_end_read(&it->data.end);
    assert_int_not_equal(rig_data_end(&it->data), STREAM_END_CLOSED);
    assert_true(buf_len(&it->data.end.received) < BIG_BYTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ftp_90_restart_by_our_own_marker),
        TEST(ftp_97_a_download_tells_its_markers),
        TEST(ftp_97_an_uploads_markers_are_answered),
        TEST(ftp_97_a_cut_upload_goes_on_from_its_marker),
        cmocka_unit_test(ftp_97_without_parts_no_marker_is_answered),
        TEST(ftp_97_a_flood_of_markers_is_bounded),
        TEST(tls_185_an_upload_without_its_end_is_no_file),
        TEST(blocks_that_are_none_on_an_open_connection),
        TEST(tls_175_a_download_that_is_stopped_has_no_end),
    };
    return cmocka_run_group_tests_name("server_mode_b_restart", tests, NULL, NULL);
}
