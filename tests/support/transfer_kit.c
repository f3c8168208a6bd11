/* A server with one client that is logged in, for tests of transfers. */
#include "support/transfer_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char big[TRANSFER_KIT_BIG_BYTES];

void transfer_kit_open(struct transfer_kit *kit, const struct server_rig_options *options)
{
    server_rig_open(&kit->rig, options);
    rig_login(&kit->client, &kit->rig);
    buf_init(&kit->content, 64 * 1024 * 1024);
}

void transfer_kit_close(struct transfer_kit *kit)
{
    buf_fini(&kit->content);
    rig_close(&kit->client);
    server_rig_close(&kit->rig);
}

int transfer_kit_setup(void **state)
{
    static struct transfer_kit kit;
    net_noise(big, TRANSFER_KIT_BIG_BYTES, 1);
    transfer_kit_open(&kit, NULL);
    *state = &kit;
    return 0;
}

int transfer_kit_teardown(void **state)
{
    transfer_kit_close(*state);
    return 0;
}

struct bytes transfer_kit_big(void)
{
    return bytes_of(big, TRANSFER_KIT_BIG_BYTES);
}

void transfer_kit_assert_file(const struct transfer_kit *kit, const char *name,
                              struct bytes content)
{
    char path[PATH_MAX];
    FILE *file = fopen(tempdir_path(&kit->rig.dir, name, path), "re");
    assert_non_null(file);
    char *got = malloc(content.len + 1);
    assert_non_null(got);
    assert_int_equal(fread(got, 1, content.len + 1, file), content.len);
    if (content.len > 0)
        assert_memory_equal(got, content.ptr, content.len);
    free(got);
    fclose(file);
}

void transfer_kit_assert_download(struct transfer_kit *kit, const char *command,
                                  struct bytes content)
{
    buf_fini(&kit->content);
    rig_download(&kit->client, command, &kit->content);
    assert_int_equal(buf_len(&kit->content), content.len);
    if (content.len > 0)
        assert_memory_equal(buf_view(&kit->content).ptr, content.ptr, content.len);
}

void transfer_kit_begin_slow_download(struct transfer_kit *kit, struct rig_data *data)
{
    struct rig_client *client = &kit->client;
    char path[PATH_MAX];
    FILE *file = fopen(tempdir_path(&kit->rig.dir, "huge", path), "we");
    assert_non_null(file);
    for (int i = 0; i < 16; i++)
        assert_int_equal(fwrite(big, 1, TRANSFER_KIT_BIG_BYTES, file), TRANSFER_KIT_BIG_BYTES);
    fclose(file);
    rig_passive(client, data);
    rig_expect(client, 150, "RETR huge");
    data->end.lazy = true;
    rig_data_seal(data, client);
    net_kit_idle(&kit->rig.net);
}

void transfer_kit_begin_upload(struct transfer_kit *kit, struct rig_data *data,
                               struct bytes content)
{
    rig_passive(&kit->client, data);
    rig_expect(&kit->client, 150, "STOR up");
    rig_data_seal(data, &kit->client);
    rig_data_send(data, content);
    net_kit_idle(&kit->rig.net);
}
