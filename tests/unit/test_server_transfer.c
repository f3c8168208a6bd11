/* Transfers whole, resumed, stopped and cut: what the files and the replies are afterwards. */
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
#include "support/server_rig.h"

enum { BIG_BYTES = 3 * 1024 * 1024 };

static char big[BIG_BYTES];

struct fixture {
    struct server_rig rig;
    struct rig_client client;
    struct buf content;
};

static void fixture_open(struct fixture *fixture, const struct server_rig_options *options)
{
    server_rig_open(&fixture->rig, options);
    rig_login(&fixture->client, &fixture->rig);
    buf_init(&fixture->content, 64 * 1024 * 1024);
}

static void fixture_close(struct fixture *fixture)
{
    buf_fini(&fixture->content);
    rig_close(&fixture->client);
    server_rig_close(&fixture->rig);
}

static int setup(void **state)
{
    static struct fixture fixture;
    net_noise(big, sizeof(big), 1);
    fixture_open(&fixture, NULL);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

static struct bytes big_view(void)
{
    return bytes_of(big, sizeof(big));
}

/* The file `name` on the server's disk is `content`. */
static void assert_file(const struct fixture *fixture, const char *name, struct bytes content)
{
    char path[PATH_MAX];
    FILE *file = fopen(tempdir_path(&fixture->rig.dir, name, path), "re");
    assert_non_null(file);
    char *got = malloc(content.len + 1);
    assert_non_null(got);
    assert_int_equal(fread(got, 1, content.len + 1, file), content.len);
    if (content.len > 0)
        assert_memory_equal(got, content.ptr, content.len);
    free(got);
    fclose(file);
}

static void assert_download(struct fixture *fixture, const char *command, struct bytes content)
{
    buf_fini(&fixture->content);
    rig_download(&fixture->client, command, &fixture->content);
    assert_int_equal(buf_len(&fixture->content), content.len);
    if (content.len > 0)
        assert_memory_equal(buf_view(&fixture->content).ptr, content.ptr, content.len);
}

/* ---- whole ---- */

/* FTP-65; TLS-180: once 226 was said the file is there. */
static void up_and_down(void **state)
{
    struct fixture *fixture = *state;
    rig_upload(&fixture->client, "STOR big", big_view());
    assert_file(fixture, "big", big_view());
    assert_download(fixture, "RETR big", big_view());
    rig_upload(&fixture->client, "STOR big", BYTES_LIT("replaced"));
    assert_file(fixture, "big", BYTES_LIT("replaced"));
    rig_upload(&fixture->client, "STOR empty", BYTES_LIT("")); /* TLS-66 */
    assert_download(fixture, "RETR empty", BYTES_LIT(""));
    assert_true(server_rig_logged(&fixture->rig, "transfer.end", "verb=STOR", "path=/big",
                                  "bytes=3145728", "tls=TLSv1.3", NULL));
}

static void active_mode(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct rig_data data;
    rig_active(client, &data);
    rig_expect(client, 150, "STOR big");
    rig_active_accept(&data);
    rig_data_seal(&data, client); /* TLS-60: the client is the TLS client in active mode, too */
    rig_data_send(&data, big_view());
    rig_data_finish(&data);
    rig_expect_reply(client, 226);
    rig_data_close(&data);
    assert_file(fixture, "big", big_view());

    rig_active(client, &data);
    rig_expect(client, 150, "RETR big");
    rig_active_accept(&data);
    rig_data_seal(&data, client);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(client, 226);
    assert_int_equal(buf_len(&data.end.received), BIG_BYTES);
    rig_data_close(&data);
}

static void ftp_66_stou_makes_a_name(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    static const char *const commands[] = {"STOU", "STOU report", "STOU"};
    tempdir_write(&fixture->rig.dir, "report", "old");
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
        assert_file(fixture, name + 1, BYTES_LIT("unique"));
    }
    assert_file(fixture, "report", BYTES_LIT("old"));
    assert_int_equal(tempdir_count(&fixture->rig.dir, "."), 4);
}

static void ftp_42_type_a(void **state)
{
    struct fixture *fixture = *state;
    rig_expect(&fixture->client, 200, "TYPE A");
    rig_upload(&fixture->client, "STOR text", BYTES_LIT("one\r\ntwo\r\n\rthree\r\r\n\r"));
    assert_file(fixture, "text", BYTES_LIT("one\ntwo\n\rthree\r\n\r"));
    assert_download(fixture, "RETR text", BYTES_LIT("one\r\ntwo\r\n\rthree\r\n\r"));
    rig_expect(&fixture->client, 504, "REST 3"); /* FTP-94 */
}

