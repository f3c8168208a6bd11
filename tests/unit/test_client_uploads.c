/* client/put.c: what becomes of files that are sent: resumption, times, causes of failures. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "support/file_kit.h"

/* ---- uploads ---- */

struct upload {
    const char *size_reply; /* before, with FERRY_RESUME; NULL: not asked */
    const char *features;
    size_t offset;           /* where it goes on */
    bool append;             /* by APPE */
    const char *final_reply; /* to STOR */
    unsigned size_after;     /* told afterwards; 0: not asked */
    unsigned flags;
    enum ferry_error error;
};

#define ALL_THERE "226 done", FILE_KIT_BYTES
static const struct upload uploads[] = {
    {NULL, "SIZE", 0, false, ALL_THERE, 0, FERRY_OK},
    {NULL, "SIZE", 0, false, "226 done", FILE_KIT_BYTES - 1, 0, FERRY_E_CUT}, /* DEV-69 */
    {NULL, "SIZE", 0, false, "226 done", 1, 0, FERRY_E_CUT},
    {NULL, "SIZE", 0, false, "552 quota", 0, 0, FERRY_E_SPACE}, /* DEV-39 */
    {NULL, "SIZE", 0, false, "451 disk", 0, 0, FERRY_E_CUT},
    {"213 3000", "SIZE\nREST STREAM", 3000, false, ALL_THERE, FERRY_RESUME, FERRY_OK},
    {"213 3000", "SIZE", 3000, true, ALL_THERE, FERRY_RESUME, FERRY_OK},
    {"550 none", "SIZE\nREST STREAM", 0, false, ALL_THERE, FERRY_RESUME, FERRY_OK},
    {"213 6000", "SIZE\nREST STREAM", 0, false, ALL_THERE, FERRY_RESUME, FERRY_OK},
    {"213 0", "SIZE\nREST STREAM", 0, false, ALL_THERE, FERRY_RESUME, FERRY_OK},
    {"213 -1294967296", "SIZE\nREST STREAM", 0, false, ALL_THERE, FERRY_RESUME, FERRY_OK},
};

static void receive(struct fake *fake)
{
    const struct upload *upload = fake->ctx;
    struct buf received;
    buf_init(&received, 2 * FILE_KIT_BYTES);
    fake_login(fake, upload->features);
    fake_answer(fake, "TYPE I", "200 binary");
    if (upload->size_reply)
        fake_answer(fake, "SIZE f", upload->size_reply);
    fake_listen(fake);
    if (upload->offset > 0 && !upload->append)
        fake_answer(fake, "REST 3000", "350 from there");
    fake_answer(fake, upload->append ? "APPE f" : "STOR f", "150 give");
    download_seal(fake);
    fake_read(fake, &received);
    fake_end_data(fake, FAKE_CLOSED);
    if (!bytes_equal(buf_view(&received), file_kit_from(upload->offset)))
        fake_fail(fake, "what came is not what was sent");
    buf_fini(&received);
    fake_say(fake, "%s", upload->final_reply);
    if (upload->size_after > 0) {
        fake_hear(fake, "SIZE f");
        fake_say(fake, "213 %u", upload->size_after);
    }
    fake_quit(fake);
}

static void ftp_96_uploads(void **state)
{
    struct client_rig *rig = *state;
    tempdir_write(&rig->dir, "up", file_kit_content);
    for (size_t i = 0; i < ARRAY_LEN(uploads); i++) {
        const struct fake_settings settings = {.script = receive, .ctx = &uploads[i]};
        client_rig_serve(rig, &settings);
        assert_int_equal(client_rig_connect(rig), FERRY_OK);
        enum ferry_error error =
            ferry_put(rig->session, client_rig_path(rig, "up"), "f", uploads[i].flags);
        if (error != uploads[i].error)
            print_error("case %zu: %s\n", i, ferry_failure_of(rig->session).what);
        assert_int_equal(error, uploads[i].error);
        client_rig_end(rig);
    }
}

static void is_there(struct fake *fake)
{
    file_kit_login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE f", "502 off");
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_quit(fake);
}

static void an_upload_that_is_there_is_left_alone(void **state)
{
    struct client_rig *rig = *state;
    tempdir_write(&rig->dir, "up", file_kit_content);
    client_rig_login(rig, is_there);
    assert_int_equal(ferry_put(rig->session, client_rig_path(rig, "up"), "f", FERRY_RESUME),
                     FERRY_OK);
    client_rig_end(rig);
}

