/* SEC-39: quotas in bytes and files, by a whole server over loopback. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "ftp/server_pi.h"
#include "support/server_rig.h"

#define KIB 1024

static struct server_rig rig;
static struct rig_client client;
static char content[256 * KIB];

/* An account "carl" with a quota, logged in. */
static void open_quota(uint64_t bytes, uint64_t files, bool in_place)
{
    const struct server_rig_options options = {
        .rules.extras =
            SERVER_EXTRA_RMDA | SERVER_EXTRA_COMB | SERVER_EXTRA_COPY | SERVER_EXTRA_SYMLINK,
    };
    server_rig_open(&rig, &options);
    const struct user_settings carl = {
        .name = "carl",
        .password = RIG_PASSWORD,
        .root = rig.dir.path,
        .upload_in_place = in_place,
        .quota_bytes = bytes,
        .quota_files = files,
    };
    struct fault fault = {0};
    assert_int_equal(users_add(rig.users, &carl, &fault), FERRY_OK);
    memset(content, 'x', sizeof(content));
}

static void log_in(void)
{
    rig_login_as(&client, &rig, "carl");
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&client);
    server_rig_close(&rig);
    return 0;
}

static void put(const char *command, size_t len)
{
    rig_upload(&client, command, bytes_of(content, len));
}

/* An upload that does not fit. */
static void put_in_vain(const char *command, size_t len)
{
    struct rig_data data;
    rig_passive(&client, &data);
    rig_say(&client, "%s", command);
    int code = rig_reply(&client);
    if (code == 150) {
        rig_data_seal(&data, &client);
        rig_data_send(&data, bytes_of(content, len));
        rig_data_finish(&data);
        code = rig_reply(&client);
    }
    assert_int_equal(code, 552);
    rig_data_close(&data);
}

/* FTP-59: what would not fit is refused before a byte of it comes. */
static void ftp_59_allo_against_the_quota(void **state)
{
    (void)state;
    open_quota(100 * KIB, 0, false);
    log_in();
    rig_expect(&client, 202, "ALLO %d", 100 * KIB);
    rig_expect(&client, 202, "ALLO %d R 80", 100 * KIB);
    rig_expect(&client, 552, "ALLO %d", 100 * KIB + 1);
    rig_expect(&client, 501, "ALLO much");
    put("STOR a", 60 * KIB);
    rig_expect(&client, 202, "ALLO %d", 40 * KIB);
    rig_expect(&client, 552, "ALLO %d", 40 * KIB + 1);
}

static void expect_left(uint64_t bytes)
{
    char text[32];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
    rig_expect(&client, 213, "AVBL");
    rig_assert_text(&client, text);
    assert_string_equal(client.text, text);
}

static void sec_39_bytes(void **state)
{
    (void)state;
    open_quota(100 * KIB, 0, false);
    log_in();
    expect_left(100 * KIB);
    put("STOR a", 60 * KIB);
    expect_left(40 * KIB);
    put_in_vain("STOR b", 50 * KIB);
    rig_expect(&client, 550, "SIZE b");
    expect_left(40 * KIB); /* nothing stays reserved */
    put("STOR b", 40 * KIB);
    expect_left(0);
    put_in_vain("APPE a", 1);
    put("STOR empty", 0);
    rig_expect(&client, 250, "DELE b");
    expect_left(40 * KIB);
    put("APPE empty", 10 * KIB);
    expect_left(30 * KIB);
}

/* What is replaced counts until its successor is whole. */
static void sec_39_overwriting(void **state)
{
    (void)state;
    open_quota(100 * KIB, 0, false);
    log_in();
    put("STOR a", 40 * KIB);
    put("STOR a", 50 * KIB);
    expect_left(50 * KIB);
    put_in_vain("STOR a", 51 * KIB);
    put("STOR a", 10 * KIB);
    expect_left(90 * KIB);
}

static void sec_39_in_place(void **state)
{
    (void)state;
    open_quota(100 * KIB, 1, true);
    log_in();
    put("STOR a", 60 * KIB);
    expect_left(40 * KIB);
    put("STOR a", 80 * KIB);
    expect_left(20 * KIB);
    put("APPE a", 10 * KIB);
    expect_left(10 * KIB);
    put_in_vain("APPE a", 11 * KIB);
    put_in_vain("STOR b", 1);
    rig_expect(&client, 250, "DELE a");
    expect_left(100 * KIB);
}

