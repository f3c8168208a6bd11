/* client/tree_get.c, tree_put.c, walk.c: whole trees, and a server or a disk that is full of traps.
 */
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

/* What was told of a tree: a letter and the remote path, a line each. */
struct told {
    char lines[8192];
    size_t len;
    const char *stop_at; /* a remote path, or NULL */
};

static bool on_item(void *ctx, const struct ferry_tree_item *item)
{
    static const char letters[] = {
        [FERRY_TREE_STARTS] = '>',  [FERRY_TREE_FILE] = 'F',   [FERRY_TREE_DIRECTORY] = 'D',
        [FERRY_TREE_SKIPPED] = '-', [FERRY_TREE_FAILED] = '!',
    };
    struct told *told = ctx;
    assert_int_equal(item->struct_size, sizeof(*item));
    bool failed = item->event == FERRY_TREE_SKIPPED || item->event == FERRY_TREE_FAILED;
    assert_true(failed == (item->failure.kind != FERRY_OK));
    if (item->event != FERRY_TREE_STARTS) {
        size_t room = sizeof(told->lines) - told->len;
        int len =
            snprintf(told->lines + told->len, room, "%c %s\n", letters[item->event], item->remote);
        assert_true(len > 0 && (size_t)len < room);
        told->len += (size_t)len;
    }
    return !told->stop_at || strcmp(told->stop_at, item->remote) != 0;
}

static void data(struct fake *fake, const char *command, const char *text)
{
    fake_listen(fake);
    fake_answer(fake, command, "150 here");
    fake_accept(fake);
    if (!fake_seal_data(fake))
        fake_fail(fake, "no handshake on the data connection");
    if (text[0])
        fake_write(fake, bytes_str(text));
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "226 done");
}

static enum ferry_error get_tree(struct client_rig *rig, const char *remote, struct told *told)
{
    return ferry_get_tree(rig->session, remote, client_rig_path(rig, "out"), 0, on_item, told);
}

/* ---- downloads ---- */

#define FACTS(type) "type=" type ";size=3;modify=20200102030405; "

static void a_small_tree(struct fake *fake)
{
    fake_login(fake, "MLST Type*;Size*;Modify*;");
    data(fake, "MLSD top",
         FACTS("dir") "b\r\n" FACTS("file") "one\r\n" FACTS("dir") "a\r\n" FACTS("file") "two\r\n");
    fake_answer(fake, "TYPE I", "200 binary"); /* size and time are known: nothing else is asked */
    data(fake, "RETR top/one", "111");
    fake_listen(fake);
    fake_answer(fake, "RETR top/two", "550 gone"); /* the others still cross */
    data(fake, "MLSD top/b", "");
    data(fake, "MLSD top/a", FACTS("file") "three\r\n");
    data(fake, "RETR top/a/three", "333");
    fake_quit(fake);
}

static void a_tree_comes_down(void **state)
{
    struct client_rig *rig = *state;
    struct told told = {0};
    client_rig_login(rig, a_small_tree);
    assert_int_equal(get_tree(rig, "top", &told), FERRY_E_REFUSED);
    client_rig_assert_said(rig, "top/two");
    client_rig_end(rig);
    assert_string_equal(told.lines, "D top\nF top/one\n! top/two\nD top/b\nD top/a\n"
                                    "F top/a/three\n");
    tempdir_assert_text(&rig->dir, "out/one", "111");
    tempdir_assert_text(&rig->dir, "out/a/three", "333");
    assert_true(tempdir_has(&rig->dir, "out/b"));
    assert_false(tempdir_has(&rig->dir, "out/two"));
    assert_int_equal(tempdir_count(&rig->dir, "out"), 3);
}

/* SEC-90, LST-70, LST-73, LST-74: names that lead out, a link and a directory of one name, names
 * twice. */
