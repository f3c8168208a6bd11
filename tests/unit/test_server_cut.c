/* Transfers cut, out of space, very many, or standing still: what the files and the replies are
 * afterwards. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/transfer_kit.h"

/* ---- cut ---- */

static void sec_12_tls_175_a_cut_upload_never_looks_whole(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    static const size_t lengths[] = {0, 1, 5000, 300000};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct rig_data data;
        transfer_kit_begin_upload(kit, &data, bytes_first(transfer_kit_big(), lengths[i]));
        rig_data_cut(&data);
        rig_expect_reply(client, 426);
        rig_data_close(&data);
        assert_false(tempdir_has(&kit->rig.dir, "up"));
        transfer_kit_assert_download(kit, "NLST", BYTES_LIT(""));
        rig_expect(client, 550, "MDTM up");
    }
    assert_true(server_rig_logged(&kit->rig, "transfer.failed", "verb=STOR", "reply=426",
                                  "close_notify", NULL));
}

/* What was kept of a cut upload is found by SIZE and gone on with by REST, by its owner alone. */
static void ftp_96_a_cut_upload_is_resumed(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_client *client = &kit->client;
    struct rig_client other;
    struct rig_data data;
    transfer_kit_begin_upload(kit, &data, bytes_first(transfer_kit_big(), 1000000));
    rig_data_cut(&data);
    rig_expect_reply(client, 426);
    rig_data_close(&data);
    rig_login_as(&other, &kit->rig, RIG_OTHER_USER);
    rig_expect(&other, 550, "SIZE up");
    rig_close(&other);

    rig_expect(client, 213, "SIZE up");
    size_t size = strtoul(client->text, NULL, 10);
    assert_in_range(size, 1, 1000000);
    rig_expect(client, 350, "REST %zu", size);
    rig_upload(client, "STOR up", bytes_skip(transfer_kit_big(), size));
    transfer_kit_assert_file(kit, "up", transfer_kit_big());
}

static void cut_uploads_are_removed_where_they_are_not_kept(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_data data;
    transfer_kit_begin_upload(kit, &data, bytes_first(transfer_kit_big(), 100000));
    rig_data_cut(&data);
    rig_expect_reply(&kit->client, 426);
    rig_data_close(&data);
    rig_expect(&kit->client, 213, "SIZE up"); /* kept, so far */
    transfer_kit_close(kit);

    transfer_kit_open(kit, &(struct server_rig_options){.drop_cut_uploads = true});
    transfer_kit_begin_upload(kit, &data, bytes_first(transfer_kit_big(), 100000));
    rig_data_cut(&data);
    rig_expect_reply(&kit->client, 426);
    rig_data_close(&data);
    rig_expect(&kit->client, 550, "SIZE up");
    assert_int_equal(tempdir_count(&kit->rig.dir, "."), 0);
}

/* REP-20: the control connection goes away right behind the last byte of the upload. */
static void an_upload_outlives_its_control_connection(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_data data;
    struct rig_client lost;
    rig_login(&lost, &kit->rig);
    rig_passive(&lost, &data);
    rig_expect(&lost, 150, "STOR up");
    rig_data_seal(&data, &lost);
    stream_abort(lost.control.stream);
    net_kit_idle(&kit->rig.net);
    rig_data_send(&data, BYTES_LIT("all of it"));
    rig_data_finish(&data);
    NET_UNTIL(&kit->rig.net, server_worker_sessions(kit->rig.worker) == 1);
    transfer_kit_assert_file(kit, "up", BYTES_LIT("all of it"));
    rig_data_close(&data);
    rig_close(&lost);
}

static void a_download_ends_with_its_control_connection(void **state)
{
    struct transfer_kit *kit = *state;
    struct rig_data data;
    transfer_kit_begin_slow_download(kit, &data);
    stream_abort(kit->client.control.stream);
    NET_UNTIL(&kit->rig.net, server_worker_sessions(kit->rig.worker) == 0);
    data.end.lazy = false;
    net_end_read(&data.end);
    assert_int_not_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_data_close(&data);
}

/* ---- full disks ---- */

/* The login's store, with parts that are on a full disk. */
static struct {
    login_fn *login_done;
    store_part_fn *part_done;
    void *login_ctx, *part_ctx;
    struct store_ops ops;
    const struct store_ops *real;
} full;

static void full_part_opened(void *ctx, const struct fault *fault, const struct store_part *part)
{
    (void)ctx;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && dup3(fd, part->fd, O_CLOEXEC) == part->fd);
    close(fd);
    full.part_done(full.part_ctx, fault, part);
}

static void full_open_part(struct backend_store *store, const char *path, enum part_mode mode,
                           uint64_t offset_bytes, store_part_fn *done, void *ctx)
{
    full.part_done = done;
    full.part_ctx = ctx;
    full.real->open_part(store, path, mode, offset_bytes, full_part_opened, NULL);
}

