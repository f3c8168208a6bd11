/* store/subtree: a directory with all beneath it, added up and removed (FTP-180, FTP-181, SEC-55).
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/subtree.h"
#include "support/alloc_fail.h"
#include "support/part_kit.h"

typedef enum ferry_error begin_fn(const struct root *root, struct bytes path,
                                  const struct subtree_limits *limits, struct subtree **out,
                                  struct fault *fault);

static struct fault told;

/* All of it. Says how many steps it took. */
static enum ferry_error run(begin_fn *begin, const char *path, const struct subtree_limits *limits,
                            uint64_t *bytes, unsigned *steps)
{
    struct subtree *subtree;
    told = (struct fault){0};
    enum ferry_error error = begin(&part_kit.root, bytes_str(path), limits, &subtree, &told);
    bool done = false;
    for (*steps = 0; error == FERRY_OK && !done; ++*steps)
        error = subtree_step(subtree, &done, &told);
    *bytes = subtree ? subtree_bytes(subtree) : 0;
    assert_int_equal(error != FERRY_OK, fault_is_set(&told));
    subtree_free(subtree);
    return error;
}

/* Files of 3, 5 and 7 bytes beneath "d", links out of it and to its own parent, and one upload that
 * nobody goes on with. */
static void fill(void)
{
    tempdir_mkdir(&part_kit.top, "d");
    tempdir_mkdir(&part_kit.top, "d/e");
    tempdir_mkdir(&part_kit.top, "d/e/empty");
    tempdir_write(&part_kit.top, "d/a", "123");
    tempdir_write(&part_kit.top, "d/e/.b", "12345");
    tempdir_write(&part_kit.top, "d/e/c", "1234567");
    tempdir_mkdir(&part_kit.top, "beside");
    tempdir_write(&part_kit.top, "beside/file", "not counted");
    tempdir_symlink(&part_kit.top, "../../beside", "d/e/out");
    tempdir_symlink(&part_kit.top, "../a", "d/e/again");
    tempdir_symlink(&part_kit.top, "..", "d/e/up");
    tempdir_symlink(&part_kit.top, "d", "link");
    part_kit_leave_kept("/d/upload", "cut");
}

static void ftp_180_sums(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error error;
        uint64_t bytes;
    } cases[] = {
        {"/d", FERRY_OK, 15},
        {"/d/e", FERRY_OK, 12},
        {"/d/e/empty", FERRY_OK, 0},
        {"/link", FERRY_OK, 15},
        {"/", FERRY_OK, 26},
        {"/d/a", FERRY_E_NOT_FOUND, 0},
        {"/none", FERRY_E_NOT_FOUND, 0},
        {"/d/e/../..", FERRY_E_ARGUMENT, 0},
    };
    (void)state;
    fill();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t bytes;
        unsigned steps;
        assert_int_equal(run(subtree_sum, cases[i].path, &subtree_limits_default, &bytes, &steps),
                         cases[i].error);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void ftp_181_removes_all_beneath_and_follows_no_link(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error error;
    } refused[] = {
        {"/link", FERRY_E_NOT_FOUND},
        {"/d/a", FERRY_E_NOT_FOUND},
        {"/", FERRY_E_DENIED},
        {"/none", FERRY_E_NOT_FOUND},
    };
    uint64_t bytes;
    unsigned steps;
    (void)state;
    fill();
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_int_equal(
            run(subtree_remove, refused[i].path, &subtree_limits_default, &bytes, &steps),
            refused[i].error);
    tempdir_assert_text(&part_kit.top, "d/a", "123");
    assert_int_equal(run(subtree_remove, "/d", &subtree_limits_default, &bytes, &steps), FERRY_OK);
    assert_false(tempdir_has(&part_kit.top, "d"));
    tempdir_assert_text(&part_kit.top, "beside/file", "not counted");
}

/* An upload that is under way keeps its directory, and is not harmed. */
static void ftp_181_uploads_are_left_alone(void **state)
{
    uint64_t bytes;
    unsigned steps;
    (void)state;
    tempdir_mkdir(&part_kit.top, "d");
    struct part part = part_kit_begin_new("/d/file");
    part_kit_put(&part, "content");
    assert_int_equal(run(subtree_remove, "/d", &subtree_limits_default, &bytes, &steps),
                     FERRY_E_TEMPORARY);
    part_kit_commit(&part);
    tempdir_assert_text(&part_kit.top, "d/file", "content");
    assert_int_equal(run(subtree_remove, "/d", &subtree_limits_default, &bytes, &steps), FERRY_OK);
}

