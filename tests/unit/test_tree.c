/* store/tree, store/entry: deeds on names, by both resolvers. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "store/part.h"
#include "store/tree.h"
#include "support/alloc_fail.h"
#include "support/flipper.h"
#include "support/tempdir.h"

/* As in test_root: top/outside/secret is what nobody must reach; top/root is the root. */
struct fixture {
    struct tempdir top;
    struct root root;
};

static struct fixture fixture;

static int setup(enum root_resolver resolver)
{
    tempdir_make(&fixture.top);
    tempdir_mkdir(&fixture.top, "outside");
    tempdir_write(&fixture.top, "outside/secret", "secret");
    tempdir_mkdir(&fixture.top, "root/a/b");
    tempdir_write(&fixture.top, "root/a/b/file", "inside");
    tempdir_symlink(&fixture.top, "a/b/file", "root/in");
    tempdir_symlink(&fixture.top, "../outside/secret", "root/out");
    tempdir_symlink(&fixture.top, "../outside", "root/out-dir");
    tempdir_symlink(&fixture.top, "nothing", "root/dangling");

    char path[PATH_MAX];
    assert_int_equal(root_init(&fixture.root, tempdir_path(&fixture.top, "root", path),
                               ROOT_LINKS_BENEATH, 027, NULL),
                     FERRY_OK);
    fixture.root.resolver = resolver;
    return 0;
}

static int setup_openat2(void **state)
{
    (void)state;
    return setup(ROOT_BY_OPENAT2);
}

static int setup_walk(void **state)
{
    (void)state;
    return setup(ROOT_BY_WALK);
}

static int teardown(void **state)
{
    (void)state;
    tempdir_assert_text(&fixture.top, "outside/secret", "secret");
    assert_int_equal(tempdir_count(&fixture.top, "outside"), 1);
    root_fini(&fixture.root);
    tempdir_remove(&fixture.top);
    return 0;
}

