/* client/get.c, put.c: what becomes of files: parts, resumption, overwriting, times. */
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
#include "support/client_rig.h"

enum { FILE_BYTES = 3900, CUT_BYTES = 3000 };

/* The remote file; every byte tells its place. */
static char content[FILE_BYTES + 1];

static struct bytes from(size_t offset)
{
    return bytes_of(content + offset, FILE_BYTES - offset);
}

static int group_setup(void **state)
{
    for (int i = 0; i < FILE_BYTES; i++)
        content[i] = (char)('a' + (i * 7 + i / 26) % 26);
    return client_rig_group_setup(state);
}

static void login(struct fake *fake)
{
    fake_login(fake, "MLST Type*;Size*;Modify*;\nMFMT\nREST STREAM");
}

static void tell(struct fake *fake, unsigned size, const char *time)
{
    fake_hear(fake, "MLST f");
    fake_say(fake, "250-here\r\n Type=file;Size=%u;Modify=%s; /f\r\n250 end", size, time);
}

static void accept_sealed(struct fake *fake)
{
    fake_accept(fake);
    if (!fake_seal_data(fake))
        fake_fail(fake, "no handshake on the data connection");
}

/* RETR from `offset`, which is asked for by REST unless it is 0. */
static void send_from(struct fake *fake, size_t offset, size_t bytes, enum fake_end how)
{
    fake_listen(fake);
    if (offset > 0) {
        char rest[32];
        snprintf(rest, sizeof(rest), "REST %zu", offset);
        fake_answer(fake, rest, "350 from there");
    }
    fake_answer(fake, "RETR f", "150 here");
    accept_sealed(fake);
    fake_write(fake, bytes_first(from(offset), bytes));
    fake_end_data(fake, how);
    fake_say(fake, how == FAKE_CLOSED ? "226 done" : "426 broken");
}

static enum ferry_error get(struct client_rig *rig, unsigned flags)
{
    return ferry_get(rig->session, "f", client_rig_path(rig, "d/f"), flags);
}

static int setup(void **state)
{
    int failed = client_rig_setup(state);
    struct client_rig *rig = *state;
    tempdir_mkdir(&rig->dir, "d");
    return failed;
}

/* ---- overwriting (SEC-93) ---- */

static void tell_and_send(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, 0, FILE_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void only_login(struct fake *fake)
{
    login(fake);
    fake_quit(fake);
}

static void sec_93_an_existing_file_stays(void **state)
{
    struct client_rig *rig = *state;
    tempdir_write(&rig->dir, "d/f", "mine");
    client_rig_login(rig, only_login);
    assert_int_equal(get(rig, 0), FERRY_E_EXISTS);
    client_rig_assert_said(rig, "--force");
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", "mine");
}

static void an_existing_file_is_replaced_on_demand(void **state)
{
    struct client_rig *rig = *state;
    struct stat status;
    tempdir_write(&rig->dir, "d/f", "mine");
    client_rig_login(rig, tell_and_send);
    assert_int_equal(get(rig, FERRY_OVERWRITE | FERRY_KEEP_TIME), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", content);
    assert_int_equal(fstatat(rig->dir.fd, "d/f", &status, 0), 0);
    assert_int_equal(status.st_mtim.tv_sec, 1577934245); /* 2020-01-02 03:04:05 UTC */
    assert_int_equal(tempdir_count(&rig->dir, "d"), 1);
}

static void send_and_leave(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_quit(fake);
}

static void sec_90_a_link_is_not_written_through(void **state)
{
    struct client_rig *rig = *state;
    tempdir_write(&rig->dir, "victim", "precious");
    tempdir_symlink(&rig->dir, "../victim", "d/f");
    client_rig_login(rig, only_login);
    assert_int_equal(get(rig, 0), FERRY_E_EXISTS);
    client_rig_end(rig);
    client_rig_login(rig, send_and_leave);
    assert_int_equal(get(rig, FERRY_OVERWRITE), FERRY_E_DENIED);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "victim", "precious");
}

static void names_that_are_no_files(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, only_login);
    assert_int_equal(ferry_get(rig->session, "f", client_rig_path(rig, "d/"), 0), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_get(rig->session, "f", client_rig_path(rig, "d/.."), 0),
                     FERRY_E_ARGUMENT);
    assert_int_equal(ferry_get(rig->session, "f", client_rig_path(rig, "nope/f"), 0),
                     FERRY_E_NOT_FOUND);
    assert_int_equal(ferry_put(rig->session, client_rig_path(rig, "d"), "f", 0), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_put(rig->session, client_rig_path(rig, "nope"), "f", 0),
                     FERRY_E_NOT_FOUND);
    client_rig_end(rig);
}

/* ---- resumption (FTP-96) ---- */

static void cut_at_3000(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, 0, CUT_BYTES, FAKE_FIN);
    fake_quit(fake);
}

/* A first try that leaves a part of 3000 bytes, less the one that a kept part loses. */
static void leave_a_part(struct client_rig *rig)
{
    client_rig_login(rig, cut_at_3000);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_E_CUT);
    client_rig_assert_said(rig, "kept");
    client_rig_end(rig);
    assert_false(tempdir_has(&rig->dir, "d/f"));
    assert_int_equal(tempdir_count(&rig->dir, "d"), 1);
}