static void deep_directories(void **state)
{
    enum { DEPTH = 100 };
    uint64_t bytes;
    unsigned steps;
    (void)state;
    int fd = dup(part_kit.top.fd);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdirat(fd, "d", 0700), 0);
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
        close(fd);
        fd = next;
    }
    close(fd);
    assert_int_equal(run(subtree_sum, "/d", &subtree_limits_default, &bytes, &steps), FERRY_OK);
    assert_int_equal(run(subtree_remove, "/d", &subtree_limits_default, &bytes, &steps), FERRY_OK);
    assert_int_equal(tempdir_count(&part_kit.top, "."), 0);
}

/* ---- bounds ---- */

static void fill_many(unsigned count)
{
    char name[32];
    tempdir_mkdir(&part_kit.top, "many");
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "many/%u", i);
        assert_int_equal(mknodat(part_kit.top.fd, name, S_IFREG | 0600, 0), 0);
    }
}

static void sec_55_a_step_is_short(void **state)
{
    enum { DIRECTORIES = SUBTREE_STEP_ENTRIES };
    uint64_t bytes;
    unsigned steps;
    char name[32];
    (void)state;
    tempdir_mkdir(&part_kit.top, "many");
    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf(name, sizeof(name), "many/%d", i);
        tempdir_mkdir(&part_kit.top, name);
    }
    assert_int_equal(run(subtree_sum, "/many", &subtree_limits_default, &bytes, &steps), FERRY_OK);
    assert_true(steps >= 2);
}

static void ftp_180_no_more_than_so_many_entries(void **state)
{
    enum { MOST = 50 };
    uint64_t bytes;
    unsigned steps;
    struct subtree_limits few = subtree_limits_default;
    (void)state;
    assert_int_equal(few.entries_max, 100000);
    assert_int_equal(few.time_ns, 10 * CLOCK_NS_PER_S);
    few.entries_max = MOST;
    fill_many(MOST + 1);
    assert_int_equal(run(subtree_sum, "/many", &few, &bytes, &steps), FERRY_E_TEMPORARY);
    /* What was removed stays so: asked again, it ends. */
    assert_int_equal(run(subtree_remove, "/many", &few, &bytes, &steps), FERRY_E_TEMPORARY);
    assert_int_equal(run(subtree_remove, "/many", &few, &bytes, &steps), FERRY_OK);
    assert_false(tempdir_has(&part_kit.top, "many"));
}

static uint64_t slow_ns(void *ctx)
{
    uint64_t *now_ns = ctx;
    *now_ns += 4 * CLOCK_NS_PER_S;
    return *now_ns;
}

static void ftp_180_no_longer_than_10_seconds(void **state)
{
    uint64_t now_ns = 0, bytes;
    unsigned steps;
    const struct clock slow_clock = {.monotonic_ns = slow_ns, .ctx = &now_ns};
    struct subtree_limits slow = subtree_limits_default;
    slow.clock = &slow_clock;
    (void)state;
    fill();
    assert_int_equal(run(subtree_sum, "/d", &slow, &bytes, &steps), FERRY_OK);
    struct subtree *subtree;
    bool done;
    assert_int_equal(subtree_sum(&part_kit.root, BYTES_LIT("/d"), &slow, &subtree, &told),
                     FERRY_OK);
    now_ns += slow.time_ns;
    assert_int_equal(subtree_step(subtree, &done, &told), FERRY_E_TEMPORARY);
    subtree_free(subtree);
}

static enum ferry_error sum_all(void *ctx)
{
    uint64_t bytes;
    unsigned steps;
    (void)ctx;
    enum ferry_error error = run(subtree_sum, "/d", &subtree_limits_default, &bytes, &steps);
    if (error == FERRY_OK)
        assert_int_equal(bytes, 15);
    return error;
}

static void short_memory_is_told(void **state)
{
    (void)state;
    fill();
    assert_true(alloc_fail_each(sum_all, NULL, 20) > 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, part_kit_open, part_kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(ftp_180_sums),
        CASE(ftp_181_removes_all_beneath_and_follows_no_link),
        CASE(ftp_181_uploads_are_left_alone),
        CASE(deep_directories),
        CASE(sec_55_a_step_is_short),
        CASE(ftp_180_no_more_than_so_many_entries),
        CASE(ftp_180_no_longer_than_10_seconds),
        CASE(short_memory_is_told),
    };
    return cmocka_run_group_tests_name("store/subtree", tests, NULL, NULL);
}