static void a_hostile_tree(struct fake *fake)
{
    fake_login(fake, "MLST Type*;Size*;Modify*;");
    data(
        fake, "MLSD",
        FACTS("file") "../up\r\n" FACTS("file") "/abs\r\n" FACTS("dir") "..\r\n" FACTS(
            "OS.unix="
            "slink:/etc") "way\r\n" FACTS("dir") "way\r\n" FACTS("file") "twice\r\n" FACTS("file") "twice\r\n" FACTS("OS.unix="
                                                                                                                     "chr") "dev"
                                                                                                                            "\r"
                                                                                                                            "\n" FACTS(
                                                                                                                                "file") "a\\b\r\n");
    fake_answer(fake, "TYPE I", "200 binary");
    data(fake, "RETR a\\b", "111");
    data(fake, "RETR twice", "222");
    fake_quit(fake);
}

static void sec_90_a_hostile_tree(void **state)
{
    struct client_rig *rig = *state;
    struct told told = {0};
    client_rig_login(rig, a_hostile_tree);
    assert_int_equal(get_tree(rig, "", &told), FERRY_OK);
    client_rig_end(rig);
    assert_string_equal(told.lines, "D \n- \nF a\\b\n- dev\nF twice\n- twice\n- way\n- way\n");
    assert_false(tempdir_has(&rig->dir, "up"));
    assert_int_equal(tempdir_count(&rig->dir, "out"), 2);
    assert_int_equal(tempdir_count(&rig->dir, "."), 2); /* ca.pem, out */
}

/* CVE-2014-4877: a link that is there already must not lead the walk out. */
static void a_tree_with_a_directory(struct fake *fake)
{
    fake_login(fake, "MLST Type*;Size*;Modify*;");
    data(fake, "MLSD top", FACTS("dir") "way\r\n" FACTS("file") "f\r\n");
    fake_quit(fake);
}

static void sec_90_links_here_are_not_followed(void **state)
{
    struct client_rig *rig = *state;
    struct told told = {0};
    tempdir_mkdir(&rig->dir, "out");
    tempdir_mkdir(&rig->dir, "victim");
    tempdir_symlink(&rig->dir, "../victim", "out/way");
    tempdir_symlink(&rig->dir, "../victim/f", "out/f");
    client_rig_login(rig, a_tree_with_a_directory);
    assert_int_not_equal(get_tree(rig, "top", &told), FERRY_OK);
    client_rig_end(rig);
    assert_string_equal(told.lines, "D top\n! top/f\n! top/way\n");
    assert_int_equal(tempdir_count(&rig->dir, "victim"), 0);
}

enum { DEPTH = 64 };

static void a_deep_tree(struct fake *fake)
{
    char command[8 + 2 * (DEPTH + 2)] = "MLSD d";
    fake_login(fake, "MLST Type*;");
    for (int depth = 0; depth <= DEPTH; depth++) {
        data(fake, command, FACTS("dir") "d\r\n");
        strcat(command, "/d");
    }
    fake_quit(fake);
}

static void lst_75_depth_is_bounded(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, a_deep_tree);
    assert_int_equal(get_tree(rig, "d", &(struct told){0}), FERRY_E_LIMIT);
    client_rig_end(rig);
}

static void a_tree_that_is_stopped(struct fake *fake)
{
    fake_login(fake, "MLST Type*;Size*;Modify*;");
    data(fake, "MLSD top", FACTS("file") "one\r\n" FACTS("file") "two\r\n");
    fake_answer(fake, "TYPE I", "200 binary");
    data(fake, "RETR top/one", "111");
    fake_quit(fake);
}

static void a_tree_can_be_stopped(void **state)
{
    struct client_rig *rig = *state;
    struct told told = {.stop_at = "top/two"};
    client_rig_login(rig, a_tree_that_is_stopped);
    assert_int_equal(get_tree(rig, "top", &told), FERRY_E_CANCELLED);
    client_rig_end(rig);
    tempdir_assert_text(&rig->dir, "out/one", "111");
}

