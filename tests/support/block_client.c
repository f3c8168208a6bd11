/* A raw client in MODE B. */
#include "support/block_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "ftp/mode_b.h"

enum { CONTENT_MAX_BYTES = 128 * 1024 * 1024 };

void block_open(struct block_client *it, const struct server_rig_options *options)
{
    struct server_rig_options all = options ? *options : (struct server_rig_options){0};
    all.rules.mode_b = true;
    all.rules.plaintext_allowed = true;
    *it = (struct block_client){0};
    buf_init(&it->content, CONTENT_MAX_BYTES);
    buf_init(&it->marks, 64 * 1024);
    server_rig_open(&it->rig, &all);
    rig_login(&it->client, &it->rig);
    rig_expect(&it->client, 200, "MODE B");
}

static void drop_data(struct block_client *it)
{
    if (it->has_data)
        rig_data_close(&it->data);
    it->has_data = false;
}

void block_close(struct block_client *it)
{
    drop_data(it);
    buf_fini(&it->content);
    buf_fini(&it->marks);
    rig_close(&it->client);
    server_rig_close(&it->rig);
}

void block_connect(struct block_client *it, bool clear)
{
    drop_data(it);
    rig_passive(&it->client, &it->data);
    it->has_data = true;
    if (!clear)
        rig_data_seal(&it->data, &it->client);
}

void block_send(struct block_client *it, struct bytes content)
{
    struct mode_b_writer writer;
    mode_b_writer_init(&writer, 0, 0);
    bool last = false;
    while (!last) {
        CLEANUP(buf_fini) struct buf wire;
        buf_init(&wire, 128 * 1024);
        last = content.len == 0;
        assert_int_equal(mode_b_write(&writer, &content, last, &wire), FERRY_OK);
        rig_data_send(&it->data, buf_view(&wire));
    }
}

/* Takes what has come of the file. true: that was its end. */
static bool take_blocks(struct block_client *it, struct mode_b_reader *reader)
{
    struct bytes all = buf_view(&it->data.end.received), in = all, piece;
    enum mode_b_result result;
    do {
        result = mode_b_read(reader, &in, &piece);
        assert_int_not_equal(result, MODE_B_BROKEN);
        if (result == MODE_B_DATA)
            assert_int_equal(buf_append(&it->content, piece), FERRY_OK);
        if (result == MODE_B_MARK)
            assert_int_equal(buf_printf(&it->marks, "%.*s ", BYTES_FMT(piece)), FERRY_OK);
    } while (result == MODE_B_DATA || result == MODE_B_MARK);
    buf_consume(&it->data.end.received, all.len - in.len);
    return result == MODE_B_END;
}

void block_receive(struct block_client *it)
{
    struct mode_b_reader reader;
    mode_b_reader_init(&reader);
    buf_fini(&it->content);
    buf_fini(&it->marks);
    NET_UNTIL(&it->rig.net, take_blocks(it, &reader));
}

void block_upload(struct block_client *it, int first, int last, const char *command,
                  struct bytes content)
{
    rig_expect(&it->client, first, "%s", command);
    block_send(it, content);
    rig_expect_reply(&it->client, last);
}

void block_download(struct block_client *it, int first, int last, const char *command)
{
    rig_expect(&it->client, first, "%s", command);
    block_receive(it);
    rig_expect_reply(&it->client, last);
}

void block_expect_end(struct block_client *it)
{
    assert_int_equal(rig_data_end(&it->data), STREAM_END_CLOSED);
}

void block_assert_content(const struct block_client *it, struct bytes content)
{
    assert_true(bytes_equal(buf_view(&it->content), content));
}