static void make_special_files(void)
{
    assert_int_equal(mkfifoat(fixture.top.fd, "root/fifo", 0666), 0);

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(snprintf(address.sun_path, sizeof(address.sun_path), "%s/root/socket",
                         fixture.top.path) < (int)sizeof(address.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

static void sec_34_fifo_and_socket_never_block_and_are_refused(void **state)
{
    (void)state;
    make_special_files();
    static const char *const paths[] = {"/fifo", "/socket", "/a", "/"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct bytes path = bytes_str(paths[i]);
        int fd;
        struct stat status;
        struct part part;
        assert_int_equal(tree_open_file(&fixture.root, path, &fd, &status, NULL), FERRY_E_DENIED);
        assert_int_equal(fd, -1);
        assert_int_equal(part_begin(&fixture.root, path, &(struct part_want){0}, &part, NULL),
                         FERRY_E_DENIED);
    }
    assert_int_equal(tree_set_mode(&fixture.root, BYTES_LIT("/fifo"), 0600, NULL), FERRY_E_DENIED);
}

static void ftp_60_open_file(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error expected;
    } cases[] = {
        {"/a/b/file", FERRY_OK},     {"/in", FERRY_OK},
        {"/out", FERRY_E_DENIED},    {"/none", FERRY_E_NOT_FOUND},
        {"/a/b", FERRY_E_DENIED},    {"/a/b/file/x", FERRY_E_NOT_FOUND},
        {"/a/..", FERRY_E_ARGUMENT}, {"/dangling", FERRY_E_NOT_FOUND},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stat status;
        int fd;
        enum ferry_error error =
            tree_open_file(&fixture.root, bytes_str(cases[i].path), &fd, &status, NULL);
        assert_int_equal(error, cases[i].expected);
        assert_int_equal(fd >= 0, error == FERRY_OK);
        if (error == FERRY_OK)
            assert_int_equal(status.st_size, strlen("inside"));
        fd_close(&fd);
    }
}

static void ftp_132_facts_of_files_directories_and_links(void **state)
{
    static const struct {
        const char *path, *name;
        mode_t self, what;
        const char *link_text;
    } cases[] = {
        {"/", "", S_IFDIR, S_IFDIR, NULL},
        {"/a", "a", S_IFDIR, S_IFDIR, NULL},
        {"/a/b/file", "file", S_IFREG, S_IFREG, NULL},
        {"/fifo", "fifo", S_IFIFO, S_IFIFO, NULL},
        {"/in", "in", S_IFLNK, S_IFREG, "a/b/file"},
        {"/a/dir", "dir", S_IFLNK, S_IFDIR, "../a"},
        {"/out", "out", S_IFLNK, S_IFLNK, "../outside/secret"},
        {"/out-dir", "out-dir", S_IFLNK, S_IFLNK, "../outside"},
        {"/dangling", "dangling", S_IFLNK, S_IFLNK, "nothing"},
    };
    (void)state;
    make_special_files();
    tempdir_symlink(&fixture.top, "../a", "root/a/dir");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(entry_fini) struct entry entry;
        assert_int_equal(tree_stat(&fixture.root, bytes_str(cases[i].path), &entry, NULL),
                         FERRY_OK);
        assert_string_equal(entry.name, cases[i].name);
        assert_int_equal(entry.self.st_mode & S_IFMT, cases[i].self);
        assert_int_equal(entry.what.st_mode & S_IFMT, cases[i].what);
        if (cases[i].link_text)
            assert_string_equal(entry.link_text, cases[i].link_text);
        else
            assert_null(entry.link_text);
    }
}

static void ftp_132_denied_links_lead_nowhere(void **state)
{
    (void)state;
    fixture.root.links = ROOT_LINKS_DENY;
    CLEANUP(entry_fini) struct entry entry;
    assert_int_equal(tree_stat(&fixture.root, BYTES_LIT("/in"), &entry, NULL), FERRY_OK);
    assert_true(S_ISLNK(entry.what.st_mode));
}

static void stat_fails_where_there_is_nothing(void **state)
{
    (void)state;
    struct entry entry;
    assert_int_equal(tree_stat(&fixture.root, BYTES_LIT("/none"), &entry, NULL), FERRY_E_NOT_FOUND);
    assert_int_equal(tree_stat(&fixture.root, BYTES_LIT("/none/x"), &entry, NULL),
                     FERRY_E_NOT_FOUND);
    assert_int_equal(tree_stat(&fixture.root, BYTES_LIT("/out-dir/secret"), &entry, NULL),
                     FERRY_E_DENIED);
}

static enum ferry_error stat_a_link(void *ctx)
{
    (void)ctx;
    struct entry entry;
    enum ferry_error error = tree_stat(&fixture.root, BYTES_LIT("/in"), &entry, NULL);
    if (error == FERRY_OK)
        entry_fini(&entry);
    return error;
}

static void stat_reports_failing_allocations(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(stat_a_link, NULL, 10), 1);
}

static void ftp_113_check_dir(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error expected;
    } cases[] = {
        {"/", FERRY_OK},
        {"/a/b", FERRY_OK},
        {"/to-b", FERRY_OK},
        {"/a/b/file", FERRY_E_NOT_FOUND},
        {"/none", FERRY_E_NOT_FOUND},
        {"/out-dir", FERRY_E_DENIED},
    };
    (void)state;
    tempdir_symlink(&fixture.top, "a/b", "root/to-b");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(tree_check_dir(&fixture.root, bytes_str(cases[i].path), NULL),
                         cases[i].expected);
}