/* A cut upload counts while it is kept, and once only when it is gone on with. */
static void sec_39_kept_parts(void **state)
{
    (void)state;
    struct rig_data data;
    open_quota(100 * KIB, 1, false);
    log_in();
    rig_passive(&client, &data);
    rig_expect(&client, 150, "STOR a");
    rig_data_seal(&data, &client);
    rig_data_send(&data, bytes_of(content, 60 * KIB));
    rig_data_fin(&data, BYTES_LIT(""));
    rig_expect_reply(&client, 426);
    rig_data_close(&data);
    rig_expect(&client, 213, "SIZE a");
    uint64_t kept = strtoull(client.text, NULL, 10);
    expect_left(100 * KIB - kept);
    rig_expect(&client, 350, "REST %llu", (unsigned long long)kept);
    put("STOR a", 100 * KIB - kept);
    expect_left(0);
    rig_expect(&client, 250, "DELE a");
    expect_left(100 * KIB);
}

static void sec_39_files(void **state)
{
    (void)state;
    open_quota(0, 4, false);
    log_in();
    rig_expect(&client, 257, "MKD d");
    put("STOR d/a", 1);
    put("STOR b", 1);
    rig_expect(&client, 200, "SITE SYMLINK b l");
    rig_expect(&client, 552, "MKD e");
    rig_expect(&client, 552, "SITE SYMLINK b m");
    put_in_vain("STOR c", 1);
    put("STOR b", 2); /* none more */
    rig_expect(&client, 250, "DELE l");
    rig_expect(&client, 257, "MKD e");
    rig_expect(&client, 552, "MKD f");
    rig_expect(&client, 250, "RMD e");
    rig_expect(&client, 250, "RMDA d");
    for (int i = 0; i < 3; i++)
        rig_expect(&client, 257, "MKD n%d", i);
    rig_expect(&client, 552, "MKD n4");
}

static void sec_39_copies(void **state)
{
    (void)state;
    open_quota(100 * KIB, 0, false);
    log_in();
    put("STOR a", 40 * KIB);
    rig_expect(&client, 350, "SITE CPFR a");
    rig_expect(&client, 250, "SITE CPTO b");
    expect_left(20 * KIB);
    rig_expect(&client, 350, "SITE CPFR a");
    rig_expect(&client, 552, "SITE CPTO c");
    rig_expect(&client, 552, "COMB \"c\" \"a\" \"b\"");
    expect_left(20 * KIB);
    rig_expect(&client, 250, "DELE b");
    put("STOR b", 5 * KIB);
    rig_expect(&client, 250, "COMB \"c\" \"a\" \"b\"");
    rig_expect(&client, 213, "SIZE c");
    assert_string_equal(client.text, "46080");
}

/* The sessions of an account share it; what an earlier process left is counted. */
static void sec_39_sessions_share_it_and_it_is_counted_again(void **state)
{
    enum { UPLOADS = 16 };
    (void)state;
    struct rig_client others[UPLOADS];
    struct rig_data data[UPLOADS];
    char path[PATH_MAX + 8];
    open_quota(1024 * KIB, 0, false);
    snprintf(path, sizeof(path), "%s/before", rig.dir.path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, 24 * KIB, file), 24 * KIB);
    assert_int_equal(fclose(file), 0);
    log_in();
    expect_left(1000 * KIB);
    for (int i = 0; i < UPLOADS; i++) {
        rig_login_as(&others[i], &rig, "carl");
        rig_passive(&others[i], &data[i]);
        rig_expect(&others[i], 150, "STOR f%d", i);
        rig_data_seal(&data[i], &others[i]);
    }
    int done = 0;
    for (int i = 0; i < UPLOADS; i++)
        rig_data_send(&data[i], bytes_of(content, 100 * KIB));
    for (int i = 0; i < UPLOADS; i++)
        rig_data_finish(&data[i]);
    for (int i = 0; i < UPLOADS; i++) {
        int code = rig_reply(&others[i]);
        assert_true(code == 226 || code == 552);
        done += code == 226;
        rig_data_close(&data[i]);
        rig_close(&others[i]);
    }
    assert_true(done >= 5 && done <= 10);
    expect_left((uint64_t)(1000 - 100 * done) * KIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sec_39_bytes, teardown),
        cmocka_unit_test_teardown(ftp_59_allo_against_the_quota, teardown),
        cmocka_unit_test_teardown(sec_39_overwriting, teardown),
        cmocka_unit_test_teardown(sec_39_in_place, teardown),
        cmocka_unit_test_teardown(sec_39_kept_parts, teardown),
        cmocka_unit_test_teardown(sec_39_files, teardown),
        cmocka_unit_test_teardown(sec_39_copies, teardown),
        cmocka_unit_test_teardown(sec_39_sessions_share_it_and_it_is_counted_again, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