enum { KEPT_BYTES = CUT_BYTES - 1, RESUMED_AT = KEPT_BYTES - 1024 };

static void go_on(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, RESUMED_AT, FILE_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void ftp_96_a_cut_download_is_gone_on_with(void **state)
{
    struct client_rig *rig = *state;
    leave_a_part(rig);
    client_rig_login(rig, go_on);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", content);
    assert_int_equal(tempdir_count(&rig->dir, "d"), 1);
}

static void cut_again(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, RESUMED_AT, 1524, FAKE_FIN);
    fake_quit(fake);
}

static void go_on_once_more(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, RESUMED_AT + 1524 - 1 - 1024, FILE_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void ftp_96_cut_twice(void **state)
{
    struct client_rig *rig = *state;
    leave_a_part(rig);
    client_rig_login(rig, cut_again);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_E_CUT);
    client_rig_end(rig);
    client_rig_login(rig, go_on_once_more);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", content);
}

/* Without FERRY_RESUME, and for another state of the file, a part is not gone on with. */
static void begin_anew_as_it_changed(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20210102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, 0, FILE_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void ftp_96_a_part_of_another_state_is_not_used(void **state)
{
    struct client_rig *rig = *state;
    leave_a_part(rig);
    client_rig_login(rig, begin_anew_as_it_changed);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", content);
}

static void a_part_is_dropped_without_the_flag(void **state)
{
    struct client_rig *rig = *state;
    leave_a_part(rig);
    client_rig_login(rig, tell_and_send);
    assert_int_equal(get(rig, 0), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", content);
    assert_int_equal(tempdir_count(&rig->dir, "d"), 1);
}

/* REST is taken with a 350, and then the file begins at 0 all the same. */
static void ignore_rest(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "REST ", "350 from there");
    fake_answer(fake, "RETR f", "150 here");
    accept_sealed(fake);
    fake_write(fake, from(0));
    fake_pause(50);
    fake_say(fake, "426 broken");
    send_from(fake, 0, FILE_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void refuse_rest(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "REST ", "502 off");
    send_from(fake, 0, FILE_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

/* The same, with a data connection that is up before. */
static void refuse_rest_late(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    accept_sealed(fake);
    fake_pause(50);
    fake_answer(fake, "REST ", "502 off");
    send_from(fake, 0, FILE_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void refuse_offset(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "REST ", "350 from there");
    fake_answer(fake, "RETR f", "554 not from there");
    send_from(fake, 0, FILE_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void dev_42_begun_anew_where_the_server_does_not_restart(void **state)
{
    static fake_script_fn *const scripts[] = {ignore_rest, refuse_rest, refuse_rest_late,
                                              refuse_offset};
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        leave_a_part(rig);
        client_rig_login(rig, scripts[i]);
        assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
        client_rig_end(rig);
        tempdir_assert_text(&rig->dir, "d/f", content);
        assert_int_equal(unlinkat(rig->dir.fd, "d/f", 0), 0);
    }
}

/* ---- resumption of a file that another program left ---- */

static void write_start(struct client_rig *rig, size_t bytes)
{
    char start[FILE_BYTES + 1];
    snprintf(start, sizeof(start), "%.*s", (int)bytes, content);
    tempdir_write(&rig->dir, "d/f", start);
}

static void go_on_from_2000(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, 2000 - 1024, FILE_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void a_shorter_target_is_gone_on_with(void **state)
{
    struct client_rig *rig = *state;
    write_start(rig, 2000);
    client_rig_login(rig, go_on_from_2000);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", content);
}

static void send_to_a_stranger(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    accept_sealed(fake);
    fake_write(fake, from(0));
    fake_pause(50);
    fake_say(fake, "426 broken");
    fake_quit(fake);
}

static void sec_93_a_target_that_differs_stays(void **state)
{
    struct client_rig *rig = *state;
    tempdir_write(&rig->dir, "d/f", "not the beginning of it");
    client_rig_login(rig, send_to_a_stranger);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_E_EXISTS);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", "not the beginning of it");
}

static void tell_only(struct fake *fake)
{
    login(fake);
    tell(fake, FILE_BYTES, "20200102030405");
    fake_quit(fake);
}

static void a_target_of_the_right_size_is_left_alone(void **state)
{
    struct client_rig *rig = *state;
    write_start(rig, FILE_BYTES);
    client_rig_login(rig, tell_only);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
    client_rig_end(rig);
}

static void a_longer_target_stays(void **state)
{
    struct client_rig *rig = *state;
    char longer[FILE_BYTES + 10];
    snprintf(longer, sizeof(longer), "%sxyz", content);
    tempdir_write(&rig->dir, "d/f", longer);
    client_rig_login(rig, tell_only);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_E_EXISTS);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", longer);
}

/* ---- to a descriptor ---- */

static void send_to_pipe(struct fake *fake)
{
    login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_hear(fake, "SIZE f");
    fake_say(fake, "213 %d", FILE_BYTES);
    send_from(fake, 0, FILE_BYTES, FAKE_CLOSED);
    fake_answer(fake, "SIZE f", "550 no such file");
    fake_listen(fake);
    fake_answer(fake, "RETR f", "550 no such file");
    fake_quit(fake);
}

static void get_to_a_pipe(void **state)
{
    struct client_rig *rig = *state;
    int ends[2];
    static char got[FILE_BYTES + 1];
    assert_int_equal(pipe(ends), 0);
    client_rig_login(rig, send_to_pipe);
    assert_int_equal(ferry_get_fd(rig->session, "f", ends[1]), FERRY_OK);
    assert_int_equal(ferry_get_fd(rig->session, "f", ends[1]), FERRY_E_REFUSED);
    client_rig_end(rig);
    close(ends[1]);
    assert_int_equal(read(ends[0], got, sizeof(got)), FILE_BYTES);
    assert_memory_equal(got, content, FILE_BYTES);
    close(ends[0]);
}

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

#define ALL_THERE "226 done", FILE_BYTES
static const struct upload uploads[] = {
    {NULL, "SIZE", 0, false, ALL_THERE, 0, FERRY_OK},
    {NULL, "SIZE", 0, false, "226 done", FILE_BYTES - 1, 0, FERRY_E_CUT}, /* DEV-69 */
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
    buf_init(&received, 2 * FILE_BYTES);
    fake_login(fake, upload->features);
    fake_answer(fake, "TYPE I", "200 binary");
    if (upload->size_reply)
        fake_answer(fake, "SIZE f", upload->size_reply);
    fake_listen(fake);
    if (upload->offset > 0 && !upload->append)
        fake_answer(fake, "REST 3000", "350 from there");
    fake_answer(fake, upload->append ? "APPE f" : "STOR f", "150 give");
    accept_sealed(fake);
    fake_read(fake, &received);
    fake_end_data(fake, FAKE_CLOSED);
    if (!bytes_equal(buf_view(&received), from(upload->offset)))
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
    tempdir_write(&rig->dir, "up", content);
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
    login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE f", "502 off");
    tell(fake, FILE_BYTES, "20200102030405");
    fake_quit(fake);
}

static void an_upload_that_is_there_is_left_alone(void **state)
{
    struct client_rig *rig = *state;
    tempdir_write(&rig->dir, "up", content);
    client_rig_login(rig, is_there);
    assert_int_equal(ferry_put(rig->session, client_rig_path(rig, "up"), "f", FERRY_RESUME),
                     FERRY_OK);
    client_rig_end(rig);
}

static void store(struct fake *fake, const char *time_reply)
{
    struct buf received;
    buf_init(&received, 2 * FILE_BYTES);
    login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "STOR f", "150 give");
    accept_sealed(fake);
    fake_read(fake, &received);
    fake_end_data(fake, FAKE_CLOSED);
    buf_fini(&received);
    fake_say(fake, "226 done");
    fake_hear(fake, "SIZE f");
    fake_say(fake, "213 %d", FILE_BYTES);
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
    tempdir_write(&rig->dir, "up", content);
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
    login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "STOR f", "150 give");
    accept_sealed(fake);
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
    login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "STOR f", "553 not that name");
    fake_quit(fake);
}

static void a_refused_upload(void **state)
{
    struct client_rig *rig = *state;
    tempdir_write(&rig->dir, "up", content);
    client_rig_login(rig, refuse_stor);
    assert_int_equal(ferry_put(rig->session, client_rig_path(rig, "up"), "f", 0), FERRY_E_DENIED);
    assert_int_equal(ferry_failure_of(rig->session).reply, 553);
    client_rig_end(rig);
}

static void receive_from_pipe(struct fake *fake)
{
    struct buf received;
    buf_init(&received, 2 * FILE_BYTES);
    fake_login(fake, "");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "STOR f", "150 give");
    accept_sealed(fake);
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
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, client_rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(sec_93_an_existing_file_stays),
        TEST(an_existing_file_is_replaced_on_demand),
        TEST(sec_90_a_link_is_not_written_through),
        TEST(names_that_are_no_files),
        TEST(ftp_96_a_cut_download_is_gone_on_with),
        TEST(ftp_96_cut_twice),
        TEST(ftp_96_a_part_of_another_state_is_not_used),
        TEST(a_part_is_dropped_without_the_flag),
        TEST(dev_42_begun_anew_where_the_server_does_not_restart),
        TEST(a_shorter_target_is_gone_on_with),
        TEST(sec_93_a_target_that_differs_stays),
        TEST(a_target_of_the_right_size_is_left_alone),
        TEST(a_longer_target_stays),
        TEST(get_to_a_pipe),
        TEST(ftp_96_uploads),
        TEST(an_upload_that_is_there_is_left_alone),
        TEST(ftp_76_the_time_is_set_where_it_can_be),
        TEST(pain_12_the_reply_tells_the_cause),
        TEST(a_refused_upload),
        TEST(put_from_a_pipe),
    };
    return cmocka_run_group_tests_name("client_files", tests, group_setup,
                                       client_rig_group_teardown);
}
