/* MODE B over real data connections: many files over one of them, in clear and under TLS; text,
 * restart, and what ends the connection. FTP-44, RFC 959 section 3.4.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/block_client.h"

enum { MANY_FILES = 200 };

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

static size_t count_in_log(const struct block_client *it, const char *word)
{
    size_t count = 0;
    struct bytes rest = buf_view(&it->rig.lines);
    while (rest.len > 0) {
        struct bytes line = bytes_cut(&rest, '\n');
        count += memmem(line.ptr, line.len, word, strlen(word)) != NULL;
    }
    return count;
}

/* ---- many files, one connection ---- */

static void file_content(int i, char *out, size_t size)
{
    snprintf(out, size, "file %d%*s", i, i * 7 % 90, ".");
}

static void many_files(const struct server_rig_options *options, bool clear)
{
    struct block_client it;
    char command[64], content[256];
    block_open(&it, options);
    if (clear)
        rig_expect(&it.client, 200, "PROT C");
    block_connect(&it, clear);
    for (int i = 0; i < MANY_FILES; i++) {
        file_content(i, content, sizeof(content));
        snprintf(command, sizeof(command), "STOR file-%d", i);
        block_upload(&it, i == 0 ? 150 : 125, 250, command, bytes_str(content));
    }
    for (int i = 0; i < MANY_FILES; i++) {
        file_content(i, content, sizeof(content));
        snprintf(command, sizeof(command), "RETR file-%d", i);
        block_download(&it, 125, 250, command);
        block_assert_content(&it, bytes_str(content));
    }
    block_download(&it, 125, 250, "NLST");
    size_t names = 0;
    for (struct bytes rest = buf_view(&it.content); rest.len > 0; names++)
        bytes_cut(&rest, '\n');
    assert_int_equal(names, MANY_FILES);
    assert_int_equal(count_in_log(&it, "transfer.end"), 2 * MANY_FILES + 1);
    assert_int_equal(stream_end(it.data.end.stream), STREAM_OPEN);
    rig_expect(&it.client, 221, "QUIT");
    block_expect_end(&it); /* and then it ends in order */
    block_close(&it);
}

static void ftp_44_many_files_over_one_connection(void **state)
{
    (void)state;
    static const struct {
        enum tls_version version;
        bool clear;
        enum data_resume policy;
    } rows[] = {
        {TLS_VERSION_1_2, false, DATA_RESUME_REQUIRE},
        {TLS_VERSION_1_3, false, DATA_RESUME_REQUIRE},
        {TLS_VERSION_1_3, false, DATA_RESUME_OFF},
        {TLS_VERSION_1_3, true, DATA_RESUME_REQUIRE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct server_rig_options options = {.version = rows[i].version,
                                                   .rules = {.data_resume = rows[i].policy}};
        many_files(&options, rows[i].clear);
    }
}

static void ftp_44_active_mode_and_all_verbs(void **state)
{
    struct block_client *it = *state;
    struct rig_client *client = &it->client;
    rig_active(client, &it->data);
    it->has_data = true;
    rig_expect(client, 150, "STOU");
    rig_active_accept(&it->data);
    rig_data_seal(&it->data, client);
    block_send(it, BYTES_LIT("unique"));
    rig_expect_reply(client, 250);
    block_upload(it, 125, 250, "STOR file", BYTES_LIT("one"));
    block_upload(it, 125, 250, "APPE file", BYTES_LIT(" two"));
    block_download(it, 125, 250, "RETR file");
    block_assert_content(it, BYTES_LIT("one two"));
    block_upload(it, 125, 250, "STOR empty", BYTES_LIT(""));
    block_download(it, 125, 250, "RETR empty");
    block_assert_content(it, BYTES_LIT(""));
    block_download(it, 125, 250, "LIST");
    assert_non_null(memmem(buf_view(&it->content).ptr, buf_len(&it->content), "empty\r\n", 7));
    block_download(it, 125, 250, "MLSD");
    assert_non_null(memmem(buf_view(&it->content).ptr, buf_len(&it->content), "Size=7;", 7));
    rig_expect(client, 211, "STAT");
    rig_assert_text(client, "MODE B");
}

static void ftp_42_text_is_converted_before_it_is_cut_into_blocks(void **state)
{
    struct block_client *it = *state;
    block_connect(it, false);
    rig_expect(&it->client, 200, "TYPE A");
    block_upload(it, 150, 250, "STOR text", BYTES_LIT("one\r\ntwo\r\n\r"));
    tempdir_assert_text(&it->rig.dir, "text", "one\ntwo\n\r");
    block_download(it, 125, 250, "RETR text");
    block_assert_content(it, BYTES_LIT("one\r\ntwo\r\n\r"));
    rig_expect(&it->client, 504, "REST 3");
}

/* A client may send files and commands without waiting for replies: nothing of the next file is
 * taken for this one's. */
static void files_sent_ahead_stay_apart(void **state)
{
    struct block_client *it = *state;
    struct rig_client *client = &it->client;
    tempdir_write(&it->rig.dir, "down", "from the server");
    block_connect(it, false);
    block_send(it, BYTES_LIT("first"));
    block_send(it, BYTES_LIT("second"));
    block_send(it, BYTES_LIT(""));
    block_send(it, BYTES_LIT("fourth"));
    net_kit_idle(&it->rig.net);
    rig_send(client, BYTES_LIT("STOR 1\r\nSTOR 2\r\nRETR down\r\nSTOR 3\r\nSTOR 4\r\n"));
    static const int replies[] = {150, 250, 125, 250, 125, 250, 125, 250, 125, 250};
    for (size_t i = 0; i < ARRAY_LEN(replies); i++)
        rig_expect_reply(client, replies[i]);
    block_receive(it);
    block_assert_content(it, BYTES_LIT("from the server"));
    tempdir_assert_text(&it->rig.dir, "1", "first");
    tempdir_assert_text(&it->rig.dir, "2", "second");
    tempdir_assert_text(&it->rig.dir, "3", "");
    tempdir_assert_text(&it->rig.dir, "4", "fourth");
}

static void a_refused_command_leaves_it_open(void **state)
{
    struct block_client *it = *state;
    tempdir_write(&it->rig.dir, "file", "content");
    block_connect(it, false);
    block_download(it, 150, 250, "RETR file");
    rig_expect(&it->client, 550, "RETR nowhere");
    rig_expect(&it->client, 550, "STOR no/such/dir");
    block_download(it, 125, 250, "RETR file");
    block_assert_content(it, BYTES_LIT("content"));
}

/* ---- what ends the connection ---- */

static const struct {
    const char *command;
    int code;
} enders[] = {
    {"MODE S", 200},
    {"PROT C", 200},
    {"EPSV", 229},
    {"PASV", 227},
    {"EPRT |1|127.0.0.1|40000|", 200},
    {"ABOR", 226},
    {"REIN", 220},
    {"QUIT", 221},
};

static void ftp_44_commands_that_end_it_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(enders); i++) {
        struct block_client it;
        block_open(&it, NULL);
        tempdir_write(&it.rig.dir, "file", "content");
        block_connect(&it, false);
        block_download(&it, 150, 250, "RETR file");
        rig_expect(&it.client, enders[i].code, "%s", enders[i].command);
        block_expect_end(&it);
        block_close(&it);
    }
}