static void full_granted(void *ctx, enum login_verdict verdict, const struct login_grant *grant,
                         const struct fault *fault)
{
    (void)ctx;
    struct login_grant changed = {0};
    if (grant) {
        full.real = grant->ops;
        full.ops = *grant->ops;
        full.ops.open_part = full_open_part;
        changed = *grant;
        changed.ops = &full.ops;
    }
    full.login_done(full.login_ctx, verdict, grant ? &changed : NULL, fault);
}

static enum ferry_error full_login(void *accounts, const struct login_request *request,
                                   login_fn *done, void *ctx)
{
    full.login_done = done;
    full.login_ctx = ctx;
    return users_ops.login(accounts, request, full_granted, ctx);
}

static void sec_40_a_full_disk_leaves_no_file(void **state)
{
    (void)state;
    struct transfer_kit kit;
    const struct account_ops accounts = {.login = full_login, .cancel = users_ops.cancel};
    transfer_kit_open(&kit, &(struct server_rig_options){.settings = {.account_ops = &accounts}});
    struct rig_data data;
    rig_passive(&kit.client, &data);
    rig_expect(&kit.client, 150, "STOR up");
    rig_data_seal(&data, &kit.client);
    rig_data_send(&data,
                  transfer_kit_big()); /* the client is heard out, so that it reads the reply */
    rig_expect_reply(&kit.client, 452);
    rig_data_close(&data);
    rig_expect(&kit.client, 550, "SIZE up"); /* not kept either */
    assert_int_equal(tempdir_count(&kit.rig.dir, "."), 0);
    rig_expect(&kit.client, 200, "NOOP");
    transfer_kit_close(&kit);
}

static void sec_40_over_the_limit_of_a_file_is_552(void **state)
{
    struct transfer_kit *kit = *state;
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct rig_data data;
    rig_passive(&kit->client, &data);
    rig_expect(&kit->client, 150, "STOR up");
    rig_data_seal(&data, &kit->client);
    rig_data_send(&data, transfer_kit_big());
    rig_expect_reply(&kit->client, 552);
    rig_data_close(&data);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(tempdir_count(&kit->rig.dir, "."), 0);
}

/* ---- many, slow ---- */

static void many_transfers(enum tls_version version)
{
    enum { TRANSFERS = 500 };
    struct transfer_kit kit;
    transfer_kit_open(&kit, &(struct server_rig_options){.version = version});
    tempdir_write(&kit.rig.dir, "file", "content");
    size_t descriptors = 0;
    for (int i = 0; i < TRANSFERS / 2; i++) {
        transfer_kit_assert_download(&kit, "RETR file", BYTES_LIT("content"));
        rig_upload(&kit.client, "STOR up", BYTES_LIT("sent"));
        if (i == 20)
            descriptors = net_descriptors();
    }
    NET_UNTIL(&kit.rig.net, net_descriptors() <= descriptors);
    transfer_kit_close(&kit);
}

static void five_hundred_transfers_tls_1_2(void **state)
{
    (void)state;
    many_transfers(TLS_VERSION_1_2);
}

static void five_hundred_transfers_tls_1_3(void **state)
{
    (void)state;
    many_transfers(TLS_VERSION_1_3);
}

static void sec_51_a_stalled_transfer_ends(void **state)
{
    (void)state;
    struct transfer_kit kit;
    struct rig_data data;
    transfer_kit_open(
        &kit, &(struct server_rig_options){.rules = {.stall_timeout_ns = CLOCK_NS_PER_S / 2}});
    transfer_kit_begin_upload(&kit, &data, BYTES_LIT("and then nothing"));
    rig_expect_reply(&kit.client, 426);
    rig_data_close(&data);
    transfer_kit_begin_slow_download(&kit, &data);
    rig_expect_reply(&kit.client, 426);
    rig_data_close(&data);
    rig_expect(&kit.client, 200, "NOOP");
    transfer_kit_close(&kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, transfer_kit_setup, transfer_kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sec_12_tls_175_a_cut_upload_never_looks_whole),
        TEST(ftp_96_a_cut_upload_is_resumed),
        TEST(cut_uploads_are_removed_where_they_are_not_kept),
        TEST(an_upload_outlives_its_control_connection),
        TEST(a_download_ends_with_its_control_connection),
        cmocka_unit_test(sec_40_a_full_disk_leaves_no_file),
        TEST(sec_40_over_the_limit_of_a_file_is_552),
        cmocka_unit_test(five_hundred_transfers_tls_1_2),
        cmocka_unit_test(five_hundred_transfers_tls_1_3),
        cmocka_unit_test(sec_51_a_stalled_transfer_ends),
    };
    return cmocka_run_group_tests_name("server_cut", tests, NULL, NULL);
}