static void a_tree_that_is_lost(struct fake *fake)
{
    fake_login(fake, "MLST Type*;Size*;Modify*;");
    data(fake, "MLSD top", FACTS("file") "one\r\n" FACTS("file") "two\r\n");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_hear(fake, "EPSV");
    fake_reset(fake);
}

static void a_lost_connection_ends_the_walk(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, a_tree_that_is_lost);
    assert_int_equal(get_tree(rig, "top", &(struct told){0}), FERRY_E_LOST);
    client_rig_end(rig);
}

/* ---- uploads ---- */

static void take(struct fake *fake, const char *command, const char *text, const char *size_of)
{
    struct buf received;
    buf_init(&received, 64);
    fake_listen(fake);
    fake_answer(fake, command, "150 give");
    fake_accept(fake);
    if (!fake_seal_data(fake))
        fake_fail(fake, "no handshake on the data connection");
    fake_read(fake, &received);
    fake_end_data(fake, FAKE_CLOSED);
    if (!bytes_equal(buf_view(&received), bytes_str(text)))
        fake_fail(fake, "what came is not what was sent");
    buf_fini(&received);
    fake_say(fake, "226 done");
    fake_hear(fake, size_of);
    fake_say(fake, "213 %zu", strlen(text));
}

static void a_tree_goes_up(struct fake *fake)
{
    fake_login(fake, "MLST Type*;Size*;Modify*;");
    fake_answer(fake, "MKD up", "550 it exists");
    fake_answer(fake, "MLST up", "250-here\r\n type=dir; /up\r\n250 end");
    fake_answer(fake, "TYPE I", "200 binary");
    take(fake, "STOR up/one", "111", "SIZE up/one");
    fake_answer(fake, "MKD up/sub", "257 made");
    take(fake, "STOR up/sub/two", "222", "SIZE up/sub/two");
    fake_answer(fake, "MKD up/refused", "550 no");
    fake_answer(fake, "MLST up/refused", "250-here\r\n type=file; /up/refused\r\n250 end");
    fake_quit(fake);
}

static void make_tree(struct client_rig *rig)
{
    tempdir_mkdir(&rig->dir, "in/sub");
    tempdir_mkdir(&rig->dir, "in/refused");
    tempdir_write(&rig->dir, "in/one", "111");
    tempdir_write(&rig->dir, "in/sub/two", "222");
    tempdir_symlink(&rig->dir, "one", "in/link");
    assert_int_equal(mkfifoat(rig->dir.fd, "in/pipe", 0600), 0);
}

static void ftp_111_a_directory_that_exists_is_gone_on_with(void **state)
{
    struct client_rig *rig = *state;
    struct told told = {0};
    make_tree(rig);
    client_rig_login(rig, a_tree_goes_up);
    assert_int_equal(
        ferry_put_tree(rig->session, client_rig_path(rig, "in"), "up", 0, on_item, &told),
        FERRY_E_REFUSED);
    client_rig_assert_said(rig, "up/refused");
    client_rig_end(rig);
    assert_string_equal(told.lines, "D up\n- up/link\nF up/one\n- up/pipe\nD up/sub\n"
                                    "F up/sub/two\n! up/refused\n");
}

static void no_such_tree(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(
        ferry_put_tree(rig->session, client_rig_path(rig, "nope"), "up", 0, NULL, NULL),
        FERRY_E_NOT_FOUND);
    assert_int_equal(get_tree(rig, "top", &(struct told){0}), FERRY_E_STATE);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, client_rig_setup, client_rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_tree_comes_down),
        TEST(sec_90_a_hostile_tree),
        TEST(sec_90_links_here_are_not_followed),
        TEST(lst_75_depth_is_bounded),
        TEST(a_tree_can_be_stopped),
        TEST(a_lost_connection_ends_the_walk),
        TEST(ftp_111_a_directory_that_exists_is_gone_on_with),
        TEST(no_such_tree),
    };
    return cmocka_run_group_tests_name("client_tree", tests, client_rig_group_setup,
                                       client_rig_group_teardown);
}
