/* client/get.c: what becomes of files that are fetched: parts, resumption, overwriting. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "support/file_kit.h"

enum { CUT_BYTES = 3000 };

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
    download_seal(fake);
    fake_write(fake, bytes_first(file_kit_from(offset), bytes));
    fake_end_data(fake, how);
    fake_say(fake, how == FAKE_CLOSED ? "226 done" : "426 broken");
}

static enum ferry_error get(struct client_rig *rig, unsigned flags)
{
    return ferry_get(rig->session, "f", client_rig_path(rig, "d/f"), flags);
}

/* ---- overwriting (SEC-93) ---- */

static void tell_and_send(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, 0, FILE_KIT_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void only_login(struct fake *fake)
{
    file_kit_login(fake);
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
    tempdir_assert_text(&rig->dir, "d/f", file_kit_content);
    assert_int_equal(fstatat(rig->dir.fd, "d/f", &status, 0), 0);
    assert_int_equal(status.st_mtim.tv_sec, 1577934245); /* 2020-01-02 03:04:05 UTC */
    assert_int_equal(tempdir_count(&rig->dir, "d"), 1);
}

static void send_and_leave(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
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
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
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
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, RESUMED_AT, FILE_KIT_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void ftp_96_a_cut_download_is_gone_on_with(void **state)
{
    struct client_rig *rig = *state;
    leave_a_part(rig);
    client_rig_login(rig, go_on);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", file_kit_content);
    assert_int_equal(tempdir_count(&rig->dir, "d"), 1);
}

static void cut_again(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, RESUMED_AT, 1524, FAKE_FIN);
    fake_quit(fake);
}

static void go_on_once_more(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, RESUMED_AT + 1524 - 1 - 1024, FILE_KIT_BYTES, FAKE_CLOSED);
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
    tempdir_assert_text(&rig->dir, "d/f", file_kit_content);
}

/* Without FERRY_RESUME, and for another state of the file, a part is not gone on with. */
static void begin_anew_as_it_changed(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20210102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, 0, FILE_KIT_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void ftp_96_a_part_of_another_state_is_not_used(void **state)
{
    struct client_rig *rig = *state;
    leave_a_part(rig);
    client_rig_login(rig, begin_anew_as_it_changed);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", file_kit_content);
}

static void a_part_is_dropped_without_the_flag(void **state)
{
    struct client_rig *rig = *state;
    leave_a_part(rig);
    client_rig_login(rig, tell_and_send);
    assert_int_equal(get(rig, 0), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", file_kit_content);
    assert_int_equal(tempdir_count(&rig->dir, "d"), 1);
}

/* REST is taken with a 350, and then the file begins at 0 all the same. */
static void ignore_rest(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "REST ", "350 from there");
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, file_kit_from(0));
    fake_pause(50);
    fake_say(fake, "426 broken");
    send_from(fake, 0, FILE_KIT_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void refuse_rest(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "REST ", "502 off");
    send_from(fake, 0, FILE_KIT_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

/* The same, with a data connection that is up before. */
static void refuse_rest_late(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    download_seal(fake);
    fake_pause(50);
    fake_answer(fake, "REST ", "502 off");
    send_from(fake, 0, FILE_KIT_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void refuse_offset(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "REST ", "350 from there");
    fake_answer(fake, "RETR f", "554 not from there");
    send_from(fake, 0, FILE_KIT_BYTES, FAKE_CLOSED);
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
        tempdir_assert_text(&rig->dir, "d/f", file_kit_content);
        assert_int_equal(unlinkat(rig->dir.fd, "d/f", 0), 0);
    }
}

/* ---- resumption of a file that another program left ---- */

static void write_start(struct client_rig *rig, size_t bytes)
{
    char start[FILE_KIT_BYTES + 1];
    snprintf(start, sizeof(start), "%.*s", (int)bytes, file_kit_content);
    tempdir_write(&rig->dir, "d/f", start);
}

static void go_on_from_2000(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    send_from(fake, 2000 - 1024, FILE_KIT_BYTES, FAKE_CLOSED);
    fake_quit(fake);
}

static void a_shorter_target_is_gone_on_with(void **state)
{
    struct client_rig *rig = *state;
    write_start(rig, 2000);
    client_rig_login(rig, go_on_from_2000);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", file_kit_content);
}

static void send_to_a_stranger(struct fake *fake)
{
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, file_kit_from(0));
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
    file_kit_login(fake);
    file_kit_tell(fake, FILE_KIT_BYTES, "20200102030405");
    fake_quit(fake);
}

static void a_target_of_the_right_size_is_left_alone(void **state)
{
    struct client_rig *rig = *state;
    write_start(rig, FILE_KIT_BYTES);
    client_rig_login(rig, tell_only);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_OK);
    client_rig_end(rig);
}

static void a_longer_target_stays(void **state)
{
    struct client_rig *rig = *state;
    char longer[FILE_KIT_BYTES + 10];
    snprintf(longer, sizeof(longer), "%sxyz", file_kit_content);
    tempdir_write(&rig->dir, "d/f", longer);
    client_rig_login(rig, tell_only);
    assert_int_equal(get(rig, FERRY_RESUME), FERRY_E_EXISTS);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "d/f", longer);
}

/* ---- to a descriptor ---- */

static void send_to_pipe(struct fake *fake)
{
    file_kit_login(fake);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_hear(fake, "SIZE f");
    fake_say(fake, "213 %d", FILE_KIT_BYTES);
    send_from(fake, 0, FILE_KIT_BYTES, FAKE_CLOSED);
    fake_answer(fake, "SIZE f", "550 no such file");
    fake_listen(fake);
    fake_answer(fake, "RETR f", "550 no such file");
    fake_quit(fake);
}

static void get_to_a_pipe(void **state)
{
    struct client_rig *rig = *state;
    int ends[2];
    static char got[FILE_KIT_BYTES + 1];
    assert_int_equal(pipe(ends), 0);
    client_rig_login(rig, send_to_pipe);
    assert_int_equal(ferry_get_fd(rig->session, "f", ends[1]), FERRY_OK);
    assert_int_equal(ferry_get_fd(rig->session, "f", ends[1]), FERRY_E_REFUSED);
    client_rig_end(rig);
    close(ends[1]);
    assert_int_equal(read(ends[0], got, sizeof(got)), FILE_KIT_BYTES);
    assert_memory_equal(got, file_kit_content, FILE_KIT_BYTES);
    close(ends[0]);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, file_kit_setup, client_rig_teardown)
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
    };
    return cmocka_run_group_tests_name("client_files", tests, file_kit_group_setup,
                                       client_rig_group_teardown);
}