static void ftp_111_make_dir(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error expected;
    } cases[] = {
        {"/new", FERRY_OK},
        {"/new", FERRY_E_EXISTS},
        {"/new/deeper", FERRY_OK},
        {"/a/b/file", FERRY_E_EXISTS},
        {"/dangling", FERRY_E_EXISTS},
        {"/none/new", FERRY_E_NOT_FOUND},
        {"/a/b/file/new", FERRY_E_NOT_FOUND},
        {"/out-dir/new", FERRY_E_DENIED},
        {"/", FERRY_E_DENIED},
        {"/.ferry-x.part", FERRY_E_DENIED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(tree_make_dir(&fixture.root, bytes_str(cases[i].path), NULL),
                         cases[i].expected);
    struct stat status;
    assert_int_equal(fstatat(fixture.top.fd, "root/new", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0750);
}

static void ftp_112_remove_dir(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error expected;
    } cases[] = {
        {"/a", FERRY_E_DENIED}, /* not empty */
        {"/", FERRY_E_DENIED},        {"/a/b/file", FERRY_E_NOT_FOUND},
        {"/none", FERRY_E_NOT_FOUND}, {"/to-empty", FERRY_E_NOT_FOUND}, /* a link is no directory */
        {"/empty", FERRY_OK},         {"/empty", FERRY_E_NOT_FOUND},
    };
    (void)state;
    tempdir_mkdir(&fixture.top, "root/empty");
    tempdir_symlink(&fixture.top, "empty", "root/to-empty");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(tree_remove_dir(&fixture.root, bytes_str(cases[i].path), NULL),
                         cases[i].expected);
    tempdir_assert_text(&fixture.top, "root/a/b/file", "inside");
}

static void remove_dir_takes_abandoned_parts_with_it(void **state)
{
    (void)state;
    tempdir_mkdir(&fixture.top, "root/d");
    tempdir_write(&fixture.top, "root/d/.ferry-one=x.part", "x");
    tempdir_write(&fixture.top, "root/d/file", "x");
    assert_int_equal(tree_remove_dir(&fixture.root, BYTES_LIT("/d"), NULL), FERRY_E_DENIED);
    assert_int_equal(tempdir_count(&fixture.top, "root/d"), 2);

    assert_int_equal(tree_remove(&fixture.root, BYTES_LIT("/d/file"), NULL), FERRY_OK);
    struct part part;
    assert_int_equal(
        part_begin(&fixture.root, BYTES_LIT("/d/new"), &(struct part_want){0}, &part, NULL),
        FERRY_OK);
    assert_int_equal(tree_remove_dir(&fixture.root, BYTES_LIT("/d"), NULL), FERRY_E_DENIED);
    assert_int_equal(part_commit(&part, PART_SYNC_NONE, NULL), FERRY_OK);
    assert_int_equal(tree_remove(&fixture.root, BYTES_LIT("/d/new"), NULL), FERRY_OK);

    tempdir_write(&fixture.top, "root/d/.ferry-two=x.part", "x");
    assert_int_equal(tree_remove_dir(&fixture.root, BYTES_LIT("/d"), NULL), FERRY_OK);
    assert_false(tempdir_has(&fixture.top, "root/d"));
}

static void ftp_116_remove(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error expected;
    } cases[] = {
        {"/a", FERRY_E_DENIED},
        {"/", FERRY_E_DENIED},
        {"/none", FERRY_E_NOT_FOUND},
        {"/in", FERRY_OK},
        {"/out", FERRY_OK},
        {"/out-dir", FERRY_OK},
        {"/dangling", FERRY_OK},
        {"/fifo", FERRY_OK},
        {"/a/b/file", FERRY_OK},
        {"/a/b/file", FERRY_E_NOT_FOUND},
        {"/a/b/.ferry-x.part", FERRY_E_DENIED},
    };
    (void)state;
    make_special_files();
    tempdir_write(&fixture.top, "root/a/b/.ferry-x.part", "x");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(tree_remove(&fixture.root, bytes_str(cases[i].path), NULL),
                         cases[i].expected);
        if (strcmp(cases[i].path, "/in") == 0)
            tempdir_assert_text(&fixture.top, "root/a/b/file", "inside");
    }
}

static void ftp_115_rename(void **state)
{
    static const struct {
        const char *from, *to;
        bool replace;
        enum ferry_error expected;
    } cases[] = {
        {"/a/b/file", "/file", false, FERRY_OK},
        {"/file", "/file", false, FERRY_E_EXISTS},
        {"/file", "/other", false, FERRY_E_EXISTS},
        {"/file", "/dangling", false, FERRY_E_EXISTS},
        {"/file", "/a", false, FERRY_E_EXISTS},
        {"/file", "/a", true, FERRY_E_DENIED},
        {"/a", "/file", true, FERRY_E_DENIED},
        {"/a", "/a/b/c", false, FERRY_E_ARGUMENT}, /* FTP-115 */
        {"/a", "/a/b/c", true, FERRY_E_ARGUMENT},
        {"/none", "/x", false, FERRY_E_NOT_FOUND},
        {"/none", "/other", false, FERRY_E_NOT_FOUND},
        {"/file", "/none/x", false, FERRY_E_NOT_FOUND},
        {"/file", "/out-dir/x", false, FERRY_E_DENIED},
        {"/out-dir/secret", "/x", false, FERRY_E_DENIED},
        {"/", "/x", false, FERRY_E_DENIED},
        {"/file", "/", true, FERRY_E_DENIED},
        {"/file", "/.ferry-x.part", false, FERRY_E_DENIED},
        {"/file", "/other", true, FERRY_OK},
        {"/a", "/moved", false, FERRY_OK},
        {"/out", "/moved/b/out", false, FERRY_OK}, /* the link itself */
    };
    (void)state;
    tempdir_write(&fixture.top, "root/other", "other");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fault fault = {0};
        enum ferry_error error = tree_rename(&fixture.root, bytes_str(cases[i].from),
                                             bytes_str(cases[i].to), cases[i].replace, &fault);
        if (error != cases[i].expected)
            print_error("%s to %s: %s\n", cases[i].from, cases[i].to, fault.what);
        assert_int_equal(error, cases[i].expected);
    }
    tempdir_assert_text(&fixture.top, "root/other", "inside");
    assert_true(tempdir_has(&fixture.top, "root/moved/b/out"));
}