static void ftp_90_to_93_restart(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    tempdir_write(&fixture->rig.dir, "file", "0123456789");
    rig_expect(client, 350, "REST 4");
    assert_download(fixture, "RETR file", BYTES_LIT("456789"));
    assert_download(fixture, "RETR file", BYTES_LIT("0123456789")); /* used up */
    rig_expect(client, 350, "REST 10");
    assert_download(fixture, "RETR file", BYTES_LIT(""));
    rig_expect(client, 229, "EPSV");
    rig_expect(client, 350, "REST 11");
    rig_expect(client, 554, "RETR file");
    rig_expect(client, 229, "EPSV");
    rig_expect(client, 350, "REST 11");
    rig_expect(client, 554, "STOR file");
    rig_expect(client, 350, "REST 4");
    rig_upload(client, "STOR file", BYTES_LIT("abc"));
    assert_file(fixture, "file", BYTES_LIT("0123abc")); /* what was behind is gone (FTP-92) */
    rig_upload(client, "APPE file", BYTES_LIT("def"));
    assert_file(fixture, "file", BYTES_LIT("0123abcdef"));
    rig_expect(client, 350, "REST 1");
    rig_upload(client, "APPE file", BYTES_LIT("x")); /* as STOR (FTP-93) */
    assert_file(fixture, "file", BYTES_LIT("0x"));
    rig_upload(client, "APPE other", BYTES_LIT("new"));
    assert_file(fixture, "other", BYTES_LIT("new"));
}

static void ftp_60_refusals_come_before_the_150(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    tempdir_mkdir(&fixture->rig.dir, "dir");
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

static void assert_listing(struct fixture *fixture, const char *command, const char *expected)
{
    buf_fini(&fixture->content);
    rig_download(&fixture->client, command, &fixture->content);
    if (!bytes_equal(buf_view(&fixture->content), bytes_str(expected)))
        fail_msg("%s gave: %.*s", command, BYTES_FMT(buf_view(&fixture->content)));
}

static void ftp_71_73_135_listings(void **state)
{
    struct fixture *fixture = *state;
    struct tempdir *dir = &fixture->rig.dir;
    tempdir_mkdir(dir, "sub");
    tempdir_write(dir, "sub/b", "bb");
    tempdir_write(dir, "sub/a", "a");
    tempdir_write(dir, "sub/line\nfeed", "hidden"); /* LST-86 */
    tempdir_mkdir(dir, "none");
    assert_listing(fixture, "NLST", "none\r\nsub\r\n");
    assert_listing(fixture, "NLST sub", "sub/a\r\nsub/b\r\n");
    assert_listing(fixture, "NLST -a sub/", "sub/a\r\nsub/b\r\n");
    assert_listing(fixture, "NLST sub/b", "sub/b\r\n");
    assert_listing(fixture, "NLST none", "");
    assert_listing(fixture, "LIST none", "");
    rig_expect(&fixture->client, 200, "OPTS MLST type;size;");
    assert_listing(fixture, "MLSD sub",
                   "Type=cdir; .\r\nType=file;Size=1; a\r\nType=file;Size=2; b\r\n");
    rig_expect(&fixture->client, 200, "TYPE A"); /* no matter (FTP-40) */
    assert_listing(fixture, "MLSD none", "Type=cdir; .\r\n");
    rig_expect(&fixture->client, 229, "EPSV");
    rig_expect(&fixture->client, 501, "MLSD sub/a");
    rig_download(&fixture->client, "LIST -la sub", &fixture->content);
    assert_non_null(memmem(buf_view(&fixture->content).ptr, buf_len(&fixture->content), "-rw-", 4));
    buf_fini(&fixture->content);
    rig_download(&fixture->client, "NLST -l sub", &fixture->content);
    assert_non_null(memmem(buf_view(&fixture->content).ptr, buf_len(&fixture->content), "-rw-", 4));
}

static void make_many(struct fixture *fixture, int count)
{
    char name[64];
    tempdir_mkdir(&fixture->rig.dir, "many");
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "many/a name of some length %05d", i);
        tempdir_write(&fixture->rig.dir, name, "");
    }
}

static void lst_85_a_large_listing_is_sorted_and_whole(void **state)
{
    enum { COUNT = 3000 };
    struct fixture *fixture = *state;
    make_many(fixture, COUNT);
    rig_download(&fixture->client, "NLST many", &fixture->content);
    struct bytes rest = buf_view(&fixture->content);
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
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    make_many(fixture, 2000);
    for (unsigned turns = 0; turns < 40; turns++) {
        struct rig_data data;
        rig_passive(client, &data);
        rig_expect(client, 150, "LIST many");
        data.end.lazy = true;
        rig_data_seal(&data, client);
        for (unsigned i = 0; i < turns; i++)
            loop_turn(fixture->rig.net.loop, false);
        rig_data_cut(&data);
        int code = rig_reply(client);
        assert_true(code == 426 || code == 226); /* the last of it may be in the kernel */
        rig_data_close(&data);
        rig_expect(client, 250, "CWD many");
        rig_expect(client, 250, "CDUP");
    }
    rig_download(client, "NLST many", &fixture->content);
}

