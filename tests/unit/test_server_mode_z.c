/* MODE Z over real data connections: up, down, listings, restart, text; cut and hostile uploads.
 * FTP-46, SEC-24, SEC-58. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ftp/mode_z.h"
#include "support/server_rig.h"

enum { CONTENT_BYTES = 700 * 1000, BOMB_BYTES = 100 * 1000 * 1000 };

struct fixture {
    struct server_rig rig;
    struct rig_client client;
};

static int open_with(void **state, bool offered)
{
    static struct fixture fixture;
    const struct server_rig_options options = {.rules = {.mode_z = offered}};
    server_rig_open(&fixture.rig, &options);
    rig_login(&fixture.client, &fixture.rig);
    *state = &fixture;
    return 0;
}

static int setup(void **state)
{
    return open_with(state, true);
}

static int setup_off(void **state)
{
    return open_with(state, false);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    rig_close(&fixture->client);
    server_rig_close(&fixture->rig);
    return 0;
}

/* All that `z` makes of `in`. */
static void run(struct mode_z *z, struct bytes in, struct buf *out)
{
    assert_non_null(z);
    bool last = false;
    for (size_t before = 0; !last || buf_len(out) > before;) {
        before = buf_len(out);
        last = in.len == 0;
        assert_int_equal(mode_z_run(z, &in, last, out), FERRY_OK);
    }
    mode_z_free(z);
}

static void compress_into(struct buf *out, struct bytes in)
{
    buf_init(out, 2 * CONTENT_BYTES);
    run(mode_z_compressor(6), in, out);
}

static void upload(struct rig_client *client, const char *command, struct bytes content)
{
    struct buf wire;
    compress_into(&wire, content);
    rig_upload(client, command, buf_view(&wire));
    buf_fini(&wire);
}

static void download(struct rig_client *client, const char *command, struct buf *out)
{
    struct buf wire;
    buf_init(&wire, 2 * CONTENT_BYTES);
    buf_init(out, 2 * CONTENT_BYTES);
    rig_download(client, command, &wire);
    run(mode_z_expander(), buf_view(&wire), out);
    buf_fini(&wire);
}

static void assert_download(struct rig_client *client, const char *command, struct bytes expected)
{
    struct buf got;
    download(client, command, &got);
    assert_true(bytes_equal(buf_view(&got), expected));
    buf_fini(&got);
}

/* Uploads what must fail with `code`. */
static void upload_refused(struct rig_client *client, int code, const char *command,
                           struct bytes wire)
{
    struct rig_data data;
    rig_passive(client, &data);
    rig_expect(client, 150, "%s", command);
    rig_data_seal(&data, client);
    rig_data_send(&data, wire);
    rig_data_finish(&data);
    rig_expect_reply(client, code);
    rig_data_close(&data);
}

static char *make_content(void)
{
    char *content = alloc_zero(CONTENT_BYTES);
    assert_non_null(content);
    uint32_t noise = 7;
    for (size_t i = 0; i < CONTENT_BYTES; i++) {
        noise = noise * 1664525 + 1013904223;
        content[i] = i % 3 ? 'a' : (char)(noise >> 24);
    }
    return content;
}

static void ftp_46_round_trip_and_restart(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    char *content = make_content();
    struct bytes all = bytes_of(content, CONTENT_BYTES);
    rig_expect(client, 200, "MODE Z");
    for (int level = 0; level <= MODE_Z_LEVEL_MAX; level += 3) {
        rig_expect(client, 200, "OPTS MODE Z LEVEL %d", level);
        upload(client, "STOR file", all);
        rig_expect(client, 213, "SIZE file");
        rig_assert_text(client, "700000");
        assert_download(client, "RETR file", all);
    }
    upload(client, "STOR empty", BYTES_LIT(""));
    assert_download(client, "RETR empty", BYTES_LIT(""));

    /* REST counts bytes of the file. */
    rig_expect(client, 350, "REST 699990");
    assert_download(client, "RETR file", bytes_skip(all, 699990));
    rig_expect(client, 350, "REST 300000");
    upload(client, "STOR file", bytes_skip(all, 300000));
    rig_expect(client, 200, "MODE S");
    struct buf plain;
    buf_init(&plain, 2 * CONTENT_BYTES);
    rig_download(client, "RETR file", &plain);
    assert_true(bytes_equal(buf_view(&plain), all));
    buf_fini(&plain);
    alloc_free(content);
}

