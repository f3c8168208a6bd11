/* store/move: a taken name is never replaced unasked, whatever the file system can do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/move.h"
#include "support/tempdir.h"

struct ways {
    const char *name;
    int (*move)(int dir_fd, const char *from, const char *to);
};

static int by_flag(int dir_fd, const char *from, const char *to)
{
    return move_at(dir_fd, from, dir_fd, to, false);
}

static int by_link(int dir_fd, const char *from, const char *to)
{
    return move_by_link(dir_fd, from, dir_fd, to);
}

static const struct ways ways[] = {{"flag", by_flag}, {"link", by_link}};

static void never_replaces_by_either_way(void **state)
{
    static const struct {
        const char *from, *to;
        int expected; /* errno */
    } cases[] = {
        {"file", "new", 0},           {"dir", "new", 0},
        {"link", "new", 0},           {"file", "file", EEXIST},
        {"file", "other", EEXIST},    {"file", "dangling", EEXIST},
        {"file", "empty", EEXIST},    {"dir", "empty", EEXIST},
        {"dir", "other", EEXIST},     {"link", "other", EEXIST},
        {"dir", "dir/below", EINVAL}, {"none", "new", ENOENT},
        {"file", "none/new", ENOENT},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(ways); i++) {
        size_t at = i / ARRAY_LEN(ways);
        const struct ways *way = &ways[i % ARRAY_LEN(ways)];
        struct tempdir top;
        tempdir_make(&top);
        tempdir_write(&top, "file", "file");
        tempdir_write(&top, "other", "other");
        tempdir_mkdir(&top, "dir/inside");
        tempdir_mkdir(&top, "empty");
        tempdir_symlink(&top, "file", "link");
        tempdir_symlink(&top, "nothing", "dangling");

        errno = 0;
        int result = way->move(top.fd, cases[at].from, cases[at].to);
        if ((result == 0 ? 0 : errno) != cases[at].expected)
            print_error("%s to %s by %s: errno %d\n", cases[at].from, cases[at].to, way->name,
                        errno);
        assert_int_equal(result == 0 ? 0 : errno, cases[at].expected);
        assert_int_equal(result, cases[at].expected == 0 ? 0 : -1);
        if (result == 0)
            assert_false(tempdir_has(&top, cases[at].from));
        tempdir_assert_text(&top, "other", "other");
        assert_true(tempdir_has(&top, cases[at].to) || result < 0);
        tempdir_remove(&top);
    }
}

static void replaces_when_asked_to(void **state)
{
    (void)state;
    struct tempdir top;
    tempdir_make(&top);
    tempdir_write(&top, "file", "file");
    tempdir_write(&top, "other", "other");
    assert_int_equal(move_at(top.fd, "file", top.fd, "other", true), 0);
    tempdir_assert_text(&top, "other", "file");
    assert_int_equal(tempdir_count(&top, "."), 1);
    tempdir_remove(&top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_replaces_by_either_way),
        cmocka_unit_test(replaces_when_asked_to),
    };
    return cmocka_run_group_tests_name("store/move", tests, NULL, NULL);
}