static void after_mode_s_a_new_port_is_needed(void **state)
{
    struct block_client *it = *state;
    tempdir_write(&it->rig.dir, "file", "content");
    block_connect(it, false);
    block_download(it, 150, 250, "RETR file");
    rig_expect(&it->client, 200, "MODE S");
    rig_expect(&it->client, 200, "MODE B");
    block_expect_end(it);
    rig_expect(&it->client, 425, "RETR file");
    rig_expect(&it->client, 200, "MODE S");
    struct buf got;
    buf_init(&got, 100);
    rig_download(&it->client, "RETR file", &got);
    assert_true(bytes_equal(buf_view(&got), BYTES_LIT("content")));
    buf_fini(&got);
}

static void the_client_may_end_it_between_two_transfers(void **state)
{
    struct block_client *it = *state;
    tempdir_write(&it->rig.dir, "file", "content");
    for (int cut = 0; cut < 2; cut++) {
        block_connect(it, false);
        block_download(it, 150, 250, "RETR file");
        if (cut)
            rig_data_cut(&it->data);
        else
            rig_data_finish(&it->data);
        net_kit_idle(&it->rig.net);
        rig_expect(&it->client, 425, "RETR file");
    }
    /* With the file, in order: nothing is left open. */
    block_connect(it, false);
    block_send(it, BYTES_LIT("last"));
    rig_data_finish(&it->data);
    rig_expect(&it->client, 150, "STOR last");
    rig_expect_reply(&it->client, 226);
    tempdir_assert_text(&it->rig.dir, "last", "last");
    rig_expect(&it->client, 425, "RETR file");
}

static void sec_51_it_does_not_idle_for_ever(void **state)
{
    (void)state;
    struct block_client it;
    block_open(&it,
               &(struct server_rig_options){.rules = {.stall_timeout_ns = CLOCK_NS_PER_S / 4}});
    tempdir_write(&it.rig.dir, "file", "content");
    block_connect(&it, false);
    block_download(&it, 150, 250, "RETR file");
    block_expect_end(&it);
    rig_expect(&it.client, 425, "RETR file");
    block_close(&it);
}

static void ftp_67_abor_ends_it(void **state)
{
    struct block_client *it = *state;
    block_connect(it, false);
    rig_expect(&it->client, 150, "STOR file");
    rig_data_send(&it->data, BYTES_LIT("\0\0\3abc"));
    rig_say(&it->client, "ABOR");
    rig_expect_reply(&it->client, 426);
    rig_expect_reply(&it->client, 226);
    rig_data_end(&it->data);
    assert_false(tempdir_has(&it->rig.dir, "file"));
    rig_expect(&it->client, 425, "STOR file");
    rig_expect(&it->client, 226, "ABOR");
}

/* ---- off ---- */

static void ftp_44_it_is_off_unless_it_is_switched_on(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig, NULL);
    rig_login(&client, &rig);
    rig_expect(&client, 504, "MODE B");
    rig_expect(&client, 214, "HELP MODE");
    rig_assert_text(&client, "MODE S");
    assert_null(strstr(client.text, "B"));
    rig_close(&client);
    server_rig_close(&rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_44_many_files_over_one_connection),
        TEST(ftp_44_active_mode_and_all_verbs),
        TEST(ftp_42_text_is_converted_before_it_is_cut_into_blocks),
        TEST(files_sent_ahead_stay_apart),
        TEST(a_refused_command_leaves_it_open),
        cmocka_unit_test(ftp_44_commands_that_end_it_in_order),
        TEST(after_mode_s_a_new_port_is_needed),
        TEST(the_client_may_end_it_between_two_transfers),
        cmocka_unit_test(sec_51_it_does_not_idle_for_ever),
        TEST(ftp_67_abor_ends_it),
        cmocka_unit_test(ftp_44_it_is_off_unless_it_is_switched_on),
    };
    return cmocka_run_group_tests_name("server_mode_b", tests, NULL, NULL);
}