/* ---- control input while data flows ---- */

/* Begins a download that fills every buffer on its way. */
static void begin_slow_download(struct fixture *fixture, struct rig_data *data)
{
    struct rig_client *client = &fixture->client;
    char path[PATH_MAX];
    FILE *file = fopen(tempdir_path(&fixture->rig.dir, "huge", path), "we");
    assert_non_null(file);
    for (int i = 0; i < 16; i++)
        assert_int_equal(fwrite(big, 1, sizeof(big), file), sizeof(big));
    fclose(file);
    rig_passive(client, data);
    rig_expect(client, 150, "RETR huge");
    data->end.lazy = true;
    rig_data_seal(data, client);
    net_kit_idle(&fixture->rig.net);
}

static void begin_upload(struct fixture *fixture, struct rig_data *data, struct bytes content)
{
    rig_passive(&fixture->client, data);
    rig_expect(&fixture->client, 150, "STOR up");
    rig_data_seal(data, &fixture->client);
    rig_data_send(data, content);
    net_kit_idle(&fixture->rig.net);
}

static void tls_50_stat_and_noop_while_data_flows(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct rig_data data;
    begin_slow_download(fixture, &data);
    rig_expect(client, 200, "NOOP");
    rig_expect(client, 211, "STAT");
    rig_assert_text(client, "RETR runs");
    rig_say(client, "PWD"); /* waits (FTP-23) */
    net_kit_idle(&fixture->rig.net);
    assert_int_equal(buf_len(&client->control.received), 0);
    data.end.lazy = false;
    net_end_read(&data.end);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(client, 226);
    rig_expect_reply(client, 257);
    assert_int_equal(buf_len(&data.end.received), 16 * BIG_BYTES);
    rig_data_close(&data);
}

/* TLS-49: ABOR under TLS, without urgent data. */
static void ftp_67_abor_of_a_download(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct rig_data data;
    begin_slow_download(fixture, &data);
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
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct rig_data data;
    tempdir_write(&fixture->rig.dir, "up", "old");
    begin_upload(fixture, &data, bytes_first(big_view(), 100000));
    rig_expect(client, 426, "ABOR");
    rig_expect_reply(client, 226);
    rig_data_close(&data);
    assert_file(fixture, "up", BYTES_LIT("old"));
    rig_upload(client, "STOR up", BYTES_LIT("new"));
    assert_file(fixture, "up", BYTES_LIT("new"));
}

static void abor_before_the_data_connection(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
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
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct rig_data data;
    begin_upload(fixture, &data, BYTES_LIT("be"));
    rig_say(client, "QUIT");
    rig_data_send(&data, BYTES_LIT("fore the end"));
    rig_data_finish(&data);
    rig_expect_reply(client, 226);
    rig_expect_reply(client, 221);
    rig_await_end(client);
    assert_file(fixture, "up", BYTES_LIT("before the end"));
    rig_data_close(&data);
}

/* ---- cut ---- */

static void sec_12_tls_175_a_cut_upload_never_looks_whole(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    static const size_t lengths[] = {0, 1, 5000, 300000};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct rig_data data;
        begin_upload(fixture, &data, bytes_first(big_view(), lengths[i]));
        rig_data_cut(&data);
        rig_expect_reply(client, 426);
        rig_data_close(&data);
        assert_false(tempdir_has(&fixture->rig.dir, "up"));
        assert_listing(fixture, "NLST", "");
        rig_expect(client, 550, "MDTM up");
    }
    assert_true(server_rig_logged(&fixture->rig, "transfer.failed", "verb=STOR", "reply=426",
                                  "close_notify", NULL));
}

/* What was kept of a cut upload is found by SIZE and gone on with by REST, by its owner alone. */
static void ftp_96_a_cut_upload_is_resumed(void **state)
{
    struct fixture *fixture = *state;
    struct rig_client *client = &fixture->client;
    struct rig_client other;
    struct rig_data data;
    begin_upload(fixture, &data, bytes_first(big_view(), 1000000));
    rig_data_cut(&data);
    rig_expect_reply(client, 426);
    rig_data_close(&data);
    rig_login_as(&other, &fixture->rig, RIG_OTHER_USER);
    rig_expect(&other, 550, "SIZE up");
    rig_close(&other);

    rig_expect(client, 213, "SIZE up");
    size_t size = strtoul(client->text, NULL, 10);
    assert_in_range(size, 1, 1000000);
    rig_expect(client, 350, "REST %zu", size);
    rig_upload(client, "STOR up", bytes_skip(big_view(), size));
    assert_file(fixture, "up", big_view());
}