static void store(struct fake *fake, const char *time_reply)
{
    struct buf received;
    buf_init(&received, 2 * FILE_KIT_BYTES);
    file_kit_login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "STOR f", "150 give");
    download_seal(fake);
    fake_read(fake, &received);
    fake_end_data(fake, FAKE_CLOSED);
    buf_fini(&received);
    fake_say(fake, "226 done");
    fake_hear(fake, "SIZE f");
    fake_say(fake, "213 %d", FILE_KIT_BYTES);
    if (time_reply)
        fake_answer(fake, "MFMT 20200102030405 f", time_reply);
    fake_quit(fake);
}

static void store_with_time(struct fake *fake)
{
    store(fake, "213 Modify=20200102030405; f");
}

static void store_without_time(struct fake *fake)
{
    store(fake, "550 not yours");
}

static void ftp_76_the_time_is_set_where_it_can_be(void **state)
{
    static fake_script_fn *const scripts[] = {store_with_time, store_without_time};
    const struct timespec times[2] = {{.tv_sec = 1577934245}, {.tv_sec = 1577934245}};
    struct client_rig *rig = *state;
    tempdir_write(&rig->dir, "up", file_kit_content);
    assert_int_equal(utimensat(rig->dir.fd, "up", times, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        client_rig_login(rig, scripts[i]);
        assert_int_equal(ferry_put(rig->session, client_rig_path(rig, "up"), "f", FERRY_KEEP_TIME),
                         FERRY_OK);
        client_rig_end(rig);
    }
}

/* The disk is full there: the data connection goes, and the reply says why (PAIN 12). */
static void run_out_of_space(struct fake *fake)
{
    file_kit_login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "STOR f", "150 give");
    download_seal(fake);
    fake_pause(50);
    fake_end_data(fake, FAKE_RST);
    fake_say(fake, "452 disk full");
    fake_quit(fake);
}

static void pain_12_the_reply_tells_the_cause(void **state)
{
    struct client_rig *rig = *state;
    char path[PATH_MAX];
    tempdir_path(&rig->dir, "big", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, 64 << 20), 0);
    close(fd);
    client_rig_login(rig, run_out_of_space);
    assert_int_equal(ferry_put(rig->session, path, "f", 0), FERRY_E_SPACE);
    client_rig_assert_said(rig, "disk full");
    assert_int_equal(ferry_failure_of(rig->session).reply, 452);
    client_rig_end(rig);
}

static void refuse_stor(struct fake *fake)
{
    file_kit_login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "STOR f", "553 not that name");
    fake_quit(fake);
}

static void a_refused_upload(void **state)
{
    struct client_rig *rig = *state;
    tempdir_write(&rig->dir, "up", file_kit_content);
    client_rig_login(rig, refuse_stor);
    assert_int_equal(ferry_put(rig->session, client_rig_path(rig, "up"), "f", 0), FERRY_E_DENIED);
    assert_int_equal(ferry_failure_of(rig->session).reply, 553);
    client_rig_end(rig);
}

static void receive_from_pipe(struct fake *fake)
{
    struct buf received;
    buf_init(&received, 2 * FILE_KIT_BYTES);
    fake_login(fake, "");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "STOR f", "150 give");
    download_seal(fake);
    fake_read(fake, &received);
    fake_end_data(fake, FAKE_CLOSED);
    if (!bytes_equal(buf_view(&received), BYTES_LIT("from a pipe")))
        fake_fail(fake, "what came is not what was sent");
    buf_fini(&received);
    fake_say(fake, "226 done");
    fake_answer(fake, "SIZE f", "213 11");
    fake_quit(fake);
}

static void put_from_a_pipe(void **state)
{
    struct client_rig *rig = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "from a pipe", 11), 11);
    close(ends[1]);
    client_rig_login(rig, receive_from_pipe);
    assert_int_equal(ferry_put_fd(rig->session, ends[0], "f"), FERRY_OK);
    client_rig_end(rig);
    close(ends[0]);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, file_kit_setup, client_rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(ftp_96_uploads),
        TEST(an_upload_that_is_there_is_left_alone),
        TEST(ftp_76_the_time_is_set_where_it_can_be),
        TEST(pain_12_the_reply_tells_the_cause),
        TEST(a_refused_upload),
        TEST(put_from_a_pipe),
    };
    return cmocka_run_group_tests_name("client_uploads", tests, file_kit_group_setup,
                                       client_rig_group_teardown);
}