static void sec_37_set_mode(void **state)
{
    (void)state;
    struct stat status;
    assert_int_equal(tree_set_mode(&fixture.root, BYTES_LIT("/in"), 0640, NULL), FERRY_OK);
    assert_int_equal(fstatat(fixture.top.fd, "root/a/b/file", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(tree_set_mode(&fixture.root, BYTES_LIT("/a/b/file"), 04755, NULL),
                     FERRY_E_ARGUMENT);
    assert_int_equal(tree_set_mode(&fixture.root, BYTES_LIT("/out"), 0777, NULL), FERRY_E_DENIED);
    assert_int_equal(tree_set_mode(&fixture.root, BYTES_LIT("/dangling"), 0777, NULL),
                     FERRY_E_NOT_FOUND);
    assert_int_equal(fstatat(fixture.top.fd, "root/a/b/file", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
}

static void mtime_is_set_to_the_nanosecond(void **state)
{
    (void)state;
    static const struct timespec times[] = {{1234567890, 123456789}, {0, 0}, {-86400, 1}};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct stat before, status;
        assert_int_equal(fstatat(fixture.top.fd, "root/a/b/file", &before, 0), 0);
        assert_int_equal(tree_set_mtime(&fixture.root, BYTES_LIT("/in"), times[i], NULL), FERRY_OK);
        assert_int_equal(fstatat(fixture.top.fd, "root/a/b/file", &status, 0), 0);
        assert_int_equal(status.st_mtim.tv_sec, times[i].tv_sec);
        assert_int_equal(status.st_mtim.tv_nsec, times[i].tv_nsec);
        assert_int_equal(status.st_atim.tv_sec, before.st_atim.tv_sec);
    }
    assert_int_equal(tree_set_mtime(&fixture.root, BYTES_LIT("/a"), times[0], NULL), FERRY_OK);
    assert_int_equal(tree_set_mtime(&fixture.root, BYTES_LIT("/out"), times[0], NULL),
                     FERRY_E_DENIED);
}

static void free_bytes(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_int_equal(tree_free_bytes(&fixture.root, BYTES_LIT("/a"), &bytes, NULL), FERRY_OK);
    assert_true(bytes > 0);
    assert_int_equal(tree_free_bytes(&fixture.root, BYTES_LIT("/none"), &bytes, NULL),
                     FERRY_E_NOT_FOUND);
}

/* What this process may do is asked of the system for its effective user, so the test becomes one.
 */
static void ftp_134_rights_of_an_ordinary_user(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct stat status;
    struct entry entry;
    int fd;
    assert_int_equal(fchmod(fixture.top.fd, 0755), 0);
    tempdir_mkdir(&fixture.top, "root/closed");
    assert_int_equal(fchmodat(fixture.top.fd, "root/closed", 0744, 0), 0);
    tempdir_symlink(&fixture.top, "a", "root/to-a");
    assert_int_equal(seteuid(65534), 0);

    assert_int_equal(tree_stat(&fixture.root, BYTES_LIT("/in"), &entry, NULL), FERRY_OK);
    assert_true(entry.may_read && !entry.may_write && !entry.may_enter);
    entry_fini(&entry);
    assert_int_equal(tree_stat(&fixture.root, BYTES_LIT("/to-a"), &entry, NULL), FERRY_OK);
    assert_true(entry.may_read && !entry.may_write && entry.may_enter);
    entry_fini(&entry);
    assert_int_equal(tree_stat(&fixture.root, BYTES_LIT("/closed"), &entry, NULL), FERRY_OK);
    assert_true(entry.may_read && !entry.may_write && !entry.may_enter);
    assert_int_equal(tree_stat(&fixture.root, BYTES_LIT("/"), &entry, NULL), FERRY_OK);
    assert_true(entry.may_read && !entry.may_write && entry.may_enter);
    assert_int_equal(tree_check_dir(&fixture.root, BYTES_LIT("/closed"), NULL), FERRY_E_DENIED);
    assert_int_equal(tree_open_file(&fixture.root, BYTES_LIT("/closed/x"), &fd, &status, NULL),
                     FERRY_E_DENIED);
    assert_int_equal(tree_make_dir(&fixture.root, BYTES_LIT("/new"), NULL), FERRY_E_DENIED);
    assert_int_equal(tree_remove(&fixture.root, BYTES_LIT("/in"), NULL), FERRY_E_DENIED);
    assert_int_equal(tree_set_mode(&fixture.root, BYTES_LIT("/a"), 0777, NULL), FERRY_E_DENIED);

    assert_int_equal(seteuid(0), 0);
}

enum { TURNS = 2000 };

/* Every deed that changes something, through a name that is now a directory, now a link to one
 * outside; the teardown sees whether anything there was touched. */
static void sec_33_no_deed_reaches_outside(void **state)
{
    (void)state;
    tempdir_mkdir(&fixture.top, "root/flip");
    tempdir_write(&fixture.top, "root/flip/secret", "inside");
    tempdir_symlink(&fixture.top, "../outside", "root/link");
    struct stat before, after;
    assert_int_equal(fstatat(fixture.top.fd, "outside/secret", &before, 0), 0);

    int dir_fd = openat(fixture.top.fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct flipper flipper;
    flipper_start(&flipper, dir_fd, "flip", "link");
    int done = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        struct timespec time = {turn, 0};
        done += tree_make_dir(&fixture.root, BYTES_LIT("/flip/dir"), NULL) == FERRY_OK;
        done += tree_rename(&fixture.root, BYTES_LIT("/flip/dir"), BYTES_LIT("/flip/dir2"), false,
                            NULL) == FERRY_OK;
        done += tree_remove_dir(&fixture.root, BYTES_LIT("/flip/dir2"), NULL) == FERRY_OK;
        done += tree_set_mode(&fixture.root, BYTES_LIT("/flip/secret"), 0604, NULL) == FERRY_OK;
        done += tree_set_mtime(&fixture.root, BYTES_LIT("/flip/secret"), time, NULL) == FERRY_OK;
        done += tree_remove(&fixture.root, BYTES_LIT("/flip/secret"), NULL) == FERRY_OK;
        CLEANUP(part_fini) struct part part;
        if (part_begin(&fixture.root, BYTES_LIT("/flip/secret"), &(struct part_want){0}, &part,
                       NULL) == FERRY_OK)
            done += part_commit(&part, PART_SYNC_NONE, NULL) == FERRY_OK;
    }
    flipper_stop(&flipper);
    close(dir_fd);
    assert_int_not_equal(done, 0);

    assert_int_equal(fstatat(fixture.top.fd, "outside/secret", &after, 0), 0);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    assert_int_equal(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

#define BY_BOTH(test)                                                                              \
    {#test " (openat2)", test, setup_openat2, teardown, NULL},                                     \
    {                                                                                              \
#test " (walk)", test, setup_walk, teardown, NULL                                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BY_BOTH(sec_34_fifo_and_socket_never_block_and_are_refused),
        BY_BOTH(ftp_60_open_file),
        BY_BOTH(ftp_132_facts_of_files_directories_and_links),
        BY_BOTH(ftp_132_denied_links_lead_nowhere),
        BY_BOTH(stat_fails_where_there_is_nothing),
        BY_BOTH(stat_reports_failing_allocations),
        BY_BOTH(ftp_113_check_dir),
        BY_BOTH(ftp_111_make_dir),
        BY_BOTH(ftp_112_remove_dir),
        BY_BOTH(remove_dir_takes_abandoned_parts_with_it),
        BY_BOTH(ftp_116_remove),
        BY_BOTH(ftp_115_rename),
        BY_BOTH(sec_37_set_mode),
        BY_BOTH(mtime_is_set_to_the_nanosecond),
        BY_BOTH(free_bytes),
        BY_BOTH(ftp_134_rights_of_an_ordinary_user),
        BY_BOTH(sec_33_no_deed_reaches_outside),
    };
    return cmocka_run_group_tests_name("store/tree", tests, NULL, NULL);
}