static void ftp_46_text_is_converted_before_it_is_compressed(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    rig_expect(client, 200, "MODE Z");
    rig_expect(client, 200, "TYPE A");
    upload(client, "STOR text", BYTES_LIT("one\r\ntwo\r\nthree\r"));
    assert_download(client, "RETR text", BYTES_LIT("one\r\ntwo\r\nthree\r"));
    rig_expect(client, 200, "TYPE I");
    assert_download(client, "RETR text", BYTES_LIT("one\ntwo\nthree\r"));

    char *lines = alloc_zero(CONTENT_BYTES);
    assert_non_null(lines);
    for (size_t i = 0; i < CONTENT_BYTES; i++)
        lines[i] = i % 2 ? '\n' : '\r';
    rig_expect(client, 200, "TYPE A");
    upload(client, "STOR lines", bytes_of(lines, CONTENT_BYTES));
    rig_expect(client, 200, "TYPE I");
    rig_expect(client, 213, "SIZE lines");
    rig_assert_text(client, "350000");
    rig_expect(client, 200, "TYPE A");
    assert_download(client, "RETR lines", bytes_of(lines, CONTENT_BYTES));
    alloc_free(lines);
}

static void ftp_46_listings_are_compressed(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    tempdir_write(&fixture->rig.dir, "name", "content");
    rig_expect(client, 200, "MODE Z");
    assert_download(client, "NLST", BYTES_LIT("name\r\n"));
    struct buf got;
    download(client, "MLSD", &got);
    assert_non_null(memmem(buf_view(&got).ptr, buf_len(&got), "Size=7;", 7));
    buf_fini(&got);
    rig_expect(client, 211, "STAT"); /* the control connection is as ever */
    rig_assert_text(client, "MODE Z");
}

static void ftp_46_a_truncated_or_damaged_upload_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct buf wire;
    compress_into(&wire, BYTES_LIT("all of this or nothing"));
    struct bytes whole = buf_view(&wire);
    rig_expect(client, 200, "MODE Z");
    upload_refused(client, 426, "STOR cut", bytes_first(whole, whole.len - 1));
    rig_assert_text(client, "compressed data ended");
    upload_refused(client, 426, "STOR cut", BYTES_LIT(""));
    upload_refused(client, 451, "STOR damaged", BYTES_LIT("this is no zlib stream"));
    rig_expect(client, 550, "SIZE damaged");
    assert_true(server_rig_logged(&fixture->rig, "transfer.failed", "compressed", NULL));
    upload(client, "STOR cut", BYTES_LIT("the session goes on"));
    assert_download(client, "RETR cut", BYTES_LIT("the session goes on"));
    buf_fini(&wire);
}

static void sec_24_a_bomb_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char *zeros = alloc_zero(BOMB_BYTES);
    assert_non_null(zeros);
    struct buf bomb;
    buf_init(&bomb, 1000 * 1000);
    run(mode_z_compressor(9), bytes_of(zeros, BOMB_BYTES), &bomb);
    alloc_free(zeros);
    rig_expect(&fixture->client, 200, "MODE Z");
    upload_refused(&fixture->client, 552, "STOR bomb", buf_view(&bomb));
    rig_expect(&fixture->client, 550, "SIZE bomb");
    buf_fini(&bomb);
}

static void sec_58_it_is_off_unless_it_is_switched_on(void **state)
{
    struct fixture *fixture = *state;
    rig_expect(&fixture->client, 504, "MODE Z");
    rig_expect(&fixture->client, 501, "OPTS MODE Z LEVEL 6");
    rig_expect(&fixture->client, 211, "FEAT");
    assert_null(strstr(fixture->client.text, "MODE Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ftp_46_round_trip_and_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_46_text_is_converted_before_it_is_compressed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ftp_46_listings_are_compressed, setup, teardown),
        cmocka_unit_test_setup_teardown(ftp_46_a_truncated_or_damaged_upload_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sec_24_a_bomb_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_58_it_is_off_unless_it_is_switched_on, setup_off,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