static void cut_uploads_are_removed_where_they_are_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct rig_data data;
    begin_upload(fixture, &data, bytes_first(big_view(), 100000));
    rig_data_cut(&data);
    rig_expect_reply(&fixture->client, 426);
    rig_data_close(&data);
    rig_expect(&fixture->client, 213, "SIZE up"); /* kept, so far */
    fixture_close(fixture);

    fixture_open(fixture, &(struct server_rig_options){.drop_cut_uploads = true});
    begin_upload(fixture, &data, bytes_first(big_view(), 100000));
    rig_data_cut(&data);
    rig_expect_reply(&fixture->client, 426);
    rig_data_close(&data);
    rig_expect(&fixture->client, 550, "SIZE up");
    assert_int_equal(tempdir_count(&fixture->rig.dir, "."), 0);
}

/* REP-20: the control connection goes away right behind the last byte of the upload. */
static void an_upload_outlives_its_control_connection(void **state)
{
    struct fixture *fixture = *state;
    struct rig_data data;
    struct rig_client lost;
    rig_login(&lost, &fixture->rig);
    rig_passive(&lost, &data);
    rig_expect(&lost, 150, "STOR up");
    rig_data_seal(&data, &lost);
    stream_abort(lost.control.stream);
    net_kit_idle(&fixture->rig.net);
    rig_data_send(&data, BYTES_LIT("all of it"));
    rig_data_finish(&data);
    NET_UNTIL(&fixture->rig.net, server_worker_sessions(fixture->rig.worker) == 1);
    assert_file(fixture, "up", BYTES_LIT("all of it"));
    rig_data_close(&data);
    rig_close(&lost);
}

static void a_download_ends_with_its_control_connection(void **state)
{
    struct fixture *fixture = *state;
    struct rig_data data;
    begin_slow_download(fixture, &data);
    stream_abort(fixture->client.control.stream);
    NET_UNTIL(&fixture->rig.net, server_worker_sessions(fixture->rig.worker) == 0);
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
    struct fixture fixture;
    const struct account_ops accounts = {.login = full_login, .cancel = users_ops.cancel};
    fixture_open(&fixture, &(struct server_rig_options){.settings = {.account_ops = &accounts}});
    struct rig_data data;
    rig_passive(&fixture.client, &data);
    rig_expect(&fixture.client, 150, "STOR up");
    rig_data_seal(&data, &fixture.client);
    rig_data_send(&data, big_view()); /* the client is heard out, so that it reads the reply */
    rig_expect_reply(&fixture.client, 452);
    rig_data_close(&data);
    rig_expect(&fixture.client, 550, "SIZE up"); /* not kept either */
    assert_int_equal(tempdir_count(&fixture.rig.dir, "."), 0);
    rig_expect(&fixture.client, 200, "NOOP");
    fixture_close(&fixture);
}

static void sec_40_over_the_limit_of_a_file_is_552(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct rig_data data;
    rig_passive(&fixture->client, &data);
    rig_expect(&fixture->client, 150, "STOR up");
    rig_data_seal(&data, &fixture->client);
    rig_data_send(&data, big_view());
    rig_expect_reply(&fixture->client, 552);
    rig_data_close(&data);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(tempdir_count(&fixture->rig.dir, "."), 0);
}

/* ---- many, slow ---- */

static void many_transfers(enum tls_version version)
{
    enum { TRANSFERS = 500 };
    struct fixture fixture;
    fixture_open(&fixture, &(struct server_rig_options){.version = version});
    tempdir_write(&fixture.rig.dir, "file", "content");
    size_t descriptors = 0;
    for (int i = 0; i < TRANSFERS / 2; i++) {
        assert_download(&fixture, "RETR file", BYTES_LIT("content"));
        rig_upload(&fixture.client, "STOR up", BYTES_LIT("sent"));
        if (i == 20)
            descriptors = net_descriptors();
    }
    NET_UNTIL(&fixture.rig.net, net_descriptors() <= descriptors);
    fixture_close(&fixture);
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
    struct fixture fixture;
    struct rig_data data;
    fixture_open(&fixture,
                 &(struct server_rig_options){.rules = {.stall_timeout_ns = CLOCK_NS_PER_S / 2}});
    begin_upload(&fixture, &data, BYTES_LIT("and then nothing"));
    rig_expect_reply(&fixture.client, 426);
    rig_data_close(&data);
    begin_slow_download(&fixture, &data);
    rig_expect_reply(&fixture.client, 426);
    rig_data_close(&data);
    rig_expect(&fixture.client, 200, "NOOP");
    fixture_close(&fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
    return cmocka_run_group_tests_name("server_transfer", tests, NULL, NULL);
}
