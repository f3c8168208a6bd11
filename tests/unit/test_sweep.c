/* store/sweep: old parts that are nobody's go, everything else stays (SEC-38). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/part.h"
#include "store/sweep.h"
#include "support/tempdir.h"

static void old_parts_go_and_all_else_stays(void **state)
{
    static const struct {
        const char *name;
        time_t mtime;
        bool stays;
    } files[] = {
        {"root/.ferry-0123456789abcdef.part", 999, false},
        {"root/.ferry-anna=x.part", 999, false},
        {"root/.ferry-bert=x.part", 1000, true},
        {"root/.ferry-carl=x.part", 2000, true},
        {"root/file", 1, true},
        {"root/x.part", 1, true},
        {"root/a/b/.ferry-anna=x.part", 1, false},
        {"root/a/b/.ferry-anna=y.part", 2000, true},
        {"outside/.ferry-anna=x.part", 1, true},
    };
    (void)state;
    struct tempdir top;
    tempdir_make(&top);
    tempdir_mkdir(&top, "root/a/b");
    tempdir_mkdir(&top, "root/.ferry-dir.part");
    tempdir_mkdir(&top, "outside");
    tempdir_symlink(&top, "../outside", "root/link");
    tempdir_symlink(&top, "file", "root/.ferry-link.part");
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        tempdir_write(&top, files[i].name, "x");
        struct timespec times[2] = {{files[i].mtime, 0}, {files[i].mtime, 0}};
        assert_int_equal(utimensat(top.fd, files[i].name, times, 0), 0);
    }

    char path[PATH_MAX];
    struct root root;
    assert_int_equal(
        root_init(&root, tempdir_path(&top, "root", path), ROOT_LINKS_BENEATH, 0, NULL), FERRY_OK);
    struct part live;
    assert_int_equal(part_begin(&root, BYTES_LIT("/a/live"), &(struct part_want){0}, &live, NULL),
                     FERRY_OK);
    assert_int_equal(part_set_mtime(&live, (struct timespec){1, 0}, NULL), FERRY_OK);

    uint64_t removed;
    assert_int_equal(sweep_parts(&root, (struct timespec){1000, 0}, &removed, NULL), FERRY_OK);
    assert_int_equal(removed, 3);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        assert_int_equal(tempdir_has(&top, files[i].name), files[i].stays);
    assert_true(tempdir_has(&top, "root/.ferry-dir.part"));
    assert_true(tempdir_has(&top, "root/.ferry-link.part"));
    assert_int_equal(part_commit(&live, PART_SYNC_NONE, NULL), FERRY_OK);

    root_fini(&root);
    tempdir_remove(&top);
}

static void depth_has_an_end(void **state)
{
    (void)state;
    struct tempdir top;
    tempdir_make(&top);
    char name[PATH_MAX] = "d";
    for (int depth = 1; depth < 80; depth++)
        snprintf(name + 2 * depth - 1, sizeof(name) - 2 * (size_t)depth, "/d");
    tempdir_mkdir(&top, name);
    snprintf(name + 2 * 64 - 1, 64, "/.ferry-x.part");
    tempdir_write(&top, name, "x");

    struct root root;
    assert_int_equal(root_init(&root, top.path, ROOT_LINKS_DENY, 0, NULL), FERRY_OK);
    uint64_t removed;
    struct timespec end_of_time = {(time_t)1 << 40, 0};
    assert_int_equal(sweep_parts(&root, end_of_time, &removed, NULL), FERRY_OK);
    assert_int_equal(removed, 1);
    name[2 * 64 - 1] = '\0';
    snprintf(name + 2 * 64 - 1, 64, "/d/.ferry-x.part");
    tempdir_write(&top, name, "x");
    assert_int_equal(sweep_parts(&root, end_of_time, &removed, NULL), FERRY_OK);
    assert_int_equal(removed, 0);
    root_fini(&root);
    tempdir_remove(&top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_parts_go_and_all_else_stays),
        cmocka_unit_test(depth_has_an_end),
    };
    return cmocka_run_group_tests_name("store/sweep", tests, NULL, NULL);
}
